"""Components that make one cluster, the dip by an independent program, peaks and jumps beside nulls."""

import json
from itertools import pairwise

import numpy as np
import pytest
from reference.dip import samples
from scipy.cluster.hierarchy import linkage
from scipy.optimize import linprog
from scipy.stats import entropy as entropy_of
from sklearn.metrics import adjusted_rand_score

from wholesale import evidence
from wholesale.evidence.nulls import NULLS
from wholesale.evidence.recommend import OBSERVED
from wholesale.manifest import ROOT

DIPTEST = json.loads((ROOT / "tests" / "reference" / "dip.json").read_text())


@pytest.fixture(scope="module")
def peaks(X):
    return evidence.density_peaks(X, samples=10, n_jobs=1)


@pytest.mark.parametrize(("name", "values"), list(samples()))
def test_the_dip_is_that_of_an_independent_program(name, values):
    assert evidence.dip(values) == pytest.approx(DIPTEST[name], abs=1e-12)


def _distance_of_the_nearest(values):
    """The dip by linear programs, one for a mode at each value: there the distribution may step.

    It is convex up to there and concave after it; its unknowns are one height at each value, two at the mode,
    and the distance.
    """
    x, counts = np.unique(values, return_counts=True)
    above, heights, found = counts.cumsum() / len(values), np.eye(len(x) + 1), []
    below = above - counts / len(values)
    for mode in range(len(x)):
        at = np.insert(x, mode, x[mode])  # before and after the step
        least, most = np.insert(above, mode, below[mode]), np.insert(below, mode + 1, above[mode])
        slopes = [
            (after - before) / (run or 1)
            for before, after, run in zip(heights[:-1], heights[1:], np.diff(at), strict=True)
        ]
        shape = [one - two for one, two in pairwise(slopes[:mode])]
        shape += [two - one for one, two in pairwise(slopes[mode + 1 :])] + [-slope for slope in slopes]
        near = np.column_stack([np.vstack([heights, -heights]), -np.ones(2 * len(heights))])
        limits = np.concatenate([np.zeros(len(shape)), most, -least])
        cost = [0] * len(heights) + [1]
        found.append(linprog(cost, np.vstack([np.pad(shape, [(0, 0), (0, 1)]), near]), limits).fun)
    return min(found)


@pytest.mark.parametrize("seed", range(40))
def test_the_dip_of_few_values_tied_or_not_is_that_of_linear_programs(seed):
    rng = np.random.default_rng(seed)
    n, most = rng.integers(4, 25), rng.integers(1, 9)
    tied = [0, 0, 0, 1, 2, 2, 2, 3, 3], rng.permutation(most + 1).repeat(3), rng.integers(0, most + 1, n)
    for values in (*tied, rng.integers(0, 9, n) ** 2, rng.normal(size=n)):
        if len(np.unique(values)) > 1:
            assert evidence.dip(values) == pytest.approx(_distance_of_the_nearest(values), abs=1e-9)


def test_merging_joins_the_two_components_of_one_cluster_and_keeps_the_density():
    rng = np.random.default_rng(1)
    crossed = rng.normal(size=(400, 2)) * np.where(np.arange(400)[:, None] < 200, [3, 0.3], [0.3, 3])
    kinds = np.repeat([0, 1], [400, 200])
    cloud = np.vstack([crossed, rng.normal(12, 1, size=(200, 2))])
    memberships = evidence.ParsimoniousMixture(3, "VVV", n_init=20).fit(cloud).predict_proba(cloud)
    merged = evidence.merge_components(memberships)
    assert list(merged) == [3, 2, 1] and merged[3] is memberships and np.allclose(merged[1], 1)
    assert adjusted_rand_score(memberships.argmax(axis=1), kinds) < 0.8
    assert adjusted_rand_score(merged[2].argmax(axis=1), kinds) == 1
    assert all(np.allclose(each.sum(axis=1), 1) for each in merged.values())


def test_each_merging_lowers_the_entropy_most():
    memberships = np.random.default_rng(2).dirichlet(np.ones(4), size=50)
    assert evidence.entropy(memberships) == pytest.approx(entropy_of(memberships, axis=1).sum())
    a, b, c, d = memberships.T
    pairs = [(a + b, c, d), (a + c, b, d), (a + d, b, c), (b + c, a, d), (b + d, a, c), (c + d, a, b)]
    best = min(entropy_of(np.column_stack(each), axis=1).sum() for each in pairs)
    assert evidence.entropy(evidence.merge_components(memberships)[3]) == pytest.approx(best)
    assert evidence.entropy(np.eye(3)) == 0


def test_the_first_clouds_stay_however_many_are_drawn(X, peaks):
    few = evidence.density_peaks(X, samples=1, n_jobs=2)
    assert len(peaks) == 1 + 10 * len(NULLS) and few.equals(peaks.loc[few.index])
    assert np.allclose(peaks.loc[(OBSERVED, 0), "dip_5"], evidence.dip(X[:, 4]))
    assert evidence.density_peaks(X[:12], samples=1, n_jobs=1).columns.isin(peaks.columns).all()


def test_two_peaks_stand_out_and_a_third_does_not(peaks):
    """Of the customers alone, at a least size of 20; the distances between them show no second hump."""
    here, nulls = peaks.loc[(OBSERVED, 0)], peaks.drop(index=OBSERVED)
    assert here["peaks_20"] == 2 and (nulls["peaks_20"] == 0).all()
    assert here.filter(like="peaks").max() == 2
    assert (nulls["dip_distances"] > here["dip_distances"]).mean() > 0.5


def test_cophenetic_correlation_and_the_largest_relative_jump_are_those_by_hand():
    # Distances 1, 3, 2; single linkage joins at 1 and 2, so the cophenetic distances are 1, 2, 2.
    expected = np.corrcoef([1, 3, 2], [1, 2, 2])[0, 1]
    found = evidence.cophenetic_correlations(np.array([[0.0], [1.0], [3.0]]), ["single"])
    assert found["single"] == pytest.approx(expected)
    heights = evidence.merge_heights(np.column_stack([np.zeros((4, 2)), [1.0, 2.0, 9.0, 10.0], np.zeros(4)]))
    assert heights.to_dict() == {2: 10, 3: 9, 4: 2, 5: 1} and evidence.cut_by_largest_jump(heights) == 3


def test_blobs_are_above_the_yardstick_and_a_plain_cloud_is_within_it():
    plain = np.random.default_rng(0).normal(size=(120, 6))
    blobs = np.vstack([plain[:60] - 3, plain[60:] + 3])
    for customers, separate in ((blobs, True), (plain, False)):
        heights = evidence.merge_heights(linkage(customers, "ward"))
        by_chance = evidence.jumps_without_segments(customers, samples=40)
        assert (evidence.jumps(heights)[2] > by_chance[2].max()) == separate
