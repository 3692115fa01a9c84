"""Figures by seaborn and matplotlib: `plot_x(data, *, ax=None, title="") -> Axes`. Nothing here fits a model.

Every function draws on the `ax` that it is given, or on a new figure of notebook width, writes the `title`
at the left and returns the Axes. `unit` labels the axis of values; `labels` are customers' segments, 1…k;
`names` and `colours` are one per segment, and where segments are rows of a table, `colours` are swatches
beside them. A colour means a segment, always; everything else is drawn in ink and grey.
"""

from wholesale.plots.customers import (
    plot_dendrogram,
    plot_map,
    plot_pairs,
    plot_ranges,
    plot_silhouettes,
    plot_spread,
)
from wholesale.plots.style import AMOUNTS
from wholesale.plots.tables import (
    plot_bars,
    plot_correlations,
    plot_criteria,
    plot_heights,
    plot_jumps,
    plot_mix,
    plot_overlap,
    plot_profiles,
    plot_search,
)

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
