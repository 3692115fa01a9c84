"""Figures by seaborn and matplotlib: `plot_x(data, *, ax=None, title="") -> Axes`. Nothing here fits a model.

Each draws on its `ax` or on a new figure. `unit` labels the axis of values; `labels` are customers' segments,
1…k; `names` and `colours` are one per segment. A colour means a segment; all else is ink and grey.
"""

import sys
from collections.abc import Sequence
from itertools import count
from textwrap import fill
from typing import Any, Literal, TypedDict, Unpack

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba_array
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy import ndarray
from pandas import DataFrame, Series
from scipy.cluster.hierarchy import dendrogram

from wholesale.columns import WHOLESALE
from wholesale.palette import SIMILAR
from wholesale.predictor import cut_height, owners
from wholesale.wording import format_amount, rounded

Names = Sequence[str]
Grid = Literal["x", "y"] | None

INK, GREY, PALE = "#1F2933", "#5F6B7A", "#E3E7EB"
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")  # a segment's, so that colour is never the only sign
DASHES = ("-", "--", ":", "-.")
SHADES = ((INK, "white"), ("#A9B2BC", INK), ("#D5DAE0", INK), ("#75808E", "white"))
"""Parts of a bar and the ink written on each: greys, because colours mean segments."""

HALO = (withStroke(linewidth=3, foreground="white"),)  # keeps text readable on top of points and lines
TEXT: dict[str, Any] = {"fontsize": 9.5, "color": INK, "path_effects": HALO}
CENTRED: dict[str, Any] = {**TEXT, "ha": "center", "va": "center", "fontweight": "bold"}
OFFSET: dict[str, Any] = {**TEXT, "textcoords": "offset points"}  # so many points from a mark
TITLE: dict[str, Any] = {"fontsize": 11.5, "color": INK, "fontweight": "bold"}
CUT: dict[str, Any] = {"color": INK, "linestyle": "--", "linewidth": 1}  # a line to compare with
RING: dict[str, Any] = {"facecolor": "none", "edgecolor": INK, "linewidth": 1.5, "zorder": 3}

label = WHOLESALE.label  # what is no category of the data set stays as it is
AMOUNTS = FuncFormatter(lambda value, _: rounded(value))  # as they are written in the text
MERGE_HEIGHT = "merge height\n(Ward: √(2 × added squared distance))"  # as SciPy and scikit-learn write it


class At(TypedDict, total=False):
    """Where a figure is drawn, by default in one of its own, and the title it has there."""

    ax: Axes | None
    title: str


def broken(column: str) -> str:
    return "\n".join(fill(part, 15) for part in label(column).replace(" and ", "\nand ").splitlines())


def axes(height: float, width: float = 10.0, grid: Grid = None, **place: Unpack[At]) -> Axes:
    """Prepare the Axes given, or those of a new figure of this size in inches, with a title and no frame."""
    ax = place.get("ax") or plt.subplots(figsize=(width, height), layout="constrained")[1]
    ax.set_title(place.get("title", ""), loc="left", pad=10, **TITLE)
    ax.tick_params(colors=INK, labelsize=9.5, length=0)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set(color=GREY, fontsize=9.5)
    if grid:
        ax.grid(axis=grid, color=PALE, linewidth=0.8)
        ax.set_axisbelow(True)
    sns.despine(ax=ax, left=True, bottom=True)
    return ax


def plot_spread(table: DataFrame, *, unit: str, marked: Sequence[int] = (), **place: Unpack[At]) -> Axes:
    """Draw each column as a row of points, with median and middle half; `marked` customers as lines."""
    ax = axes(0.6 * table.shape[1] + 1.2, grid="x", **place)
    jitter = 0.5 * (np.arange(len(table)) * 0.618034 % 1) - 0.25  # golden ratio: even, and the same each time
    for row, column in enumerate(table):
        ax.scatter(table[column], row + jitter, s=9, color=GREY, alpha=0.35, linewidth=0)
    rows = _rows(ax, table, unit)
    _middle(ax, table, rows, GREY)
    mark: dict[str, Any] = {"markersize": 6.5, "markeredgecolor": "white"}  # seen on bars and dots too
    for customer, dashes, marker in zip(marked, DASHES, ("s", "^"), strict=False):
        values = table.loc[customer].to_numpy()
        ax.plot(values, rows, dashes, color=INK, linewidth=1.2, marker=marker, **mark, zorder=4)
        ax.annotate(f"customer {customer}", (values[0], 0), (0, 11), ha="center", **OFFSET)
    ax.set_ylim(len(rows) - 0.55, -0.7)
    return ax


