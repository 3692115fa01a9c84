"""Every criterion's vote for a number of segments, by its own published rule."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from wholesale.criteria import CRITERIA, FIRST_WITHIN, HIGHEST, LAST_STRONG, LOWEST, STRONG
from wholesale.wording import listed


@dataclass(frozen=True)
class Recommendation:
    """What the criteria say together: their votes, and what follows for the served k, in two sentences.

    `recommended` is the k with most votes, the smaller of equals; `support` and `dissent` name the criteria
    that prefer the served k, and those that do not.
    """

    votes: dict[str, int]
    recommended: int
    served: int
    support: tuple[str, ...]
    dissent: tuple[str, ...]
    sentences: tuple[str, str]


def recommend(counts: pd.DataFrame, *, served: int = 3) -> Recommendation:
    """Collect the votes and say what they recommend.

    Silhouettes and Calinski-Harabasz vote for their highest k, BIC and Davies-Bouldin for their lowest;
    the gap statistic for the smallest k with gap(k) ≥ gap(k + 1) − s(k + 1); prediction strength for the
    largest k at 0.8 or more. Those that are defined for one segment (BIC, gap, strength) can vote for 1.
    ``Channel`` and ``Region`` have no vote.

    Parameters
    ----------
    counts : DataFrame
        From `compare_cluster_counts`; criteria whose columns are missing, or NaN for every k, do not vote. A
        ValueError if none can.
    served : int
        The k that the users chose.
    """
    counts = counts.dropna(axis="columns", how="all")
    votes = {
        each.vote: int(choose(counts[each.judged or each.column]))
        for rule, choose in RULES.items()
        for each in CRITERIA
        if each.rule == rule and {each.column, each.judged or each.column} <= {*counts}
    }
    if not votes:
        raise ValueError("no criterion is defined for any of these numbers of segments")
    numbers = pd.Series(votes).value_counts()
    recommended = int(min(numbers.index[numbers == numbers.max()]))
    support = tuple(name for name, k in votes.items() if k == served)
    dissent = tuple(name for name, k in votes.items() if k != served)
    sentences = _recommendation(votes, recommended), _dissent(votes, served, support, dissent)
    return Recommendation(votes, recommended, served, support, dissent, sentences)


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


def _dissent(votes: dict[str, int], served: int, support: tuple[str, ...], dissent: tuple[str, ...]) -> str:
    if not dissent:
        return f"Every criterion supports the {served} that are served."
    against = listed([f"{name} ({votes[name]})" for name in dissent])
    backed = f"supported by {listed(support)}" if support else "supported by none of them"
    return f"The {served} that are served are {backed}, and not by {against}."
