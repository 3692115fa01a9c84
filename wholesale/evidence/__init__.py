"""Everything that argues for or against a number of segments, on the log-standardized matrix."""

from wholesale.evidence.counts import compare_cluster_counts, gap_statistic, prediction_strength
from wholesale.evidence.density import (
    cophenetic_correlations,
    cut_by_largest_jump,
    density_peaks,
    dip,
    entropy,
    jumps,
    jumps_without_segments,
    merge_components,
    merge_heights,
)
from wholesale.evidence.mixtures import (
    ParsimoniousMixture,
    StudentMixture,
    compare_covariances,
    compare_families,
    search_families,
)
from wholesale.evidence.recommend import Recommendation, recommend
from wholesale.evidence.stability import (
    agreement,
    bootstrap_jaccards,
    contested,
    models_agreeing,
    segment_stability,
    stability_band,
)
