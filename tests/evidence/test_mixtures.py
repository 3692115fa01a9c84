"""The wider family of mixtures, from definitions and against independent programs (tests/reference)."""

import json
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.special import digamma, logsumexp
from scipy.stats import entropy, gamma, multivariate_normal, multivariate_t
from sklearn.base import clone
from sklearn.cluster import AgglomerativeClustering

from wholesale.evidence import ParsimoniousMixture, StudentMixture, mixtures
from wholesale.evidence.mixtures import ALONE, FAMILIES, e_step, m_step, monomials, starting_memberships
from wholesale.manifest import ROOT
from wholesale.models import SAME_OPTIMUM, ImproperMixture, fit_gmm

REFERENCE = ROOT / "tests" / "reference"
MCLUST, STUDENT = (json.loads((REFERENCE / f"{name}.json").read_text()) for name in ("mixtures", "student"))


def mixture(family, k, **settings):
    return StudentMixture(k, **settings) if family == "t" else ParsimoniousMixture(k, family, **settings)


@pytest.fixture(scope="module")
def table():
    """What the whole search found with 200 starts per cell; see tests/reference."""
    return pd.read_csv(REFERENCE / "families.csv", index_col=["k", "family"])


@pytest.fixture(scope="module")
def from_ward(X):
    """A fit of each family from Ward's partition, k = 3."""
    start = np.eye(3)[AgglomerativeClustering(3).fit_predict(X)]
    return {family: mixture(family, 3, memberships=start).fit(X) for family in ALONE}


@pytest.mark.parametrize("k", [2, 3, 4])
@pytest.mark.parametrize("family", FAMILIES)
def test_from_the_same_start_the_likelihood_is_mclusts_or_for_vve_higher(X, family, k):
    start = np.eye(k)[AgglomerativeClustering(k).fit_predict(X)]
    fit = ParsimoniousMixture(k, family, memberships=start).fit(X)
    ours, theirs = fit.score_samples(X).sum(), MCLUST["loglik_from_ward"][str(k)][family]
    assert fit.converged_
    assert ours == pytest.approx(theirs, rel=1e-6) or (family == "VVE" and ours > theirs)


def test_no_family_ends_worse_than_mclusts_own_search_by_half_a_point(table):
    for k, cells in MCLUST["bic"].items():
        for family, theirs in cells.items():
            assert table.loc[(int(k), family), "bic"] < theirs + 0.5, (k, family)


def test_a_short_search_finds_what_the_whole_one_found_often(X, table, monkeypatch):
    monkeypatch.setattr(mixtures, "ENDS", 1)
    short, whole = mixtures.search_families(X, ks=(1, 2, 3), starts=8, n_jobs=1), table.loc[:3]
    often = whole["hit_rate"] >= 0.4
    assert list(short.index) == list(whole.index) and often.sum() > 25
    assert (short["bic"] - whole["bic"])[often].abs().max() < 0.5
    assert short["bic"].min() > whole["bic"].min() - 0.5


def test_what_one_family_finds_leads_another_to_an_optimum_that_no_start_reached(table):
    assert table.loc[(3, "EVE"), "bic"] < MCLUST["bic"]["3"]["EVE"] - 18
    assert table.loc[(3, "EVE"), "reached"] == 0


def test_families_start_again_from_each_others_ends_until_none_gains(X, monkeypatch):
    """VVE is given starts of its own only; EVE, none of any use, must take them over."""
    begun, fit = [], mixtures._fit
    poor = starting_memberships(X, 3, 1, 0)

    def spied(X, k, family, members):
        begun.append((family, len(members)))
        return fit(X, k, family, poor if (family, len(begun)) == ("EVE", 2) else members)

    monkeypatch.setattr(mixtures, "_fit", spied)
    found = mixtures.search_families(X, [3], ["VVE", "EVE"], starts=12, n_jobs=1)
    turns = [count for family, count in begun if family == "EVE"]
    assert turns[0] == 12 and 1 < len(turns) <= 1 + mixtures.ROUNDS and turns[1] > 2
    alone = ParsimoniousMixture(3, "EVE", n_init=1, random_state=0).fit(X)
    assert found.loc[(3, "EVE"), "bic"] < alone.bic(X) - 0.5


