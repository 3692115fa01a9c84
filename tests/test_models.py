import numpy as np
import pytest
from joblib import Parallel, delayed
from scipy.cluster.hierarchy import linkage
from sklearn.mixture import GaussianMixture

from wholesale import models

BEST = {2: 1844.064, 3: 1553.340, 4: 1386.660, 5: 1266.084, 6: 1173.83, 7: 1085.61, 8: 1021.26}
"""Inertia of the best partitions known, by R's Hartigan-Wong."""


@pytest.mark.parametrize("k", [2, 3])
def test_twenty_seeds_give_the_same_proper_optimum(X, k):
    fits = Parallel(n_jobs=2)(delayed(models.fit_gmm)(X, k, random_state=seed * 1000) for seed in range(20))
    bics = np.array([gmm.bic(X) for gmm in fits])
    assert np.ptp(bics) < models.SAME_OPTIMUM
    assert all(models.is_proper(gmm, len(X)) for gmm in fits)
    assert bics.max() <= GaussianMixture(k, n_init=50, random_state=0).fit(X).bic(X)


def test_the_default_start_is_trapped_at_two_components(X):
    default = GaussianMixture(2, n_init=50, random_state=0).fit(X)
    assert default.bic(X) > models.fit_gmm(X, 2).bic(X) + 50


def test_a_planted_needle_does_not_win(X):
    rng = np.random.default_rng(0)
    planted = np.vstack([X, X.mean(axis=0) + 3 + 1e-4 * rng.standard_normal((5, 6))])
    means = [planted[:220].mean(axis=0), planted[220:440].mean(axis=0), planted[-1]]
    start = {"weights_init": [0.6, 0.39, 0.01], "precisions_init": [np.eye(6), np.eye(6), np.eye(6) * 1e4]}
    needle, kept = GaussianMixture(3, means_init=means, **start).fit(planted), models.fit_gmm(planted, 3)
    assert needle.bic(planted) < kept.bic(planted), "the needle has the better BIC, or this tests nothing"
    assert models.is_proper(kept, len(planted)) and not models.is_proper(needle, len(planted))
    assert (kept.weights_ * len(planted)).min() >= 7


def test_more_components_than_the_customers_can_carry_are_refused(X):
    with pytest.raises(ValueError, match="no proper mixture of 4 full components found"):
        models.fit_gmm(X[:20], 4, restarts=2)


def test_the_kept_mixture_is_a_fixed_point_of_em_and_restarts_are_counted(X):
    kept = models.fit_gmm(X, 3, restarts=3)
    np.testing.assert_allclose(models.refit_from(kept)(X, 3).means_, kept.means_, rtol=0, atol=1e-9)
    assert kept.converged_ and kept.restarts_["tried"] == 12
    assert 1 <= kept.restarts_["reached"] <= 12 - kept.restarts_["degenerate"]


@pytest.mark.parametrize("covariance_type", models.COVARIANCES)
def test_every_kind_of_mixture_has_one_matrix_per_component_and_their_eigenvalues(X, covariance_type):
    gmm = GaussianMixture(3, covariance_type=covariance_type, random_state=0).fit(X)
    roots, full = models.cholesky_of_precisions(gmm), GaussianMixture(3).fit(X)
    full.weights_, full.means_, full.precisions_cholesky_ = gmm.weights_, gmm.means_, roots
    np.testing.assert_allclose(full.score_samples(X), gmm.score_samples(X), atol=1e-9)
    expected = {f"{1 / value:.6g}" for root in roots for value in np.linalg.eigvalsh(root @ root.T)}
    assert {f"{value:.6g}" for value in models.covariance_eigenvalues(gmm)} == expected


def test_kmeans_centres_are_the_means_of_their_members(X):
    kmeans = models.fit_kmeans(X, 3)
    means = np.array([X[kmeans.labels_ == label].mean(axis=0) for label in range(3)])
    np.testing.assert_allclose(kmeans.cluster_centers_, means, atol=1e-12)


@pytest.mark.parametrize(("k", "seeds"), [(2, 30), (3, 30), (4, 30), (5, 30), (6, 10), (7, 10), (8, 10)])
def test_kmeans_finds_the_best_partition_known_from_any_seed_and_row_order(X, k, seeds):
    orders = [np.random.default_rng(seed).permutation(len(X)) for seed in range(seeds)]
    fits = (delayed(models.fit_kmeans)(X[order], k, random_state=seed) for seed, order in enumerate(orders))
    inertias = [fit.inertia_ for fit in Parallel(n_jobs=2)(fits)]
    assert max(inertias) <= (1.00001 if k <= 5 else 1.001) * BEST[k] and min(inertias) > 0.99999 * BEST[k]


def test_few_starts_are_made_where_they_are_asked_for_and_fewer_where_customers_are_many(X):
    starts = [models.fit_kmeans(np.tile(X, (copies, 1)), 2).n_init for copies in (1, 3, 30)]
    assert starts == [1000, 378, 50] and models.fit_kmeans(X, 2, n_init=7).n_init == 7


def test_moving_single_customers_betters_what_moving_centres_cannot(X):
    stuck = models.fit_kmeans(X, 8, n_init=1)
    labels, inertia = models.exchange(X, stuck.labels_)
    means = np.array([X[labels == label].mean(axis=0) for label in range(8)])
    assert inertia == pytest.approx(((X - means[labels]) ** 2).sum())
    assert inertia < stuck.inertia_ - 0.5


