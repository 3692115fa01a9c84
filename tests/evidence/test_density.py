"""Components that make one cluster, the dip test against an independent program, peaks against nulls."""

import json

import numpy as np
import pytest
from reference.dip import samples
from scipy.stats import entropy as entropy_of
from sklearn.metrics import adjusted_rand_score

from wholesale.evidence import ParsimoniousMixture, density_peaks, dip, entropy, merge_components
from wholesale.evidence.nulls import NULLS
from wholesale.evidence.recommend import OBSERVED
from wholesale.manifest import ROOT

DIPTEST = json.loads((ROOT / "tests" / "reference" / "dip.json").read_text())


@pytest.fixture(scope="module")
def peaks(X):
    return density_peaks(X, samples=10, n_jobs=1)


@pytest.mark.parametrize(("name", "values"), list(samples()))
def test_the_dip_is_that_of_an_independent_program(name, values):
    assert dip(values) == pytest.approx(DIPTEST[name], abs=1e-12)


def test_merging_joins_the_two_components_of_one_cluster_and_keeps_the_density():
    rng = np.random.default_rng(1)
    crossed = rng.normal(size=(400, 2)) * np.where(np.arange(400)[:, None] < 200, [3, 0.3], [0.3, 3])
    kinds = np.repeat([0, 1], [400, 200])
    cloud = np.vstack([crossed, rng.normal(12, 1, size=(200, 2))])
    memberships = ParsimoniousMixture(3, "VVV", n_init=20).fit(cloud).predict_proba(cloud)
    merged = merge_components(memberships)
    assert list(merged) == [3, 2, 1] and merged[3] is memberships and np.allclose(merged[1], 1)
    assert adjusted_rand_score(memberships.argmax(axis=1), kinds) < 0.8
    assert adjusted_rand_score(merged[2].argmax(axis=1), kinds) == 1
    assert all(np.allclose(each.sum(axis=1), 1) for each in merged.values())


def test_each_merging_lowers_the_entropy_most():
    memberships = np.random.default_rng(2).dirichlet(np.ones(4), size=50)
    assert entropy(memberships) == pytest.approx(entropy_of(memberships, axis=1).sum())
    a, b, c, d = memberships.T
    pairs = [(a + b, c, d), (a + c, b, d), (a + d, b, c), (b + c, a, d), (b + d, a, c), (c + d, a, b)]
    best = min(entropy_of(np.column_stack(each), axis=1).sum() for each in pairs)
    assert entropy(merge_components(memberships)[3]) == pytest.approx(best)
    assert entropy(np.eye(3)) == 0


def test_the_first_clouds_stay_however_many_are_drawn(X, peaks):
    few = density_peaks(X, samples=1, n_jobs=2)
    assert len(peaks) == 1 + 10 * len(NULLS) and few.equals(peaks.loc[few.index])
    assert np.allclose(peaks.loc[(OBSERVED, 0), "dip_5"], dip(X[:, 4]))
    assert density_peaks(X[:12], samples=1, n_jobs=1).columns.isin(peaks.columns).all()


def test_two_peaks_stand_out_and_a_third_does_not(peaks):
    """Of the customers alone, at a least size of 20; the distances between them show no second hump."""
    here, nulls = peaks.loc[(OBSERVED, 0)], peaks.drop(index=OBSERVED)
    assert here["peaks_20"] == 2 and (nulls["peaks_20"] == 0).all()
    assert here.filter(like="peaks").max() == 2
    assert (nulls["dip_distances"] > here["dip_distances"]).mean() > 0.5
