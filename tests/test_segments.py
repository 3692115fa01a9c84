import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wholesale.bundle import train
from wholesale.columns import SPEND_COLUMNS
from wholesale.models import fit_gmm, fit_kmeans, fit_ward
from wholesale.segments import (
    match_order,
    match_segments,
    name_segments,
    overlap,
    profile_segments,
    renumber,
    size_order,
)


def _profiles(*rows):
    standardized = pd.DataFrame(rows, index=range(1, len(rows) + 1), columns=list(SPEND_COLUMNS))
    return pd.concat({"standardized": standardized}, axis=1)


@given(st.lists(st.integers(0, 3), min_size=8, max_size=60), st.permutations([0, 1, 2, 3]))
def test_matching_undoes_any_renumbering(labels, permutation):
    reference = np.array([0, 1, 2, 3, *labels])
    renumbered = np.array(permutation)[reference]
    assert match_segments(reference, renumbered).tolist() == reference.tolist()


def test_matching_shares_as_many_customers_as_any_assignment_can():
    reference = np.array([1, 1, 1, 1, 2, 2, 2, 3, 3])
    labels = np.array([7, 7, 5, 5, 5, 5, 5, 9, 7])
    assert match_segments(reference, labels).tolist() == [1, 1, 2, 2, 2, 2, 2, 3, 1]


def test_of_matches_that_share_as_many_the_more_alike_is_taken():
    reference, labels = np.repeat([[0, 0, 1], [0, 1, 0]], [14, 1, 13], axis=1)  # 14 + 0 or 13 + 1 are shared
    matched = [overlap(reference, its).trace() for its in (labels, 1 - labels)]
    renumbered = match_segments(reference, labels)
    assert overlap(reference, renumbered).trace() == max(matched)
    assert match_segments(reference, 1 - labels).tolist() == renumbered.tolist()


def test_partitions_of_different_sizes_are_not_matched():
    with pytest.raises(ValueError, match="cannot match 2 segments to 3"):
        match_segments(np.array([1, 2, 3]), np.array([1, 1, 2]))


def test_overlap_is_the_jaccard_index():
    reference, labels = np.array([1, 1, 2, 2]), np.array([1, 1, 1, 2])
    np.testing.assert_allclose(overlap(reference, labels), [[2 / 3, 1 / 4], [0, 1 / 2]])


def test_segments_are_ordered_by_decreasing_size_then_by_their_first_customer():
    assert size_order(np.array([0, 1, 1, 1, 2, 2])).tolist() == [1, 2, 0]
    assert size_order(np.array([2, 0, 1, 1, 0, 2, 3])).tolist() == [2, 0, 1, 3]


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_a_renumbered_mixture_predicts_the_same_under_new_numbers(X, covariance_type):
    gmm = fit_gmm(X, 3, covariance_type, restarts=1)
    before, order = gmm.predict_proba(X), np.array([2, 0, 1])
    np.testing.assert_allclose(renumber(gmm, order).predict_proba(X), before[:, order])


def test_renumbered_kmeans_and_ward_keep_their_partitions(X):
    order = np.array([2, 0, 1])
    for model in (fit_kmeans(X, 3), fit_ward(X, 3)):
        before = model.labels_.copy()
        renumber(model, order)
        assert (order[model.labels_] == before).all()
        if hasattr(model, "predict"):
            assert (model.predict(X) == model.labels_).all()


def test_the_bundle_is_numbered_by_size_and_by_match(bundle, X):
    sizes = np.bincount(bundle.kmeans.labels_)
    assert list(sizes) == sorted(sizes, reverse=True)
    for labels in (bundle.gmm.predict(X), bundle.ward.labels_):
        assert match_order(bundle.kmeans.labels_, labels).tolist() == [0, 1, 2]


def test_profiles_are_medians_in_money_and_means_in_deviations(customers, bundle, X):
    profiles = profile_segments(customers, bundle.labels["kmeans"])
    first = bundle.labels["kmeans"] == 1
    assert profiles.loc[1, ("customers", "size")] == first.sum()
    assert profiles["customers", "share"].sum() == pytest.approx(1)
    assert profiles.loc[1, ("typical", "Milk")] == np.median(customers["Milk"][first])
    np.testing.assert_allclose(profiles["standardized"].loc[1], X[first].mean(axis=0))


@pytest.mark.parametrize(
    ("profile", "name"),
    [
        ([0.5] * 6, "High all round"),
        ([-0.5] * 6, "Low all round"),
        ([0.1] * 6, "Average"),
        ([-0.9, -0.9, -0.2, -0.9, -0.9, -0.9], "Few staples, little fresh or deli"),
        ([0.9, 0.9, 0.2, 0.9, 0.9, 0.9], "Staples, fresh and deli"),
        ([0, 1, 1, 0, 1, 0], "Staples"),
        ([0, -1, -1, 0, -1, 0], "Few staples"),
        ([1, -1, -1, 1, -1, 0], "Fresh, few staples"),
        ([-1, 1, 1, -1, 1, -1], "Staples, little fresh or deli"),
        ([-1, -1, -1, -1, -1, 1], "Deli, few staples, little fresh"),
        ([1, 1, 1, 1, 1, 0], "Staples and fresh"),
        ([0, 0, 0, 0, 0, -1], "Little deli"),
    ],
)
def test_a_name_follows_from_the_profile_alone(profile, name):
    assert name_segments(_profiles(profile)) == {1: name}


@given(st.lists(st.lists(st.floats(-3, 3), min_size=6, max_size=6), min_size=1, max_size=8))
def test_names_are_unique_within_a_model(rows):
    names = name_segments(_profiles(*rows)).values()
    assert len(set(names)) == len(rows)


def test_equal_names_get_the_category_in_which_they_differ_most():
    names = name_segments(_profiles([0, 1, 1, 0, 3, 0], [0, 1, 1, 0, 1, 0]))
    assert names == {1: "Staples, more Detergents and Paper", 2: "Staples, less Detergents and Paper"}


def test_another_seed_gives_the_same_names_and_segments(customers, bundle):
    again = train(customers, random_state=99)
    assert again.names == bundle.names
    assert not set(bundle.names["kmeans"]) & {*bundle.names["gmm"], *bundle.names["ward"]}
    assert all((again.labels[model] == labels).all() for model, labels in bundle.labels.items())


def test_channel_and_region_change_no_model(customers, bundle):
    shuffled = customers.copy()
    for column in ("Channel", "Region"):
        shuffled[column] = shuffled[column].sample(frac=1, random_state=0).to_numpy()
    assert not shuffled.equals(customers)
    again = train(shuffled)
    assert again.names == bundle.names
    for field in ("mean", "scale", "weights", "precisions_cholesky", "densities", "linkage"):
        ours, theirs = (getattr(its.predictor, field) for its in (again, bundle))
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)
