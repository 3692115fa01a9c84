"""Figures with one mark per customer."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from wholesale.columns import LABELS
from wholesale.plots.style import GREY, HALO, INK, MARKERS, OFFSET, PALE, TEXT, TITLE, finish, on_axes


def plot_spread(
    table: pd.DataFrame, *, unit: str, marked: Sequence[int] = (), ax: Axes | None = None, title: str = ""
) -> Axes:
    """Draw each column as a row of points, one per customer, with its median and middle half.

    Parameters
    ----------
    table : DataFrame
        One row per customer; the index numbers them.
    unit : str
        What the values are in, for the axis.
    marked : sequence of int
        Customers to single out, each by a line through all columns and its number.
    ax : Axes, optional
    title : str

    Returns
    -------
    Axes
    """
    ax = on_axes(ax, 0.6 * table.shape[1] + 1.2)
    jitter = 0.5 * (np.arange(len(table)) * 0.618034 % 1) - 0.25  # golden ratio: even, and the same each time
    rows = np.arange(table.shape[1])
    for row, column in enumerate(table):
        ax.scatter(table[column], row + jitter, s=9, color=GREY, alpha=0.35, linewidth=0)
    low, middle, high = table.quantile([0.25, 0.5, 0.75]).to_numpy()
    ax.hlines(rows, low, high, color=INK, linewidth=5)
    ax.scatter(middle, rows, s=46, color="white", edgecolor=INK, linewidth=1.5, zorder=3)
    for customer, dashes in zip(marked, ("-", "--", ":", "-."), strict=False):
        values = table.loc[customer].to_numpy()
        ax.plot(values, rows, dashes, color=INK, linewidth=1.2, marker="o", markersize=4.5, zorder=4)
        ax.annotate(f"customer {customer}", (values[0], 0), (0, 11), ha="center", path_effects=HALO, **OFFSET)
    ax.set(xlabel=unit, yticks=rows, yticklabels=[LABELS.get(name, name) for name in table])
    ax.set_ylim(len(rows) - 0.55, -0.7)
    return finish(ax, title, grid="x")


def plot_pairs(table: pd.DataFrame, *, title: str = "") -> sns.PairGrid:
    """Draw every pair of categories, customers as points, on logarithmic axes.

    Parameters
    ----------
    table : DataFrame of shape (n_customers, n_categories)
        Amounts > 0 in m.u. per year.
    title : str

    Returns
    -------
    PairGrid
        This one figure has many Axes, so it cannot be drawn on a given one.
    """
    split = {column: label.replace(" and ", "\nand ") for column, label in LABELS.items()}
    with plt.rc_context({"axes.labelsize": 9, "xtick.labelsize": 8, "ytick.labelsize": 8}):
        grid = sns.PairGrid(table.rename(columns=split), corner=True, height=1.1, aspect=1.5)
    for ax in filter(None, grid.axes.flat):
        ax.set(xscale="log", xlim=(2, 2e5), xticks=[1e1, 1e3, 1e5])
    for row, axes in enumerate(grid.axes):
        for ax in axes[:row]:
            ax.set(yscale="log", ylim=(2, 2e5), yticks=[1e1, 1e3, 1e5])
    grid.map_lower(sns.scatterplot, s=7, color=GREY, alpha=0.4, linewidth=0)
    grid.map_diag(sns.histplot, color=GREY, edgecolor="white", linewidth=0.3, bins=20)
    for ax in filter(None, grid.axes.flat):
        ax.minorticks_off()
    grid.figure.supxlabel("m.u. per year, on logarithmic axes", fontsize=9.5, color=GREY, y=0.02, va="top")
    grid.figure.suptitle(title, x=0.01, y=1.01, ha="left", va="bottom", **TITLE)
    return grid


def plot_map(
    places: pd.DataFrame,
    labels: np.ndarray | None = None,
    *,
    names: Sequence[str] = (),
    colours: Sequence[str] = (),
    arrows: pd.DataFrame | None = None,
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw customers as points on a plane, in segment colours if there are segments.

    Parameters
    ----------
    places : DataFrame of shape (n_customers, 2)
        Coordinates; the column names become the axis labels.
    labels : ndarray of shape (n_customers,), optional
        Segments, 1…k.
    names, colours : sequence of str
        One per segment, if there are labels.
    arrows : DataFrame of shape (n_categories, 2), optional
        Directions from the origin, by category; drawn four times as long.
    ax : Axes, optional
    title : str

    Returns
    -------
    Axes
    """
    ax = on_axes(ax, 6.4, width=9.0)
    x, y = places.to_numpy().T
    if labels is None:
        ax.scatter(x, y, s=14, color=GREY, alpha=0.5, linewidth=0)
    else:
        for segment, (name, colour) in enumerate(zip(names, colours, strict=True), start=1):
            its = labels == segment
            ax.scatter(
                x[its], y[its], s=15, color=colour, marker=MARKERS[segment - 1], alpha=0.75, linewidth=0
            )
            _write(ax, name, np.median(x[its]), np.median(y[its]), weight="bold")
    if arrows is not None:
        _draw_arrows(ax, 4 * arrows)
    ax.axhline(0, color=PALE, zorder=0)
    ax.axvline(0, color=PALE, zorder=0)
    ax.set(xlabel=places.columns[0], ylabel=places.columns[1], aspect="equal")
    return finish(ax, title)


def _draw_arrows(ax: Axes, tips: pd.DataFrame) -> None:
    """Draw arrows from the origin, their names beyond the tips and moved apart where they would collide."""
    placed: list[np.ndarray] = []
    for category, tip in zip(tips.index, tips.to_numpy(), strict=True):
        ax.annotate(
            "", tip, (0, 0), arrowprops={"arrowstyle": "-|>", "color": INK, "shrinkA": 0, "shrinkB": 0}
        )
        step = np.array([0, 0.06 * np.sign(tip[1])])
        place = 1.1 * tip + 2 * step
        while any(abs(place - other)[0] < 1.2 and abs(place - other)[1] < 0.36 for other in placed):
            place = place + step
        placed.append(place)
        side = "center" if abs(tip[1]) > abs(tip[0]) else "left" if tip[0] > 0 else "right"
        _write(ax, LABELS.get(str(category), str(category)), *place, ha=side)


def _write(ax: Axes, text: str, x: float, y: float, *, ha: str = "center", weight: str = "normal") -> None:
    ax.text(x, y, text, ha=ha, va="center", fontweight=weight, path_effects=HALO, **TEXT)
