import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import silhouette_samples

from wholesale.columns import MODELS
from wholesale.evidence import compare_cluster_counts, recommend
from wholesale.evidence.counts import silhouettes

QUICK = {"restarts": 2, "references": 5, "splits": 3}


def test_each_score_is_what_its_column_says(bundle, X):
    row = compare_cluster_counts(X, [3], **QUICK).loc[3]
    metrics = bundle.manifest["metrics"]
    assert row["kmeans_inertia"] == pytest.approx(metrics["kmeans"]["inertia"])
    for model, its in metrics.items():
        assert row[f"{model}_silhouette"] == pytest.approx(its["silhouette"])
        negative = (silhouette_samples(X, bundle.labels[model]) < 0).sum()
        assert row[f"{model}_negative"] == negative > 0
    assert row["gmm_bic"] == pytest.approx(metrics["gmm"]["bic"])
    assert row["smallest_segment"] == min(min(its["sizes"]) for its in metrics.values())


def test_bic_calinski_harabasz_and_davies_bouldin_are_the_formulas_written_out(bundle, X):
    n, d, k = len(X), 6, 3
    parameters = k * d + k * d * (d + 1) / 2 + k - 1
    expected = -2 * bundle.gmm.score_samples(X).sum() + parameters * np.log(n)
    assert bundle.manifest["metrics"]["gmm"]["bic"] == pytest.approx(expected)
    row = compare_cluster_counts(X, [k], **QUICK).loc[k]
    groups = [X[bundle.kmeans.labels_ == label] for label in range(k)]
    centres = [group.mean(axis=0) for group in groups]
    within = sum(((group - centre) ** 2).sum() for group, centre in zip(groups, centres, strict=True))
    between = sum(len(g) * ((c - X.mean(axis=0)) ** 2).sum() for g, c in zip(groups, centres, strict=True))
    assert row["calinski_harabasz"] == pytest.approx((between / (k - 1)) / (within / (n - k)))
    spread = [np.linalg.norm(g - c, axis=1).mean() for g, c in zip(groups, centres, strict=True)]

    def worst(i: int) -> float:
        gaps = ((j, np.linalg.norm(centres[i] - centres[j])) for j in range(k) if j != i)
        return max((spread[i] + spread[j]) / gap for j, gap in gaps)

    assert row["davies_bouldin"] == pytest.approx(np.mean([*map(worst, range(k))]))


def test_silhouettes_are_those_by_hand_0_of_a_lone_customer_and_none_of_one_segment():
    # Within {0, 1}: a = 1; to {10, 12}: b = 11 for 0 and 10 for 1. Within {10, 12}: a = 2; b = 9.5 and 11.5.
    expected = [10 / 11, 9 / 10, 7.5 / 9.5, 9.5 / 11.5]
    points = np.array([[0.0], [1.0], [10.0], [12.0]])
    np.testing.assert_allclose(silhouettes(points, np.array([0, 0, 1, 1])), expected)
    assert silhouettes(points[:3], np.array([0, 0, 1]))[2] == 0
    assert np.isnan(silhouettes(points, np.zeros(4, int))).all()


def test_one_segment_has_inertia_bic_and_gap_but_no_silhouette(X):
    row = compare_cluster_counts(X, [1], **QUICK).loc[1]
    assert row["kmeans_inertia"] == pytest.approx(440 * 6) and row["prediction_strength"] == 1
    of_each = {f"{model}_{kind}" for model in MODELS for kind in ("silhouette", "negative")}
    assert set(row.index[row.isna()]) == of_each | {"calinski_harabasz", "davies_bouldin"}


def test_duplicates_and_a_lone_outlier_are_scored_and_without_a_proper_mixture_all_but_its_criteria(X):
    rows = np.vstack([X[:30], X[:30], np.full((1, 6), 40.0)])
    scores = compare_cluster_counts(rows, [2], **QUICK).loc[2]
    assert scores["smallest_segment"] == 1
    assert np.isfinite(scores[["kmeans_silhouette", "ward_silhouette", "gap"]].to_numpy(float)).all()
    scores = compare_cluster_counts(X[:12], [2], **QUICK).loc[2]
    assert np.isnan(scores["gmm_bic"]) and np.isnan(scores["gmm_silhouette"])
    assert np.isfinite(scores["kmeans_silhouette"])


def test_a_criterion_that_is_missing_for_every_number_has_no_vote():
    counts = pd.DataFrame({"gmm_bic": np.nan, "prediction_strength": np.nan, "gap": np.nan}, index=[2, 3])
    counts = counts.assign(gap_rule=False, davies_bouldin=[1.0, 0.5])
    assert recommend(counts).votes == {"Davies-Bouldin index": 3}
    with pytest.raises(ValueError, match="no criterion is defined"):
        recommend(counts.drop(columns="davies_bouldin"))
