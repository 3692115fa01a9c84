"""What R's cluster, fpc and mclust say of the same customers; see tests/reference/."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import silhouette_score

from wholesale.evidence import agreement, cophenetic_correlations, merge_heights
from wholesale.evidence.saved import REFERENCES, RESAMPLES, SPLITS, load_evidence
from wholesale.manifest import ROOT
from wholesale.models import fit_kmeans, fit_ward

R = json.loads((ROOT / "tests" / "reference" / "reference.json").read_text())
COUNTS = load_evidence()["counts"]
ERRORS = 4  # Monte Carlo standard errors that we allow


@pytest.mark.parametrize("k", range(1, 9))
def test_inertia_is_the_same_or_of_many_segments_at_most_a_little_above_rs_thousand_starts(X, k):
    ours = fit_kmeans(X, k).inertia_ if k < 4 else COUNTS[str(k)]["kmeans_inertia"]
    theirs = R["kmeans"]["inertia"][str(k)]
    assert theirs * (1 - 1e-9) <= ours < theirs * (1 + 1e-9 if k < 4 else 1.006)


@pytest.mark.parametrize("k", [2, 3])
def test_kmeans_silhouette_and_negatives_are_the_same(k):
    theirs = R["kmeans"]["partitions"][str(k)]
    assert COUNTS[str(k)]["kmeans_silhouette"] == pytest.approx(theirs["silhouette"], rel=1e-9)
    assert COUNTS[str(k)]["kmeans_negative"] == theirs["negative_silhouettes"]


@pytest.mark.parametrize("k", range(2, 9))
def test_wards_partitions_are_the_same(X, k):
    theirs, labels = R["ward"]["partitions"][str(k)], fit_ward(X, k).labels_
    assert sorted(np.bincount(labels)) == sorted(theirs["sizes"])
    assert silhouette_score(X, labels) == pytest.approx(theirs["silhouette"], rel=1e-9)
    assert COUNTS[str(k)]["ward_negative"] == theirs["negative_silhouettes"]


def test_wards_heights_and_all_cophenetic_correlations_are_the_same(X, predictor):
    np.testing.assert_allclose(merge_heights(predictor.linkage), R["ward"]["top_heights"], rtol=1e-9)
    ours = cophenetic_correlations(X)
    assert ours.to_dict() == pytest.approx(R["cophenetic"], rel=1e-9)


def test_the_gap_is_the_same_within_monte_carlo_error():
    theirs = R["gap"]
    for k, gap, se in zip(theirs["k"], theirs["gap"], theirs["SE.sim"], strict=True):
        if str(k) in COUNTS:
            error = se * np.sqrt(1 / theirs["B"] + 1 / REFERENCES)
            kmeans = 0.007 if k > 3 else 0  # two K-Means of more segments may stop apart
            assert COUNTS[str(k)]["gap"] == pytest.approx(gap, abs=ERRORS * error + kmeans)
            assert COUNTS[str(k)]["gap_se"] == pytest.approx(se, rel=0.4)
    assert theirs["tibshirani_k"] == load_evidence()["votes"]["gap statistic"]


def test_prediction_strength_is_the_same_within_monte_carlo_error():
    theirs = R["prediction_strength"]
    for k, mean, sd in zip(theirs["k"], theirs["mean.pred"], theirs["sd"], strict=True):
        error = sd * np.sqrt(1 / theirs["M"] + 1 / SPLITS)
        assert COUNTS[str(k)]["prediction_strength"] == pytest.approx(mean, abs=ERRORS * error)
    assert theirs["optimal_k"] == load_evidence()["votes"]["prediction strength"]


@pytest.mark.parametrize("k", ["2", "3"])
def test_the_full_mixtures_optimum_is_the_same_with_the_sign_turned(k):
    theirs = -R["full_optimum"][k]["bic"]
    assert COUNTS[k]["gmm_bic"] == pytest.approx(theirs, abs=0.01)


@pytest.mark.parametrize("model", ["kmeans", "gmm", "ward"])
def test_bootstrap_stability_is_the_same_within_monte_carlo_error(bundle, model):
    """Theirs starts EM at the kept optimum, as our warm figures do."""
    saved = load_evidence()
    theirs, ours = R["stability"][model], (saved["stability"] | saved["stability_warm"])[model]
    sizes = np.bincount(bundle.labels[model])[1:].tolist()
    for size, mean, sd in zip(theirs["sizes"], theirs["bootmean"], theirs["boot_sd"], strict=True):
        error = sd * np.sqrt(1 / R["stability"]["B"] + 1 / RESAMPLES)
        assert ours["jaccard"][sizes.index(size)] == pytest.approx(mean, abs=ERRORS * error)


def test_adjusted_rand_is_the_same(bundle, customers):
    outside = {"channel": customers["Channel"], "region": customers["Region"]}
    ours = agreement({**bundle.labels, **outside})
    for pair, theirs in R["adjusted_rand"].items():
        one, other = pair.split("_")
        assert ours.loc[one, other] == pytest.approx(theirs, rel=1e-9)


def test_the_reference_names_its_versions():
    assert set(R["versions"]) == {"R", "mclust", "cluster", "fpc"}
    assert pd.Series(R["versions"]).str.match(r"\d+\.\d+").all()