def plot_ranges(record: DataFrame, own: DataFrame, *, unit: str, names: Names, **place: Unpack[At]) -> Axes:
    """Draw each column's median, middle half and middle 80%: of `record` in grey, of `own` in ink.

    Values are ≥ 0, on an axis that is logarithmic but for values below 10.
    """
    ax = axes(0.62 * record.shape[1] + 1.4, grid="x", **place)
    rows = _rows(ax, record, unit)
    for table, name, colour, shift in ((record, names[0], GREY, -0.16), (own, names[1], INK, 0.16)):
        low, high = table.quantile([0.1, 0.9]).to_numpy()
        ax.hlines(rows + shift, low, high, color=colour, linewidth=1.2)
        _middle(ax, table, rows + shift, colour)
        ax.annotate(name, (high[0], shift), (8, 0), va="center", **OFFSET | {"color": colour})
    ax.set_xscale("symlog", linthresh=10)
    ax.xaxis.set_major_formatter(AMOUNTS)
    lowest = min(record.quantile(0.1).min(), own.quantile(0.1).min())
    ax.set(xlim=(0.7 * lowest if lowest > 10 else 0, None), ylim=(len(rows) - 0.5, -0.5))
    return ax


def _rows(ax: Axes, table: DataFrame, unit: str) -> ndarray:
    """Give each column a row, from the top; the other axis is of its values."""
    rows = np.arange(table.shape[1])
    ax.set(xlabel=unit, yticks=rows, yticklabels=[label(name) for name in table])
    return rows


def _middle(ax: Axes, table: DataFrame, rows: ndarray, colour: str) -> None:
    """Draw each column's middle half as a bar, and its median on it."""
    low, middle, high = table.quantile([0.25, 0.5, 0.75]).to_numpy()
    ax.hlines(rows, low, high, color=colour, linewidth=6)
    ax.scatter(middle, rows, s=44, color="white", edgecolor=colour, linewidth=1.5, zorder=3)


def plot_pairs(table: DataFrame, *, title: str = "") -> sns.PairGrid:
    """Draw every pair of categories, amounts > 0, on logarithmic axes: a figure with many Axes."""
    with plt.rc_context({"axes.labelsize": 9, "xtick.labelsize": 8, "ytick.labelsize": 8}):
        grid = sns.PairGrid(table.rename(columns=broken), corner=True, height=1.1, aspect=1.5)
    for row, column in zip(*np.tril_indices_from(grid.axes), strict=True):
        grid.axes[row, column].set(xscale="log", xlim=(2, 2e5), xticks=[1e1, 1e3, 1e5])
        if column < row:
            grid.axes[row, column].set(yscale="log", ylim=(2, 2e5), yticks=[1e1, 1e3, 1e5])
    grid.map_lower(sns.scatterplot, s=7, color=GREY, alpha=0.4, linewidth=0)
    grid.map_diag(sns.histplot, color=GREY, edgecolor="white", linewidth=0.3, bins=20)
    for ax in filter(None, grid.axes.flat):
        ax.minorticks_off()
    grid.figure.supxlabel("m.u. per year, on logarithmic axes", fontsize=9.5, color=GREY, y=0.02, va="top")
    grid.figure.suptitle(title, x=0.01, y=1.01, ha="left", va="bottom", **TITLE)
    return grid


