"""Everything that argues for or against a number of segments, on the log-standardized matrix."""

from wholesale.evidence.agreement import agreement, contested, models_agreeing
from wholesale.evidence.counts import compare_cluster_counts, gap_statistic, prediction_strength
from wholesale.evidence.covariances import compare_covariances, search_covariances
from wholesale.evidence.hierarchy import (
    cophenetic_correlations,
    cut_by_largest_jump,
    jumps,
    merge_heights,
)
from wholesale.evidence.recommend import Recommendation, recommend
from wholesale.evidence.stability import bootstrap_jaccards, segment_stability, stability_band
from wholesale.evidence.yardstick import (
    clouds_without_segments,
    jumps_without_segments,
    silhouettes_without_segments,
)

__all__ = [
    "Recommendation",
    "agreement",
    "bootstrap_jaccards",
    "clouds_without_segments",
    "compare_cluster_counts",
    "compare_covariances",
    "contested",
    "cophenetic_correlations",
    "cut_by_largest_jump",
    "gap_statistic",
    "jumps",
    "jumps_without_segments",
    "merge_heights",
    "models_agreeing",
    "prediction_strength",
    "recommend",
    "search_covariances",
    "segment_stability",
    "silhouettes_without_segments",
    "stability_band",
]
