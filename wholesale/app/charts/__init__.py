"""The page's charts as strings of inline SVG: no script, no outside reference, NumPy only."""

from wholesale.app.charts.evidence import dendrogram, evidence_curves
from wholesale.app.charts.map import map_cloud, map_with_you
from wholesale.app.charts.profile import profile
from wholesale.app.charts.svg import stylesheet

__all__ = ["dendrogram", "evidence_curves", "map_cloud", "map_with_you", "profile", "stylesheet"]
