import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import silhouette_samples

from wholesale.columns import MODELS
from wholesale.criteria import FIRST_WITHIN, LAST_STRONG
from wholesale.evidence import compare_cluster_counts, recommend
from wholesale.evidence.counts import gap_statistic, prediction_strength, reference_set, silhouettes, strength
from wholesale.evidence.recommend import RULES
from wholesale.models import SEED

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
    pairs = {(i, j): np.linalg.norm(centres[i] - centres[j]) for i in range(k) for j in range(k) if i != j}
    alike = {(i, j): (spread[i] + spread[j]) / gap for (i, j), gap in pairs.items()}
    worst = [max(alike[i, j] for j in range(k) if j != i) for i in range(k)]
    assert row["davies_bouldin"] == pytest.approx(np.mean(worst))


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


def _blobs(n_blobs, seed=0):
    rng = np.random.default_rng(seed)
    return np.vstack([rng.normal(centre, 1, (50, 6)) for centre in 15 * np.eye(6)[:n_blobs]])


@pytest.mark.parametrize(
    ("rows", "k"),
    [(_blobs(k), k) for k in (2, 3, 4)]
    + [(np.random.default_rng(seed).uniform(size=(200, 6)), 1) for seed in (0, 1, 2)],
    ids=["two", "three", "four", "one", "another", "a third"],
)
def test_both_count_well_separated_blobs_right_and_say_one_on_a_uniform_one(rows, k):
    assert RULES[FIRST_WITHIN](gap_statistic(rows, range(1, 6), references=20)["gap_rule"]) == k
    assert RULES[LAST_STRONG](prediction_strength(rows, range(1, 6), splits=10)) == k


def test_the_gap_rule_is_the_papers(X):
    gap = gap_statistic(X, range(1, 5), references=10)
    expected = gap["gap"] >= (gap["gap"] - gap["gap_se"]).shift(-1)
    assert list(gap.index) == [1, 2, 3, 4] and list(gap["gap_rule"][:3]) == list(expected[:3])


def test_at_one_segment_the_gap_needs_no_clustering(X):
    seeds = np.random.SeedSequence(SEED).spawn(10)
    sets = [reference_set(X, np.random.default_rng(seed)) for seed in seeds]
    logs = np.log([((each - each.mean(axis=0)) ** 2).sum() for each in sets])
    gap = gap_statistic(X, [1], references=10).loc[1]
    assert gap["gap"] == pytest.approx(logs.mean() - np.log(440 * 6))
    assert gap["gap_se"] == pytest.approx(logs.std() * np.sqrt(1.1))


def test_a_reference_set_fills_the_box_of_the_principal_axes(X):
    drawn = reference_set(X, np.random.default_rng(0))
    axes = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[2]
    data, reference = (X - X.mean(axis=0)) @ axes.T, (drawn - X.mean(axis=0)) @ axes.T
    assert drawn.shape == X.shape
    assert (reference.min(axis=0) >= data.min(axis=0)).all()
    assert (reference.max(axis=0) <= data.max(axis=0)).all()
    assert (np.ptp(reference, axis=0) > 0.97 * np.ptp(data, axis=0)).all()


@pytest.mark.parametrize(
    ("labels", "predicted", "expected"),
    [
        ([0, 0, 1, 1], [5, 5, 7, 7], 1),
        ([0, 0, 0, 1, 1], [5, 5, 7, 7, 7], 1 / 3),  # of three pairs in the first cluster one stays
        ([0, 0, 1, 1], [5, 7, 7, 7], 0),
        ([0, 1, 1], [5, 7, 7], 1),  # a lone customer has no pair to break
    ],
)
def test_strength_is_the_least_share_of_pairs_kept_together(labels, predicted, expected):
    assert strength(np.array(labels), np.array(predicted)) == pytest.approx(expected)


def test_the_recommendation_counts_votes_names_the_dissent_and_of_a_tie_takes_the_smaller_k():
    scores = compare_cluster_counts(_blobs(3), range(2, 6), restarts=1, references=10, splits=5)
    advice = recommend(scores, served=3)
    assert (advice.recommended, set(advice.votes.values()), advice.dissent) == (3, {3}, ())
    assert recommend(scores, served=2).support == ()
    assert "supported by none of them" in recommend(scores, served=2).sentences[1]
    advice = recommend(pd.DataFrame({"kmeans_silhouette": [0.1, 0.3], "gmm_bic": [1.0, 2.0]}, index=[2, 3]))
    assert advice.votes == {"silhouette of K-Means": 3, "BIC of the mixture": 2}
    assert advice.recommended == 2
