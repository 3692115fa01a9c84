import numpy as np
import pytest
from scipy.cluster.hierarchy import linkage

from wholesale.evidence import (
    cophenetic_correlations,
    cut_by_largest_jump,
    jumps,
    jumps_without_segments,
    merge_heights,
)


def test_cophenetic_correlation_and_the_largest_relative_jump_are_those_by_hand():
    # Distances 1, 3, 2; single linkage joins at 1 and 2, so the cophenetic distances are 1, 2, 2.
    expected = np.corrcoef([1, 3, 2], [1, 2, 2])[0, 1]
    found = cophenetic_correlations(np.array([[0.0], [1.0], [3.0]]), ["single"])
    assert found["single"] == pytest.approx(expected)
    heights = merge_heights(np.column_stack([np.zeros((4, 2)), [1.0, 2.0, 9.0, 10.0], np.zeros(4)]))
    assert heights.to_dict() == {2: 10, 3: 9, 4: 2, 5: 1} and cut_by_largest_jump(heights) == 3


def test_blobs_are_above_the_yardstick_and_a_plain_cloud_is_within_it():
    plain = np.random.default_rng(0).normal(size=(120, 6))
    blobs = np.vstack([plain[:60] - 3, plain[60:] + 3])
    for customers, separate in ((blobs, True), (plain, False)):
        heights = merge_heights(linkage(customers, "ward"))
        by_chance = jumps_without_segments(customers, samples=40)
        assert (jumps(heights)[2] > by_chance[2].max()) == separate
