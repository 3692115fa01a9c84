from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import mahalanobis
from scipy.stats import kurtosis, norm, rankdata
from sklearn.cluster import KMeans

from wholesale.evidence import nulls, recommend
from wholesale.evidence.mixtures import StudentMixture
from wholesale.evidence.recommend import OBSERVED, thresholds, weigh


@pytest.mark.parametrize("kind", nulls.NULLS)
def test_a_cloud_is_standardized_and_the_same_however_many_are_drawn(X, kind):
    three, one = list(nulls.clouds(X, kind, samples=3)), next(nulls.clouds(X, kind, samples=1))
    assert (three[0] == one).all() and not np.allclose(three[0], three[1])
    for cloud in three:
        assert cloud.shape == X.shape
        assert np.allclose(cloud.mean(axis=0), 0) and np.allclose(cloud.std(axis=0), 1)


@pytest.mark.parametrize(("clouds", "beaten"), [(1, 1), (20, 20), (21, 20), (100, 96)])
def test_a_vote_that_counts_is_beyond_more_than_nineteen_in_twenty_clouds_and_of_so_few_beyond_all(
    clouds, beaten
):
    index = pd.MultiIndex.from_product([["gaussian"], range(clouds), [1, 2]], names=["null", "cloud", "k"])
    drawn = pd.DataFrame({"kmeans_silhouette": index.get_level_values("cloud") / clouds}, index)
    of_customers = drawn[:2].rename(index={"gaussian": OBSERVED})
    limit = thresholds(pd.concat([of_customers, drawn])).loc[2, "silhouette of K-Means"]
    assert (drawn.xs(2, level="k") <= limit).sum().item() == beaten > 0.95 * clouds


@pytest.mark.parametrize("kind", nulls.NULLS)
def test_clouds_do_not_depend_on_how_the_matrix_lies_in_memory(X, kind):
    ordered = np.ascontiguousarray(X), np.asfortranarray(X)
    rows, columns = (next(nulls.clouds(each, kind, samples=1)) for each in ordered)
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
    drawn = {kind: nulls.clouds(X, kind, samples=50) for kind in nulls.NULLS}
    tails = {kind: np.mean([kurtosis(each).mean() for each in clouds]) for kind, clouds in drawn.items()}
    assert abs(tails["gaussian"]) < 0.1 < 1 < tails["heavy-tailed"]
    cloud = nulls.copula(X)(np.random.default_rng(0))
    assert (cloud.min(axis=0) >= X.min(axis=0)).all() and (cloud.max(axis=0) <= X.max(axis=0)).all()
    many = np.vstack([nulls.copula(X)(np.random.default_rng(seed)) for seed in range(50)])
    deciles = np.linspace(0.1, 0.9, 9)
    assert np.abs(np.quantile(many, deciles, axis=0) - np.quantile(X, deciles, axis=0)).max() < 0.05


def test_criteria_of_clouds_and_of_the_customers_stand_in_one_table(X):
    effort = {"starts": 2, "restarts": 1, "references": 2, "splits": 1}
    few = {"ks": [1, 2], "effort": effort}
    made = [nulls.cloud_criteria(X[:60], kind, range(n), **few) for kind, n in ((OBSERVED, 1), ("copula", 2))]
    one = pd.concat(made).sort_index()
    planted = nulls.simulated_criteria(X[:60], 2, separations=[3.0], samples=2, ks=[1], effort=effort)
    assert planted.index.names == ["segments", "separation", "cloud", "k"] and len(planted) == 2
    assert one.index.names == ["null", "cloud", "k"] and len(one) == (1 + 2) * 2
    assert one.loc[OBSERVED, "gmm_bic"].notna().all()


def _nulls(**kinds: tuple[float, float, float]) -> pd.DataFrame:
    """Make twenty clouds a kind, all alike, by the silhouette of two segments and the BIC of one and two."""
    rows = {
        (kind, cloud, k): {"kmeans_silhouette": silhouette, "gmm_bic": bic}
        for kind, (of_two, *bics) in kinds.items()
        for cloud in range(1 if kind == OBSERVED else 20)
        for k, silhouette, bic in zip((1, 2, 3), (np.nan, of_two, 0.1), (*bics, 2000.0), strict=True)
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["null", "cloud", "k"]).sort_index()


