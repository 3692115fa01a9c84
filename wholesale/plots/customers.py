"""Figures with one mark per customer, or of how customers are spread."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from numpy import ndarray
from pandas import DataFrame
from scipy.cluster.hierarchy import dendrogram

from wholesale.columns import LABELS
from wholesale.plots import style
from wholesale.plots.style import CUT, DASHES, GREY, INK, MARKERS, OFFSET, PALE, TEXT, finish, on_axes
from wholesale.tree import cut_height, owners
from wholesale.wording import format_amount

Names = Sequence[str]


def plot_spread(
    table: DataFrame, *, unit: str, marked: Sequence[int] = (), ax: Axes | None = None, title: str = ""
) -> Axes:
    """Draw each column as a row of points, one per customer, with its median and middle half.

    Parameters
    ----------
    table : DataFrame
        One row per customer; the index numbers them.
    marked : sequence of int
        Customers to single out, each by a line through all columns and its number.
    """
    ax = on_axes(ax, 0.6 * table.shape[1] + 1.2)
    jitter = 0.5 * (np.arange(len(table)) * 0.618034 % 1) - 0.25  # golden ratio: even, and the same each time
    rows = np.arange(table.shape[1])
    for row, column in enumerate(table):
        ax.scatter(table[column], row + jitter, s=9, color=GREY, alpha=0.35, linewidth=0)
    low, middle, high = table.quantile([0.25, 0.5, 0.75]).to_numpy()
    ax.hlines(rows, low, high, color=INK, linewidth=5)
    ax.scatter(middle, rows, s=46, color="white", edgecolor=INK, linewidth=1.5, zorder=3)
    for customer, dashes in zip(marked, DASHES, strict=False):
        values = table.loc[customer].to_numpy()
        ax.plot(values, rows, dashes, color=INK, linewidth=1.2, marker="o", markersize=4.5, zorder=4)
        ax.annotate(f"customer {customer}", (values[0], 0), (0, 11), ha="center", **OFFSET)
    ax.set(xlabel=unit, yticks=rows, yticklabels=[LABELS.get(name, name) for name in table])
    ax.set_ylim(len(rows) - 0.55, -0.7)
    return finish(ax, title, grid="x")


def plot_ranges(
    record: DataFrame, own: DataFrame, *, unit: str, names: Names, ax: Axes | None = None, title: str = ""
) -> Axes:
    """Draw each column's middle 80% as a line, its middle half as a bar and its median as a dot, twice.

    Parameters
    ----------
    record, own : DataFrame
        The same columns, values ≥ 0, a row per customer; `record` is drawn in grey above `own` in ink. The
        axis is logarithmic but for values below 10.
    names : sequence of str
        What the two are called.
    """
    ax = on_axes(ax, 0.62 * record.shape[1] + 1.4)
    rows = np.arange(record.shape[1])
    for table, name, colour, shift in ((record, names[0], GREY, -0.16), (own, names[1], INK, 0.16)):
        far_low, low, middle, high, far_high = table.quantile([0.1, 0.25, 0.5, 0.75, 0.9]).to_numpy()
        ax.hlines(rows + shift, far_low, far_high, color=colour, linewidth=1.2)
        ax.hlines(rows + shift, low, high, color=colour, linewidth=7)
        ax.scatter(middle, rows + shift, s=42, color="white", edgecolor=colour, linewidth=1.5, zorder=3)
        ax.annotate(name, (far_high[0], shift), (8, 0), va="center", **OFFSET | {"color": colour})
    ax.set_xscale("symlog", linthresh=10)
    ax.xaxis.set_major_formatter(style.AMOUNTS)
    lowest = min(record.quantile(0.1).min(), own.quantile(0.1).min())
    ax.set(xlabel=unit, yticks=rows, yticklabels=[LABELS.get(name, name) for name in record])
    ax.set_xlim(0.7 * lowest if lowest > 10 else 0, None)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    return finish(ax, title, grid="x")


def plot_pairs(table: DataFrame, *, title: str = "") -> sns.PairGrid:
    """Draw every pair of categories, customers as points, on logarithmic axes.

    Parameters
    ----------
    table : DataFrame of shape (n_customers, n_categories)
        Amounts > 0 in m.u. per year.

    Returns
    -------
    PairGrid
        This one figure has many Axes, so it cannot be drawn on a given one.
    """
    with plt.rc_context({"axes.labelsize": 9, "xtick.labelsize": 8, "ytick.labelsize": 8}):
        grid = sns.PairGrid(table.rename(columns=style.BROKEN), corner=True, height=1.1, aspect=1.5)
    for row, axes in enumerate(grid.axes):
        for column, ax in enumerate(axes[: row + 1]):
            ax.set(xscale="log", xlim=(2, 2e5), xticks=[1e1, 1e3, 1e5])
            if column < row:
                ax.set(yscale="log", ylim=(2, 2e5), yticks=[1e1, 1e3, 1e5])
    grid.map_lower(sns.scatterplot, s=7, color=GREY, alpha=0.4, linewidth=0)
    grid.map_diag(sns.histplot, color=GREY, edgecolor="white", linewidth=0.3, bins=20)
    for ax in filter(None, grid.axes.flat):
        ax.minorticks_off()
    grid.figure.supxlabel("m.u. per year, on logarithmic axes", fontsize=9.5, color=GREY, y=0.02, va="top")
    grid.figure.suptitle(title, x=0.01, y=1.01, ha="left", va="bottom", **style.TITLE)
    return grid


def plot_map(
    places: DataFrame,
    labels: ndarray | None = None,
    *,
    names: Names = (),
    colours: Names = (),
    arrows: DataFrame | None = None,
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw customers as points on a plane, in segment colours if there are segments.

    Parameters
    ----------
    places : DataFrame of shape (n_customers, 2)
        Coordinates; the column names become the axis labels.
    arrows : DataFrame of shape (n_categories, 2), optional
        Directions from the origin, by category; drawn four times as long.
    """
    ax = on_axes(ax, 6.4, width=9.0)
    x, y = places.to_numpy().T
    if labels is None:
        ax.scatter(x, y, s=14, color=GREY, alpha=0.5, linewidth=0)
    else:
        for segment, (name, colour) in enumerate(zip(names, colours, strict=True), start=1):
            at, marker = labels == segment, MARKERS[segment - 1]
            ax.scatter(x[at], y[at], s=15, color=colour, marker=marker, alpha=0.75, linewidth=0)
            ax.text(
                np.median(x[at]), np.median(y[at]), name, ha="center", va="center", fontweight="bold", **TEXT
            )
    if arrows is not None:
        _draw_arrows(ax, 4 * arrows)
    ax.axhline(0, color=PALE, zorder=0)
    ax.axvline(0, color=PALE, zorder=0)
    ax.set(xlabel=places.columns[0], ylabel=places.columns[1], aspect="equal")
    return finish(ax, title)