def plot_map(
    places: DataFrame,
    labels: ndarray | None = None,
    *,
    names: Names = (),
    colours: Names = (),
    arrows: DataFrame | None = None,
    **place: Unpack[At],
) -> Axes:
    """Draw customers on a plane named by the columns of `places`, in segment colours if there are `labels`.

    `arrows`, directions from the origin by category, are drawn four times as long.
    """
    ax, (x, y) = axes(6.4, width=9.0, **place), places.to_numpy().T
    if labels is None:
        ax.scatter(x, y, s=14, color=GREY, alpha=0.5, linewidth=0)
    else:
        for segment, (name, colour) in enumerate(zip(names, colours, strict=True), start=1):
            at, marker = labels == segment, MARKERS[segment - 1]
            ax.scatter(x[at], y[at], s=15, color=colour, marker=marker, alpha=0.75, linewidth=0)
            above = 0.25 * (at.sum() == 1)  # a number would hide a single point
            ax.text(np.median(x[at]), np.median(y[at]) + above, name, **CENTRED)
    if arrows is not None:
        _draw_arrows(ax, 4 * arrows)
    for line in (ax.axhline, ax.axvline):
        line(0, color=PALE, zorder=0)
    ax.set(xlabel=places.columns[0], ylabel=places.columns[1], aspect="equal")
    return ax


def plot_components(means: DataFrame, covariances: ndarray, *, colours: Names, **place: Unpack[At]) -> Axes:
    """Draw each component of a mixture on a plane by two ellipses, which hold half and 90% of it.

    `means`, a row per component, and `covariances` (k, 2, 2) are on the axes that `means` names.
    """
    ax = axes(6.4, width=9.0, **place)
    turn = np.linspace(0, 2 * np.pi, 181)
    circle = np.array([np.cos(turn), np.sin(turn)])
    parts = zip(means.to_numpy(), covariances, colours, strict=True)
    for number, (mean, spread, colour) in enumerate(parts, start=1):
        for share, width in ((0.5, 2.4), (0.9, 1.2)):
            ring = np.sqrt(-2 * np.log(1 - share)) * np.linalg.cholesky(spread) @ circle
            ax.plot(*(mean[:, None] + ring), color=colour, linewidth=width)
        ax.text(mean[0], mean[1], str(number), **CENTRED)
    ax.set(xlabel=means.columns[0], ylabel=means.columns[1], aspect="equal")
    return ax


def _draw_arrows(ax: Axes, tips: DataFrame) -> None:
    """Draw arrows from the origin, their names beyond the tips and moved apart where they would collide."""
    style = {"arrowstyle": "-|>", "color": INK, "shrinkA": 0, "shrinkB": 0}
    placed: list[ndarray] = []
    tips = tips.loc[tips.iloc[:, 1].abs().sort_values(kind="stable").index]
    for category, tip in zip(tips.index, tips.to_numpy(), strict=True):
        ax.annotate("", tip, (0, 0), arrowprops=style)
        side = "center" if abs(tip[1]) > abs(tip[0]) else "left" if tip[0] > 0 else "right"
        step = np.array([0, 0.06 * np.sign(tip[1])])
        start = 1.1 * tip + 2 * step * (side == "center")
        places = (start + sign * away * step for away in count() for sign in (1, -1))
        place = next(p for p in places if not any((abs(p - other) < (1.2, 0.36)).all() for other in placed))
        placed.append(place)
        ax.text(place[0], place[1], label(str(category)), ha=side, va="center", **TEXT)


def plot_silhouettes(silhouettes: ndarray, labels: ndarray, *, colours: Names, **place: Unpack[At]) -> Axes:
    """Draw every customer's silhouette as a line from zero, sorted within its segment (Rousseeuw 1987).

    A tick says the segment's number, size and how many are below zero; a dashed line marks the mean of all.
    """
    ax = axes(4.4, grid="x", **place)
    start, gap = 0, 12  # empty rows between segments
    ticks = {}
    for segment, colour in enumerate(colours, start=1):
        lengths = np.sort(silhouettes[labels == segment])[::-1]
        rows = start + np.arange(len(lengths))
        ax.fill_betweenx(rows, 0, lengths, step="mid", color=colour, linewidth=0)
        ticks[rows.mean()] = f"{segment}: {len(rows)}\n{(lengths < 0).sum()} below 0"
        start += len(lengths) + gap
    ax.axvline(silhouettes.mean(), **CUT)
    ax.axvline(0, color=INK, linewidth=0.8)
    ax.set(xlabel=f"silhouette (dashed: mean, {silhouettes.mean():.2f})", ylim=(start - gap, -1))
    ax.set_yticks([*ticks], [*ticks.values()])
    return ax


