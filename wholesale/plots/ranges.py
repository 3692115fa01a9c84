"""Two groups of customers beside each other, by where their middle halves lie."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from wholesale.columns import LABELS
from wholesale.plots.style import AMOUNTS, GREY, INK, TEXT, finish, on_axes

SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)


def plot_ranges(
    record: pd.DataFrame,
    own: pd.DataFrame,
    *,
    unit: str,
    names: tuple[str, str],
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw each column's middle 80% as a line, its middle half as a bar and its median as a dot, twice.

    Parameters
    ----------
    record, own : DataFrame
        The same columns, values ≥ 0, a row per customer; `record` is drawn in grey above `own` in ink.
    unit : str
        For the axis, which is logarithmic but for values below 10.
    names : tuple of str
        What the two are called.
    ax : Axes, optional
    title : str

    Returns
    -------
    Axes
    """
    ax = on_axes(ax, 0.62 * record.shape[1] + 1.4)
    rows = np.arange(record.shape[1])
    for table, name, colour, shift in ((record, names[0], GREY, -0.16), (own, names[1], INK, 0.16)):
        far_low, low, middle, high, far_high = table.quantile(list(SHARES)).to_numpy()
        ax.hlines(rows + shift, far_low, far_high, color=colour, linewidth=1.2)
        ax.hlines(rows + shift, low, high, color=colour, linewidth=7)
        ax.scatter(middle, rows + shift, s=42, color="white", edgecolor=colour, linewidth=1.5, zorder=3)
        beside: dict[str, Any] = {**TEXT, "color": colour, "va": "center", "textcoords": "offset points"}
        ax.annotate(name, (far_high[0], shift), (8, 0), **beside)
    ax.set_xscale("symlog", linthresh=10)
    ax.xaxis.set_major_formatter(AMOUNTS)
    lowest = min(record.quantile(SHARES[0]).min(), own.quantile(SHARES[0]).min())
    ax.set(xlabel=unit, yticks=rows, yticklabels=[LABELS.get(name, name) for name in record])
    ax.set_xlim(0.7 * lowest if lowest > 10 else 0, None)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    return finish(ax, title, grid="x")
