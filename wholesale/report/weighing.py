"""How many segments customers support, as far as that can be told in about half a minute."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from wholesale.checks import check_fit
from wholesale.evidence import compare_cluster_counts, silhouettes_without_segments
from wholesale.models import SEED
from wholesale.own import Own
from wholesale.preprocessing import log_standardizer
from wholesale.report.study import FEWEST, sentence

WEIGHED, CLOUDS, LARGEST_K = 1000, 20, 6
"""Customers on whom numbers of segments are weighed at most, clouds to compare with, the last number."""

PER_SEGMENT = 5
"""Distinct customers per segment that a number of segments must leave on average to be weighed."""


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
    sampled : bool
        Whether they were drawn from more.
    refusal : str
        Why there is none; empty if there is.
    """

    counts: pd.DataFrame
    by_chance: pd.DataFrame
    customers: int
    sampled: bool = False
    refusal: str = ""


def weigh(own: Own) -> Weighed:
    """Weigh each number of segments from 1 to 6, or fewer where customers are few.

    The gap statistic and bootstraps are left out, as they take minutes, and of more than a thousand
    customers as many are drawn at random.
    """
    sampled = len(own.amounts) > WEIGHED
    amounts = own.amounts.sample(WEIGHED, random_state=SEED) if sampled else own.amounts
    X = log_standardizer().fit_transform(amounts)
    last = min(LARGEST_K, len(np.unique(X, axis=0)) // PER_SEGMENT)
    none = Weighed(pd.DataFrame(), pd.DataFrame(), len(X), sampled)
    try:
        check_fit(X)
    except ValueError as error:
        return replace(none, refusal=sentence(error))
    if last < FEWEST:
        return replace(none, refusal="the distinct customers are too few")
    with threadpool_limits(1):  # several times as fast where customers are few
        counts = compare_cluster_counts(X, range(1, last + 1), restarts=4, references=1, splits=10)
        by_chance = _clouds(X, range(FEWEST, last + 1))
    shown = [name for name in counts if not name.startswith("gap") and counts[name].notna().any()]
    return Weighed(counts[shown], by_chance, len(X), sampled)


def _clouds(X: np.ndarray, ks: range) -> pd.DataFrame:
    try:
        return silhouettes_without_segments(X, ks, samples=CLOUDS)
    except np.linalg.LinAlgError:  # one category follows from others: there is no such Gaussian
        return pd.DataFrame()
