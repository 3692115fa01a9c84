"""What is said of segments made anew; true for any customers."""

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from wholesale.app.sentences import CLOSE, mixture
from wholesale.columns import SPEND_COLUMNS
from wholesale.palette import SIMILAR
from wholesale.report.study import Fitted, Outcome, Scored, Unfitted
from wholesale.report.words import SHOWN
from wholesale.wording import counted, format_amount, format_share, listed, of_all

MUCH, PARTLY = 0.65, 0.25
"""Adjusted Rand from which two divisions are called much alike, or partly; our convention."""

RARE, NEAR, LIFT = 0.1, 1.05, 2
"""Share of searches below which an optimum is called rarely reached; ratio of heights up to which they are
called nearly the same; ratio of shares from which zeros are said to make a segment. Our convention."""

UNFITTED = "Nothing to show: no models were fitted."


def segments(fitted: Outcome) -> str:
    """Name the segments and say how the models relate."""
    if isinstance(fitted, Unfitted):
        return f"**No models were fitted:** {fitted.refusal}."
    predictor, k = fitted.bundle.predictor, fitted.segments
    similar = {m: _part(int((its.diagonal() >= SIMILAR).sum()), k) for m, its in predictor.overlap.items()}
    gmm = f"{similar['gmm']} segments of the Gaussian mixture and " if predictor.has_mixture else ""
    ward = f"{similar['ward']} of Ward" if gmm else f"{similar['ward']} segments of Ward"
    return (
        f"K-Means makes {named(fitted)}. At least similar to their partners in K-Means are {gmm}{ward}."
        f" {_certainty(fitted)}"
    )


def _certainty(fitted: Fitted) -> str:
    """Say who was fitted, and how often the search for the mixture ended in the one that was kept."""
    manifest, said = fitted.bundle.manifest, mixture(fitted.bundle.predictor)
    if fitted.bundle.predictor.has_mixture:
        restarts = manifest["metrics"]["gmm"]["restarts"]
        kept = f"The mixture kept is where {restarts['reached']} of {restarts['tried']} searches ended"
        kept += "; another could be about as good." if restarts["reached"] < RARE * restarts["tried"] else "."
        said = f"{kept} {said}".strip()
    if fitted.all_fitted:
        return f"{said} Ward's segments are those of its tree, not of its rule for new customers."
    drawn = format_amount(manifest["customers"])
    return f"{said} {drawn} customers, drawn at random, were fitted; all were placed."


def named(fitted: Fitted) -> str:
    """List the K-Means segments with their sizes, and their shares of customers and of all spending."""
    total = fitted.answers[list(SPEND_COLUMNS)].sum(axis=1)
    spent = total.groupby(fitted.answers["kmeans_segment"]).sum() / (total.sum() or 1)
    names = fitted.bundle.names["kmeans"]
    return listed(
        [
            f"*{name}* ({counted(size, 'customer')}, {format_share(size / len(total))};"
            f" {format_share(spent.get(i, 0))} of all spending)"
            for i, (name, size) in enumerate(zip(names, fitted.sizes("kmeans"), strict=True), start=1)
        ]
    )


def zeros(fitted: Outcome) -> str:
    """Name the segments that mostly hold customers who buy none of some category, if most others do."""
    if isinstance(fitted, Unfitted):
        return ""
    none = (fitted.answers[list(SPEND_COLUMNS)] == 0).any(axis=1)
    made = [
        f"{label} {i}: {of_all(int(its.sum()), len(its))}"
        for model, label in fitted.bundle.predictor.models.items()
        for i, its in none.groupby(fitted.answers[f"{model}_segment"])
        if its.mean() > 0.5 > none.mean() and its.mean() >= LIFT * none.mean()
    ]
    if not made:
        return ""
    return (
        "Zeros make segments, as the logarithm sets them far apart. Most customers buy something of every"
        f" category, but in these segments most buy none of at least one. {listed(made)}."
    )


