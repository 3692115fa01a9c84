"""Figures of small tables: bars, heat maps and curves over the number of segments."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba_array
from matplotlib.ticker import MaxNLocator
from pandas import DataFrame, Index, Series

from wholesale.columns import LABELS, UNIT
from wholesale.palette import SIMILAR
from wholesale.plots import style
from wholesale.plots.style import CUT, DASHES, GREY, INK, MARKERS, OFFSET, PALE, TEXT, finish, on_axes
from wholesale.wording import rounded

Names = Sequence[str]

SHADES = ((INK, "white"), ("#A9B2BC", INK), ("#D5DAE0", INK), ("#75808E", "white"))
"""Parts of a bar and the ink written on each: greys, because colours mean segments."""

HEAT: dict[str, Any] = {"linewidths": 2, "linecolor": "white", "cbar": False, "fmt": ""}
RING: dict[str, Any] = {"facecolor": "none", "edgecolor": INK, "linewidth": 1.5, "zorder": 3}


def plot_bars(
    values: Series,
    *,
    unit: str,
    form: str = "{:.2f}",
    reference: tuple[float, str] | None = None,
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw one bar per value, with the value at its end, written in this form.

    Parameters
    ----------
    reference : tuple of float and str, optional
        Where to draw a line to compare with, and what it means.
    """
    ax = on_axes(ax, 0.38 * len(values) + 1.1)
    bars = ax.barh([LABELS.get(name, str(name)) for name in values.index], values, color=GREY, height=0.66)
    ax.bar_label(bars, [form.format(value) for value in values], padding=4, **TEXT)
    if reference is not None:
        ax.axvline(reference[0], **CUT)
        ax.annotate(reference[1], (reference[0], len(values) - 0.75), (4, 0), va="bottom", **OFFSET)
    ax.invert_yaxis()
    ax.set(xlabel=unit, xticks=[])
    return finish(ax, title)


def plot_mix(
    counts: DataFrame, *, unit: str, colours: Names = (), ax: Axes | None = None, title: str = ""
) -> Axes:
    """Draw each row of counts as one bar of full length, divided in proportion.

    Parameters
    ----------
    counts : DataFrame
        Rows become bars, columns parts; at most four columns, which are told apart by shades of grey.
    """
    ax = on_axes(ax, 0.42 * len(counts) + 1.3)
    shares = counts.div(counts.sum(axis=1), axis=0)
    start = np.zeros(len(counts))
    for part, (shade, ink) in zip(counts, SHADES, strict=False):
        share = shares[part].to_numpy()
        bars = ax.barh(counts.index.astype(str), share, left=start, color=shade, height=0.7)
        written = [str(count) if wide else "" for count, wide in zip(counts[part], share > 0.03, strict=True)]
        ax.bar_label(bars, written, label_type="center", color=ink, fontsize=9.5)
        last = part == counts.columns[-1]
        x, side = (1, "right") if last else (start[0] + share[0] / 2, "center")
        ax.text(x, -0.45, part, ha=side, va="bottom", **TEXT)
        start = start + share
    ax.set(xlabel=unit, xticks=[], xlim=(0, 1), ylim=(len(counts) - 0.5, -0.85))
    _swatches(ax, colours)
    return finish(ax, title)


