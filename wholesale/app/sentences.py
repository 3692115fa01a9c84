"""What the page says of a prediction, in plain sentences; nothing here is HTML."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

import numpy as np

from wholesale.columns import MODELS, NOTABLE, Categories
from wholesale.criteria import FIRM
from wholesale.explain import Change, Explanation
from wholesale.palette import SAME, SIMILAR, relation
from wholesale.predict import Prediction, Predictor, Reading
from wholesale.wording import counted, few, format_amount, format_share, lacking, listed, rounded

CLOSE, CLEAR = 1.15, 1.5  # one customer in eight on record is no clearer, and three in five are clearer
TINY = 1e-12
ALIKE = 1.05  # times as large or small, up to where two amounts are called alike
UNLIKE = 3  # times as large or small, from where the nearest customer on record is not much like one
WEIGHTY = 0.2  # a category is named as a reason from this share of the weightiest one
CONTESTED = 0.5  # share of careful analyses under which most of them place such customers elsewhere
BARELY = 0.25  # what speaks for a segment outweighs the rest by less than this share of all
USUAL, REPEATED = 1 / 3, 0.1  # share of customers with one amount, or all, alike that hinders a mixture
FLAT = 1e-4  # share of the largest variance under which categories follow from each other

GLOSSARY = {
    "m.u.": "Monetary units: the source does not say which currency.",
    "horeca": "Hotels, restaurants and cafés.",
    "centre": "The average customer of a segment. Averages are taken of logarithms, so that a few very large "
    "customers do not decide, and written back in the unit.",
    "familiar": "The share of customers on record whom the Gaussian mixture finds less likely than this one.",
    "unusual": "Few of those on record are less likely than this one, says the Gaussian mixture.",
    "gaussian mixture": "A model of overlapping clouds: every segment has a probability for each customer.",
    "how sure": "Sure: one centre is clearly the nearest, the most similar customers are in its segment, and "
    "all models and other analyses agree, as far as there are any. Unsure: a close call, unlike almost all "
    "on record, or most other analyses place such customers elsewhere. Fairly sure: anything between.",
    "ward": "A tree that joins the two most similar groups of customers again and again, cut into segments.",
    "drawn anew": "Customers are drawn at random, with replacement, and the model is fitted again, often. "
    "The figure is the mean Jaccard index, 0 to 1: of the customers in a segment, or in the one that is then "
    "closest to it, the share that is in both.",
    "in common": "The Jaccard index: of the customers in either of two segments, the share that is in both.",
    "variation": "The map is drawn along the two directions in which customers differ most, the first two "
    "principal components. What they do not show, it cannot show.",
}
"""Words of the page that are explained where they stand."""

RELATIONS = {"same": "The same as", "similar": "Similar to", "no counterpart": "Not a counterpart of"}
NO_MIXTURE = "There is no Gaussian mixture of these customers."

RULE = (
    "A name says what a segment buys most above the average customer and, after few or little, most below; "
    "all round means all categories."
)
TIES = " More and less, than the average too, tell equal names apart."

SHAPES = {
    "tied": "one shape for all its components (tied covariances)",
    "diag": "components without correlations (diag covariances)",
    "spherical": "round components (spherical covariances)",
}

CONVENTION = (
    "Each model cuts the customers its own way and names its own segments. Where two names would say the "
    "reverse of mostly the same customers, the weaker leaves it out. We call two segments similar from "
    f"{SIMILAR:.0%} of their customers in common, the same from {SAME:.0%}; a model agrees when its segment "
    "is similar or the same."
)


@lru_cache(maxsize=4)
def groups(predictor: Predictor) -> str:
    """Say what the words in names of segments stand for."""
    label, known = predictor.categories.label, predictor.categories.groups
    members = {group: listed([*map(label, each)]) for group, each in known.items()}
    told = "; ".join(f"{each} {'are' if few(each) else 'means'} {of}" for each, of in members.items())
    names = ",".join(name for names in predictor.names.values() for name in names)
    rule = RULE + TIES * (", more " in names or ", less " in names)
    return f"{rule} In them {told}." if told else rule


def familiarity(prediction: Prediction) -> str:
    """Say how usual a customer is among those on record."""
    if prediction.familiarity is None:
        return "How familiar cannot be told, as there is no mixture"
    if prediction.unfamiliar:
        return "Unlike 99% of the customers on record"
    kind, only = ("Unusual", "only ") if prediction.familiarity < 0.1 else ("Familiar", "")
    return f"{kind}: more typical than {only}{probability(prediction.familiarity)} of customers"


def probability(share: float) -> str:
    """Write a share that is never all or nothing, though its rounding may be."""
    return format_share(min(max(share, TINY), 1 - TINY))


def agreement(predictor: Predictor, prediction: Prediction) -> str:
    """Say which models have the customer in a segment like that of K-Means."""
    others = {m: getattr(prediction, m).overlap >= SIMILAR for m in predictor.models if m != "kmeans"}
    against = [MODELS[model] for model, agrees in others.items() if not agrees]
    n = len(others) + 1
    if not against:
        return f"{'all' if n > 2 else 'both'} {n} models agree"
    if len(against) < len(others):
        return f"{n - len(against)} of {n} models agree: not {listed(against)}"
    single = alone(predictor, prediction.kmeans.segment)
    return f"only {MODELS['kmeans']} {'has such a segment' if single else 'says so'}"


def verdict(predictor: Predictor, prediction: Prediction) -> str:
    """Say, after the segment's name, how sure it is for this customer."""
    second = predictor.names["kmeans"][int(np.argsort(prediction.kmeans.scores, kind="stable")[1])]
    how = "clearly" if prediction.clarity >= CLEAR else f"with {second} next"
    if prediction.unfamiliar:
        how = "but only as the nearest there is"
    elif prediction.clarity < CLOSE:
        how = f"but a close call with {second}"
    return f", {how}; {agreement(predictor, prediction)}."