def plot_dendrogram(
    tree: ndarray,
    labels: ndarray,
    *,
    names: Names,
    colours: Names,
    leaves: int | None = None,
    **place: Unpack[At],
) -> Axes:
    """Draw a tree, as SciPy writes it, whose branches below its cut into k wear their segment's colour.

    `leaves` shows only the top of it, with so many leaves and the number of customers under each.
    """
    ax = axes(4.4, grid="y", **place)
    segment, shades = owners(tree, labels), [GREY, *colours]
    under = np.concatenate([np.ones(len(tree) + 1), tree[:, 3]]).astype(int)  # customers below each node
    how: dict[str, Any] = {"truncate_mode": "lastp", "p": leaves, "leaf_font_size": 9.5} if leaves else {}
    how |= {"leaf_label_func": lambda node: f"({under[node]})"} if leaves else {}
    how |= {"no_labels": not leaves, "link_color_func": lambda node: shades[segment[node]]}
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + len(tree))  # SciPy calls itself once per merge of a chain
    try:
        drawn = dendrogram(tree, ax=ax, **how)
    finally:
        sys.setrecursionlimit(limit)
    for lines in ax.collections:
        lines.set_linewidth(1.8 if leaves else 0.8)
    ax.axhline(height := cut_height(tree, len(names)), **CUT)
    beside, below = ("axes fraction", "data"), ax.get_xaxis_transform()
    ax.annotate(f"cut\ninto {len(names)}", (1, height), (6, 0), xycoords=beside, va="center", **OFFSET)
    of_leaf, right = segment[drawn["leaves"]], ax.get_xlim()[1]
    gap = 0.004 * right
    for number, (name, colour) in enumerate(zip(names, colours, strict=True), start=1):
        x = 10 * np.flatnonzero(of_leaf == number) + 5  # SciPy draws leaf i at 10 i + 5
        ends = [x.min() - 5 + gap, x.max() + 5 - gap]
        ax.plot(ends, [-0.08, -0.08], color=colour, linewidth=4, transform=below, clip_on=False)
        size = format_amount((labels == number).sum())
        said = f"{number} {name}\n{size} customers" if name else f"{number}\n{size}"
        narrow = x.max() + 5 == right and ends[1] - ends[0] < 0.15 * right  # else it reaches over the edge
        at, side = (ends[1], "right") if narrow else (sum(ends) / 2, "center")
        ax.text(at, -0.11, said, transform=below, ha=side, va="top", **TEXT)
    ax.set_ylabel(MERGE_HEIGHT)
    if leaves:
        ax.set_xlabel("at each leaf: customers in the branch", labelpad=48)
    return ax


def plot_bars(
    values: Series,
    *,
    unit: str,
    form: str = "{:.2f}",
    reference: tuple[float, str] | None = None,
    **place: Unpack[At],
) -> Axes:
    """Draw one bar per value, written at its end; `reference` is a line to compare with, and its name."""
    ax = axes(0.38 * len(values) + 1.1, **place)
    bars = ax.barh([label(str(name)) for name in values.index], values, color=GREY, height=0.66)
    ax.bar_label(bars, [form.format(value) for value in values], padding=4, **TEXT)
    if reference is not None:
        ax.axvline(reference[0], **CUT)
        ax.annotate(reference[1], (reference[0], len(values) - 0.75), (4, 0), va="bottom", **OFFSET)
    ax.invert_yaxis()
    ax.set(xlabel=unit, xticks=[])
    return ax


