"""What a tree shows: how true it is to the distances, where it asks to be cut, and what chance would show."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import pdist

from wholesale.evidence.nulls import clouds


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
