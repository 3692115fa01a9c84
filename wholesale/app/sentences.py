"""What the page says of a prediction, in plain sentences; nothing here is HTML."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from wholesale.columns import MODELS, Categories
from wholesale.criteria import FIRM
from wholesale.explain import Change, Explanation
from wholesale.palette import SAME, SIMILAR, relation
from wholesale.predict import Prediction, Predictor
from wholesale.wording import counted, few, format_amount, format_share, listed, rounded

CLOSE = 1.15  # one customer in eight on record is no clearer
TINY = 1e-12
WEIGHTY = 0.2  # a category is named as a reason from this share of the weightiest one
USUAL, REPEATED = 1 / 3, 0.1  # share of customers with one amount, or all, alike that hinders a mixture
FLAT = 1e-4  # share of the largest variance under which categories follow from each other

RELATIONS = {"same": "The same as", "similar": "Similar to", "no counterpart": "Not a counterpart of"}
NO_MIXTURE = "There is no Gaussian mixture of these customers."

RULE = (
    "A name says what a segment buys most above the average customer and, after few or little, most below; "
    "all round means all categories."
)

KINDS = {
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


def groups(categories: Categories) -> str:
    """Say what the words in names of segments stand for."""
    members = {group: listed([*map(categories.label, each)]) for group, each in categories.groups.items()}
    told = "; ".join(f"{each} {'are' if few(each) else 'means'} {of}" for each, of in members.items())
    return f"{RULE} In them {told}." if told else RULE


def familiarity(prediction: Prediction) -> str:
    """Say how usual a customer is among those on record."""
    if prediction.familiarity is None:
        return "How familiar cannot be told, as there is no mixture"
    if prediction.unfamiliar:
        return "Unlike 99% of the customers on record"
    start = "Unusual: only" if prediction.familiarity < 0.1 else "Familiar:"
    return f"{start} {format_share(prediction.familiarity)} of customers are more unusual"


def probability(share: float) -> str:
    """Write a probability of the mixture, which is never certain, though its rounding may be."""
    return format_share(min(max(share, TINY), 1 - TINY))


def agreement(prediction: Prediction) -> str:
    """Say how many models agree."""
    return f"{prediction.agreement} of {len(MODELS) - (prediction.gmm is None)} models agree"


def mixture(predictor: Predictor) -> str:
    """Say of what kind the mixture is, or that there is none, and why; nothing of full covariances."""
    if predictor.covariance == "full":
        return ""
    causes = "; ".join(_causes(predictor))
    why = f" In the way: {causes}." if causes else ""
    proper = "some component would hold too few customers, or shrink onto a few of them or onto a plane"
    if predictor.covariance is None:
        return f"There is no Gaussian mixture: of whatever kind, {proper}.{why}"
    return f"The Gaussian mixture has {KINDS[predictor.covariance]}: of a more general kind, {proper}.{why}"


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


def clarity(predictor: Predictor, prediction: Prediction) -> str:
    """Say in a sentence how much nearer the nearest K-Means centre is than the next."""
    second = predictor.names["kmeans"][int(np.argsort(prediction.kmeans.scores, kind="stable")[1])]
    ratio = prediction.clarity
    if ratio < 1.05:
        return f"A close call: almost as near to {second}."
    if ratio == np.inf:
        return f"Exactly on this centre; the next is {second}."
    times = f"{ratio:.1f} times" if ratio < 10 else "more than 10 times"
    sentence = f"{times} nearer to this centre than to {second}."
    return f"A close call: {sentence}" if ratio < CLOSE else sentence[0].upper() + sentence[1:]


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
    return f"Under resampling it is {band} (mean Jaccard {jaccard:.2f}{least})."


@lru_cache(maxsize=8)
def agreeing(predictor: Predictor) -> np.ndarray | None:
    """Give the share of other analyses that agree with K-Means on each customer on record, if it is known."""
    shares = predictor.evidence.get("firmness", {}).get("kmeans")
    return None if shares is None else np.array(shares)


def firmness(predictor: Predictor) -> tuple[str, ...]:
    """Say in two sentences which K-Means segments are firm and which are a convenient cut, if it is known."""
    if (shares := agreeing(predictor)) is None:
        return ()
    firm, cut = list[str](), list[str]()
    for segment, name in enumerate(predictor.names["kmeans"], start=1):
        mean = float(shares[predictor.segments["kmeans"] == segment].mean())
        (firm if mean >= FIRM else cut).append(f"{name} ({format_share(mean)})")
    others = "so many of the other careful analyses (another scale, method or treatment of tiny amounts)"
    agree = f"{others} place their customers there too."
    first = f"Firm: {listed(firm)}: {agree}" if firm else "No segment is firm."
    rest = f"A convenient cut: {listed(cut)}: another method would divide these customers otherwise."
    return (first, rest) if cut else (first,)


def firm_alike(predictor: Predictor, explanation: Explanation) -> str:
    """Say how many other analyses agree on the customers most like this one, if it is known."""
    if (shares := agreeing(predictor)) is None:
        return ""
    mean = float(shares[[one.customer - 1 for one in explanation.alike]].mean())
    return f"Other careful analyses agree with K-Means on these customers {format_share(mean)} of the time."


def related(name: str, overlap: float) -> str:
    """Say in a sentence how a segment relates to the K-Means segment called `name`."""
    kind = relation(overlap)
    only = "only " if kind == "no counterpart" else ""
    return f"{RELATIONS[kind]} {name}: {only}{format_share(overlap)} of their customers in common."


@lru_cache(maxsize=64)
def alone(predictor: Predictor, segment: int) -> str:
    """Say that no other model has a segment like this one of K-Means, if so."""
    others = [
        float(overlap[:, segment - 1].max()) for m, overlap in predictor.overlap.items() if m != "kmeans"
    ]
    none = "Neither other model has" if len(others) > 1 else f"{MODELS['ward']} has not"
    return f"{none} a segment like it." if max(others) < SIMILAR else ""


def reasons(predictor: Predictor, explanation: Explanation) -> str:
    """Name the categories that speak most for the segment, and against it, the weightiest first."""
    ranked = sorted(explanation.reasons, key=lambda reason: -abs(reason.contribution))
    enough = WEIGHTY * abs(ranked[0].contribution)
    label = predictor.categories.label
    named = [reason for reason in ranked if abs(reason.contribution) >= enough]
    favour = listed([label(reason.column) for reason in named if reason.contribution > 0])
    against = listed([label(reason.column) for reason in named if reason.contribution < 0])
    said = f"Mostly for it: {favour}. " if favour else ""
    return said + (f"Against it: {against}." if against else "Nothing weighty speaks against it.")


def change(predictor: Predictor, found: Change | None) -> str:
    """Say the smallest change that leads to another segment, but not where it leads."""
    if found is None:
        return "No change of a single category alone would change the K-Means segment."
    known, to, amount = predictor.categories, format_amount(found.to), format_amount(found.amount)
    return f"If {known.label(found.column)} were {to} instead of {amount} {known.unit}"


def same(explanation: Explanation) -> str:
    """Say who on record has exactly these amounts, if anybody has."""
    which = listed(list(map(str, explanation.same)))
    subject, has = ("Customer", "has") if len(explanation.same) == 1 else ("Customers", "have")
    return f"{subject} {which} on record {has} exactly these amounts." if which else ""


def announcement(prediction: Prediction) -> str:
    """Write the answer in plain words, for screen readers; the warning first if there is need of one."""
    warning = f"{familiarity(prediction)}. " if prediction.unfamiliar else ""
    mixed = f"{MODELS['gmm']}: {prediction.gmm.name}." if prediction.gmm else NO_MIXTURE
    return f"{warning}{MODELS['kmeans']}: {prediction.kmeans.name}. {mixed} {agreement(prediction)}."