def sureness(predictor: Predictor, prediction: Prediction, explanation: Explanation) -> str:
    """Say in a word how sure the segment is for this customer."""
    segment, all_agree = prediction.kmeans.segment, prediction.agreement == len(predictor.models)
    alike = placed_alike(predictor, segment, explanation)
    if prediction.unfamiliar or prediction.clarity < CLOSE or alike < CONTESTED:
        return "unsure"
    sure = prediction.clarity >= CLEAR and all_agree and among(explanation, segment) and alike >= FIRM
    return "sure" if sure else "fairly sure"


def nearness(prediction: Prediction) -> list[tuple[float, str]]:
    """Give for each K-Means segment the length of its bar (0…1, long where near), and what it says."""
    least = min(prediction.kmeans.scores)
    told = []
    for distance in prediction.kmeans.scores:
        times = distance / least if least else np.inf
        said = "far" if times >= 10 else f"{times:.1f}× as far" if times >= 1.05 else "almost as near"
        told.append((1.0, "nearest") if distance == least else (1 / times, said))
    return told


def mixture(predictor: Predictor) -> str:
    """Say of what kind the mixture is, or that there is none, and why; nothing of full covariances."""
    if predictor.covariance == "full":
        return ""
    causes = "; ".join(_causes(predictor))
    why = f" In the way: {causes}." if causes else ""
    proper = "some component would hold too few customers, or shrink onto a few of them or onto a plane"
    if predictor.covariance is None:
        return f"There is no Gaussian mixture: of whatever kind, {proper}.{why}"
    return f"The Gaussian mixture has {SHAPES[predictor.covariance]}: of a more general kind, {proper}.{why}"


def _causes(predictor: Predictor) -> Iterator[str]:
    """Name what makes mixtures of these customers improper, category by category."""
    amounts, labels, k = predictor.amounts, predictor.categories.labels, predictor.n_segments
    repeats = np.unique(amounts, axis=0, return_counts=True)[1]
    if len(repeats) < k * len(labels) * (len(labels) + 1) / 2:
        yield f"{counted(len(repeats), 'different customer')} are few for {k} segments"
    if repeats.max() > 1 and (share := repeats.max() / len(amounts)) >= REPEATED:
        yield f"{format_share(share)} of customers have the same amounts throughout"
    for label, column in zip(labels, amounts.T, strict=True):
        values, counts = np.unique(column, return_counts=True)
        if (share := counts.max() / len(amounts)) >= USUAL:
            usual = format_amount(values[counts.argmax()].item())
            yield f"{label} is {usual} for {format_share(share)} of customers"
    spread, axes = np.linalg.eigh(np.cov(predictor.on_record, rowvar=False))
    flat = (axes[:, spread < FLAT * spread[-1]] ** 2).sum(axis=1) > FLAT
    if flat.any():
        yield f"{listed(np.array(labels)[flat].tolist())} follow from each other"


@lru_cache(maxsize=64)
def size(predictor: Predictor, model: str, segment: int) -> str:
    """Say how many customers a segment has and what they typically spend."""
    members = predictor.segments[model] == segment
    total = rounded(float(np.median(predictor.amounts[members].sum(axis=1))))
    share, per_period = format_share(float(members.mean())), predictor.categories.per_period
    return f"{share} of customers. Typically {total} {per_period}."


@lru_cache(maxsize=64)
def stability(predictor: Predictor, model: str, segment: int) -> str:
    """Say in a sentence how stable a segment is, or nothing where no evidence was gathered."""
    known = predictor.evidence.get("stability", {}).get(model)
    if not known:
        return ""
    band, jaccard = known["band"][segment - 1], known["jaccard"][segment - 1]
    others = [mean for i, mean in enumerate(known["jaccard"], start=1) if i != segment]
    least = ", the least stable of its model" if round(jaccard, 2) < round(min(others), 2) else ""
    return f"When customers are drawn anew it is {band} ({jaccard:.2f} of 1{least})."