def plot_mix(counts: DataFrame, *, unit: str, colours: Names = (), **place: Unpack[At]) -> Axes:
    """Draw each row of counts as one bar divided in proportion, at most four columns told apart by greys."""
    ax = axes(0.42 * len(counts) + 1.3, **place)
    shares = counts.div(counts.sum(axis=1), axis=0)
    starts = shares.cumsum(axis=1) - shares
    for part, (shade, ink) in zip(counts, SHADES, strict=False):
        share, start = shares[part], starts[part]
        bars = ax.barh(counts.index.astype(str), share, left=start, color=shade, height=0.7)
        written = counts[part].astype(str).where(share > 0.03, "")
        ax.bar_label(bars, [*written], label_type="center", color=ink, fontsize=9.5)
        last = part == counts.columns[-1]
        x, side = (1, "right") if last else (start.iloc[0] + share.iloc[0] / 2, "center")
        ax.text(x, -0.45, part, ha=side, va="bottom", **TEXT)
    ax.set(xlabel=unit, xticks=[], xlim=(0, 1), ylim=(len(counts) - 0.5, -0.85))
    _swatches(ax, colours)
    return ax


def plot_correlations(correlations: DataFrame, **place: Unpack[At]) -> Axes:
    """Draw the lower triangle of a correlation matrix."""
    ax = axes(3.9, width=8.4, **place)
    lower = correlations.rename(index=label, columns=label).iloc[1:, :-1]
    hidden = np.triu(np.ones(lower.shape, dtype=bool), k=1)
    _heat(ax, lower, _signed(lower, 2), mask=hidden, cmap="PuOr", vmin=-1, vmax=1)
    return ax


def plot_profiles(
    standardized: DataFrame,
    *,
    typical: DataFrame | None = None,
    unit: str = WHOLESALE.unit,
    colours: Names = (),
    **place: Unpack[At],
) -> Axes:
    """Draw segments' standardized means as a heat map, full at 2, with `typical` amounts under them.

    The index names the segments; a first level of two, if there is one, names the model and sets it apart.
    """
    ax = axes(0.5 * len(standardized) + 1.2, max(10, 2 + 1.2 * standardized.shape[1]), **place)
    about = "mean, in standard deviations from the average of all customers"
    written = _signed(standardized, 1)
    if typical is not None:
        about += f"; below it the median in {unit} per year"
        written += typical.map(lambda amount: f"\n{rounded(amount)}")
    *models, names = (standardized.index.get_level_values(i) for i in range(standardized.index.nlevels))
    table = standardized.rename(columns=broken)
    _heat(ax, table, written, colours, cmap="PuOr", vmin=-2, vmax=2, yticklabels=names)
    ax.set(xlabel=about, ylabel="")
    for model in models[0].unique() if models else ():
        rows, beside = np.flatnonzero(models[0] == model), ax.get_yaxis_transform()
        if rows[0]:
            ax.axhline(rows[0], color=INK, linewidth=1)
        ax.text(1.01, rows.mean() + 0.5, model, transform=beside, va="center", rotation=-90, **TEXT)
    return ax


def plot_cells(values: DataFrame, *, unit: str, **place: Unpack[At]) -> Axes:
    """Draw a large table of numbers from 0 to 1, written in hundredths; two levels of rows and of columns."""
    ax = axes(0.25 * len(values) + 1.4, **place)
    rows, columns = [", ".join(row) for row in values.index], values.columns.get_level_values(1)
    shades, written = sns.light_palette(GREY, as_cmap=True), values.map("{:.0%}".format)
    _heat(ax, values, written, cmap=shades, vmin=0, vmax=1, xticklabels=columns, yticklabels=rows)
    for text in ax.texts:
        text.set(fontsize=8, text=text.get_text().rstrip("%"))
    for level, line in ((values.columns, ax.axvline), (values.index, ax.axhline)):
        for start in np.flatnonzero(~level.get_level_values(0).duplicated())[1:]:
            line(start, color=INK, linewidth=1)
    for name in values.columns.unique(0):
        middle = np.flatnonzero(values.columns.get_level_values(0) == name).mean() + 0.5
        ax.text(middle, -0.2, name, ha="center", va="bottom", **TEXT)
    ax.set_title(place.get("title", ""), loc="left", pad=28, **TITLE)
    ax.set(xlabel=unit, ylabel="")
    return ax