def kinship(fitted: Outcome, scored: Scored) -> str:
    """Say how the new K-Means segments relate to those of the models at hand."""
    if isinstance(fitted, Unfitted):
        return ""
    old, new = scored.answers["kmeans_segment"], fitted.answers["kmeans_segment"]
    if old.nunique() == 1:
        return "The models at hand put everybody into one K-Means segment; the new ones divide it."
    rand = adjusted_rand_score(old, new)
    if rand == 1:
        return "The new K-Means segments and those of the models at hand are the same division."
    degree = "much" if rand >= MUCH else "partly" if rand >= PARTLY else "hardly"
    return (
        f"The new K-Means segments and those of the models at hand divide these customers {degree} alike:"
        f" adjusted Rand {round(rand, 2) + 0:.2f}, where 1 is the same division and 0 is chance."
    )


def contested(fitted: Outcome) -> str:
    """Count the customers whose segment is in doubt, by each reason."""
    if isinstance(fitted, Unfitted):
        return "Without segments nobody is contested."
    flags = doubts(fitted)
    n, total = len(flags), int(flags.any(axis=1).sum())
    disagreed, close, unlike = (of_all(int(flags[why].sum()), n) for why in flags)
    shown = f" The {SHOWN} most contested are listed." if total > SHOWN else ""
    if not fitted.bundle.predictor.has_mixture:
        unlike = "not known without a mixture"
    return (
        f"The new models disagree on {disagreed}{_alone(fitted)}. Close calls for K-Means (clarity under"
        f" {CLOSE}): {close}."
        f" Unlike 99% of the customers fitted: {unlike}. Contested for one reason or another:"
        f" {of_all(total, n)}.{shown}"
    )


def _alone(fitted: Fitted) -> str:
    """Say how many could not be agreed on: their segment, in K-Means or in another model, stands alone."""
    overlap = fitted.bundle.predictor.overlap
    of_kmeans = fitted.answers["kmeans_segment"] - 1
    like_none = [
        (its.max(axis=1) < SIMILAR)[fitted.answers[f"{model}_segment"] - 1]
        | (its.max(axis=0) < SIMILAR)[of_kmeans]
        for model, its in overlap.items()
    ]
    alone, n = int(np.any(like_none, axis=0).sum()), len(fitted.answers)
    if not alone:
        return ""
    who = "nobody could" if alone == n else f"{format_amount(alone)} of those could not"
    return f"; {who} be agreed on, as one of their segments resembles none of the model it is compared with"


def doubts(fitted: Fitted) -> pd.DataFrame:
    """Tell why a customer's segment is in doubt: ``disagreed``, ``close``, ``unfamiliar``."""
    answers = fitted.answers
    return pd.DataFrame(
        {
            "disagreed": answers["agreement"] < len(fitted.bundle.names),
            "close": answers["clarity"] < CLOSE,
            "unfamiliar": answers["unfamiliar"],
        }
    )


def _part(n: int, total: int) -> str:
    return f"all {total}" if n == total else f"{n or 'none'} of the {total}"


def profiles(fitted: Outcome) -> str:
    """Say what the table below the figure holds."""
    if isinstance(fitted, Unfitted):
        return UNFITTED
    return "The table repeats the median amounts, in m.u. a year, of the K-Means segments."


def plane(fitted: Outcome) -> str:
    """Describe the figure of the plane."""
    if isinstance(fitted, Unfitted):
        return UNFITTED
    said = "; ".join(f"{i} is *{name}*" for i, name in enumerate(fitted.bundle.names["kmeans"], start=1))
    return f"Each segment's number stands at its median: {said}."


def tree(fitted: Outcome) -> str:
    """Describe the figure of Ward's tree."""
    if isinstance(fitted, Unfitted):
        return UNFITTED
    predictor = fitted.bundle.predictor
    said = "; ".join(f"{i} is *{name}*" for i, name in enumerate(predictor.names["ward"], start=1))
    lower, higher = predictor.linkage[-fitted.segments :, 2][:2]
    near = ", nearly as high: another number would cut as well" if higher < NEAR * lower else ""
    return (
        f"Each leaf and each segment shows its number of customers. Ward's segments: {said}. The cut lies"
        f" between merges at {lower:.1f} and {higher:.1f}{near}."
    )
