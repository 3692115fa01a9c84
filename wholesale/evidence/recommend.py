"""Every criterion's vote for a number of segments, by its own published rule."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import multimode
from typing import Any

import numpy as np
import pandas as pd

from wholesale.criteria import CRITERIA, FIRST_WITHIN, HIGHEST, LAST_STRONG, LOWEST, STRONG
from wholesale.wording import format_share, listed

QUANTILE = 0.95  # of each kind of cloud without segments, beyond which a value is more than chance
OBSERVED = "observed"  # among the nulls, the customers themselves, with the same effort


@dataclass(frozen=True)
class Recommendation:
    """What the criteria say together: their votes, and what follows for the served k, in two texts."""

    votes: dict[str, int]
    recommended: int  # the k with most votes that count, the smaller of equals
    served: int
    support: tuple[str, ...]  # the criteria that prefer the served k
    dissent: tuple[str, ...]  # and those that do not
    sentences: tuple[str, str]
    weights: pd.DataFrame | None = None  # from `weigh`, if anything was weighed


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
        Criteria of clouds and of the customers, from :func:`wholesale.evidence.nulls.cloud_criteria`.
    served : int
        The k that the users chose.
    """
    votes = cast(counts)
    if nulls is None:
        weights, recommended = None, most(votes.values())
        told = _unweighed(votes, recommended)
    else:
        weights = weigh(votes, nulls)
        counted = weights.loc[weights["counts"], "k"]
        recommended = most(counted)
        told = _weighed(counted, len(votes), recommended)
    support = tuple(name for name, k in votes.items() if k == served)
    dissent = tuple(name for name, k in votes.items() if k != served)
    sentences = told, _dissent(votes, served, weights)
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
    """Hold each vote against clouds in which there is nothing to find; takes the nulls that `recommend` does.

    Returns
    -------
    DataFrame indexed by ``vote``
        ``k``; by kind of cloud the share of clouds (0…1) by which the same vote is cast; and ``counts``:
        whether k is above one and the criterion's value at k is beyond the 95% quantile, at that k, of every
        kind. Of BIC the value is how far it is below that of one segment.
    """
    by_cloud = nulls.drop(OBSERVED, level="null").groupby(level=["null", "cloud"])
    chosen = pd.DataFrame({cloud: cast(table.droplevel(["null", "cloud"])) for cloud, table in by_cloud}).T
    cast_here = pd.Series(votes)
    shares = chosen.reindex(columns=[*votes]).eq(cast_here).groupby(level=0).mean().T
    counted = beyond_chance(votes, favour(nulls).loc[OBSERVED, 0], thresholds(nulls))
    return pd.DataFrame({"k": cast_here, **shares, "counts": pd.Series(counted)}).rename_axis("vote")


def beyond_chance(votes: dict[str, int], values: pd.DataFrame, limits: pd.DataFrame) -> dict[str, bool]:
    """Say of each vote whether it counts: it is for a division, and its value is beyond the limit at k."""
    return {vote: k > 1 and bool(values.loc[k, vote] > limits.loc[k, vote]) for vote, k in votes.items()}


def thresholds(nulls: pd.DataFrame) -> pd.DataFrame:
    """Give, by ``k`` and vote, the 95% quantile of the kind of clouds that has the highest.

    Where a criterion is undefined, in a cloud in which no mixture is proper, it says nothing for k: it is
    lower than any number.
    """
    clouds = favour(nulls).drop(OBSERVED, level="null").fillna(-np.inf)
    return clouds.groupby(level=["null", "k"]).quantile(QUANTILE, "higher").groupby(level="k").max()


def favour(criteria: pd.DataFrame) -> pd.DataFrame:
    """Turn criteria of clouds, by ``k``, into how much speaks for each k: a column per vote, more is better.

    BIC becomes BIC(1) - BIC(k), the Davies-Bouldin index, undefined at 1, its negative; NaN where a criterion
    is undefined.
    """
    columns = {}
    for each in (each for each in CRITERIA if each.vote and each.column in criteria):
        column = criteria[each.column].unstack("k")
        if each.rule == LOWEST:
            column = column.rsub(0 if column[1].isna().all() else column[1], axis=0)
        columns[each.vote] = column.stack(future_stack=True)
    return pd.DataFrame(columns)


def most(votes: Iterable[int]) -> int:
    """Return the k with most votes, the smaller of equals; 1 if there are none."""
    return int(min(multimode(votes), default=1))


RULES: dict[str, Callable[[pd.Series], Any]] = {
    HIGHEST: pd.Series.idxmax,
    LOWEST: pd.Series.idxmin,
    # The smallest k for which gap(k) ≥ gap(k + 1) − s(k + 1); the largest k if there is none.
    FIRST_WITHIN: lambda rule: rule.index[rule.to_numpy().argmax() if rule.any() else -1],
    # The largest k whose prediction strength is at least 0.8; 1 if there is none.
    LAST_STRONG: lambda strength: max(strength.index[strength >= STRONG], default=1),
}
"""Which k a criterion prefers, given its column; in the order in which the votes are told."""


def _unweighed(votes: dict[str, int], recommended: int) -> str:
    backers = [name for name, k in votes.items() if k == recommended]
    what = "one segment, that is, no division" if recommended == 1 else f"{recommended} segments"
    told = f"{len(backers)} of {len(votes)} criteria prefer {what}: {listed(backers)}."
    return f"{told} These votes are unweighed: they were not held against chance."


def _weighed(counted: pd.Series, votes: int, recommended: int) -> str:
    """Tell the votes that count, by their k, of so many."""
    say = f"{len(counted) or 'none'} of {votes} criteria {'say' if len(counted) > 1 else 'says'}"
    told = f"Held beside customers drawn without any segments, {say} more than chance would"
    if counted.empty:
        return f"{told}: a division is not shown, and one segment is recommended."
    backers = counted.groupby(counted).groups.items()
    said = "; ".join(f"for {k} {listed([*names])}" for k, names in backers)
    return f"{told}: {said}. So {recommended} segments are recommended."


def _dissent(votes: dict[str, int], served: int, weights: pd.DataFrame | None) -> str:
    """Name who prefers the served k and who does not, and how often chance alone casts the same vote."""
    about = {name: [str(k)] * (k != served) for name, k in votes.items()}
    note = ""
    if weights is not None:
        for name, share in weights.drop(columns=["k", "counts"]).max(axis=1).items():
            about[name].append(f"{format_share(share)} by chance")
        note = " By chance: how often, at most, a criterion says the same where there are no segments."
    written = {name: f"{name} ({'; '.join(words)})" if words else name for name, words in about.items()}
    backed = listed([written[name] for name, k in votes.items() if k == served]) or "none of them"
    against = listed([written[name] for name, k in votes.items() if k != served])
    if not against:
        return f"Every criterion supports the {served} that are served{f': {backed}' if note else ''}.{note}"
    return f"The {served} that are served are supported by {backed}, and not by {against}.{note}"
