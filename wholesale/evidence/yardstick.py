"""What customers without any segments would show: clouds of one Gaussian, as a yardstick for the real one."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import linkage
from sklearn.metrics import silhouette_score

from wholesale.evidence.hierarchy import jumps, merge_heights
from wholesale.models import SEED, fit_kmeans


def clouds_without_segments(X: np.ndarray, *, samples: int, random_state: int = SEED) -> Iterator[np.ndarray]:
    """Draw clouds as large as `X` from one Gaussian with its mean and covariance.

    Parameters
    ----------
    X : ndarray of shape (n_customers, 6)
    samples : int
        How many.
    random_state : int

    Yields
    ------
    ndarray of shape (n_customers, 6)
    """
    rng = np.random.default_rng(random_state)
    mean, covariance = X.mean(axis=0), np.cov(X, rowvar=False)
    for _ in range(samples):
        yield rng.multivariate_normal(mean, covariance, len(X), method="cholesky")


def jumps_without_segments(X: np.ndarray, *, samples: int = 200) -> pd.DataFrame:
    """Jumps in the heights of Ward's trees of such clouds.

    Parameters
    ----------
    X : ndarray of shape (n_customers, 6)
    samples : int

    Returns
    -------
    DataFrame of shape (samples, 9)
        A row per cloud; columns as in `jumps`.
    """
    trees = (linkage(cloud, "ward") for cloud in clouds_without_segments(X, samples=samples))
    return pd.DataFrame([jumps(merge_heights(tree)) for tree in trees]).reset_index(drop=True)


def silhouettes_without_segments(
    X: np.ndarray, ks: Iterable[int] = (2, 3, 4), *, samples: int = 50
) -> pd.DataFrame:
    """Mean silhouettes of K-Means on such clouds.

    Parameters
    ----------
    X : ndarray of shape (n_customers, 6)
    ks : iterable of int
    samples : int

    Returns
    -------
    DataFrame of shape (samples, len(ks))
        −1…1; a row per cloud, a column per k.
    """
    ks = list(ks)
    rows = [
        [silhouette_score(cloud, fit_kmeans(cloud, k, n_init=10).labels_) for k in ks]
        for cloud in clouds_without_segments(X, samples=samples)
    ]
    return pd.DataFrame(rows, columns=pd.Index(ks, name="k"))
