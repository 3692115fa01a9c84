"""Dendrograms of a given linkage, in segment colours."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from scipy.cluster.hierarchy import dendrogram

from wholesale.plots.style import GREY, INK, MERGE_HEIGHT, OFFSET, TEXT, finish, on_axes
from wholesale.wording import format_amount


def plot_dendrogram(
    tree: np.ndarray,
    labels: np.ndarray,
    *,
    names: Sequence[str],
    colours: Sequence[str],
    leaves: int | None = None,
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw a tree whose branches below the cut wear their segment's colour.

    Parameters
    ----------
    tree : ndarray of shape (n - 1, 4)
        As in :func:`scipy.cluster.hierarchy.linkage`.
    labels : ndarray of shape (n,)
        Segments, 1…k, of the tree's own cut into k.
    names, colours : sequence of str
        One per segment; one without a name shows its number and size alone, as under a single leaf.
    leaves : int, optional
        Show only the top of the tree, with this many leaves and the number of customers under each.
    ax : Axes, optional
    title : str

    Returns
    -------
    Axes
    """
    ax = on_axes(ax, 4.4)
    segment = _segment_of_nodes(tree, labels)
    top = {} if leaves is None else {"truncate_mode": "lastp", "p": leaves, "leaf_font_size": 9}
    shades = [GREY, *colours]
    shown = {"no_labels": leaves is None, **top}
    with _deep(len(tree)):
        drawn = dendrogram(tree, ax=ax, link_color_func=lambda node: shades[segment[node]], **shown)
    for lines in ax.collections:
        lines.set_linewidth(0.8 if leaves is None else 1.8)
    _draw_cut(ax, tree, len(names))
    of_leaf = segment[np.array(drawn["leaves"])]
    for number, (name, colour) in enumerate(zip(names, colours, strict=True), start=1):
        x = 10 * np.flatnonzero(of_leaf == number) + 5  # SciPy draws leaf i at 10 i + 5
        gap = 0.004 * ax.get_xlim()[1]
        size = format_amount((labels == number).sum())
        text = f"{number} {name}\n{size} customers" if name else f"{number}\n{size}"
        _name_segment(ax, x.min() - 5 + gap, x.max() + 5 - gap, text, colour)
    ax.set_ylabel(MERGE_HEIGHT)
    if leaves is not None:
        ax.set_xlabel("at each leaf: customers in the branch", labelpad=48)
    return finish(ax, title, grid="y")


@contextmanager
def _deep(merges: int) -> Iterator[None]:
    """Let SciPy call itself once per merge: a chain of customers is as deep as it is long."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + merges)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _segment_of_nodes(tree: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the segment of each leaf and each merge; 0 for a merge of different segments."""
    segment = [int(label) for label in labels]
    for left, right in tree[:, :2].astype(int):
        segment.append(segment[left] if segment[left] == segment[right] else 0)
    return np.array(segment)


def _draw_cut(ax: Axes, tree: np.ndarray, k: int) -> None:
    height = tree[-k : len(tree) - k + 2, 2].mean() if k > 1 else tree[-1, 2]
    ax.axhline(height, color=INK, linestyle="--", linewidth=1)
    place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "va": "center", **OFFSET}
    ax.annotate(f"cut\ninto {k}", (1, height), (6, 0), **place)


def _name_segment(ax: Axes, left: float, right: float, text: str, colour: str) -> None:
    base = ax.get_xaxis_transform()
    ax.plot([left, right], [-0.08, -0.08], color=colour, linewidth=4, transform=base, clip_on=False)
    ax.text((left + right) / 2, -0.11, text, transform=base, ha="center", va="top", **TEXT)
