"""Heat maps of small tables, every number written in its place."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba_array

from wholesale.columns import LABELS, UNIT
from wholesale.palette import SIMILAR
from wholesale.plots.style import GREY, INK, PALE, TEXT, finish, on_axes, swatches
from wholesale.wording import rounded

DIVERGING = "PuOr"
LIMIT = 2.0
"""Standard deviations at which a profile's shade is full."""

HEAT: dict[str, Any] = {"linewidths": 2, "linecolor": "white", "cbar": False, "fmt": ""}


def plot_correlations(correlations: pd.DataFrame, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw the lower triangle of a correlation matrix.

    Parameters
    ----------
    correlations : DataFrame of shape (n, n)
        -1…1, symmetric.
    ax : Axes, optional
    title : str

    Returns
    -------
    Axes
    """
    ax = on_axes(ax, 3.9, width=8.4)
    lower = correlations.rename(index=LABELS, columns=LABELS).iloc[1:, :-1]
    hidden = np.triu(np.ones(lower.shape, dtype=bool), k=1)
    written = _signed(lower, 2)
    sns.heatmap(lower, mask=hidden, annot=written, cmap=DIVERGING, vmin=-1, vmax=1, ax=ax, **HEAT)
    _ink(ax)
    ax.tick_params(axis="x", rotation=0)
    return finish(ax, title)


def plot_profiles(
    standardized: pd.DataFrame,
    *,
    typical: pd.DataFrame | None = None,
    colours: Sequence[str] = (),
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw segment profiles as a heat map, typical amounts written under the standardized means.

    Parameters
    ----------
    standardized : DataFrame of shape (n_segments, 6)
        Means in standard deviations from all customers' mean. The index names the segments; a first
        level of two, if there is one, names the model and sets it apart.
    typical : DataFrame of the same shape, optional
        In m.u. per year.
    colours : sequence of str
        One per row, drawn as a swatch.
    ax : Axes, optional
    title : str

    Returns
    -------
    Axes
    """
    ax = on_axes(ax, 0.5 * len(standardized) + 1.2)
    written = _signed(standardized, 1)
    if typical is not None:
        written += typical.map(lambda amount: f"\n{rounded(amount)} {UNIT}")
    two_lines = {name: label.replace(" and ", "\nand ") for name, label in LABELS.items()}
    table = standardized.rename(columns=two_lines)
    names = table.index.get_level_values(-1)
    sns.heatmap(
        table, annot=written, cmap=DIVERGING, vmin=-LIMIT, vmax=LIMIT, ax=ax, yticklabels=names, **HEAT
    )
    _ink(ax)
    below = "" if typical is None else f"; below it the median in {UNIT} per year"
    ax.set(xlabel=f"mean, in standard deviations from the average of all customers{below}", ylabel="")
    ax.tick_params(axis="x", rotation=0)
    swatches(ax, colours)
    if table.index.nlevels > 1:
        _set_apart(ax, table.index.get_level_values(0))
    return finish(ax, title)


def plot_overlap(
    counts: pd.DataFrame,
    jaccard: pd.DataFrame,
    *,
    colours: Sequence[str] = (),
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw how many customers two models' segments share, shaded by their Jaccard index.

    Parameters
    ----------
    counts, jaccard : DataFrame of shape (k, k)
        Customers in both segments, and the same over those in either. Rows are one model's segments,
        columns the reference's. Pairs that count as similar (palette.SIMILAR) are written in bold.
    colours : sequence of str
        One per row, drawn as a swatch.
    ax : Axes, optional
    title : str

    Returns
    -------
    Axes
    """
    ax = on_axes(ax, 0.62 * len(counts) + 1.3)
    written = counts.astype(str) + jaccard.map(" · {:.2f}".format)
    shades = sns.light_palette(GREY, as_cmap=True)
    sns.heatmap(jaccard, annot=written, cmap=shades, vmin=0, vmax=1, ax=ax, **HEAT)
    _ink(ax)
    for text, value in zip(ax.texts, jaccard.to_numpy().ravel(), strict=True):
        text.set(fontweight="bold" if value >= SIMILAR else "normal", fontsize=10)
    ax.set(xlabel=counts.columns.name or "", ylabel="")
    ax.tick_params(axis="x", rotation=0)
    ax.tick_params(axis="y", rotation=0)
    swatches(ax, colours)
    return finish(ax, title)


def _signed(table: pd.DataFrame, digits: int) -> pd.DataFrame:
    """Write numbers with their sign; what rounds to zero is +0."""
    return (table.round(digits) + 0.0).map(lambda value: f"{value:+.{digits}f}".replace("-", "−"))


def _ink(ax: Axes) -> None:
    """Write each cell in dark or white, whichever has the better contrast with its shade (WCAG)."""
    shades = to_rgba_array(ax.collections[0].get_facecolor())[:, :3] ** 2.2 @ (0.2126, 0.7152, 0.0722)
    columns = round(ax.get_xlim()[1])
    for text in ax.texts:
        column, row = (int(place) for place in text.get_position())
        text.set_color(INK if shades[row * columns + column] > 0.22 else "white")


def _set_apart(ax: Axes, groups: pd.Index) -> None:
    """Draw a line where the group of rows changes and write each group's name at the right."""
    for group in groups.unique():
        rows = np.flatnonzero(groups == group)
        if rows[0]:
            ax.axhline(rows[0], color=INK, linewidth=1)
        beside: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "va": "center", "rotation": -90}
        ax.text(1.01, rows.mean() + 0.5, str(group), **beside, **TEXT)
    ax.axhline(len(groups), color=PALE, linewidth=1)