def plot_correlations(correlations: DataFrame, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw the lower triangle of a correlation matrix."""
    ax = on_axes(ax, 3.9, width=8.4)
    lower = correlations.rename(index=LABELS, columns=LABELS).iloc[1:, :-1]
    hidden = np.triu(np.ones(lower.shape, dtype=bool), k=1)
    sns.heatmap(lower, mask=hidden, annot=_signed(lower, 2), cmap="PuOr", vmin=-1, vmax=1, ax=ax, **HEAT)
    _ink(ax)
    return finish(ax, title)


def plot_profiles(
    standardized: DataFrame,
    *,
    typical: DataFrame | None = None,
    colours: Names = (),
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw segment profiles as a heat map, typical amounts written under the standardized means.

    Parameters
    ----------
    standardized : DataFrame of shape (n_segments, 6)
        Means in standard deviations from all customers' mean; at 2 the shade is full. The index names the
        segments; a first level of two, if there is one, names the model and sets it apart.
    typical : DataFrame of the same shape, optional
        In m.u. per year.
    """
    ax = on_axes(ax, 0.5 * len(standardized) + 1.2)
    about = "mean, in standard deviations from the average of all customers"
    written = _signed(standardized, 1)
    if typical is not None:
        about += f"; below it the median in {UNIT} per year"
        written += typical.map(lambda amount: f"\n{rounded(amount)} {UNIT}")
    table, names = standardized.rename(columns=style.BROKEN), standardized.index.get_level_values(-1)
    sns.heatmap(table, annot=written, cmap="PuOr", vmin=-2, vmax=2, ax=ax, yticklabels=names, **HEAT)
    _ink(ax)
    ax.set(xlabel=about, ylabel="")
    _swatches(ax, colours)
    if table.index.nlevels > 1:
        _set_apart(ax, table.index.get_level_values(0))
    return finish(ax, title)


def plot_overlap(
    counts: DataFrame, jaccard: DataFrame, *, colours: Names = (), ax: Axes | None = None, title: str = ""
) -> Axes:
    """Draw how many customers two models' segments share, shaded by their Jaccard index.

    Parameters
    ----------
    counts, jaccard : DataFrame of shape (k, k)
        Customers in both segments, and the same over those in either. Rows are one model's segments,
        columns the reference's. Pairs that count as similar (palette.SIMILAR) are written in bold.
    """
    ax = on_axes(ax, 0.62 * len(counts) + 1.3)
    written = counts.astype(str) + jaccard.map(" · {:.2f}".format)
    shades = sns.light_palette(GREY, as_cmap=True)
    sns.heatmap(jaccard, annot=written, cmap=shades, vmin=0, vmax=1, ax=ax, **HEAT)
    _ink(ax)
    for text, value in zip(ax.texts, jaccard.to_numpy().ravel(), strict=True):
        text.set(fontweight="bold" if value >= SIMILAR else "normal", fontsize=10)
    ax.set(xlabel=counts.columns.name or "", ylabel="")
    ax.tick_params(axis="y", rotation=0)
    _swatches(ax, colours)
    return finish(ax, title)


def _signed(table: DataFrame, digits: int) -> DataFrame:
    """Write numbers with their sign; what rounds to zero is +0."""
    return (table.round(digits) + 0.0).map(lambda value: f"{value:+.{digits}f}".replace("-", "−"))


def _ink(ax: Axes) -> None:
    """Write each cell in dark or white, whichever has the better contrast with its shade (WCAG)."""
    shades = to_rgba_array(ax.collections[0].get_facecolor())[:, :3] ** 2.2 @ (0.2126, 0.7152, 0.0722)
    columns = round(ax.get_xlim()[1])
    for text in ax.texts:
        column, row = (int(place) for place in text.get_position())
        text.set_color(INK if shades[row * columns + column] > 0.22 else "white")
    ax.tick_params(axis="x", rotation=0)


def _swatches(ax: Axes, colours: Names) -> None:
    """Put a square of its colour between each row and its name (rows are where the ticks are)."""
    for row, colour in zip(ax.get_yticks(), colours, strict=False):
        place = ax.get_yaxis_transform()
        ax.scatter(-0.016, row, s=70, marker="s", color=colour, transform=place, clip_on=False)
    if len(colours):
        ax.tick_params(axis="y", pad=16)


def _set_apart(ax: Axes, groups: Index) -> None:
    """Draw a line where the group of rows changes and write each group's name at the right."""
    for group in groups.unique():
        rows, beside = np.flatnonzero(groups == group), ax.get_yaxis_transform()
        if rows[0]:
            ax.axhline(rows[0], color=INK, linewidth=1)
        ax.text(1.01, rows.mean() + 0.5, str(group), transform=beside, va="center", rotation=-90, **TEXT)
    ax.axhline(len(groups), color=PALE, linewidth=1)


def plot_criteria(
    scores: DataFrame, *, unit: str, lowest: bool = False, ax: Axes | None = None, title: str = ""
) -> Axes:
    """Draw one line per criterion over k, named at its end, with its best k ringed.

    Parameters
    ----------
    scores : DataFrame
        Indexed by k; the column names label the lines, at most four.
    lowest : bool
        Whether the lowest score is the best; the highest is otherwise.
    """
    ax = on_axes(ax, 3.6)
    for (name, score), dashes, marker in zip(scores.items(), DASHES, MARKERS, strict=False):
        ax.plot(score.index, score, dashes, color=INK, marker=marker, markersize=4.5, linewidth=1.6)
        best = score.idxmin() if lowest else score.idxmax()
        ax.scatter(best, score[best], s=150, **RING)
        ax.annotate(str(name), (score.index[-1], score.iloc[-1]), (9, 0), va="center", **OFFSET)
    ax.set(xlabel="number of segments k (ring: the best by this criterion)", ylabel=unit)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.margins(x=0.04)
    return finish(ax, title, grid="y")


def plot_heights(heights: Series, *, cut: int, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw the heights of a tree's last merges as a stem each, the undone ones open.

    Parameters
    ----------
    heights : Series
        Indexed by the number of segments before the merge.
    cut : int
        Number of segments kept: merges of this many or fewer are undone, and drawn open.
    """
    ax = on_axes(ax, 3.4)
    kept, undone = heights[heights.index > cut], heights[heights.index <= cut]
    ax.vlines(heights.index, 0, heights, color=GREY, linewidth=1.5)
    ax.scatter(kept.index, kept, s=55, color=INK, zorder=3)
    ax.scatter(undone.index, undone, s=55, **RING | {"facecolor": "white"})
    for k, height in heights.items():
        ax.annotate(f"{height:.1f}", (float(k), height), (0, 9), ha="center", **OFFSET)
    ax.axvline(cut + 0.5, **CUT)
    ax.text(cut + 0.6, heights.max(), f"the cut keeps {cut} segments", va="center", **TEXT)
    ax.set(xlabel="segments before the merge (open: undone by the cut)", xticks=heights.index)
    ax.set(ylabel=style.MERGE_HEIGHT, ylim=(0, 1.12 * heights.max()))
    return finish(ax, title, grid="y")


def plot_jumps(jumps: Series, expected: DataFrame, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw a tree's jumps over the range that trees of customers without segments have.

    Parameters
    ----------
    jumps : Series indexed by ``k``
        How many times higher the merge of k segments is than the one before it.
    expected : DataFrame of shape (n_samples, n_jumps)
        The same of data without segments; drawn as the median and a bar from 5% to 95%.
    """
    ax = on_axes(ax, 3.6)
    low, middle, high = (expected[jumps.index].quantile(share) for share in (0.05, 0.5, 0.95))
    ax.vlines(jumps.index, low, high, color=PALE, linewidth=16, zorder=1)
    ax.scatter(jumps.index, middle, s=260, marker="_", color=GREY, linewidth=2, zorder=2)
    ax.scatter(jumps.index, jumps, s=45, color=INK, zorder=3)
    for k, jump in jumps.items():
        ax.annotate(f"{jump:.2f}", (float(k), jump), (13, 0), va="center", **OFFSET)
    ax.set(xlabel="segments before the merge (bar: 5% to 95% of trees without segments, dash: their median)")
    ax.set(ylabel="height over the merge before", xticks=jumps.index)
    return finish(ax, title, grid="y")


def plot_search(
    best: DataFrame, worst: DataFrame, firm: DataFrame, *, unit: str, ax: Axes | None = None, title: str = ""
) -> Axes:
    """Draw the lowest scores that a search found over k, and how far its least lucky seed stayed above.

    Parameters
    ----------
    best, worst : DataFrame
        Indexed by k, at most four columns, which name the lines; lower is better. The space between them
        is shaded, and the lowest of all has a ring.
    firm : DataFrame of bool
        Whether every seed found the best; the others' markers are open.
    """
    ax = on_axes(ax, 4.4)
    for (name, score), dashes, marker in zip(best.items(), DASHES, MARKERS, strict=False):
        ax.fill_between(score.index, score, worst[name], color=GREY, alpha=0.18, linewidth=0)
        ax.plot(score.index, score, dashes, color=INK, linewidth=1.4)
        for found, face in ((firm[name], INK), (~firm[name], "white")):
            ax.plot(score.index[found], score[found], marker, color=INK, markerfacecolor=face, markersize=5.5)
        ax.annotate(str(name), (score.index[0], score.iloc[0]), (-9, 0), ha="right", va="center", **OFFSET)
    ax.scatter(best.min(axis=1).idxmin(), best.min(axis=None), s=190, **RING)
    ax.set(xlabel="number of components k (open: not every seed found it; shade: up to the worst seed)")
    ax.set(ylabel=unit, xticks=best.index, xlim=(best.index[0] - 0.8, best.index[-1] + 0.2))
    return finish(ax, title, grid="y")
