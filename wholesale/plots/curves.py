"""Figures over the number of segments."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from wholesale.plots.style import GREY, HALO, INK, MARKERS, MERGE_HEIGHT, OFFSET, PALE, finish, on_axes

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
    ax.set(ylabel=MERGE_HEIGHT, ylim=(0, 1.12 * heights.max()))
    return finish(ax, title, grid="y")


def plot_jumps(jumps: pd.Series, expected: pd.DataFrame, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw a tree's jumps over the range that trees of customers without segments have.

    Parameters
    ----------
    jumps : Series indexed by ``k``
        How many times higher the merge of k segments is than the one before it.
    expected : DataFrame of shape (n_samples, n_jumps)
        The same of data without segments; drawn as the median and a bar from 5% to 95%.
    ax : Axes, optional
    title : str

    Returns
    -------
    Axes
    """
    ax = on_axes(ax, 3.6)
    low, middle, high = (expected[jumps.index].quantile(share) for share in (0.05, 0.5, 0.95))
    ax.vlines(jumps.index, low, high, color=PALE, linewidth=16, zorder=1)
    ax.scatter(jumps.index, middle, s=260, marker="_", color=GREY, linewidth=2, zorder=2)
    ax.scatter(jumps.index, jumps, s=45, color=INK, zorder=3)
    for k, jump in jumps.items():
        ax.annotate(f"{jump:.2f}", (float(k), jump), (13, 0), va="center", path_effects=HALO, **OFFSET)
    ax.set(xlabel="segments before the merge (bar: 5% to 95% of trees without segments, dash: their median)")
    ax.set(ylabel="height over the merge before", xticks=jumps.index)
    return finish(ax, title, grid="y")


def plot_search(
    best: pd.DataFrame,
    worst: pd.DataFrame,
    steady: pd.DataFrame,
    *,
    unit: str,
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw the lowest scores that a search found over k, and how far its least lucky seed stayed above.

    Parameters
    ----------
    best, worst : DataFrame
        Indexed by k, at most four columns, which name the lines; lower is better. The space between them
        is shaded.
    steady : DataFrame of bool
        Whether every seed found the best; the others' markers are open.
    unit : str
        For the vertical axis.
    ax : Axes, optional
    title : str

    Returns
    -------
    Axes
        With a ring around the lowest of all.
    """
    ax = on_axes(ax, 4.4)
    for (name, score), dashes, marker in zip(best.items(), DASHES, MARKERS, strict=False):
        ax.fill_between(score.index, score, worst[name], color=GREY, alpha=0.18, linewidth=0)
        ax.plot(score.index, score, dashes, color=INK, linewidth=1.4)
        for found, face in ((steady[name], INK), (~steady[name], "white")):
            ax.plot(score.index[found], score[found], marker, color=INK, markerfacecolor=face, markersize=5.5)
        start = (score.index[0], score.iloc[0])
        ax.annotate(str(name), start, (-9, 0), ha="right", va="center", **OFFSET)
    k, lowest = best.min(axis=1).idxmin(), best.min(axis=None)
    ax.scatter(k, lowest, s=190, facecolor="none", edgecolor=INK, linewidth=1.5, zorder=3)
    ax.set(xlabel="number of components k (open: not every seed found it; shade: up to the worst seed)")
    ax.set(ylabel=unit, xticks=best.index, xlim=(best.index[0] - 0.8, best.index[-1] + 0.2))
    return finish(ax, title, grid="y")
