"""Mixtures of a wider family: the fourteen parsimonious Gaussian ones, and Student's t.

Every covariance is written λ·D·diag(a)·Dᵀ: a volume λ, a shape a (of product one) and axes D. A family's
three letters say of each in turn whether it is Equal for all components, Varies, or is the Identity. All
starts of a fit run in one array program; its leading axis is the start.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, fields
from itertools import combinations
from typing import Any, Self

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.special import digamma, gammaln, xlogy
from sklearn.base import BaseEstimator
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from wholesale.checks import check_fit
from wholesale.models import SAME_OPTIMUM, SEED, ImproperMixture, competes

FAMILIES = tuple(
    ["EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV"]
)
"""As mclust names them: volume, shape, axes."""

ALONE = {family: "E" + family[1:].replace("V", "E") for family in FAMILIES} | {"t": "t"}
"""What a family is at one component: EII, EEI or EEE."""

STARTS, SEARCH_STARTS = 60, 200
"""Of one fit, and per cell of the table of all families."""

TOL, POLISH = 1e-9, 1e-3
"""Relative gain in log-likelihood at which a start has converged, and the share of it for the kept one."""

MAX_ITER = 5000
INNER = 3
"""Inner iterations where an M-step has no closed form; EM stays monotone with any number."""

SINGULAR = 1e7
"""Ratio of eigenvalues at which a start is given up, far beyond what a proper one may have."""

LEAST_TAIL, MOST_TAIL, FIRST_TAIL = 2.0, 200.0, 20.0
"""Bounds and start of the degrees of freedom."""


@dataclass
class State:
    """Parameters of many mixtures at once: B starts, k components, d columns."""

    weights: np.ndarray  # (B, k)
    means: np.ndarray  # (B, k, d)
    axes: np.ndarray  # (B, k, d, d), in columns
    spread: np.ndarray  # (B, k, d), eigenvalues of the covariances or scale matrices
    tails: np.ndarray  # (B, k), degrees of freedom, infinite for Gaussians

    def __getitem__(self, kept: Any) -> "State":
        return State(*(getattr(self, field.name)[kept] for field in fields(self)))

    def put(self, kept: np.ndarray, other: "State") -> None:
        for field in fields(self):
            getattr(self, field.name)[kept] = getattr(other, field.name)

    def matrices(self) -> np.ndarray:
        return (self.axes * self.spread[..., None, :]) @ np.swapaxes(self.axes, -1, -2)

    def regular(self, n: int) -> np.ndarray:
        """Tell the starts that are not singular, shape (B,)."""
        flat = self.spread.reshape(len(self.spread), -1)
        with np.errstate(invalid="ignore"):
            round_ = (flat.min(axis=1) > 0) & (flat.max(axis=1) < SINGULAR * flat.min(axis=1))
        return round_ & np.isfinite(flat).all(axis=1) & (self.weights.min(axis=1) * n > 0.5)


def monomials(X: np.ndarray) -> np.ndarray:
    """Return 1, x and xxᵀ per row: densities and moments of all starts are then one matrix product each."""
    return np.hstack([np.ones((len(X), 1)), X, (X[:, :, None] * X[:, None, :]).reshape(len(X), -1)])


def e_step(state: State, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return memberships and squared distances (B, k, n), and the log-density of each row (B, n)."""
    B, k, d = state.means.shape
    precisions = (state.axes / state.spread[..., None, :]) @ np.swapaxes(state.axes, -1, -2)
    pulls = (precisions @ state.means[..., None])[..., 0]
    constant = (pulls * state.means).sum(axis=-1, keepdims=True)
    forms = np.concatenate([constant, -2 * pulls, precisions.reshape(B, k, -1)], axis=-1)
    squares = np.maximum(forms.reshape(B * k, -1) @ rows.T, 0).reshape(B, k, -1)
    logs = (np.log(state.weights) - np.log(state.spread).sum(axis=-1) / 2)[..., None]
    if np.isinf(state.tails).all():
        logs = logs - (squares + d * np.log(2 * np.pi)) / 2
    else:
        ν = state.tails[..., None]
        logs = logs + gammaln((ν + d) / 2) - gammaln(ν / 2) - d / 2 * np.log(np.pi * ν)
        logs = logs - (ν + d) / 2 * np.log1p(squares / ν)
    top = logs.max(axis=1, keepdims=True)
    shares = np.exp(logs - top)
    total = shares.sum(axis=1, keepdims=True)
    return shares / total, squares, (top + np.log(total))[:, 0]


