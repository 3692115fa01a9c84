"""What a tree shows: how true it is to the distances, where it asks to be cut, and what chance would show."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import pdist
from sklearn.metrics import silhouette_score

from wholesale.models import SEED, fit_kmeans


def cophenetic_correlations(
    X: np.ndarray, methods: Iterable[str] = ("ward", "average", "complete", "single")
) -> pd.Series:
    """Correlate the distances between customers with the heights at which trees of each method join them.

    Sokal and Rohlf (1962), The comparison of dendrograms by objective methods.
    """
    distances = pdist(X)
    correlations = {method: cophenet(linkage(X, method), distances)[0] for method in methods}
    return pd.Series(correlations, name="cophenetic correlation")


def merge_heights(tree: np.ndarray, *, top: int = 10) -> pd.Series:
    """Heights at which a tree's k segments become k - 1, for k = 2…top + 1, indexed by ``k``."""
    heights = np.sort(tree[:, 2])[::-1][:top]
    return pd.Series(heights, index=pd.RangeIndex(2, len(heights) + 2, name="k"), name="height")


def jumps(heights: pd.Series) -> pd.Series:
    """Ratio of each merge height to the next lower one, indexed by ``k``."""
    return (heights / heights.shift(-1)).dropna().rename("jump")


def cut_by_largest_jump(heights: pd.Series) -> int:
    """Return the k that is left when a tree is cut inside its largest relative jump."""
    return int(jumps(heights).idxmax())


def clouds_without_segments(X: np.ndarray, *, samples: int, random_state: int = SEED) -> Iterator[np.ndarray]:
    """Draw clouds as large as `X` from one Gaussian with its mean and covariance: a yardstick."""
    rng = np.random.default_rng(random_state)
    mean, covariance = X.mean(axis=0), np.cov(X, rowvar=False)
    for _ in range(samples):
        yield rng.multivariate_normal(mean, covariance, len(X), method="cholesky")


def jumps_without_segments(X: np.ndarray, *, samples: int = 200) -> pd.DataFrame:
    """Jumps in the heights of Ward's trees of such clouds, a row per cloud; columns as in `jumps`."""
    trees = (linkage(cloud, "ward") for cloud in clouds_without_segments(X, samples=samples))
    return pd.DataFrame([jumps(merge_heights(tree)) for tree in trees]).reset_index(drop=True)


def silhouettes_without_segments(
    X: np.ndarray, ks: Iterable[int] = (2, 3, 4), *, samples: int = 50
) -> pd.DataFrame:
    """Mean silhouettes of K-Means on such clouds, a row per cloud, a column per k."""
    ks = list(ks)
    rows = [
        [silhouette_score(cloud, fit_kmeans(cloud, k, n_init=10).labels_) for k in ks]
        for cloud in clouds_without_segments(X, samples=samples)
    ]
    return pd.DataFrame(rows, columns=pd.Index(ks, name="k"))
