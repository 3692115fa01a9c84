"""A tree of customers as SciPy writes it: in which segment each node lies, and where the cut is."""

import numpy as np


def owners(linkage: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """Return the segment (1…k) in which each of the 2n - 1 nodes lies, 0 for a merge of several."""
    owner = np.concatenate([segments, np.zeros(len(linkage), dtype=int)])
    for node, (left, right) in enumerate(linkage[:, :2].astype(int), start=len(segments)):
        owner[node] = owner[left] if owner[left] == owner[right] else 0
    return owner


def cut_height(linkage: np.ndarray, n_segments: int) -> float:
    """Return the height midway between the last merge within a segment and the first across segments."""
    heights = np.concatenate([[0.0], linkage[:, 2], [linkage[-1, 2] * 1.05]])
    last = len(linkage) + 1 - n_segments
    return float(heights[last : last + 2].mean())
