import numpy as np
import pandas as pd
import pytest
from scipy.stats import kurtosis, norm, rankdata

from wholesale.evidence import nulls, recommend
from wholesale.evidence.mixtures import StudentMixture
from wholesale.evidence.recommend import OBSERVED, weigh


@pytest.mark.parametrize("kind", nulls.NULLS)
def test_a_cloud_is_standardized_and_the_same_however_many_are_drawn(X, kind):
    three, one = list(nulls.clouds(X, kind, samples=3)), next(nulls.clouds(X, kind, samples=1))
    assert (three[0] == one).all() and not np.allclose(three[0], three[1])
    for cloud in three:
        assert cloud.shape == X.shape
        assert np.allclose(cloud.mean(axis=0), 0) and np.allclose(cloud.std(axis=0), 1)


@pytest.mark.parametrize("kind", nulls.NULLS)
def test_clouds_do_not_depend_on_how_the_matrix_lies_in_memory(X, kind):
    rows, columns = (
        next(nulls.clouds(order(X), kind, samples=1)) for order in (np.ascontiguousarray, np.asfortranarray)
    )
    assert (rows == columns).all()


def _scores(X: np.ndarray) -> np.ndarray:
    return np.corrcoef(norm.ppf(rankdata(X, axis=0) / (len(X) + 1)), rowvar=False)


@pytest.mark.parametrize("kind", nulls.NULLS)
def test_clouds_have_the_correlations_of_the_customers(X, kind):
    clouds = list(nulls.clouds(X, kind, samples=200))
    if kind == "copula":  # of their normal scores: the margins are the customers', whatever these are
        mean, own = np.mean([_scores(cloud) for cloud in clouds], axis=0), _scores(X)
    else:
        mean, own = np.mean([np.corrcoef(cloud.T) for cloud in clouds], axis=0), np.corrcoef(X.T)
    if kind == "heavy-tailed":
        own = StudentMixture(1).fit(X).covariances_[0]
        own = own / np.sqrt(np.outer(np.diag(own), np.diag(own)))
    assert np.abs(mean - own).max() < 0.05


def test_the_heavy_tailed_clouds_have_heavier_tails_and_the_copula_the_customers_margins(X):
    tails = {
        kind: np.mean([kurtosis(cloud).mean() for cloud in nulls.clouds(X, kind, samples=50)])
        for kind in nulls.NULLS
    }
    assert abs(tails["gaussian"]) < 0.1 < 1 < tails["heavy-tailed"]
    cloud = nulls.copula(X)(np.random.default_rng(0))
    assert (cloud.min(axis=0) >= X.min(axis=0)).all() and (cloud.max(axis=0) <= X.max(axis=0)).all()
    many = np.vstack([nulls.copula(X)(np.random.default_rng(seed)) for seed in range(50)])
    deciles = np.linspace(0.1, 0.9, 9)
    assert np.abs(np.quantile(many, deciles, axis=0) - np.quantile(X, deciles, axis=0)).max() < 0.05


def test_criteria_of_clouds_and_of_the_customers_stand_in_one_table_whatever_the_processes(X):
    effort = {"starts": 2, "restarts": 1, "references": 2, "splits": 1}
    some = X[:60]
    one, two = (
        nulls.null_criteria(some, [1, 2], kinds=["copula"], samples=2, effort=effort, n_jobs=n)
        for n in (1, 2)
    )
    pd.testing.assert_frame_equal(one, two)
    assert one.index.names == ["null", "cloud", "k"] and len(one) == (1 + 2) * 2
    assert one.loc[OBSERVED, "gmm_bic"].notna().all()


def _nulls(silhouettes: dict[str, float], bics: dict[str, tuple[float, float]]) -> pd.DataFrame:
    """Make a table of twenty clouds a kind, all alike."""
    rows = {
        (kind, cloud, k): {"kmeans_silhouette": [np.nan, silhouettes[kind], 0.1][k - 1], "gmm_bic": bic}
        for kind in silhouettes
        for cloud in range(1 if kind == OBSERVED else 20)
        for k, bic in ((1, bics[kind][0]), (2, bics[kind][1]), (3, 2000.0))
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["null", "cloud", "k"]).sort_index()


def test_a_vote_counts_only_beyond_every_kind_of_cloud():
    silhouettes = {OBSERVED: 0.3, "gaussian": 0.2, "copula": 0.29}
    bics = {OBSERVED: (1000.0, 900.0), "gaussian": (1000.0, 1100.0), "copula": (2000.0, 1850.0)}
    table = _nulls(silhouettes, bics)
    weights = weigh({"silhouette of K-Means": 2, "BIC of the mixture": 2}, table)
    assert weights["counts"].tolist() == [True, False], "a gain of 100 is less than the copula's 150"
    assert weights.loc["BIC of the mixture", ["gaussian", "copula"]].tolist() == [0, 1]
    assert weights.loc["silhouette of K-Means", ["gaussian", "copula"]].tolist() == [1, 1]
    advice = recommend(table.loc[OBSERVED, 0], table, served=3)
    assert advice.recommended == 2 and advice.sentences[0].endswith(
        "would: for 2 silhouette of K-Means. So 2 segments are recommended."
    )
    assert "not by silhouette of K-Means (2; 100% by chance)" in advice.sentences[1]
    assert "unweighed" in recommend(table.loc[OBSERVED, 0]).sentences[0]


def test_where_no_vote_counts_one_segment_is_recommended():
    silhouettes, bics = (
        dict.fromkeys((OBSERVED, "gaussian"), 0.3),
        {OBSERVED: (1.0, 2.0), "gaussian": (1.0, 2.0)},
    )
    table = _nulls(silhouettes, bics)
    advice = recommend(table.loc[OBSERVED, 0], table, served=2)
    assert advice.recommended == 1 and advice.sentences[0].endswith(
        "a division is not shown, and one segment is recommended."
    )
    assert advice.votes == {"silhouette of K-Means": 2, "BIC of the mixture": 1}