@lru_cache(maxsize=4)
def agreeing(predictor: Predictor) -> np.ndarray | None:
    """Give the share of careful analyses that agree with K-Means on each customer on record, if known."""
    shares = predictor.evidence.get("firmness", {}).get("kmeans")
    return None if shares is None else np.array(shares)


@lru_cache(maxsize=4)
def firmness(predictor: Predictor) -> dict[str, float]:
    """Average `agreeing` over the customers of each K-Means segment, by its name; empty if not known."""
    if (shares := agreeing(predictor)) is None:
        return {}
    own = predictor.segments["kmeans"]
    return {name: float(shares[own == i].mean()) for i, name in enumerate(predictor.names["kmeans"], start=1)}


def firm_and_cut(predictor: Predictor) -> tuple[str, ...]:
    """Say in two sentences which K-Means segments are firm and which are a convenient cut, if it is known."""
    told = {name: f"{name} ({format_share(mean)})" for name, mean in firmness(predictor).items()}
    if not told:
        return ()
    firm = listed([told.pop(name) for name, mean in firmness(predictor).items() if mean >= FIRM])
    cut = listed([*told.values()])
    others = "so many of the careful analyses (another scale, method or treatment of tiny amounts)"
    agree = f"{others} place their customers there too."
    first = f"Firm: {firm}: {agree}" if firm else "No segment is firm."
    rest = f"A convenient cut: {cut}: another method would divide these customers otherwise."
    return (first, rest) if cut else (first,)


def among(explanation: Explanation, segment: int) -> bool:
    """Whether all of those most like a customer are in a segment."""
    return all(one.segment == segment for one in explanation.alike)


def placed_alike(predictor: Predictor, segment: int, explanation: Explanation) -> float:
    """Average over those most like a customer the share, at most, of analyses that place them in its segment.

    Of one in another segment it is what is left of those that agree with that one; all if nothing is known.
    """
    if (shares := agreeing(predictor)) is None:
        return 1
    agree = [(one.segment == segment, shares[one.customer - 1]) for one in explanation.alike]
    return float(np.mean([share if same else 1 - share for same, share in agree]))


def firm(predictor: Predictor, segment: int) -> str:
    """Begin to say whether a K-Means segment is firm or a cut, if it is known: a sentence without its end."""
    if not (known := firmness(predictor)):
        return ""
    mean = known[predictor.names["kmeans"][segment - 1]]
    kind = "A firm segment" if mean >= FIRM else "Where this segment ends is partly arbitrary"
    return f"{kind}: other careful methods agree {format_share(mean)} of the time on its customers"


def firm_here(predictor: Predictor, segment: int, explanation: Explanation) -> str:
    """Say whether a segment is firm or a cut, and how far it is for customers like this one, if known."""
    if not (told := firm(predictor, segment)):
        return ""
    alike = format_share(placed_alike(predictor, segment, explanation))
    most = "" if among(explanation, segment) else "at most "
    return f"{told}, and {most}{alike} of the time on those most like this one."


def related(name: str, overlap: float) -> str:
    """Say in a sentence how a segment relates to the K-Means segment called `name`."""
    kind = relation(overlap)
    only = "only " if kind == "no counterpart" else ""
    return f"{RELATIONS[kind]} {name}: {only}{format_share(overlap)} of their customers in common."


def renamed(kmeans: Reading, other: Reading) -> str:
    """Say, after the name of another model's segment, how that is meant where the two names do not tell."""
    kind = relation(other.overlap)
    if kind == "no counterpart":
        return ", which groups such customers differently"
    roughly = {"same": "", "similar": "roughly "}[kind]
    return f", its name for {roughly}what is {kmeans.name} here" if other.name != kmeans.name else ""


def alone(predictor: Predictor, segment: int) -> bool:
    """Tell whether no other model has a segment like this one of K-Means."""
    overlaps = (each[:, segment - 1].max() for model, each in predictor.overlap.items() if model != "kmeans")
    return max(overlaps) < SIMILAR


def reasons(predictor: Predictor, explanation: Explanation) -> str:
    """Name the categories that speak most for the segment, and against it, the weightiest first."""
    ranked = sorted(explanation.reasons, key=lambda reason: -abs(reason.contribution))
    least, label = WEIGHTY * abs(ranked[0].contribution), predictor.categories.label
    named = [reason for reason in ranked if abs(reason.contribution) >= least]
    favour = listed([label(reason.column) for reason in named if reason.contribution > 0])
    against = listed([label(reason.column) for reason in named if reason.contribution < 0])
    said = f"Mostly for it: {favour}. " if favour else ""
    if not against:
        return f"{said}Nothing weighty speaks against it."
    weights = [reason.contribution for reason in explanation.reasons]
    enough = " Together they are just enough." if sum(weights) < BARELY * sum(map(abs, weights)) else ""
    return f"{said}Against it: {against}.{enough}"


