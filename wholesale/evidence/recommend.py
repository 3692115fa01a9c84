"""Every criterion's vote for a number of segments, by its own published rule."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from wholesale.criteria import CRITERIA, FIRST_WITHIN, HIGHEST, LAST_STRONG, LOWEST, STRONG, Criterion
from wholesale.wording import listed

QUANTILE = 0.95
"""Of clouds without segments, beyond which a criterion's value is more than chance; at each kind of cloud."""

OBSERVED = "observed"
"""Among the nulls, the customers themselves, with the same effort."""


@dataclass(frozen=True)
class Recommendation:
    """What the criteria say together: their votes, and what follows for the served k, in two sentences.

    `recommended` is the k with most votes, the smaller of equals; `support` and `dissent` name the criteria
    that prefer the served k, and those that do not. `weights`, from `weigh`, are None if nothing was weighed.
    """

    votes: dict[str, int]
    recommended: int
    served: int
    support: tuple[str, ...]
    dissent: tuple[str, ...]
    sentences: tuple[str, str]
    weights: pd.DataFrame | None = None


def recommend(counts: pd.DataFrame, nulls: pd.DataFrame | None = None, *, served: int = 3) -> Recommendation:
    """Collect the votes and say what they recommend.

    Silhouettes and Calinski-Harabasz vote for their highest k, BIC and Davies-Bouldin for their lowest;
    the gap statistic for the smallest k with gap(k) ≥ gap(k + 1) − s(k + 1); prediction strength for the
    largest k at 0.8 or more. Those that are defined for one segment (BIC, gap, strength) can vote for 1.
    ``Channel`` and ``Region`` have no vote. With `nulls` only those votes count that `weigh` lets count; if
    it lets none, one segment is recommended: a division is not shown.

    Parameters
    ----------
    counts : DataFrame
        From `compare_cluster_counts`; criteria whose columns are missing, or NaN for every k, do not vote. A
        ValueError if none can.
    nulls : DataFrame, optional
        From :func:`wholesale.evidence.nulls.null_criteria`.
    served : int
        The k that the users chose.
    """
    votes = cast(counts)
    weights = None if nulls is None else weigh(votes, nulls)
    counted = (
        votes if weights is None else {vote: k for vote, k in votes.items() if weights.loc[vote, "counts"]}
    )
    numbers = pd.Series(counted, dtype=int).value_counts()
    recommended = int(min(numbers.index[numbers == numbers.max()], default=1))
    support = tuple(name for name, k in votes.items() if k == served)
    dissent = tuple(name for name, k in votes.items() if k != served)
    told = _recommendation(votes, recommended) if weights is None else _weighed(weights, recommended)
    sentences = told, _dissent(votes, served, support, dissent)
    return Recommendation(votes, recommended, served, support, dissent, sentences, weights)


def cast(counts: pd.DataFrame) -> dict[str, int]:
    """Let each criterion say which k it prefers."""
    counts = counts.dropna(axis="columns", how="all")
    votes = {
        each.vote: int(choose(counts[each.judged or each.column]))
        for rule, choose in RULES.items()
        for each in CRITERIA
        if each.rule == rule and {each.column, each.judged or each.column} <= {*counts}
    }
    if not votes:
        raise ValueError("no criterion is defined for any of these numbers of segments")
    return votes


def weigh(votes: dict[str, int], nulls: pd.DataFrame) -> pd.DataFrame:
    """Hold each vote against clouds in which there is nothing to find.

    Parameters
    ----------
    votes : dict of str to int
    nulls : DataFrame
        From :func:`wholesale.evidence.nulls.null_criteria`.

    Returns
    -------
    DataFrame indexed by ``vote``
        ``k``; by kind of cloud the share of clouds (0…1) by which the same vote is cast; and ``counts``:
        whether k is above one and the criterion's value at k is beyond the 95% quantile, at that k, of every
        kind. Of BIC the value is how far it is below that of one segment.
    """
    kinds = [kind for kind in nulls.index.unique("null") if kind != OBSERVED]
    by_cloud = nulls.groupby(level=["null", "cloud"])
    chosen = pd.DataFrame({cloud: cast(table.droplevel(["null", "cloud"])) for cloud, table in by_cloud}).T
    rows = {}
    for vote, k in votes.items():
        value = _value(next(each for each in CRITERIA if each.vote == vote), nulls).xs(k, level="k")
        limits = [value[kind].fillna(-np.inf).quantile(QUANTILE, "higher") for kind in kinds]
        shares = {kind: float((chosen.loc[kind, vote] == k).mean()) for kind in kinds}
        rows[vote] = {"k": k, **shares, "counts": k > 1 and value[OBSERVED].item() > max(limits)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("vote")


def _value(criterion: Criterion, nulls: pd.DataFrame) -> pd.Series:
    """Say how much speaks for each k, the more the better; NaN where the criterion is undefined."""
    column = nulls[criterion.column]
    if criterion.rule != LOWEST:
        return column
    return column.groupby(level=["null", "cloud"]).transform(lambda each: each.fillna(0).iloc[0]) - column


def gap_vote(rule: pd.Series) -> int:
    """Return the smallest k for which gap(k) ≥ gap(k + 1) − s(k + 1); the largest k if there is none."""
    return rule.index[rule.to_numpy().argmax()] if rule.any() else rule.index[-1]


def strength_vote(strength: pd.Series) -> int:
    """Return the largest k whose prediction strength is at least 0.8; 1 if there is none."""
    return max(strength.index[strength >= STRONG], default=1)


RULES: dict[str, Callable[[pd.Series], Any]] = {
    HIGHEST: pd.Series.idxmax,
    LOWEST: pd.Series.idxmin,
    FIRST_WITHIN: gap_vote,
    LAST_STRONG: strength_vote,
}
"""Which k a criterion prefers, given its column; in the order in which the votes are told."""


def _recommendation(votes: dict[str, int], recommended: int) -> str:
    backers = [name for name, k in votes.items() if k == recommended]
    what = "one segment, that is, no division" if recommended == 1 else f"{recommended} segments"
    return f"{len(backers)} of {len(votes)} criteria prefer {what}: {listed(backers)}."


def _weighed(weights: pd.DataFrame, recommended: int) -> str:
    counted = weights[weights["counts"]]
    if counted.empty:
        return f"None of {len(weights)} criteria says more than chance would: a division is not shown."
    backers = listed(list(counted.index[counted["k"] == recommended]))
    return (
        f"Of {len(weights)} criteria {len(counted)} say more than chance would; for {recommended}: {backers}."
    )


def _dissent(votes: dict[str, int], served: int, support: tuple[str, ...], dissent: tuple[str, ...]) -> str:
    if not dissent:
        return f"Every criterion supports the {served} that are served."
    against = listed([f"{name} ({votes[name]})" for name in dissent])
    backed = f"supported by {listed(support)}" if support else "supported by none of them"
    return f"The {served} that are served are {backed}, and not by {against}."
