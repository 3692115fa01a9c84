"""What is said of segments made anew and of their number; true for any customers."""

import pandas as pd
from sklearn.metrics import adjusted_rand_score

from wholesale.app.sentences import CLOSE
from wholesale.columns import MODELS
from wholesale.evidence import recommend
from wholesale.palette import SIMILAR
from wholesale.predict import Predictor
from wholesale.report.study import Fitted, Scored
from wholesale.report.weighing import Weighed
from wholesale.report.words import SHOWN, of_all
from wholesale.wording import format_amount, listed

MUCH, PARTLY = 0.65, 0.25
"""Adjusted Rand from which two divisions are called much alike, or partly; our convention."""


def votes(weighed: Weighed) -> dict[str, int]:
    """Give the number of segments that each criterion prefers; empty if nothing was weighed."""
    return {} if weighed.refusal else recommend(weighed.counts).votes


def number(weighed: Weighed, segments: int) -> str:
    """Say what the criteria prefer, and what becomes of the number asked for."""
    if weighed.refusal:
        return f"Numbers of segments were not weighed: {weighed.refusal}."
    cast = list(votes(weighed).values())
    most = max(map(cast.count, cast))
    leaders = sorted({k for k in cast if cast.count(k) == most})
    said = _leader(leaders, most, len(cast))
    if segments not in weighed.counts.index:
        return f"{said} The {segments} segments asked for were not weighed."
    if leaders == [segments]:
        return f"{said} That is the number asked for."
    return f"{said} The {segments} segments asked for have {cast.count(segments) or 'none'} of the votes."


def extent(weighed: Weighed) -> str:
    """Say what the evidence rests on."""
    if weighed.refusal:
        return ""
    drawn = f"{format_amount(weighed.customers)} of the customers, drawn at random"
    on = drawn if weighed.sampled else "all customers"
    return f"The figures rest on {on}. A dash: not defined, or no proper mixture was found."


def yardstick(weighed: Weighed, segments: int) -> str:
    """Say whether a cloud without segments would score as well."""
    if segments not in weighed.by_chance:
        return ""
    clouds, real = weighed.by_chance[segments], weighed.counts.loc[segments, "kmeans_silhouette"]
    said = (
        f"At {segments} segments the silhouette of K-Means is {real:.2f}. In {len(clouds)} clouds of as many"
        " customers without any segments (one Gaussian of the same spread), cut the same way, it is"
        f" {clouds.min():.2f} to {clouds.max():.2f}"
    )
    reached = int((clouds >= real).sum())
    if not reached:
        return f"{said}: there is more structure here than in any of them."
    return f"{said}, as high in {reached} of them: the cut may be no more than a convenience."


def segments(fitted: Fitted) -> str:
    """Name the segments and say how the models relate."""
    if fitted.bundle is None:
        return f"**No models were fitted:** {fitted.refusal}."
    predictor, manifest = fitted.bundle.predictor, fitted.bundle.manifest
    k = predictor.n_segments
    similar = {model: int((its.diagonal() >= SIMILAR).sum()) for model, its in predictor.overlap.items()}
    gmm, ward = _part(similar["gmm"], k), _part(similar["ward"], k)
    said = (
        f"K-Means makes {named(predictor)}. At least similar to their partners in K-Means are {gmm} segments"
        f" of the Gaussian mixture and {ward} of Ward."
    )
    if manifest["drawn_from"] > manifest["customers"]:
        drawn = format_amount(manifest["customers"])
        said += f" {drawn} customers, drawn at random, were fitted; all were placed."
    return said


def named(predictor: Predictor) -> str:
    """List the K-Means segments with their sizes."""
    pairs = zip(predictor.names["kmeans"], predictor.sizes["kmeans"], strict=True)
    return listed([f"*{name}* ({format_amount(int(size))})" for name, size in pairs])


def kinship(fitted: Fitted, scored: Scored) -> str:
    """Say how the new K-Means segments relate to those of the models at hand."""
    if fitted.answers is None:
        return ""
    old, new = scored.answers["kmeans_segment"], fitted.answers["kmeans_segment"]
    if old.nunique() == 1:
        return "The models at hand put everybody into one K-Means segment; the new ones divide it."
    rand = adjusted_rand_score(old, new)
    degree = "much" if rand >= MUCH else "partly" if rand >= PARTLY else "hardly"
    return (
        f"The new K-Means segments and those of the models at hand divide these customers {degree} alike:"
        f" adjusted Rand {round(rand, 2) + 0:.2f}, where 1 is the same division and 0 is chance."
    )


def contested(fitted: Fitted) -> str:
    """Count the customers whose segment is in doubt, by each reason."""
    if fitted.answers is None:
        return "Without segments nobody is contested."
    flags = doubts(fitted.answers)
    n, total = len(flags), int(flags.any(axis=1).sum())
    disagreed, close, unlike = (of_all(int(flags[why].sum()), n) for why in flags)
    shown = f" The {SHOWN} most contested are listed." if total > SHOWN else ""
    return (
        f"The new models disagree on {disagreed}. Close calls for K-Means (clarity under {CLOSE}): {close}."
        f" Unlike 99% of the customers fitted: {unlike}. Contested for one reason or another:"
        f" {of_all(total, n)}.{shown}"
    )


def doubts(answers: pd.DataFrame) -> pd.DataFrame:
    """Tell why a customer's segment is in doubt: ``disagreed``, ``close``, ``unfamiliar``."""
    return pd.DataFrame(
        {
            "disagreed": answers["agreement"] < len(MODELS),
            "close": answers["clarity"] < CLOSE,
            "unfamiliar": answers["unfamiliar"],
        }
    )


def _leader(leaders: list[int], most: int, total: int) -> str:
    if len(leaders) > 1:
        ks = listed([str(k) for k in leaders])
        return f"The votes of {total} criteria are split: {ks} segments have {most} each."
    k = leaders[0]
    what = "one segment, that is, no division" if k == 1 else f"{k} segments"
    if most == total:
        return f"All {total} criteria prefer {what}."
    return f"{most} of {total} criteria prefer {what}; no other number has as many."


def _part(n: int, total: int) -> str:
    return f"all {total}" if n == total else f"{n or 'none'} of the {total}"


def profiles(fitted: Fitted) -> str:
    """Describe the figure of the profiles."""
    if fitted.bundle is None:
        return ""
    predictor = fitted.bundle.predictor
    return (
        f"*Figure: a heat map of {len(predictor.names) * predictor.n_segments} rows, {predictor.n_segments}"
        " segments for each model, and six columns, one per category. The table above names the rows.*"
    )


def plane(fitted: Fitted) -> str:
    """Describe the figure of the plane."""
    if fitted.bundle is None:
        return ""
    said = "; ".join(f"{i} is *{name}*" for i, name in enumerate(fitted.bundle.names["kmeans"], start=1))
    return f"Each segment's number stands at its median: {said}."


def tree(fitted: Fitted) -> str:
    """Describe the figure of Ward's tree."""
    if fitted.bundle is None:
        return ""
    predictor = fitted.bundle.predictor
    said = "; ".join(f"{i} is *{name}*" for i, name in enumerate(predictor.names["ward"], start=1))
    return f"Each leaf and each segment shows its number of customers. Ward's segments: {said}."