def test_a_wider_family_is_never_less_likely(table):
    wider = [
        (one, other)
        for one, other in product(FAMILIES, repeat=2)
        if all("IEV".index(a) <= "IEV".index(b) for a, b in zip(one, other, strict=True))
    ]
    for k in range(1, 7):
        penalties = pd.Series(MCLUST["parameters"][str(k)]) * np.log(440)
        likelihoods = (penalties - table.loc[k, "bic"]) / 2
        for one, other in wider:
            assert likelihoods[one] < likelihoods[other] + 0.25, (k, one, other)


def test_at_one_component_the_families_are_three_models(X, table):
    alone = table.loc[1]
    assert alone["bic"].drop("t").round(9).nunique() == 3 and (alone["tried"] == 1).all()
    for family in FAMILIES:
        assert alone.loc[family, "bic"] == pytest.approx(MCLUST["bic"]["1"][family], rel=1e-9)


def test_the_table_says_how_often_starts_agree(X):
    one = mixtures.search_families(X, ks=(1, 2), starts=6)
    assert list(one.loc[2].index) == list(ALONE)
    assert (one["reached"] + one["degenerate"] <= one["tried"]).all() and one["tried"].max() == 6
    assert (one["hit_rate"] == one["reached"] / one["tried"]).all() and (one["icl"] >= one["bic"]).all()
    assert mixtures.compare_families(X, ks=(1, 2), starts=6).equals(one["bic"].unstack("family")[list(ALONE)])


def test_each_kind_of_covariances_has_the_bic_at_which_scikit_learns_mixture_ends(X):
    table = mixtures.compare_covariances(X, [1, 3], starts=60)
    assert list(table) == ["full", "tied", "diag", "spherical"] and list(table.index) == [1, 3]
    for k, bics in table.iterrows():
        theirs = [fit_gmm(X, k, covariance).bic(X) for covariance in table]
        assert bics.tolist() == pytest.approx(theirs, abs=SAME_OPTIMUM)
    few = mixtures.compare_covariances(X[:20], [1, 3], ["spherical"], starts=8)
    assert few["spherical"].isna().tolist() == [False, True], "three components of seven customers each"


def expected_complete(state, members, squares, before, X):
    """Return E[log p(x, z, u)] in each start, from the definitions, given memberships at `before`."""
    d, total = X.shape[1], []
    for b in range(len(members)):
        value = 0.0
        for j, z in enumerate(members[b]):
            covariance = (state.axes[b, j] * state.spread[b, j]) @ state.axes[b, j].T
            normal = multivariate_normal(state.means[b, j], covariance, allow_singular=False)
            value += z.sum() * np.log(state.weights[b, j])
            if np.isinf(state.dofs[b, j]):
                value += z @ normal.logpdf(X)
                continue
            a, rate = (before.dofs[b, j] + d) / 2, (before.dofs[b, j] + squares[b, j]) / 2
            mean, log_mean, half = a / rate, digamma(a) - np.log(rate), state.dofs[b, j] / 2
            peak = normal.logpdf(state.means[b, j])
            value += z @ (peak + d / 2 * log_mean + mean * (normal.logpdf(X) - peak))
            prior = gamma(half, scale=1 / half)  # log-density at u is c + (half − 1) log u − half·u
            value += z @ (prior.logpdf(1) + half + (half - 1) * log_mean - half * mean)
        total.append(value)
    return np.array(total)


@pytest.mark.parametrize("family", ALONE)
def test_each_m_step_raises_the_expected_complete_likelihood_and_em_the_observed_one(X, family):
    X = X - X.mean(axis=0)
    rows, before = monomials(X), -np.inf
    state = m_step(family, rows, starting_memberships(X, 3, 4, 1), None, None)
    for step in range(12):
        members, squares, logs = e_step(state, rows)
        assert (logs.sum(axis=1) > before - 1e-8).all()
        new = m_step(family, rows, members, squares, state)
        if step % 3 == 0:
            old_value, value = (expected_complete(s, members, squares, state, X) for s in (state, new))
            assert (value > old_value - 1e-8).all()
        state, before = new, logs.sum(axis=1)


