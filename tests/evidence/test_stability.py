import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import jaccard_score

from wholesale import evidence
from wholesale.models import SEED, fit_ward, labels_of


def test_well_separated_blobs_always_come_back_and_a_cut_through_one_does_not():
    rng = np.random.default_rng(0)
    blobs = np.vstack([rng.normal(centre, 1, (40, 6)) for centre in (0, 10, -10)])
    assert evidence.segment_stability(blobs, fit_ward, 3, resamples=20).tolist() == [1, 1, 1]
    blob = np.random.default_rng(1).normal(size=(120, 6))
    assert evidence.segment_stability(blob, fit_ward, 3, resamples=30).max() < 0.75


def test_each_row_is_the_best_jaccard_among_those_drawn_counted_once(bundle, X):
    ours = evidence.bootstrap_jaccards(X, fit_ward, 3, labels=bundle.labels["ward"], resamples=2)
    for row, seed in zip(ours, np.random.SeedSequence(SEED).spawn(2), strict=True):
        draws = np.random.default_rng(seed).integers(440, size=440)
        drawn = sorted(set(draws.tolist()))
        assert len(drawn) < 440
        new, old = fit_ward(X[drawn], 3).labels_, bundle.labels["ward"][drawn]
        expected = [max(jaccard_score(old == s, new == t) for t in range(3)) for s in (1, 2, 3)]
        np.testing.assert_allclose(row, expected)


def test_labels_may_come_from_a_model_with_or_without_labels_or_as_they_are(bundle, X):
    assert (labels_of(bundle.ward, X) == bundle.ward.labels_).all()
    assert (labels_of(bundle.gmm, X) == bundle.gmm.predict(X)).all()
    assert (labels_of(np.array([1, 2]), X) == [1, 2]).all()


def test_bands_in_words():
    bands = [evidence.stability_band(jaccard) for jaccard in (0.9, 0.85, 0.8, 0.6, 0.59)]
    weak = ["a pattern rather than a stable group", "unstable"]
    assert bands == ["highly stable", "highly stable", "stable", *weak]


def test_agreement_is_one_with_itself_about_zero_with_chance_and_of_six_points_the_one_by_hand(bundle):
    table = evidence.agreement({**bundle.labels, "chance": np.random.default_rng(0).integers(1, 4, 440)})
    assert (np.diag(table) == 1).all()
    assert table.loc["kmeans", "gmm"] == table.loc["gmm", "kmeans"] > 0.2
    assert (table["chance"].drop("chance").abs() < 0.02).all()
    # Pairs together: 3 + 3 in the first, 1 + 1 + 1 in the second, 2 in both, of 15.
    table, expected = evidence.agreement({"a": [0, 0, 0, 1, 1, 1], "b": [0, 0, 1, 1, 2, 2]}), 6 * 3 / 15
    assert table.loc["a", "b"] == pytest.approx((2 - expected) / ((6 + 3) / 2 - expected))


def test_models_agreeing_follows_the_convention_and_its_threshold():
    labels = {"kmeans": np.array([1, 1, 1, 2]), "gmm": np.array([1, 1, 2, 2]), "ward": np.array([1, 2, 2, 2])}
    # Jaccard with K-Means: gmm 2/3 (1, 1), 1/4 (2, 1), 1/2 (2, 2); ward 1/3, 2/4 (2, 1), 1/3 (2, 2).
    assert evidence.models_agreeing(labels).tolist() == [2, 3, 2, 2]
    assert evidence.models_agreeing(labels, similar=0.6).tolist() == [2, 2, 1, 1]
    assert evidence.models_agreeing(labels, similar=0).tolist() == [3, 3, 3, 3]


def test_the_contested_are_those_without_full_agreement(bundle, customers):
    table = evidence.contested(customers, bundle.labels)
    agreeing = evidence.models_agreeing(bundle.labels)
    assert set(table.index) == set(customers.index[agreeing < 3])
    assert table["agreement"].is_monotonic_increasing
    assert (table["gmm_segment"] == pd.Series(bundle.labels["gmm"], customers.index)[table.index]).all()