@pytest.mark.parametrize("sides", [2, 3], ids=["square", "cube"])
def test_of_tied_partitions_the_one_by_row_number_is_kept(sides):
    corners = np.array(list(np.ndindex(*[2] * sides)), dtype=float)
    rows = np.repeat(corners, 20, axis=0)
    found = [models.fit_kmeans(rows, 2, random_state=seed).labels_ for seed in range(6)]
    cuts = {tuple(models.exchange(rows, labels)[0]) for labels in found}
    assert cuts == {tuple(rows[:, 0].astype(int))}, "the first half of the rows and the second"


def test_a_component_that_is_nobodys_likeliest_does_not_compete(X):
    gmm = GaussianMixture(2, random_state=0).fit(X)
    assert models.competes(gmm, X)
    gmm.means_[1], gmm.precisions_cholesky_[1] = gmm.means_[0], gmm.precisions_cholesky_[0]
    gmm.weights_ = np.array([0.6, 0.4])
    assert models.is_proper(gmm, len(X)) and not models.competes(gmm, X)


def test_a_mixture_of_equal_components_does_not_compete(X):
    """EM can end where all are the same; which is anybody's likeliest then, rounding decides."""
    alike = models.restart(X, 8, "tied", init_params="random", random_state=38)
    assert models.is_proper(alike, len(X)) and len(np.unique(alike.predict(X))) == 8
    assert np.ptp(alike.means_, axis=0).max() < 0.2 and not models.competes(alike, X)


def test_an_optimum_that_loses_a_component_when_polished_does_not_compete():
    rows = np.vstack([np.random.default_rng(0).normal(size=(13, 6)), np.zeros((400, 6))])
    with pytest.raises(models.ImproperMixture, match="no proper mixture of 3 tied components"):
        models.fit_gmm((rows - rows.mean(axis=0)) / rows.std(axis=0), 3, "tied", restarts=1)


def test_full_covariances_need_a_customer_for_each_of_their_numbers(X):
    smallest = models.fit_gmm(X, 3, restarts=2).weights_.min() * len(X)
    assert models.fit_gmm(X, 3, restarts=2, fewest=smallest - 1)
    with pytest.raises(models.ImproperMixture):
        models.fit_gmm(X[:60], 3, restarts=2, fewest=21)


@pytest.mark.parametrize(
    ("columns", "rows", "kind"),
    [([0], 440, "full"), ([0], 45, "tied"), ([0, 0], 60, "diag"), ([0], 12, None)],
    ids=["all", "few", "equal columns", "too few"],
)
def test_the_first_kind_of_mixture_that_is_proper_is_taken(X, monkeypatch, columns, rows, kind):
    monkeypatch.setitem(models.fit_gmm.__kwdefaults__, "restarts", 3)
    found = models.fit_any_gmm(X[:rows, [*columns, 1, 2, 3, 4, 5][:6]], 2)
    assert (found and found.covariance_type) == kind


def test_ward_keeps_its_whole_tree_as_scipy_grows_it(bundle, X):
    ours, scipys = models.ward_linkage(bundle.ward), linkage(X, "ward")
    assert ours.shape == (439, 4) and bundle.ward.n_clusters_ == 3
    np.testing.assert_allclose(ours[:, 2:], scipys[:, 2:])
    assert (np.sort(ours[:, :2]) == np.sort(scipys[:, :2])).all()


def test_no_customer_is_scored_by_a_mixture_that_saw_it(bundle, X):
    moved = X.copy()
    moved[0] += 30
    density = models.cross_validated_log_density(bundle.gmm, moved)
    in_sample = GaussianMixture(3, random_state=0).fit(moved).score_samples(moved)
    assert density[0] < -500 < in_sample[0], "a mixture that saw the outlier makes room for it"


def test_held_out_densities_are_lower_than_in_sample_which_would_flag_too_many_newcomers(bundle, X):
    held_out, in_sample = models.cross_validated_log_density(bundle.gmm, X), bundle.gmm.score_samples(X)
    np.testing.assert_allclose(held_out, bundle.predictor.densities, rtol=1e-9)
    assert held_out.mean() < in_sample.mean()
    assert (held_out < np.quantile(in_sample, 0.01)).mean() > 0.02


def test_self_placement_leaves_the_customer_out_and_a_lone_one_is_never_its_own_segment():
    X = np.array([[0.0], [1.0], [4.0], [5.0], [2.4]])
    # Without it, both centres cost 2/3 of a square, and 2.4 is nearer to that of {0, 1}; 2.6 would not be.
    assert models.ward_self_placement(X, np.array([0, 0, 1, 1, 0])) == 1
    X[4] = 2.6
    assert models.ward_self_placement(X, np.array([0, 0, 1, 1, 0])) == pytest.approx(0.8)
    assert models.ward_self_placement(X[[0, 1, 3]], np.array([0, 0, 1])) == pytest.approx(2 / 3)


def test_self_placement_weighs_the_distance_by_the_segment_s_size():
    X = np.array([[0.0]] * 5 + [[1.0], [2.2]])  # at 1, joining costs 5/6 · 1² here and 1/2 · 1.2² there
    assert models.ward_self_placement(X, np.array([0] * 6 + [1])) == pytest.approx(5 / 7)


def test_self_placement_equals_the_rule_written_as_a_loop(bundle, X):
    labels, hits = bundle.ward.labels_, 0
    for i, x in enumerate(X):
        rest = np.arange(len(X)) != i
        groups = [X[rest & (labels == segment)] for segment in range(3)]
        costs = [len(g) / (len(g) + 1) * ((x - g.mean(axis=0)) ** 2).sum() for g in groups]
        hits += int(np.argmin(costs) == labels[i])
    assert models.ward_self_placement(X, labels) == pytest.approx(hits / len(X))
    assert bundle.manifest["metrics"]["ward"]["self_placement"] == pytest.approx(hits / len(X))
