import numpy as np
from scipy.cluster.hierarchy import linkage

from wholesale.evidence import (
    jumps,
    jumps_without_segments,
    merge_heights,
)


def test_blobs_are_above_the_yardstick_and_a_plain_cloud_is_within_it():
    plain = np.random.default_rng(0).normal(size=(120, 6))
    blobs = np.vstack([plain[:60] - 3, plain[60:] + 3])
    for customers, separate in ((blobs, True), (plain, False)):
        heights = merge_heights(linkage(customers, "ward"))
        by_chance = jumps_without_segments(customers, samples=40)
        assert (jumps(heights)[2] > by_chance[2].max()) == separate
