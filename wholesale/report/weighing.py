"""How many segments customers support, as far as that can be told in about half a minute."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from wholesale.bundle import check_customers
from wholesale.checks import PER_SEGMENT
from wholesale.evidence import compare_cluster_counts, recommend, silhouettes_without_segments
from wholesale.models import SEED
from wholesale.own import Own
from wholesale.preprocessing import log_standardizer
from wholesale.report.study import FEWEST

WEIGHED, DRAWS, CLOUDS, LARGEST_K = 1000, 3, 20, 6
"""Customers on whom numbers of segments are weighed at most, how often such a sample is drawn, clouds to
compare with, the last number."""


@dataclass(frozen=True, eq=False)
class Weighed:
    """Evidence for a number of segments.

    Attributes
    ----------
    counts : DataFrame
        From :func:`wholesale.evidence.compare_cluster_counts`, without what is too slow here or undefined.
    by_chance : DataFrame
        Silhouettes of clouds without segments, a column per k.
    customers : int
        How many it rests on.
    again : list of list of int
        If they were drawn from more: the numbers that lead in further draws of as many.
    refusal : str
        Why there is none; empty if there is.
    """

    counts: pd.DataFrame
    by_chance: pd.DataFrame
    customers: int
    again: list[list[int]] = field(default_factory=list)
    refusal: str = ""

    @property
    def votes(self) -> dict[str, int]:
        """The number of segments that each criterion prefers; empty if nothing was weighed."""
        return {} if self.refusal else recommend(self.counts).votes

    def by_chance_too(self, segments: int) -> bool:
        """Whether more than one cloud in twenty has as high a silhouette; False if none can be compared."""
        return (self.as_high_by_chance(segments) or 0) > len(self.by_chance) / 20

    def as_high_by_chance(self, segments: int) -> int | None:
        """Count the clouds whose silhouette by K-Means is as high; None if there is nothing to compare."""
        if segments not in self.by_chance or "kmeans_silhouette" not in self.counts:
            return None
        return int((self.by_chance[segments] >= self.counts.loc[segments, "kmeans_silhouette"]).sum())


def weigh(own: Own) -> Weighed:
    """Weigh each number of segments from 1 to 6, or fewer where customers are few.

    The gap statistic and bootstraps are left out, as they take minutes. Of more than a thousand customers as
    many are drawn at random, three times, as the numbers that lead may change.
    """
    sampled = len(own.amounts) > WEIGHED
    draws = [own.amounts.sample(WEIGHED, random_state=SEED + i) for i in range(DRAWS if sampled else 0)]
    X, *others = [log_standardizer().fit_transform(amounts) for amounts in draws or [own.amounts]]
    last = min(LARGEST_K, len(np.unique(X, axis=0)) // PER_SEGMENT)
    none = Weighed(pd.DataFrame(), pd.DataFrame(), len(X))
    try:
        for each in (X, *others):
            check_customers(each)
    except ValueError as error:
        return replace(none, refusal=str(error))
    if last < FEWEST:
        return replace(none, refusal="the distinct customers are too few")
    with threadpool_limits(1):  # several times as fast where customers are few
        counts = _counts(X, last)
        again = [leading(recommend(_counts(each, last)).votes) for each in others]
        return Weighed(counts, _clouds(X, range(FEWEST, last + 1)), len(X), again)


def leading(votes: Mapping[str, int]) -> list[int]:
    """Give the number of segments with most votes, or the numbers that share the lead."""
    cast = list(votes.values())
    return sorted({k for k in cast if cast.count(k) == max(map(cast.count, cast))})


def _counts(X: np.ndarray, last: int) -> pd.DataFrame:
    """Leave out the gap, and what has nothing to choose from."""
    counts = compare_cluster_counts(X, range(1, last + 1), restarts=4, references=1, splits=10)
    return counts[[name for name in counts if not name.startswith("gap") and counts[name].count() > 1]]


def _clouds(X: np.ndarray, ks: range) -> pd.DataFrame:
    try:
        return silhouettes_without_segments(X, ks, samples=CLOUDS)
    except np.linalg.LinAlgError:  # one category follows from others: there is no such Gaussian
        return pd.DataFrame()
