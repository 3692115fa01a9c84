import numpy as np
import pytest
from joblib import Parallel, delayed
from sklearn.mixture import GaussianMixture

from wholesale.models import SAME_OPTIMUM, covariance_eigenvalues, fit_gmm, fit_kmeans, fit_ward, is_proper


@pytest.mark.parametrize("k", [2, 3])
def test_twenty_seeds_give_the_same_proper_optimum(X, k):
    fits = Parallel(n_jobs=2)(delayed(fit_gmm)(X, k, random_state=seed * 1000) for seed in range(20))
    bics = np.array([gmm.bic(X) for gmm in fits])
    assert np.ptp(bics) < SAME_OPTIMUM
    assert all(is_proper(gmm, len(X)) for gmm in fits)
    assert bics.max() <= GaussianMixture(k, n_init=50, random_state=0).fit(X).bic(X)


def test_the_default_start_is_trapped_at_two_components(X):
    default = GaussianMixture(2, n_init=50, random_state=0).fit(X)
    assert default.bic(X) > fit_gmm(X, 2).bic(X) + 50


def test_a_planted_needle_does_not_win(X):
    rng = np.random.default_rng(0)
    planted = np.vstack([X, X.mean(axis=0) + 3 + 1e-4 * rng.standard_normal((5, 6))])
    needle = GaussianMixture(
        3,
        weights_init=[0.6, 0.39, 0.01],
        means_init=[planted[:220].mean(axis=0), planted[220:440].mean(axis=0), planted[-1]],
        precisions_init=[np.eye(6), np.eye(6), np.eye(6) * 1e4],
    ).fit(planted)
    kept = fit_gmm(planted, 3)
    assert needle.bic(planted) < kept.bic(planted), "the needle has the better BIC, or this tests nothing"
    assert not is_proper(needle, len(planted))
    assert is_proper(kept, len(planted))
    assert (kept.weights_ * len(planted)).min() >= 7


def test_more_components_than_the_customers_can_carry_are_refused(X):
    with pytest.raises(ValueError, match="no proper mixture of 4 full components found"):
        fit_gmm(X[:20], 4, restarts=2)


def test_restarts_are_counted(X):
    restarts = fit_gmm(X, 3, restarts=5).restarts_
    assert restarts["tried"] == 20
    assert 1 <= restarts["reached"] <= 20 - restarts["degenerate"]


def test_the_kept_mixture_is_a_fixed_point_of_em(X):
    kept = fit_gmm(X, 3, restarts=3)
    again = GaussianMixture(
        3, weights_init=kept.weights_, means_init=kept.means_, precisions_init=kept.precisions_, max_iter=5
    ).fit(X)
    np.testing.assert_allclose(again.means_, kept.means_, rtol=0, atol=1e-9)
    assert kept.converged_


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_eigenvalues_of_every_covariance_type_are_those_of_its_matrices(X, covariance_type):
    gmm = GaussianMixture(2, covariance_type=covariance_type, random_state=0).fit(X)
    diagonal = {
        "diag": lambda c: [np.diag(row) for row in c],
        "spherical": lambda c: [np.eye(6) * v for v in c],
    }
    matrices = diagonal.get(covariance_type, np.atleast_3d)(gmm.covariances_)
    if covariance_type == "tied":
        matrices = [gmm.covariances_]
    expected = {round(value, 9) for matrix in matrices for value in np.linalg.eigvalsh(matrix)}
    assert {round(value, 9) for value in covariance_eigenvalues(gmm)} == expected


def test_kmeans_centres_are_the_means_of_their_members(X):
    kmeans = fit_kmeans(X, 3)
    means = np.array([X[kmeans.labels_ == label].mean(axis=0) for label in range(3)])
    np.testing.assert_allclose(kmeans.cluster_centers_, means, atol=1e-12)


def test_kmeans_finds_the_same_partition_from_any_seed(X):
    inertias = [fit_kmeans(X, 3, random_state=seed).inertia_ for seed in range(10)]
    np.testing.assert_allclose(inertias, inertias[0])


def test_ward_keeps_its_whole_tree(X):
    ward = fit_ward(X, 3)
    assert ward.distances_.shape == (439,)
    assert ward.n_clusters_ == 3
