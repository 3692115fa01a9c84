import numpy as np
import pytest
from scipy.cluster.hierarchy import linkage
from sklearn.mixture import GaussianMixture

from wholesale.models import cross_validated_log_density, ward_linkage, ward_self_placement


def test_the_tree_is_the_one_scipy_grows(bundle, X):
    ours, scipys = ward_linkage(bundle.ward), linkage(X, "ward")
    np.testing.assert_allclose(ours[:, 2:], scipys[:, 2:])
    assert (np.sort(ours[:, :2]) == np.sort(scipys[:, :2])).all()


def test_no_customer_is_scored_by_a_mixture_that_saw_it(bundle, X):
    moved = X.copy()
    moved[0] += 30
    density = cross_validated_log_density(bundle.gmm, moved)
    in_sample = GaussianMixture(3, random_state=0).fit(moved).score_samples(moved)
    assert density[0] < -500 < in_sample[0], "a mixture that saw the outlier makes room for it"


def test_held_out_densities_are_lower_than_in_sample_on_average(bundle, X):
    held_out = cross_validated_log_density(bundle.gmm, X)
    np.testing.assert_allclose(held_out, bundle.predictor.densities, rtol=1e-9)
    assert held_out.mean() < bundle.gmm.score_samples(X).mean()


def test_in_sample_densities_would_flag_too_many_newcomers(bundle, X):
    held_out, in_sample = cross_validated_log_density(bundle.gmm, X), bundle.gmm.score_samples(X)
    assert (held_out < np.quantile(in_sample, 0.01)).mean() > 0.02


def test_self_placement_leaves_the_customer_out():
    X = np.array([[0.0], [1.0], [4.0], [5.0], [2.4]])
    # 2.4 joined {0, 1}; without it, both centres cost 2/3 of a square and the one of {4, 5} is nearer? No:
    # |2.4 - 0.5| = 1.9 < |2.4 - 4.5| = 2.1, so it stays; moved to 2.6 it would not.
    assert ward_self_placement(X, np.array([0, 0, 1, 1, 0])) == 1
    X[4] = 2.6
    assert ward_self_placement(X, np.array([0, 0, 1, 1, 0])) == pytest.approx(0.8)


def test_self_placement_of_a_lone_customer_is_never_its_own_segment():
    X = np.array([[0.0], [1.0], [9.0]])
    assert ward_self_placement(X, np.array([0, 0, 1])) == pytest.approx(2 / 3)


def test_self_placement_equals_the_rule_written_as_a_loop(bundle, X):
    labels, hits = bundle.ward.labels_, 0
    for i, x in enumerate(X):
        rest = np.arange(len(X)) != i
        costs = []
        for segment in range(3):
            members = X[rest & (labels == segment)]
            n = len(members)
            costs.append(n / (n + 1) * ((x - members.mean(axis=0)) ** 2).sum())
        hits += int(np.argmin(costs) == labels[i])
    assert ward_self_placement(X, labels) == pytest.approx(hits / len(X))
    assert bundle.manifest["metrics"]["ward"]["self_placement"] == pytest.approx(hits / len(X))
