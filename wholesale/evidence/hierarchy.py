"""What a tree of customers shows: how true it is to the distances, and where it asks to be cut."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import pdist


def cophenetic_correlations(
    X: np.ndarray, methods: Iterable[str] = ("ward", "average", "complete", "single")
) -> pd.Series:
    """Correlate the distances between customers with the heights at which trees join them.

    Parameters
    ----------
    X : ndarray of shape (n_customers, 6)
    methods : iterable of str
        Linkages, as in :func:`scipy.cluster.hierarchy.linkage`.

    Returns
    -------
    Series
        Cophenetic correlation (−1…1) by method.

    References
    ----------
    Sokal and Rohlf (1962), The comparison of dendrograms by objective methods.
    """
    distances = pdist(X)
    correlations = {method: cophenet(linkage(X, method), distances)[0] for method in methods}
    return pd.Series(correlations, name="cophenetic correlation")


def merge_heights(tree: np.ndarray, *, top: int = 10) -> pd.Series:
    """Heights of the last merges of a tree.

    Parameters
    ----------
    tree : ndarray of shape (n_customers - 1, 4)
        As :func:`scipy.cluster.hierarchy.linkage` writes it.
    top : int
        How many merges.

    Returns
    -------
    Series indexed by ``k``
        The height at which k segments become k - 1, for k = 2…top + 1.
    """
    heights = np.sort(tree[:, 2])[::-1][:top]
    return pd.Series(heights, index=pd.RangeIndex(2, len(heights) + 2, name="k"), name="height")


def jumps(heights: pd.Series) -> pd.Series:
    """Ratio of each merge height to the next lower one, indexed by ``k``."""
    return (heights / heights.shift(-1)).dropna().rename("jump")


def cut_by_largest_jump(heights: pd.Series) -> int:
    """Return the k below whose merge the height drops most, as a ratio.

    Parameters
    ----------
    heights : Series indexed by ``k``
        From `merge_heights`.

    Returns
    -------
    int
        The number of segments left when the tree is cut inside its largest relative jump.
    """
    return int(jumps(heights).idxmax())
