"""Segments seen without fitting them: where a density has its peaks, and where a tree asks to be cut.

Components that make one cluster, clusters of density, the dip test, a tree's jumps, beside clouds without.
"""

from collections.abc import Iterable
from itertools import combinations

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.optimize import isotonic_regression
from scipy.spatial.distance import pdist
from scipy.special import xlogy
from sklearn.cluster import HDBSCAN

from wholesale.criteria import check_fit
from wholesale.evidence.nulls import CLOUDS, NULLS, clouds
from wholesale.evidence.recommend import OBSERVED
from wholesale.models import one_thread

LEAST_SIZES = (5, 10, 20, 40)  # customers that a peak must at least hold


def merge_components(memberships: np.ndarray) -> dict[int, np.ndarray]:
    """Merge the components of a mixture one by one, always the two that lower the entropy most.

    Takes memberships (n, k), as `predict_proba` gives them; returns those of k, k - 1, …, 1 clusters. The
    density stays the same and so does BIC. Baudry et al. (2010), Combining mixture components for clustering.
    """
    merged = {memberships.shape[1]: memberships}
    for k in range(memberships.shape[1], 1, -1):
        pairs = combinations(range(k), 2)
        merged[k - 1] = min((_merged(merged[k], *pair) for pair in pairs), key=entropy)
    return merged


def _merged(shares: np.ndarray, one: int, other: int) -> np.ndarray:
    into = np.delete(np.eye(shares.shape[1]), other, axis=1)
    into[other, one] = 1
    return shares @ into


def entropy(memberships: np.ndarray) -> float:
    """Return the entropy of soft memberships, summed over customers."""
    return -float(xlogy(memberships, memberships).sum())


def dip(values: np.ndarray) -> float:
    """Largest distance of the distribution of `values` from the nearest one with a single mode.

    Hartigan and Hartigan (1985), The dip test of unimodality. At least 1 / 2n; 0.25 is the most there is.
    """
    x, counts = np.unique(values, return_counts=True)
    above = counts.cumsum() / counts.sum()
    below = above - counts / counts.sum()
    left, right, least = 0, len(x), 1 / counts.sum()
    while right - left > 1:
        here = slice(left, right)
        convex, concave = _minorant(x[here], below[here]), -_minorant(x[here], -above[here])
        rising, falling = below[here] - convex < 1e-12, concave - above[here] < 1e-12  # touch the steps
        widest = int(((concave - convex) * (rising | falling)).argmax())  # as wide as anywhere between
        rises, falls = np.flatnonzero(rising), np.flatnonzero(falling)
        start, end = rises[rises <= widest][-1], falls[falls >= widest][0]
        if (concave - convex)[widest] <= least or (start, end) == (0, right - left - 1):  # by rounding
            break
        far = [(above[here] - convex)[:start], (concave - below[here])[end + 1 :]]  # a mode may hold many
        left, right, least = left + start, left + end + 1, max([least, *np.concatenate(far)])
    return float(least / 2)


def _minorant(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the greatest convex function below the points, at each of them: its slopes never fall."""
    gaps = np.diff(x)
    slopes = isotonic_regression(np.diff(y) / gaps, weights=gaps).x
    return y[0] + np.concatenate([[0], np.cumsum(slopes * gaps)])


def density_peaks(X: np.ndarray, samples: int = CLOUDS, n_jobs: int | None = None) -> pd.DataFrame:
    """Look for peaks in `X`, and in clouds of each kind with nothing to find.

    Draws `samples` clouds of each kind; the numbers do not depend on `n_jobs`, the processes.

    Returns
    -------
    DataFrame indexed by ``null`` and ``cloud``
        ``dip_distances`` between all pairs of customers, ``dip_component``, the first principal one, and
        ``dip_1`` … of each column; for each least size s, the clusters of density ``peaks_s`` (HDBSCAN finds
        none or at least two) and the share of customers ``outside_s`` them. ``null`` is `OBSERVED` for `X`.

    Adolfsson, Ackerman and Brownstein (2019), To cluster, or not to cluster; Campello, Moulavi and Sander
    (2013), Density-based clustering based on hierarchical density estimates.
    """
    X = check_fit(X)
    drawn = {(kind, i): each for kind in NULLS for i, each in enumerate(clouds(X, kind, samples=samples))}
    drawn[OBSERVED, 0] = X
    rows = Parallel(n_jobs=n_jobs)(delayed(_peaks)(cloud) for cloud in drawn.values())
    index = pd.MultiIndex.from_tuples(drawn, names=["null", "cloud"])
    return pd.DataFrame(rows, index=index).sort_index()


def _peaks(X: np.ndarray) -> dict[str, float]:
    with one_thread():
        centred = X - X.mean(axis=0)
        first = centred @ np.linalg.eigh(centred.T @ centred)[1][:, -1]
        row = {"dip_distances": dip(pdist(X)), "dip_component": dip(first)}
        row |= {f"dip_{i}": dip(column) for i, column in enumerate(X.T, start=1)}
        for size in (size for size in LEAST_SIZES if size <= len(X)):
            found = HDBSCAN(size, copy=True).fit_predict(X)
            row |= {f"peaks_{size}": len(set(found[found >= 0])), f"outside_{size}": (found < 0).mean()}
    return row


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


def jumps_without_segments(X: np.ndarray, *, samples: int = 200) -> pd.DataFrame:
    """Jumps in Ward's trees of Gaussian clouds without segments, a row per cloud; columns as in `jumps`."""
    trees = (linkage(cloud, "ward") for cloud in clouds(X, "gaussian", samples=samples))
    return pd.DataFrame([jumps(merge_heights(tree)) for tree in trees]).reset_index(drop=True)
