"""Figures by seaborn and matplotlib: `plot_x(data, *, ax=None) -> Axes`. Nothing here fits a model.

Every function draws what it is given on `ax`, or on a new figure of notebook width, and returns the Axes.
A colour means a segment, always; everything else is drawn in ink and grey.
"""

from wholesale.plots.bars import plot_bars, plot_mix
from wholesale.plots.curves import plot_criteria, plot_heights, plot_jumps, plot_search
from wholesale.plots.customers import plot_map, plot_pairs, plot_spread
from wholesale.plots.heatmaps import plot_correlations, plot_overlap, plot_profiles
from wholesale.plots.ranges import plot_ranges
from wholesale.plots.silhouettes import plot_silhouettes
from wholesale.plots.style import AMOUNTS
from wholesale.plots.trees import plot_dendrogram

__all__ = [
    "AMOUNTS",
    "plot_bars",
    "plot_correlations",
    "plot_criteria",
    "plot_dendrogram",
    "plot_heights",
    "plot_jumps",
    "plot_map",
    "plot_mix",
    "plot_overlap",
    "plot_pairs",
    "plot_profiles",
    "plot_ranges",
    "plot_search",
    "plot_silhouettes",
    "plot_spread",
]