@pytest.mark.parametrize("family", FAMILIES)
def test_covariances_are_equal_in_what_the_family_says(from_ward, family):
    fit = from_ward[family]
    values, axes = np.linalg.eigh(fit.covariances_)
    volumes = np.exp(np.log(values).mean(axis=1))
    shapes = values / volumes[:, None]
    if family[2] == "I":
        assert np.allclose(fit.covariances_, [np.diag(np.diag(c)) for c in fit.covariances_])
        shapes = np.diagonal(fit.covariances_, axis1=1, axis2=2) / volumes[:, None]
    elif family[2] == "E":
        first = axes[0].T @ fit.covariances_ @ axes[0]
        assert np.allclose(first, [np.diag(np.diag(c)) for c in first], atol=1e-9)
    else:
        assert not np.allclose(np.abs(axes[0].T @ axes[1]).max(axis=0), 1, atol=1e-3)
    assert np.allclose(volumes, volumes[0]) == (family[0] == "E")
    assert np.allclose(shapes, shapes[0]) == (family[1] != "V")
    assert np.allclose(shapes, 1) == (family[1] == "I")


@pytest.mark.parametrize("family", ALONE)
def test_densities_memberships_bic_and_icl_follow_their_definitions(X, from_ward, family):
    fit = from_ward[family]
    parts = zip(fit.means_, fit.covariances_, fit.dofs_, strict=True)
    of = [multivariate_t(m, s, ν) if family == "t" else multivariate_normal(m, s) for m, s, ν in parts]
    logs = [each.logpdf(X) for each in of]
    joint = np.log(fit.weights_) + np.column_stack(logs)
    assert np.allclose(fit.score_samples(X), logsumexp(joint, axis=1), rtol=1e-9)
    shares = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    assert np.allclose(fit.predict_proba(X), shares, atol=1e-9)
    assert (fit.predict(X) == joint.argmax(axis=1)).all()
    parameters = MCLUST["parameters"]["3"].get(family, 2 + 3 * (6 + 21 + 1))
    assert fit.n_parameters() == parameters
    assert fit.bic(X) == pytest.approx(-2 * logsumexp(joint, axis=1).sum() + parameters * np.log(len(X)))
    assert fit.icl(X) == pytest.approx(fit.bic(X) + 2 * entropy(shares, axis=1).sum())


@pytest.mark.parametrize("k", [1, 2])
def test_mixtures_of_t_are_those_of_an_independent_program(X, k):
    fit = StudentMixture(k, n_init=8).fit(X)
    assert fit.score_samples(X).sum() == pytest.approx(STUDENT[str(k)]["loglik"], rel=1e-7)
    assert sorted(fit.dofs_) == pytest.approx(STUDENT[str(k)]["dofs"], abs=0.005)  # it stops within 0.001
    assert not fit.at_bound_.any()


def test_degrees_of_freedom_at_a_bound_are_reported():
    rng = np.random.default_rng(3)
    light, heavy = rng.uniform(size=(300, 3)), rng.standard_cauchy((300, 3))
    for cloud, bound in ((light, 200), (heavy, 2)):
        fit = StudentMixture(1).fit(cloud)
        assert fit.dofs_ == pytest.approx([bound]) and fit.at_bound_.all()


def test_a_mixture_is_an_estimator_that_starts_where_it_is_told(X):
    fit = ParsimoniousMixture(2, "VEE", n_init=5).fit(X)
    again = clone(fit).fit(X)
    assert again.get_params() == fit.get_params() and (again.means_ == fit.means_).all()
    assert fit.restarts_ == {"tried": 5, "reached": 5, "degenerate": 0}
    near = clone(fit).set_params(memberships=fit.predict_proba(X)).fit(X)
    assert near.restarts_["tried"] == 1 and np.allclose(near.means_, fit.means_, atol=1e-5)
    assert clone(StudentMixture(4, tol=1e-7)).get_params()["tol"] == 1e-7


def test_only_proper_optima_are_kept_and_what_cannot_be_fitted_is_refused(X):
    doubled = np.vstack([X[:60], np.tile(X[:1], (60, 1)) + 1e-7 * X[:60]])
    with pytest.raises(ImproperMixture):
        ParsimoniousMixture(2, "VVV", n_init=4).fit(doubled)
    with pytest.raises(ValueError, match="none of the families EII"):
        ParsimoniousMixture(2, "VIV").fit(X)
    with pytest.raises(ValueError, match=r"memberships of shape \(440, 3\), not \(440, 2\)"):
        StudentMixture(2, memberships=np.ones((440, 3))).fit(X)
