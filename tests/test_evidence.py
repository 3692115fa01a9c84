import numpy as np
import pytest
from sklearn.metrics import silhouette_samples

from wholesale.evidence import agreement, compare_cluster_counts, cophenetic_correlations


def test_each_score_is_what_its_column_says(bundle, X):
    row = compare_cluster_counts(X, [3], restarts=3).loc[3]
    metrics = bundle.manifest["metrics"]
    assert row["kmeans_inertia"] == pytest.approx(metrics["kmeans"]["inertia"])
    for model, its in metrics.items():
        assert row[f"{model}_silhouette"] == pytest.approx(its["silhouette"])
    assert row["gmm_bic"] == pytest.approx(metrics["gmm"]["bic"])
    assert row["smallest_segment"] == min(min(its["sizes"]) for its in metrics.values())


def test_bic_is_the_formula_written_out(bundle, X):
    n, d, k = len(X), 6, 3
    parameters = k * d + k * d * (d + 1) / 2 + k - 1
    expected = -2 * bundle.gmm.score_samples(X).sum() + parameters * np.log(n)
    assert bundle.manifest["metrics"]["gmm"]["bic"] == pytest.approx(expected)


def test_silhouette_is_the_mean_over_customers(bundle, X):
    mean = silhouette_samples(X, bundle.labels["ward"]).mean()
    assert bundle.manifest["metrics"]["ward"]["silhouette"] == pytest.approx(mean)


def test_well_separated_blobs_are_counted_right():
    rng = np.random.default_rng(0)
    centres = np.array([[0] * 6, [10] * 6, [-10, 10] * 3])
    blobs = np.vstack([rng.normal(centre, 1, (40, 6)) for centre in centres])
    scores = compare_cluster_counts(blobs, range(2, 5), restarts=2)
    for model in ("kmeans", "gmm", "ward"):
        assert scores[f"{model}_silhouette"].idxmax() == 3
    assert scores["gmm_bic"].idxmin() == 3


def test_agreement_is_one_with_itself_and_about_zero_with_chance(bundle):
    rng = np.random.default_rng(0)
    labels = {**bundle.labels, "chance": rng.integers(1, 4, 440)}
    table = agreement(labels)
    assert (np.diag(table) == 1).all()
    assert table.loc["kmeans", "gmm"] == table.loc["gmm", "kmeans"] > 0.2
    assert (table["chance"].drop("chance").abs() < 0.02).all()


def test_cophenetic_correlation_of_three_points_is_the_one_by_hand():
    X = np.array([[0.0], [1.0], [3.0]])
    # Distances 1, 3, 2; single linkage joins at 1 and 2, so the cophenetic distances are 1, 2, 2.
    expected = np.corrcoef([1, 3, 2], [1, 2, 2])[0, 1]
    assert cophenetic_correlations(X, ["single"])["single"] == pytest.approx(expected)
