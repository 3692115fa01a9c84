"""Figures over the number of segments."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from wholesale.plots.style import GREY, HALO, INK, MARKERS, OFFSET, finish, on_axes

DASHES = ("-", "--", ":", "-.")


def plot_criteria(
    scores: pd.DataFrame, *, unit: str, lowest: bool = False, ax: Axes | None = None, title: str = ""
) -> Axes:
    """Draw one line per criterion over k, named at its end, with its best k ringed.

    Parameters
    ----------
    scores : DataFrame
        Indexed by k; the column names label the lines, at most four.
    unit : str
        For the vertical axis.
    lowest : bool
        Whether the lowest score is the best; the highest is otherwise.
    ax : Axes, optional
    title : str

    Returns
    -------
    Axes
    """
    ax = on_axes(ax, 3.6)
    for (name, score), dashes, marker in zip(scores.items(), DASHES, MARKERS, strict=False):
        ax.plot(score.index, score, dashes, color=INK, marker=marker, markersize=4.5, linewidth=1.6)
        best = score.idxmin() if lowest else score.idxmax()
        ax.scatter(best, score[best], s=150, facecolor="none", edgecolor=INK, linewidth=1.5, zorder=3)
        end = (score.index[-1], score.iloc[-1])
        ax.annotate(str(name), end, (9, 0), va="center", **OFFSET)
    ax.set(xlabel="number of segments k (ring: the best by this criterion)", ylabel=unit)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.margins(x=0.04)
    return finish(ax, title, grid="y")


def plot_heights(heights: pd.Series, *, cut: int, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw the heights of a tree's last merges as a stem each, the undone ones open.

    Parameters
    ----------
    heights : Series
        Indexed by the number of segments before the merge.
    cut : int
        Number of segments kept: merges of this many or fewer are undone, and drawn open.
    ax : Axes, optional
    title : str

    Returns
    -------
    Axes
    """
    ax = on_axes(ax, 3.4)
    undone = heights.index <= cut
    ax.vlines(heights.index, 0, heights, color=GREY, linewidth=1.5)
    ax.scatter(heights.index[~undone], heights[~undone], s=55, color=INK, zorder=3)
    ax.scatter(
        heights.index[undone],
        heights[undone],
        s=55,
        facecolor="white",
        edgecolor=INK,
        linewidth=1.5,
        zorder=3,
    )
    for k, height in heights.items():
        ax.annotate(f"{height:.1f}", (float(k), height), (0, 9), ha="center", path_effects=HALO, **OFFSET)
    ax.axvline(cut + 0.5, color=INK, linestyle="--", linewidth=1)
    ax.annotate(
        f"the cut keeps {cut} segments", (cut + 0.6, heights.max()), fontsize=9.5, color=INK, va="center"
    )
    ax.set(xlabel="segments before the merge (open: undone by the cut)", xticks=heights.index)
    ax.set(ylabel="merge height (standard deviations)", ylim=(0, 1.12 * heights.max()))
    return finish(ax, title, grid="y")
