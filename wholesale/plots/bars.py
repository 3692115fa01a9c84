"""Bars, every number written in its place."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from wholesale.columns import LABELS
from wholesale.plots.style import GREY, INK, OFFSET, TEXT, finish, on_axes, swatches

PLATE = {"facecolor": "white", "edgecolor": "none", "pad": 1}
"""Behind a number, so that no line runs through it."""

SHADES = ((INK, "white"), ("#A9B2BC", INK), ("#D5DAE0", INK), ("#75808E", "white"))
"""Parts of a bar and the ink written on each: greys, because colours mean segments."""


def plot_bars(
    values: pd.Series,
    *,
    unit: str,
    form: str = "{:.2f}",
    reference: tuple[float, str] | None = None,
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw one bar per value, with the value at its end.

    Parameters
    ----------
    values : Series
    unit : str
        For the axis.
    form : str
        How a value is written.
    reference : tuple of float and str, optional
        Where to draw a line to compare with, and what it means.
    ax : Axes, optional
    title : str

    Returns
    -------
    Axes
    """
    ax = on_axes(ax, 0.38 * len(values) + 1.1)
    bars = ax.barh([LABELS.get(name, str(name)) for name in values.index], values, color=GREY, height=0.66)
    ax.bar_label(bars, [form.format(value) for value in values], padding=4, bbox=PLATE, **TEXT)
    if reference is not None:
        ax.axvline(reference[0], color=INK, linestyle="--", linewidth=1)
        ax.annotate(reference[1], (reference[0], len(values) - 0.75), (4, 0), va="bottom", **OFFSET)
    ax.invert_yaxis()
    ax.set(xlabel=unit, xticks=[])
    return finish(ax, title)


def plot_mix(
    counts: pd.DataFrame,
    *,
    unit: str,
    colours: Sequence[str] = (),
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw each row of counts as one bar of full length, divided in proportion.

    Parameters
    ----------
    counts : DataFrame
        Rows become bars, columns parts; at most four columns, which are told apart by shades of grey.
    unit : str
        What is counted, for the axis.
    colours : sequence of str
        One per row, drawn as a swatch, if the rows are segments.
    ax : Axes, optional
    title : str

    Returns
    -------
    Axes
    """
    ax = on_axes(ax, 0.42 * len(counts) + 1.3)
    shares = counts.div(counts.sum(axis=1), axis=0)
    start = np.zeros(len(counts))
    for part, (shade, ink) in zip(counts, SHADES, strict=False):
        its = shares[part].to_numpy()
        bars = ax.barh(counts.index.astype(str), its, left=start, color=shade, height=0.7)
        written = [str(count) if share > 0.03 else "" for count, share in zip(counts[part], its, strict=True)]
        ax.bar_label(bars, written, label_type="center", color=ink, fontsize=9.5)
        middle, at = start[0] + its[0] / 2, "right" if part == counts.columns[-1] else "center"
        ax.text(1 if at == "right" else middle, -0.45, part, ha=at, va="bottom", **TEXT)
        start = start + its
    ax.set(xlabel=unit, xticks=[], xlim=(0, 1), ylim=(len(counts) - 0.5, -0.85))
    swatches(ax, colours)
    return finish(ax, title)
