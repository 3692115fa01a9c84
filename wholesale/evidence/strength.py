"""Prediction strength: whether clusters found in one half of the customers predict those in the other."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from wholesale.checks import check_fit
from wholesale.models import SEED, fit_kmeans

SPLITS = 50


def prediction_strength(
    X: np.ndarray,
    ks: Iterable[int] = range(1, 9),
    *,
    splits: int = SPLITS,
    random_state: int = SEED,
    n_jobs: int | None = None,
) -> pd.Series:
    """Mean prediction strength of K-Means over random halves, each half predicting the other.

    Parameters
    ----------
    X : ndarray of shape (n_customers, 6)
    ks : iterable of int
    splits : int
        Random divisions into halves.
    random_state : int
    n_jobs : int, optional
        Processes; the numbers do not depend on it.

    Returns
    -------
    Series indexed by ``k``
        0…1; 1 at k = 1 by definition.

    References
    ----------
    Tibshirani and Walther (2005), Cluster validation by prediction strength, Journal of Computational and
    Graphical Statistics 14, 511–528.
    """
    ks = list(ks)
    X = check_fit(X, ks)
    seeds = np.random.SeedSequence(random_state).spawn(splits)
    values = Parallel(n_jobs=n_jobs)(delayed(_one_split)(X, ks, seed, random_state) for seed in seeds)
    return pd.Series(np.mean(values, axis=0), index=pd.Index(ks, name="k"), name="prediction_strength")


def _one_split(X: np.ndarray, ks: list[int], seed: np.random.SeedSequence, random_state: int) -> list[float]:
    order = np.random.default_rng(seed).permutation(len(X))
    halves = X[order[: len(X) // 2]], X[order[len(X) // 2 :]]
    with threadpool_limits(1):
        return [_mutual_strength(halves, k, random_state) for k in ks]


def _mutual_strength(halves: tuple[np.ndarray, np.ndarray], k: int, random_state: int) -> float:
    """Let each half predict the other, and take the mean."""
    fits = [fit_kmeans(half, k, random_state=random_state, n_init=10) for half in halves]
    return float(np.mean([strength(fits[i].labels_, fits[1 - i].predict(halves[i])) for i in (0, 1)]))


def strength(labels: np.ndarray, predicted: np.ndarray) -> float:
    """Return the least share, over clusters, of pairs that the prediction also puts together.

    Parameters
    ----------
    labels, predicted : ndarray of shape (n,)
        The clusters of one half, found in it and predicted from the other half.

    Returns
    -------
    float
        0…1; a cluster of a single customer has no pairs, and counts as 1.
    """
    shares = []
    for cluster in np.unique(labels):
        counts = np.unique(predicted[labels == cluster], return_counts=True)[1]
        n = counts.sum()
        shares.append((counts * (counts - 1)).sum() / (n * (n - 1)) if n > 1 else 1.0)
    return float(min(shares))