def m_step(
    family: str, rows: np.ndarray, members: np.ndarray, squares: np.ndarray | None, last: State | None
) -> State:
    """Return the parameters that better the expected complete log-likelihood; `family` is "t" or Gaussian."""
    B, k, n = members.shape
    d = int(np.sqrt(rows.shape[1] - 0.75) - 0.5)
    counts, pulled, tails = members.sum(axis=-1), members, np.full((B, k), np.inf)
    if family == "t":
        tails = np.full((B, k), FIRST_TAIL)
        if last is not None and squares is not None:
            pull = (last.tails[..., None] + d) / (last.tails[..., None] + squares)
            pulled, tails = members * pull, new_tails(last.tails, members, pull, counts, d)
    moments = (pulled.reshape(B * k, n) @ rows).reshape(B, k, -1)
    total = np.maximum(moments[..., :1], 1e-300)
    means = moments[..., 1 : d + 1] / total
    scatter = moments[..., d + 1 :].reshape(B, k, d, d)
    scatter = scatter - total[..., None] * means[..., :, None] * means[..., None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        axes, spread = covariances("VVV" if family == "t" else family, scatter, counts, last)
    return State(counts / n, means, axes, spread, tails)


def new_tails(ν: np.ndarray, members: np.ndarray, pull: np.ndarray, counts: np.ndarray, d: int) -> np.ndarray:
    """Solve Peel and McLachlan's equation for the degrees of freedom by bisection, within the bounds."""
    known = 1 + (members * (np.log(pull) - pull)).sum(axis=-1) / np.maximum(counts, 1e-300)
    known += digamma((ν + d) / 2) - np.log((ν + d) / 2)
    low, high = np.full_like(ν, np.log(LEAST_TAIL)), np.full_like(ν, np.log(MOST_TAIL))
    for _ in range(40):
        half = np.exp((low + high) / 2) / 2
        rising = np.log(half) - digamma(half) + known > 0
        low, high = np.where(rising, np.log(2 * half), low), np.where(rising, high, np.log(2 * half))
    ν = np.exp((low + high) / 2)
    return np.where(
        ν > MOST_TAIL * (1 - 1e-9), MOST_TAIL, np.where(ν < LEAST_TAIL * (1 + 1e-9), LEAST_TAIL, ν)
    )


def covariances(
    family: str, scatter: np.ndarray, counts: np.ndarray, last: State | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return axes and eigenvalues that maximize −Σ nₖ log|Σₖ| − Σ tr(Wₖ Σₖ⁻¹) in the family."""
    if family[2] == "I":
        diagonal = np.diagonal(scatter, axis1=-2, axis2=-1)
        axes = np.broadcast_to(np.eye(scatter.shape[-1]), scatter.shape).copy()
        return axes, eigenvalues(family, diagonal, counts, None if last is None else last.spread)
    if family[2] == "V":
        values, axes = np.linalg.eigh(scatter)
        return axes, eigenvalues(family, values, counts, None if last is None else last.spread)
    if last is None:
        common = np.linalg.eigh(scatter.sum(axis=1))[1]
        spread = eigenvalues(family, along(common, scatter), counts, None)
    else:
        common, spread = last.axes[:, 0], last.spread
    for _ in range(1 if family == "EEE" else INNER):
        if family[1] == "E":
            volume = np.exp(np.log(spread).mean(axis=-1))[..., None, None]
            common = np.linalg.eigh(np.nan_to_num((scatter / volume).sum(axis=1)))[1]
        else:
            common = rotated(common, scatter, 1 / spread)
        spread = eigenvalues(family, along(common, scatter), counts, spread)
    return np.repeat(common[:, None], scatter.shape[1], axis=1), spread


def along(axes: np.ndarray, scatter: np.ndarray) -> np.ndarray:
    """Return the diagonals of DᵀWₖD, shape (B, k, d), of common axes."""
    return (axes[:, None] * (scatter @ axes[:, None])).sum(axis=-2)


def eigenvalues(family: str, g: np.ndarray, counts: np.ndarray, last: np.ndarray | None) -> np.ndarray:
    """Return the eigenvalues (B, k, d) of a family's covariances, given scatter `g` along their axes."""
    volume, shape = family[0], family[1]
    counts = np.maximum(counts, 1e-300)[..., None]
    if shape == "I":
        g, shape = np.broadcast_to(g.mean(axis=-1, keepdims=True), g.shape), volume
    if volume == "V" and shape == "V":
        return g / counts
    if volume == "E" and shape == "E":
        return np.broadcast_to(
            g.sum(axis=1, keepdims=True) / counts.sum(axis=1, keepdims=True), g.shape
        ).copy()
    if volume == "E":
        size = np.exp(np.log(g).mean(axis=-1, keepdims=True))
        return g / size * size.sum(axis=1, keepdims=True) / counts.sum(axis=1, keepdims=True)
    λ = np.exp(np.log(g / counts if last is None else last).mean(axis=-1, keepdims=True))
    for _ in range(INNER):
        common = (g / λ).sum(axis=1, keepdims=True)
        common /= np.exp(np.log(common).mean(axis=-1, keepdims=True))
        λ = (g / common).mean(axis=-1, keepdims=True) / counts
    return λ * common


def rotated(axes: np.ndarray, scatter: np.ndarray, precisions: np.ndarray) -> np.ndarray:
    """Lower Σ tr(Wₖ D Bₖ Dᵀ) over common axes D: the best rotation in the plane of each pair, one sweep."""
    axes = axes.copy()
    W = np.swapaxes(axes, -1, -2)[:, None] @ scatter @ axes[:, None]
    for i, j in combinations(range(axes.shape[-1]), 2):
        gap = precisions[..., i] - precisions[..., j]
        level = (gap * (W[..., i, i] - W[..., j, j])).sum(axis=1)
        cross = 2 * (gap * W[..., i, j]).sum(axis=1)
        angle = np.arctan2(-cross, -level) / 2  # minimizes level·cos 2θ + cross·sin 2θ
        c, s = np.nan_to_num(np.cos(angle))[:, None], np.nan_to_num(np.sin(angle))[:, None]
        axes[..., i], axes[..., j] = c * axes[..., i] + s * axes[..., j], c * axes[..., j] - s * axes[..., i]
        c, s = c[..., None], s[..., None]
        W[..., i], W[..., j] = c * W[..., i] + s * W[..., j], c * W[..., j] - s * W[..., i]
        W[..., i, :], W[..., j, :] = c * W[..., i, :] + s * W[..., j, :], c * W[..., j, :] - s * W[..., i, :]
    return axes


def em(
    family: str, X: np.ndarray, start: np.ndarray | State, tol: float, max_iter: int
) -> tuple[State, np.ndarray, np.ndarray, np.ndarray]:
    """Run EM from memberships (B, k, n) or states: states, log-likelihoods, converged, steps."""
    rows, n = monomials(X), len(X)
    states = start if isinstance(start, State) else m_step(family, rows, start, None, None)
    active = np.flatnonzero(states.regular(n))
    value, steps = np.full(len(states.weights), -np.inf), np.zeros(len(states.weights), dtype=int)
    converged = np.zeros(len(steps), dtype=bool)
    state, before = states[active], np.full(len(active), -np.inf)
    while len(active):
        shares, squares, logs = e_step(state, rows)
        now = logs.sum(axis=1)
        value[active], steps[active] = now, steps[active] + 1
        done = now - before < tol * (1 + np.abs(now))
        converged[active[done]] = True
        new = m_step(family, rows, shares, squares, state)
        singular = ~done & ~new.regular(n)
        value[active[singular]] = -np.inf
        ended = done | singular | (steps[active] >= max_iter)
        if ended.any():
            states.put(active[ended], state[ended])
        active, state, before = active[~ended], new[~ended], now[~ended]
    return states, value, converged, steps


def starting_memberships(X: np.ndarray, k: int, starts: int, random_state: int) -> np.ndarray:
    """Return hard partitions (starts, k, n): Ward's, K-Means', around drawn rows; plain and whitened."""
    if k == 1:
        return np.ones((1, 1, len(X)))
    rng = np.random.default_rng(random_state)
    white = X @ np.linalg.inv(np.linalg.cholesky(np.cov(X.T).reshape(X.shape[1], -1))).T
    labels = [AgglomerativeClustering(k).fit_predict(X), AgglomerativeClustering(k).fit_predict(white)]
    for i in range(max(starts - len(labels), 0)):
        space = white if i % 2 else X
        if i % 4 < 2:
            seed = int(rng.integers(2**31))
            labels.append(KMeans(k, n_init=1, random_state=seed).fit_predict(space))
        else:
            drawn = space[rng.choice(len(X), k, replace=False)]
            labels.append(((space[:, None] - drawn) ** 2).sum(axis=-1).argmin(axis=1))
    return np.swapaxes(np.eye(k)[np.array(labels[:starts])], 1, 2)


class _Mixture(BaseEstimator):
    """What the mixtures share; `competes` and scikit-learn's readers see full covariances."""

    covariance_type = "full"
    _kind: Any

    def __init__(
        self,
        n_components: int = 3,
        *,
        n_init: int = STARTS,
        memberships: np.ndarray | None = None,
        tol: float = TOL,
        max_iter: int = MAX_ITER,
        random_state: int = SEED,
    ) -> None:
        self.n_components = n_components
        self.n_init = n_init
        self.memberships = memberships
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: object = None) -> Self:
        """Fit by EM; of the starts' ends the proper one of highest likelihood is kept, to its very end.

        Raises
        ------
        ImproperMixture
            If starts were drawn and none ends in a proper optimum, or the start given ends singular.
        """
        X = check_fit(X, [self.n_components])
        with threadpool_limits(1):  # same sums on any number of cores
            if self.memberships is not None:
                return self._climb(X, np.asarray(self.memberships, dtype=float).T[None], given=True)
            starts = starting_memberships(X, self.n_components, self.n_init, self.random_state)
            return self._climb(X, starts)

    def _climb(self, X: np.ndarray, members: np.ndarray, *, given: bool = False) -> Self:
        middle = X.mean(axis=0)
        found, values, *_ = em(self._kind, X - middle, members, self.tol, self.max_iter)
        order = [i for i in np.argsort(-values, kind="stable") if np.isfinite(values[i])]
        proper = [i for i in order if given or competes(self._take(found[i], middle), X)]
        if not proper:
            raise ImproperMixture(f"no proper mixture of {self.n_components} {self._kind} components found")
        best = found[proper[:1]]
        best, _, converged, steps = em(self._kind, X - middle, best, self.tol * POLISH, self.max_iter)
        self._take(best[0], middle)
        self.converged_, self.n_iter_ = bool(converged[0]), int(steps[0])
        self._ends = values[proper]
        self.restarts_ = {
            "tried": len(members),
            "reached": int((2 * (self._ends[0] - self._ends) < SAME_OPTIMUM).sum()),
            "degenerate": len(members) - len(proper),
        }
        return self

    def _take(self, state: State, middle: np.ndarray) -> Self:
        self._state, self._middle = state[None], middle
        self.weights_, self.means_, self.covariances_ = state.weights, state.means + middle, state.matrices()
        return self

    def _e_step(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        check_is_fitted(self, "weights_")
        shares, _, logs = e_step(self._state, monomials(np.asarray(X, dtype=float) - self._middle))
        return shares[0].T, logs[0]

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return the probability of each component, shape (n, k)."""
        return self._e_step(X)[0]

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the likeliest component of each row, from 0."""
        return self.predict_proba(X).argmax(axis=1)

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Return the log-density of each row."""
        return self._e_step(X)[1]

    def score(self, X: np.ndarray, y: object = None) -> float:
        """Return the mean log-density."""
        return float(self.score_samples(X).mean())

    def bic(self, X: np.ndarray) -> float:
        """Return −2 log L + parameters × log n; lower is better (mclust's sign is the opposite)."""
        return float(-2 * self.score_samples(X).sum() + self.n_parameters() * np.log(len(X)))

    def icl(self, X: np.ndarray) -> float:
        """Return BIC + 2 × the entropy of the soft memberships (mclust takes hard ones); lower is better."""
        shares = self.predict_proba(X)
        return self.bic(X) - 2 * float(xlogy(shares, shares).sum())


class ParsimoniousMixture(_Mixture):
    """A Gaussian mixture of one of the fourteen parsimonious covariance families.

    Parameters
    ----------
    n_components : int
    family : str
        One of `FAMILIES`: whether volume, shape and axes are equal (E), vary (V) or are the identity (I).
    n_init : int
        Starts, if none is given.
    memberships : array of shape (n, n_components), optional
        The one start of EM. Its end is kept, proper or not, as long as it is not singular.
    tol : float
        Relative gain in log-likelihood at which EM ends.
    max_iter, random_state : int

    Attributes
    ----------
    weights_, means_, covariances_ : ndarray of shapes (k,), (k, d), (k, d, d)
    converged_ : bool
    n_iter_ : int
    restarts_ : dict
        Starts ``tried``, ``reached`` (proper, within 0.5 in BIC of the kept optimum), ``degenerate``.

    References
    ----------
    Celeux and Govaert (1995), Gaussian parsimonious clustering models; Browne and McNicholas (2014),
    Estimating common principal components in high dimensions; Flury and Gautschi (1986), An algorithm for
    simultaneous orthogonal transformation of several positive definite symmetric matrices (whose plane
    rotations find the common axes of EVE and VVE here); Scrucca et al. (2016), mclust 5.
    """

    def __init__(
        self,
        n_components: int = 3,
        family: str = "VVE",
        *,
        n_init: int = STARTS,
        memberships: np.ndarray | None = None,
        tol: float = TOL,
        max_iter: int = MAX_ITER,
        random_state: int = SEED,
    ) -> None:
        super().__init__(
            n_components,
            n_init=n_init,
            memberships=memberships,
            tol=tol,
            max_iter=max_iter,
            random_state=random_state,
        )
        self.family = family

    @property
    def _kind(self) -> str:
        if self.family not in FAMILIES:
            raise ValueError(f"{self.family!r} is none of the families {' '.join(FAMILIES)}")
        return self.family

    def n_parameters(self) -> int:
        """Return the number of free parameters."""
        k, d = self.means_.shape
        times = [{"I": 0, "E": 1, "V": k}[letter] for letter in self._kind]
        return k - 1 + k * d + times[0] + times[1] * (d - 1) + times[2] * d * (d - 1) // 2


class StudentMixture(_Mixture):
    """A mixture of multivariate t, each component with its own scale matrix and degrees of freedom.

    Parameters
    ----------
    n_components, n_init, memberships, tol, max_iter, random_state
        As in `ParsimoniousMixture`.

    Attributes
    ----------
    weights_, means_, covariances_, converged_, n_iter_, restarts_
        As in `ParsimoniousMixture`; `covariances_` are the scale matrices, not the covariances of t.
    dofs_ : ndarray of shape (k,)
        Degrees of freedom, between 2 and 200.
    at_bound_ : ndarray of bool, shape (k,)
        Whether they stopped at either bound.

    References
    ----------
    Peel and McLachlan (2000), Robust mixture modelling using the t distribution.
    """

    _kind = "t"

    def _take(self, state: State, middle: np.ndarray) -> Self:
        self.dofs_ = state.tails
        self.at_bound_ = (state.tails <= LEAST_TAIL) | (state.tails >= MOST_TAIL)
        return super()._take(state, middle)

    def n_parameters(self) -> int:
        """Return the number of free parameters."""
        k, d = self.means_.shape
        return k - 1 + k * d + k * d * (d + 1) // 2 + k


def compare_families(
    X: np.ndarray, ks: Iterable[int] = range(1, 7), *, starts: int = SEARCH_STARTS, n_jobs: int | None = None
) -> pd.DataFrame:
    """BIC of the best proper mixture of each family, and of t; `search_families` has the hit rates too.

    Returns
    -------
    DataFrame indexed by ``k``, a column per family and ``t``
        Lower is better; NaN where no start ended proper.
    """
    return search_families(X, ks, starts=starts, n_jobs=n_jobs)["bic"].unstack("family")[list(ALONE)]


def search_families(
    X: np.ndarray,
    ks: Iterable[int] = range(1, 7),
    *,
    starts: int = SEARCH_STARTS,
    random_state: int = SEED,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Fit every family and t from the same starts, then from each other's optima, and say how it went.

    Parameters
    ----------
    X : ndarray of shape (n_customers, 6)
    ks : iterable of int
    starts : int
        Per cell; one component needs one, and its three distinct Gaussians are fitted once.
    random_state : int
    n_jobs : int, optional
        Processes; the numbers do not depend on it.

    Returns
    -------
    DataFrame indexed by ``k`` and ``family``
        ``bic`` and ``icl`` of the kept optimum; ``tried``, ``reached`` (proper, within 0.5 in BIC of it)
        and ``degenerate``, counts of the starts; ``hit_rate``, reached over tried, is 0 where only another
        family's optimum led there; ``least_dof`` and ``most_dof`` of t, else infinite.
    """
    ks = list(ks)
    X, parallel = check_fit(X, ks), Parallel(n_jobs=n_jobs)
    cells = [
        (k, kind) for k in sorted(ks, reverse=True) for kind in (ALONE if k > 1 else set(ALONE.values()))
    ]
    members = {k: starting_memberships(X, k, starts, random_state) for k in ks}
    found = dict(
        zip(cells, parallel(delayed(_search)(X, *cell, members[cell[0]]) for cell in cells), strict=True)
    )
    optima = {k: [fit.predict_proba(X).T for (j, _), fit in found.items() if j == k and fit] for k in ks}
    again = parallel(
        delayed(_search)(X, *cell, np.array(optima[cell[0]])) for cell in cells if optima[cell[0]]
    )
    crossed = dict(zip([cell for cell in cells if optima[cell[0]]], again, strict=True))
    rows = {}
    for k in ks:
        for family, alone in ALONE.items():
            cell = (k, family if k > 1 else alone)
            rows[k, family] = _summary(X, found[cell], crossed.get(cell), len(members[k]))
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["k", "family"])


def _search(X: np.ndarray, k: int, kind: str, members: np.ndarray) -> _Mixture | None:
    """Fit one cell from many starts; None where none ends proper."""
    with suppress(ImproperMixture), threadpool_limits(1):
        return (StudentMixture(k) if kind == "t" else ParsimoniousMixture(k, kind))._climb(X, members)
    return None


def _summary(X: np.ndarray, own: _Mixture | None, crossed: _Mixture | None, tried: int) -> dict[str, float]:
    fits = [fit for fit in (own, crossed) if fit is not None]
    if not fits:
        return {
            "bic": np.nan,
            "icl": np.nan,
            "tried": tried,
            "reached": 0,
            "degenerate": tried,
            "hit_rate": 0.0,
        }
    best = min(fits, key=lambda fit: fit.bic(X))
    ends = np.array([]) if own is None else own._ends
    reached = int((2 * (best.score(X) * len(X) - ends) < SAME_OPTIMUM).sum())
    return {
        "bic": best.bic(X),
        "icl": best.icl(X),
        "tried": tried,
        "reached": reached,
        "degenerate": tried - len(ends),
        "hit_rate": reached / tried,
        "least_dof": best._state.tails.min(),
        "most_dof": best._state.tails.max(),
    }
