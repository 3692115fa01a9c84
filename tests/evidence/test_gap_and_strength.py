import numpy as np
import pandas as pd
import pytest

from wholesale.evidence import compare_cluster_counts, gap_statistic, prediction_strength, recommend
from wholesale.evidence.counts import reference_set, strength
from wholesale.evidence.recommend import gap_vote, strength_vote
from wholesale.models import SEED


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
    assert gap_vote(gap_statistic(rows, range(1, 6), references=20)["gap_rule"]) == k
    assert strength_vote(prediction_strength(rows, range(1, 6), splits=10)) == k


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


@pytest.mark.parametrize("measure", [gap_statistic, prediction_strength])
def test_two_processes_and_a_second_run_give_the_same_numbers(X, measure):
    size = {"references": 6} if measure is gap_statistic else {"splits": 6}
    one, two, again = (measure(X, [1, 2, 3], n_jobs=jobs, **size) for jobs in (1, 2, 1))
    assert one.equals(two) and one.equals(again)


def test_the_recommendation_counts_votes_names_the_dissent_and_of_a_tie_takes_the_smaller_k():
    scores = compare_cluster_counts(_blobs(3), range(2, 6), restarts=1, references=10, splits=5)
    advice = recommend(scores, served=3)
    assert (advice.recommended, set(advice.votes.values()), advice.dissent) == (3, {3}, ())
    assert recommend(scores, served=2).support == ()
    assert "supported by none of them" in recommend(scores, served=2).sentences[1]
    advice = recommend(pd.DataFrame({"kmeans_silhouette": [0.1, 0.3], "gmm_bic": [1.0, 2.0]}, index=[2, 3]))
    assert advice.votes == {"silhouette of K-Means": 3, "BIC of the mixture": 2}
    assert advice.recommended == 2
