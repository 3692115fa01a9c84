import numpy as np
import pandas as pd
import pytest

from wholesale.evidence import (
    agreement,
    contested,
    cophenetic_correlations,
    cut_by_largest_jump,
    merge_heights,
    models_agreeing,
)


def test_agreement_is_one_with_itself_about_zero_with_chance_and_of_six_points_the_one_by_hand(bundle):
    table = agreement({**bundle.labels, "chance": np.random.default_rng(0).integers(1, 4, 440)})
    assert (np.diag(table) == 1).all()
    assert table.loc["kmeans", "gmm"] == table.loc["gmm", "kmeans"] > 0.2
    assert (table["chance"].drop("chance").abs() < 0.02).all()
    # Pairs together: 3 + 3 in the first, 1 + 1 + 1 in the second, 2 in both, of 15.
    table, expected = agreement({"a": [0, 0, 0, 1, 1, 1], "b": [0, 0, 1, 1, 2, 2]}), 6 * 3 / 15
    assert table.loc["a", "b"] == pytest.approx((2 - expected) / ((6 + 3) / 2 - expected))


def test_models_agreeing_follows_the_convention_and_its_threshold():
    labels = {"kmeans": np.array([1, 1, 1, 2]), "gmm": np.array([1, 1, 2, 2]), "ward": np.array([1, 2, 2, 2])}
    # Jaccard with K-Means: gmm 2/3 (1, 1), 1/4 (2, 1), 1/2 (2, 2); ward 1/3, 2/4 (2, 1), 1/3 (2, 2).
    assert models_agreeing(labels).tolist() == [2, 3, 2, 2]
    assert models_agreeing(labels, similar=0.6).tolist() == [2, 2, 1, 1]
    assert models_agreeing(labels, similar=0).tolist() == [3, 3, 3, 3]


def test_the_contested_are_those_without_full_agreement(bundle, customers):
    table = contested(customers, bundle.labels)
    agreeing = models_agreeing(bundle.labels)
    assert set(table.index) == set(customers.index[agreeing < 3])
    assert table["agreement"].is_monotonic_increasing
    assert (table["gmm_segment"] == pd.Series(bundle.labels["gmm"], customers.index)[table.index]).all()


def test_cophenetic_correlation_and_the_largest_relative_jump_are_those_by_hand():
    # Distances 1, 3, 2; single linkage joins at 1 and 2, so the cophenetic distances are 1, 2, 2.
    expected = np.corrcoef([1, 3, 2], [1, 2, 2])[0, 1]
    found = cophenetic_correlations(np.array([[0.0], [1.0], [3.0]]), ["single"])
    assert found["single"] == pytest.approx(expected)
    heights = merge_heights(np.column_stack([np.zeros((4, 2)), [1.0, 2.0, 9.0, 10.0], np.zeros(4)]))
    assert heights.to_dict() == {2: 10, 3: 9, 4: 2, 5: 1} and cut_by_largest_jump(heights) == 3