def _draw_arrows(ax: Axes, tips: DataFrame) -> None:
    """Draw arrows from the origin, their names beyond the tips and moved apart where they would collide."""
    style = {"arrowstyle": "-|>", "color": INK, "shrinkA": 0, "shrinkB": 0}
    placed: list[ndarray] = []
    for category, tip in zip(tips.index, tips.to_numpy(), strict=True):
        ax.annotate("", tip, (0, 0), arrowprops=style)
        step = np.array([0, 0.06 * np.sign(tip[1])])
        place = 1.1 * tip + 2 * step
        while any(abs(place - other)[0] < 1.2 and abs(place - other)[1] < 0.36 for other in placed):
            place = place + step
        placed.append(place)
        side = "center" if abs(tip[1]) > abs(tip[0]) else "left" if tip[0] > 0 else "right"
        ax.text(place[0], place[1], LABELS.get(str(category), str(category)), ha=side, va="center", **TEXT)


def plot_silhouettes(
    silhouettes: ndarray, labels: ndarray, *, colours: Names, ax: Axes | None = None, title: str = ""
) -> Axes:
    """Draw every customer's silhouette as a line from zero, sorted within its segment.

    Each segment's tick says its number, its size and how many of its customers are below zero; a dashed line
    marks the mean of all. After Rousseeuw (1987), Silhouettes: a graphical aid to the interpretation and
    validation of cluster analysis.
    """
    ax = on_axes(ax, 4.4)
    start, gap = 0, 12  # empty rows between segments
    middles, written = [], []
    for segment, colour in enumerate(colours, start=1):
        lengths = np.sort(silhouettes[labels == segment])[::-1]
        rows = start + np.arange(len(lengths))
        ax.fill_betweenx(rows, 0, lengths, step="mid", color=colour, linewidth=0)
        middles.append(rows.mean())
        written.append(f"{segment}: {len(rows)}\n{(lengths < 0).sum()} below 0")
        start += len(lengths) + gap
    ax.axvline(silhouettes.mean(), **CUT)
    ax.axvline(0, color=INK, linewidth=0.8)
    ax.set(xlabel=f"silhouette (dashed: mean, {silhouettes.mean():.2f})")
    ax.set(yticks=middles, yticklabels=written, ylim=(start - gap, -1))
    return finish(ax, title, grid="x")


def plot_dendrogram(
    tree: ndarray,
    labels: ndarray,
    *,
    names: Names,
    colours: Names,
    leaves: int | None = None,
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw a tree whose branches below its cut into k wear their segment's colour.

    Parameters
    ----------
    tree : ndarray of shape (n - 1, 4)
        As in :func:`scipy.cluster.hierarchy.linkage`.
    leaves : int, optional
        Show only the top of the tree, with this many leaves and the number of customers under each.
    """
    ax = on_axes(ax, 4.4)
    segment, shades, height = owners(tree, labels), [GREY, *colours], cut_height(tree, len(names))
    top = {} if leaves is None else {"truncate_mode": "lastp", "p": leaves, "leaf_font_size": 9}
    with _deep(len(tree)):
        drawn = dendrogram(
            tree, ax=ax, link_color_func=lambda node: shades[segment[node]], no_labels=leaves is None, **top
        )
    for lines in ax.collections:
        lines.set_linewidth(0.8 if leaves is None else 1.8)
    ax.axhline(height, **CUT)
    beside, below = ("axes fraction", "data"), ax.get_xaxis_transform()
    ax.annotate(f"cut\ninto {len(names)}", (1, height), (6, 0), xycoords=beside, va="center", **OFFSET)
    of_leaf, gap = segment[drawn["leaves"]], 0.004 * ax.get_xlim()[1]
    for number, (name, colour) in enumerate(zip(names, colours, strict=True), start=1):
        x = 10 * np.flatnonzero(of_leaf == number) + 5  # SciPy draws leaf i at 10 i + 5
        ends = [x.min() - 5 + gap, x.max() + 5 - gap]
        ax.plot(ends, [-0.08, -0.08], color=colour, linewidth=4, transform=below, clip_on=False)
        size = format_amount((labels == number).sum())
        said = f"{number} {name}\n{size} customers" if name else f"{number}\n{size}"
        ax.text(sum(ends) / 2, -0.11, said, transform=below, ha="center", va="top", **TEXT)
    ax.set_ylabel(style.MERGE_HEIGHT)
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
