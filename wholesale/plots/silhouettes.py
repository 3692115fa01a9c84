"""Silhouettes, one customer at a time."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from wholesale.plots.style import INK, finish, on_axes

GAP = 12
"""Empty rows between segments."""


def plot_silhouettes(
    silhouettes: np.ndarray,
    labels: np.ndarray,
    *,
    colours: Sequence[str],
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw every customer's silhouette as a line from zero, sorted within its segment.

    Parameters
    ----------
    silhouettes : ndarray of shape (n_customers,)
        -1…1.
    labels : ndarray of shape (n_customers,)
        Segments, 1…k.
    colours : sequence of str
        One per segment.
    ax : Axes, optional
    title : str

    Returns
    -------
    Axes
        Each segment's tick says its number, its size and how many of its customers are below zero; a
        dashed line marks the mean of all.

    References
    ----------
    Rousseeuw (1987), Silhouettes: a graphical aid to the interpretation and validation of cluster analysis.
    """
    ax = on_axes(ax, 4.4)
    start, middles, written = 0, [], []
    for segment, colour in enumerate(colours, start=1):
        lengths = np.sort(silhouettes[labels == segment])[::-1]
        rows = start + np.arange(len(lengths))
        ax.fill_betweenx(rows, 0, lengths, step="mid", color=colour, linewidth=0)
        middles.append(rows.mean())
        written.append(f"{segment}: {len(rows)}\n{(lengths < 0).sum()} below 0")
        start += len(lengths) + GAP
    ax.axvline(silhouettes.mean(), color=INK, linestyle="--", linewidth=1)
    ax.axvline(0, color=INK, linewidth=0.8)
    ax.set(xlabel=f"silhouette (dashed: mean, {silhouettes.mean():.2f})")
    ax.set(yticks=middles, yticklabels=written, ylim=(start - GAP, -1))
    return finish(ax, title, grid="x")