def plot_consensus(
    shares: ndarray, labels: ndarray, *, names: Names, colours: Names, **place: Unpack[At]
) -> Axes:
    """Draw, by segment, which share of analyses puts each two customers together."""
    ax = axes(6.8, width=8.2, **place)
    order, ends = np.argsort(labels, kind="stable"), np.bincount(labels).cumsum()
    ax.imshow(shares[np.ix_(order, order)], cmap=sns.light_palette(INK, as_cmap=True), vmin=0, vmax=1)
    for start, end, colour in zip(ends[:-1], ends[1:], colours, strict=True):
        ax.plot([-9, -9], [start + 1, end - 2], color=colour, linewidth=5, clip_on=False)
        for line in (ax.axhline, ax.axvline):
            line(end - 0.5, color="white", linewidth=1.5)
    ax.set_yticks((ends[:-1] + ends[1:]) / 2, names)
    ax.tick_params(axis="y", pad=16)
    ax.set(xticks=[], xlim=(-0.5, ends[-1] - 0.5))
    ax.set_xlabel("the same customers (dark: together in all analyses)")
    return ax


def plot_overlap(counts: DataFrame, jaccard: DataFrame, *, colours: Names = (), **place: Unpack[At]) -> Axes:
    """Draw how many customers two models' segments share, shaded by Jaccard index, similar pairs in bold.

    Rows are one model's segments, columns the reference's.
    """
    ax = axes(0.62 * len(counts) + 1.3, **place)
    written = counts.astype(str) + jaccard.map(" · {:.2f}".format)
    _heat(ax, jaccard, written, colours, cmap=sns.light_palette(GREY, as_cmap=True), vmin=0, vmax=1)
    for text, value in zip(ax.texts, jaccard.to_numpy().ravel(), strict=True):
        text.set(fontweight="bold" if value >= SIMILAR else "normal", fontsize=10)
    ax.set(xlabel=counts.columns.name or "", ylabel="")
    ax.tick_params(axis="y", rotation=0)
    return ax


def _signed(table: DataFrame, digits: int) -> DataFrame:
    """Write numbers with their sign; what rounds to zero is +0."""
    return (table.round(digits) + 0.0).map(lambda value: f"{value:+.{digits}f}".replace("-", "−"))


def _heat(ax: Axes, table: DataFrame, written: DataFrame, colours: Names = (), **how: Any) -> None:
    """Shade the cells of a table, and write in dark or white, whichever has the better contrast (WCAG)."""
    sns.heatmap(table, annot=written, ax=ax, linewidths=2, linecolor="white", cbar=False, fmt="", **how)
    shades = to_rgba_array(ax.collections[0].get_facecolor())[:, :3] ** 2.2 @ (0.2126, 0.7152, 0.0722)
    columns = round(ax.get_xlim()[1])
    for text in ax.texts:
        column, row = (int(place) for place in text.get_position())
        text.set_color(INK if shades[row * columns + column] > 0.22 else "white")
    ax.tick_params(axis="x", rotation=0)
    _swatches(ax, colours)


def _swatches(ax: Axes, colours: Names) -> None:
    """Put a square of its colour between each row and its name (rows are where the ticks are)."""
    for row, colour in zip(ax.get_yticks(), colours, strict=False):
        place = ax.get_yaxis_transform()
        ax.scatter(-0.016, row, s=70, marker="s", color=colour, transform=place, clip_on=False)
    if len(colours):
        ax.tick_params(axis="y", pad=16)


