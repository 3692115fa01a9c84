"""What all figures share: ink, greys, a plain frame and a title that stands at the left."""

from typing import Any, Literal

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter

from wholesale.columns import LABELS
from wholesale.wording import rounded

INK, GREY, PALE = "#1F2933", "#5F6B7A", "#E3E7EB"
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
DASHES = ("-", "--", ":", "-.")
"""A segment's marker and a line's dashes, so that colour is never the only sign."""

HALO = (withStroke(linewidth=3, foreground="white"),)  # keeps text readable on top of points and lines
TEXT: dict[str, Any] = {"fontsize": 9.5, "color": INK, "path_effects": HALO}
OFFSET: dict[str, Any] = {**TEXT, "textcoords": "offset points"}
TITLE: dict[str, Any] = {"fontsize": 11.5, "color": INK, "fontweight": "bold"}
"""Ordinary text, and text placed so many points from a mark, and a title."""

CUT: dict[str, Any] = {"color": INK, "linestyle": "--", "linewidth": 1}
"""A line to compare with."""

BROKEN = {column: label.replace(" and ", "\nand ") for column, label in LABELS.items()}
"""A category's label in two lines at most."""

MERGE_HEIGHT = "merge height\n(Ward: √(2 × added squared distance))"
"""What SciPy and scikit-learn write as the height of a merge."""

AMOUNTS = FuncFormatter(lambda value, _: rounded(value))
"""Writes an axis of amounts as they are written in the text."""


def on_axes(ax: Axes | None, height: float, width: float = 10.0) -> Axes:
    """Return `ax`, or the Axes of a new figure of this size in inches, by default of notebook width."""
    return plt.subplots(figsize=(width, height), layout="constrained")[1] if ax is None else ax


def finish(ax: Axes, title: str, *, grid: Literal["x", "y"] | None = None) -> Axes:
    """Give the Axes its title and a quiet frame; `grid` names the axis with grid lines, if any."""
    ax.set_title(title, loc="left", pad=10, **TITLE)
    ax.tick_params(colors=INK, labelsize=9.5, length=0)
    ax.xaxis.label.set(color=GREY, fontsize=9.5)
    ax.yaxis.label.set(color=GREY, fontsize=9.5)
    if grid:
        ax.grid(axis=grid, color=PALE, linewidth=0.8)
        ax.set_axisbelow(True)
    sns.despine(ax=ax, left=True, bottom=True)
    return ax