def change(categories: Categories, found: Change) -> str:
    """Say the change of one category that leads to another segment, but not where it leads."""
    amounts = f"{format_amount(found.to)} instead of {format_amount(found.amount)}"
    return f"{categories.label(found.column)} were {amounts} {categories.unit}"


def unreached(predictor: Predictor, prediction: Prediction, explanation: Explanation) -> str:
    """Name the other segments to which no change of one category leads, if there are any."""
    led = {prediction.kmeans.segment, *(each.segment for each in explanation.changes)}
    names = [f'"{name}"' for i, name in enumerate(predictor.names["kmeans"], start=1) if i not in led]
    reach = "No change of a single category, up to the highest on record, leads to"
    return f"{reach} {' or '.join(names)}." if names else ""


def contrary(predictor: Predictor, name: str, amounts: Mapping[str, float]) -> str:
    """Say what a customer buys whose segment's name says the opposite, if there is such a thing."""
    z = predictor.standardize(np.array(list(amounts.values())))
    levels, claims = dict(zip(amounts, z.tolist(), strict=True)), name.lower().split(", ")
    for group, columns in predictor.categories.by_group.items():
        level = float(np.mean([levels[column] for column in columns]))
        if level > NOTABLE and lacking(group).lower() in claims:
            return f"buys {'many' if few(group) else 'much'} {group}"
        if level < -NOTABLE and group.lower() in claims:
            return f"buys {lacking(group)}"
    return ""


def ratio(amount: float, other: float) -> float:
    """How many times as large one of two amounts is as the other; small ones are counted from one up."""
    low, high = sorted((amount, other))
    return high / low if low >= 1 else (high + 1) / (low + 1)


def similar(amounts: Iterable[float], explanation: Explanation) -> tuple[str, str]:
    """Say before the most similar customers what they are, and after the first how far it is, at most."""
    most = max(ratio(*pair) for pair in zip(amounts, explanation.alike[0].amounts, strict=True))
    said = factor(most, math.ceil)
    if most < UNLIKE:
        return "Most like", f"every amount within a factor of {said}"
    nobody = "Nobody else" if explanation.same else "Nobody"
    return f"{nobody} on record is much like it; nearest", f"an amount differs by a factor of {said}"


def factor(times: float, whole: Callable[[float], int] = round) -> str:
    """Write a ratio of amounts to one decimal, from ten on as a whole number."""
    return f"{whole(10 * times) / 10:.1f}" if times < 10 else rounded(whole(times))


def furthest(predictor: Predictor, amounts: Mapping[str, float], others: Mapping[str, float]) -> str:
    """Name the two categories in which two customers are furthest apart, by ratios."""
    ratios = {column: ratio(amount, others[column]) for column, amount in amounts.items()}
    ranked, label = sorted(ratios, key=lambda column: -ratios[column])[:2], predictor.categories.label
    apart = [each for each in ranked if ratios[each] >= ALIKE]
    said = [f"{label(each)} (by a factor of {factor(ratios[each])})" for each in apart]
    return f"Furthest apart in {listed(said)}." if said else ""


def difference(amount: float, other: float) -> str:
    """Write how much more or less an amount is than another."""
    return f"{'+' if amount > other else '−'}{rounded(abs(amount - other))}" if amount != other else "same"


def typical(predictor: Predictor) -> list[str]:
    """Write what customers on record typically spend in each category."""
    return [*map(rounded, np.median(predictor.amounts, axis=0).tolist())]


def whose(numbers: Iterable[int]) -> str:
    """Name the customers on record that have some amounts, if there are any."""
    which = [*map(str, numbers)]
    return f"Customer{'s' if len(which) > 1 else ''} {listed(which)}" if which else ""


def same(explanation: Explanation) -> str:
    """Say who on record has exactly these amounts, if anybody has."""
    has = "has" if len(explanation.same) == 1 else "have"
    return f"{whose(explanation.same)} on record {has} exactly these amounts." if explanation.same else ""


def announcement(predictor: Predictor, prediction: Prediction) -> str:
    """Write the answer in plain words, for screen readers; the warning first if there is need of one."""
    warning = f"{familiarity(prediction)}. " if prediction.unfamiliar else ""
    mixed = f"{MODELS['gmm']}: {prediction.gmm.name}." if prediction.gmm else NO_MIXTURE
    return f"{warning}{prediction.kmeans.name}{verdict(predictor, prediction)} {mixed}"