def plot_criteria(scores: DataFrame, *, unit: str, lowest: bool = False, **place: Unpack[At]) -> Axes:
    """Draw one line per criterion (at most four columns) over k, named at its end, with its best k ringed."""
    ax = axes(3.6, grid="y", **place)
    for (_, score), dashes, marker in zip(scores.items(), DASHES, MARKERS, strict=False):
        ax.plot(score.index, score, dashes, color=INK, marker=marker, markersize=4.5, linewidth=1.6)
        best = score.idxmin() if lowest else score.idxmax()
        ax.scatter(best, score[best], s=150, **RING)
    ax.set(xlabel="number of segments k (ring: the best by this criterion)", ylabel=unit)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.margins(x=0.04)
    free, line = -np.inf, 0.08 * np.ptp(ax.get_ylim())
    for name, end in scores.iloc[-1].sort_values().items():  # names keep clear of each other
        ax.annotate(str(name), (scores.index[-1], max(end, free)), (9, 0), va="center", **OFFSET)
        free = max(end, free) + line
    return ax


def plot_nulls(observed: Series, nulls: DataFrame, *, unit: str, **place: Unpack[At]) -> Axes:
    """Draw a criterion over k on the ranges, 5% to 95%, that it has on at most three kinds of clouds.

    `nulls` has a row per cloud, whose kind is the first level of the index, and the columns of `observed`.
    """
    ax = axes(3.6, grid="y", **place)
    kinds = nulls.groupby(level=0, sort=False)
    for row, (kind, clouds) in enumerate(kinds):
        low, high = clouds[observed.index].quantile([0.05, 0.95]).to_numpy()
        at = observed.index + 0.2 * (row - (kinds.ngroups - 1) / 2)
        ax.vlines(at, low, high, color=SHADES[1:][row][0], linewidth=6, label=f"{kind} clouds")
    ax.plot(observed.index, observed, "o", color=INK, markersize=5.5, label="the customers", zorder=3)
    ax.set(xlabel="number of segments k (bars: 5% to 95% of clouds)", ylabel=unit, xticks=observed.index)
    return ax


def plot_heights(heights: Series, *, cut: int, **place: Unpack[At]) -> Axes:
    """Draw the heights of a tree's last merges, by the segments before each; what `cut` undoes is open."""
    ax = axes(3.4, grid="y", **place)
    kept, undone = heights[heights.index > cut], heights[heights.index <= cut]
    ax.vlines(heights.index, 0, heights, color=GREY, linewidth=1.5)
    ax.scatter(kept.index, kept, s=55, color=INK, zorder=3)
    ax.scatter(undone.index, undone, s=55, **RING | {"facecolor": "white"})
    for k, height in heights.items():
        ax.annotate(f"{height:.1f}", (float(k), height), (0, 9), ha="center", **OFFSET)
    ax.axvline(cut + 0.5, **CUT)
    ax.text(cut + 0.6, heights.max(), f"the cut keeps {cut} segments", va="center", **TEXT)
    ax.set(xlabel="segments before the merge (open: undone by the cut)", xticks=heights.index)
    ax.set(ylabel=MERGE_HEIGHT, ylim=(0, 1.12 * heights.max()))
    return ax


def plot_jumps(jumps: Series, expected: DataFrame, **place: Unpack[At]) -> Axes:
    """Draw a tree's jumps by k over the range, 5% to 95%, that trees without segments have (`expected`)."""
    ax = axes(3.6, grid="y", **place)
    low, middle, high = expected[jumps.index].quantile([0.05, 0.5, 0.95]).to_numpy()
    ax.vlines(jumps.index, low, high, color=PALE, linewidth=16, zorder=1)
    ax.scatter(jumps.index, middle, s=260, marker="_", color=GREY, linewidth=2, zorder=2)
    ax.scatter(jumps.index, jumps, s=45, color=INK, zorder=3)
    for k, jump in jumps.items():
        ax.annotate(f"{jump:.2f}", (float(k), jump), (13, 0), va="center", **OFFSET)
    ax.set(xlabel="segments before the merge (bar: 5% to 95% of trees without segments, dash: their median)")
    ax.set(ylabel="height over the merge before", xticks=jumps.index)
    return ax