def test_a_vote_counts_only_beyond_every_kind_of_cloud():
    observed, gaussian, copula = (0.3, 1000.0, 900.0), (0.2, 1000.0, 1100.0), (0.29, 2000.0, 1850.0)
    table = _nulls(observed=observed, gaussian=gaussian, copula=copula)
    weights = weigh({"silhouette of K-Means": 2, "BIC of the mixture": 2}, table)
    assert weights["counts"].tolist() == [True, False], "a gain of 100 is less than the copula's 150"
    assert weights.loc["BIC of the mixture", ["gaussian", "copula"]].tolist() == [0, 1]
    assert weights.loc["silhouette of K-Means", ["gaussian", "copula"]].tolist() == [1, 1]
    advice = recommend(table.loc[OBSERVED, 0], table, served=3)
    said = "would: for 2 silhouette of K-Means. So 2 segments are recommended."
    assert advice.recommended == 2 and advice.sentences[0].endswith(said)
    assert "not by silhouette of K-Means (2; 100% by chance)" in advice.sentences[1]
    assert "unweighed" in recommend(table.loc[OBSERVED, 0]).sentences[0]


def test_where_no_vote_counts_one_segment_is_recommended():
    table = _nulls(observed=(0.3, 1.0, 2.0), gaussian=(0.3, 1.0, 2.0))
    advice = recommend(table.loc[OBSERVED, 0], table, served=2)
    said = "a division is not shown, and one segment is recommended."
    assert advice.recommended == 1 and advice.sentences[0].endswith(said)
    assert advice.votes == {"silhouette of K-Means": 2, "BIC of the mixture": 1}


@pytest.mark.parametrize("segments", [2, 3, 4])
def test_simulated_segments_are_as_far_apart_as_asked_and_all_together_have_the_customers_covariance(
    X, segments
):
    many = np.tile(X, (100, 1))
    cloud, clear = (nulls.simulate(many, segments, far, np.random.default_rng(0)) for far in (3.0, 100.0))
    assert np.allclose(np.cov(cloud.T), np.cov(X.T), atol=0.03)
    own = KMeans(segments, n_init=5, random_state=0).fit_predict(clear)  # the same draw: the same segments
    parts = [cloud[own == i] for i in range(segments)]
    precision = np.linalg.inv(np.mean([np.cov(part.T) for part in parts], axis=0))
    for one, other in combinations(parts, 2):
        apart = mahalanobis(one.mean(axis=0), other.mean(axis=0), precision)
        assert apart == pytest.approx(3.0, abs=0.1)


def test_power_is_the_share_of_clouds_in_which_the_true_number_is_found():
    """Silhouettes of twenty null clouds go up to 0.2 at 2; three of five simulated clouds have 0.3 there."""

    def table(levels, clouds):
        rows = {(*cloud, k): its[k - 1] for cloud, its in clouds.items() for k in (1, 2, 3)}
        return pd.DataFrame({"kmeans_silhouette": rows}).rename_axis([*levels, "k"]).sort_index()

    chance = {("gaussian", i): (np.nan, 0.01 * (i + 1), 0.005) for i in range(20)}
    chance[OBSERVED, 0] = (np.nan, 0.5, 0.1)
    planted = [(np.nan, 0.3, 0.1)] * 3 + [(np.nan, 0.15, 0.1), (np.nan, 0.1, 0.3)]
    simulated = {(2, 4.0, i): silhouettes for i, silhouettes in enumerate(planted)}
    levels = ["segments", "separation", "cloud"]
    shares = nulls.power(table(levels, simulated), table(["null", "cloud"], chance))
    assert shares.loc[(2, 4.0)].to_dict() == {"found": 0.6, "divided": 0.8, "silhouette of K-Means": 0.8}
    # none of the null clouds is beyond the quantile that they give themselves, "higher" of twenty
    assert shares.loc[(1, 0.0)].to_dict() == {"found": 1, "divided": 0, "silhouette of K-Means": 0}
