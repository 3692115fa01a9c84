"""Mixtures of a wider family: the fourteen parsimonious Gaussian ones, and Student's t.

Every covariance is written λ·D·diag(a)·Dᵀ: a volume λ, a shape a (of product one) and axes D. A family's
three letters say of each in turn whether it is Equal for all components, Varies, or is the Identity. All
starts of a fit run in one array program: the leading axis of every array, B long, is the start.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from itertools import combinations
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.special import digamma, gammaln, xlogy
from sklearn.base import BaseEstimator
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.utils.validation import check_is_fitted

from wholesale.criteria import check_fit
from wholesale.models import COVARIANCES, SAME_OPTIMUM, SEED, ImproperMixture, competes, one_thread

FAMILIES = tuple(
    ["EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV"]
)
"""As mclust names them: volume, shape, axes."""

ALONE = {family: "E" + family[1:].replace("V", "E") for family in FAMILIES} | {"t": "t"}
"""What a family is at one component: EII, EEI or EEE."""

FAMILY = {"full": "VVV", "tied": "EEE", "diag": "VVI", "spherical": "VII"}
"""What mclust calls scikit-learn's covariance types."""

STARTS, SEARCH_STARTS = 60, 200  # of one fit, and per cell of the table of all families
ENDS, ROUNDS = 5, 3  # best ends of a family that differ, from which all start again, and how often at most
TOL, POLISHED, MAX_ITER = 1e-9, 1e-12, 5000  # relative gain of a step at which a start ends, and the kept one
INNER = 3  # iterations where an M-step has no closed form
SINGULAR = 1e7  # ratio of eigenvalues at which a start is given up
LEAST_DOF, MOST_DOF, FIRST_DOF = 2.0, 200.0, 20.0
TINY = 1e-300


class State(NamedTuple):
    """Parameters of many mixtures at once: B starts, k components, d columns."""

    weights: np.ndarray  # (B, k)
    means: np.ndarray  # (B, k, d)
    axes: np.ndarray  # (B, k, d, d), in columns
    spread: np.ndarray  # (B, k, d), eigenvalues of the covariances or scale matrices
    dofs: np.ndarray  # (B, k), degrees of freedom, infinite for Gaussians

    def of(self, starts: Any) -> "State":
        return State(*(parameter[starts] for parameter in self))

    def regular(self, n: int) -> np.ndarray:
        """Tell the starts that are not singular, shape (B,)."""
        flat = self.spread.reshape(len(self.spread), -1)
        return (flat.max(axis=1) < SINGULAR * flat.min(axis=1)) & (self.weights.min(axis=1) * n > 0.5)


def monomials(X: np.ndarray) -> np.ndarray:
    """Return 1, x and xxᵀ per row: densities and moments of all starts are then one matrix product each."""
    return np.hstack([np.ones((len(X), 1)), X, (X[:, :, None] * X[:, None, :]).reshape(len(X), -1)])


def e_step(state: State, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return memberships and squared distances (B, k, n), and the log-density of each row (B, n)."""
    B, k, d = state.means.shape
    precisions = (state.axes / state.spread[..., None, :]) @ np.swapaxes(state.axes, -1, -2)
    linear = (precisions @ state.means[..., None])[..., 0]
    constant = (linear * state.means).sum(axis=-1, keepdims=True)
    forms = np.concatenate([constant, -2 * linear, precisions.reshape(B, k, -1)], axis=-1)
    squares = np.maximum(forms.reshape(B * k, -1) @ rows.T, 0).reshape(B, k, -1)
    logs = (np.log(state.weights) - np.log(state.spread).sum(axis=-1) / 2)[..., None]
    if np.isinf(state.dofs).all():
        logs = logs - (squares + d * np.log(2 * np.pi)) / 2
    else:
        ν = state.dofs[..., None]
        logs = logs + gammaln((ν + d) / 2) - gammaln(ν / 2) - d / 2 * np.log(np.pi * ν)
        logs = logs - (ν + d) / 2 * np.log1p(squares / ν)
    top = logs.max(axis=1, keepdims=True)
    shares = np.exp(logs - top)
    total = shares.sum(axis=1, keepdims=True)
    return shares / total, squares, (top + np.log(total))[:, 0]


def m_step(
    family: str, rows: np.ndarray, members: np.ndarray, squares: np.ndarray | None, last: State | None
) -> State:
    """Return parameters that raise the expected complete log-likelihood from `last`; `family` may be t."""
    B, k, n = members.shape
    d = int(np.sqrt(rows.shape[1] - 0.75) - 0.5)
    counts = np.maximum(members.sum(axis=-1), TINY)
    pulled, dofs = members, np.full((B, k), FIRST_DOF if family == "t" else np.inf)
    if family == "t" and last is not None:
        pull = (last.dofs[..., None] + d) / (last.dofs[..., None] + squares)
        pulled, dofs = members * pull, new_dofs(last.dofs, members, pull, counts, d)
    moments = (pulled.reshape(B * k, n) @ rows).reshape(B, k, -1)
    total = np.maximum(moments[..., :1], TINY)
    means = moments[..., 1 : d + 1] / total
    scatter = moments[..., d + 1 :].reshape(B, k, d, d)
    scatter = scatter - total[..., None] * means[..., :, None] * means[..., None, :]
    if last is None:
        axes = np.repeat(np.linalg.eigh(scatter.sum(axis=1, keepdims=True))[1], k, axis=1)
        spread = along(axes, scatter) / counts[..., None]
    else:
        axes, spread = last.axes, last.spread
    with np.errstate(divide="ignore", invalid="ignore"):  # of singular starts, which are given up
        axes, spread = new_covariances(family.replace("t", "VVV"), scatter, counts, axes, spread)
    return State(counts / n, means, axes, spread, dofs)


def new_dofs(ν: np.ndarray, members: np.ndarray, pull: np.ndarray, counts: np.ndarray, d: int) -> np.ndarray:
    """Solve Peel and McLachlan's equation for the degrees of freedom by bisection, within the bounds."""
    known = 1 + (members * (np.log(pull) - pull)).sum(axis=-1) / counts
    known += digamma((ν + d) / 2) - np.log((ν + d) / 2)
    low, high = np.full_like(ν, LEAST_DOF), np.full_like(ν, MOST_DOF)
    for _ in range(50):
        ν = np.sqrt(low * high)
        above = np.log(ν / 2) - digamma(ν / 2) + known > 0
        low, high = np.where(above, ν, low), np.where(above, high, ν)
    return ν


def new_covariances(
    family: str, scatter: np.ndarray, counts: np.ndarray, axes: np.ndarray, spread: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return axes and eigenvalues that lower Σ nₖ log|Σₖ| + Σ tr(Wₖ Σₖ⁻¹) within the family."""
    if family[2] != "E":
        axes = np.linalg.eigh(scatter)[1] if family[2] == "V" else np.full_like(axes, np.eye(axes.shape[-1]))
        return axes, eigenvalues(family, along(axes, scatter), counts, spread)
    for _ in range(INNER):
        if family[1] == "E":  # then the pooled scatter, free of volumes, has the axes
            volumes = np.exp(np.log(spread).mean(axis=-1))[..., None, None]
            axes = np.linalg.eigh(np.nan_to_num((scatter / volumes).sum(axis=1, keepdims=True)))[1]
        else:
            axes = rotated(axes[:, :1], scatter, 1 / spread)
        axes = np.repeat(axes, scatter.shape[1], axis=1)
        spread = eigenvalues(family, along(axes, scatter), counts, spread)
    return axes, spread


def along(axes: np.ndarray, scatter: np.ndarray) -> np.ndarray:
    """Return the diagonals of DᵀWₖD, shape (B, k, d)."""
    return (axes * (scatter @ axes)).sum(axis=-2)


def eigenvalues(family: str, g: np.ndarray, counts: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return the eigenvalues (B, k, d) of a family's covariances, given scatter `g` along their axes."""
    volume, shape = family[0], family[1]
    n, counts = counts.sum(axis=-1)[:, None, None], counts[..., None]
    if shape == "I":
        g, shape = np.broadcast_to(g.mean(axis=-1, keepdims=True), g.shape), volume
    if volume == shape == "V":
        return g / counts
    if volume == shape == "E":
        return np.repeat(g.sum(axis=1, keepdims=True) / n, g.shape[1], axis=1)
    if volume == "E":
        size = np.exp(np.log(g).mean(axis=-1, keepdims=True))
        return g / size * size.sum(axis=1, keepdims=True) / n
    λ = np.exp(np.log(last).mean(axis=-1, keepdims=True))
    for _ in range(INNER):
        common = (g / λ).sum(axis=1, keepdims=True)
        common /= np.exp(np.log(common).mean(axis=-1, keepdims=True))
        λ = (g / common).mean(axis=-1, keepdims=True) / counts
    return λ * common


def rotated(axes: np.ndarray, scatter: np.ndarray, precisions: np.ndarray) -> np.ndarray:
    """Lower Σ tr(Wₖ D Bₖ Dᵀ) over common axes D: the best rotation in the plane of each pair, one sweep."""
    axes = axes.copy()
    W = np.swapaxes(axes, -1, -2) @ scatter @ axes
    for i, j in combinations(range(axes.shape[-1]), 2):
        gap = precisions[..., i] - precisions[..., j]
        level = (gap * (W[..., i, i] - W[..., j, j])).sum(axis=1)
        cross = 2 * (gap * W[..., i, j]).sum(axis=1)  # level·cos 2θ + cross·sin 2θ is to be least
        angle = np.nan_to_num(np.arctan2(-cross, -level))[:, None, None] / 2
        c, s = np.cos(angle), np.sin(angle)
        for matrices in (axes, W, np.swapaxes(W, -1, -2)):
            first, second = matrices[..., i].copy(), matrices[..., j].copy()
            matrices[..., i], matrices[..., j] = c * first + s * second, c * second - s * first
    return axes


def em(
    family: str, X: np.ndarray, start: np.ndarray | State, tol: float, max_iter: int
) -> tuple[State, np.ndarray, np.ndarray]:
    """Run EM from memberships (B, k, n) or states: states, log-likelihoods (−∞ if singular), steps."""
    rows, n = monomials(X), len(X)
    states = start if isinstance(start, State) else m_step(family, rows, start, None, None)
    active = np.flatnonzero(states.regular(n))
    value, steps = np.full(len(states.weights), -np.inf), np.zeros(len(states.weights), dtype=int)
    state, before = states.of(active), value[active]
    while len(active):
        members, squares, logs = e_step(state, rows)
        now = logs.sum(axis=1)
        value[active], steps[active] = now, steps[active] + 1
        done = (now - before < tol * (1 + np.abs(now))) | (steps[active] >= max_iter)
        new = m_step(family, rows, members, squares, state)
        singular = ~done & ~new.regular(n)
        value[active[singular]] = -np.inf
        for ends, parameter in zip(states, state, strict=True):
            ends[active[done]] = parameter[done]
        going = ~done & ~singular
        active, state, before = active[going], new.of(going), now[going]
    return states, value, steps


def starting_memberships(X: np.ndarray, k: int, starts: int, random_state: int) -> np.ndarray:
    """Return hard partitions (starts, k, n): Ward's, K-Means', around drawn rows; plain and whitened."""
    if k == 1:
        return np.ones((1, 1, len(X)))
    rng = np.random.default_rng(random_state)
    white = X @ np.linalg.inv(np.linalg.cholesky(np.cov(X.T).reshape(X.shape[1], -1))).T
    labels = [AgglomerativeClustering(k).fit_predict(space) for space in (X, white)]
    for i in range(starts - 2):
        space = white if i % 2 else X
        if i % 4 < 2:
            labels.append(KMeans(k, n_init=1, random_state=int(rng.integers(2**31))).fit_predict(space))
        else:
            drawn = space[rng.choice(len(X), k, replace=False)]
            labels.append(((space[:, None] - drawn) ** 2).sum(axis=-1).argmin(axis=1))
    return np.swapaxes(np.eye(k)[np.array(labels[:starts])], 1, 2)


@dataclass(eq=False, repr=False)
class ParsimoniousMixture(BaseEstimator):
    """A Gaussian mixture of one of the fourteen parsimonious covariance families.

    Parameters
    ----------
    n_components : int
    family : str
        One of `FAMILIES`: whether volume, shape and axes are equal (E), vary (V) or are the identity (I).
    n_init, max_iter, random_state : int
        Starts if none is given, steps of EM at most, the seed.
    memberships : array of shape (n, n_components), optional
        The one start of EM. Its end is kept, proper or not, as long as it is not singular.
    tol : float
        Relative gain in log-likelihood at which a start ends; the kept one goes on to 1e-12.

    Attributes
    ----------
    weights_, means_, covariances_ : ndarray of shapes (k,), (k, d), (k, d, d)
    converged_, n_iter_ : bool, int
    restarts_ : dict
        Starts ``tried``, ``reached`` (proper, within 0.5 in BIC of the kept optimum), ``degenerate``.

    References
    ----------
    Celeux and Govaert (1995), Gaussian parsimonious clustering models; Browne and McNicholas (2014),
    Estimating common principal components in high dimensions; Flury and Gautschi (1986), An algorithm for
    simultaneous orthogonal transformation of several positive definite symmetric matrices (whose plane
    rotations find the common axes of EVE and VVE here); Scrucca et al. (2016), mclust 5.
    """

    n_components: int = 3
    family: str = "VVE"
    _: KW_ONLY
    n_init: int = STARTS
    memberships: np.ndarray | None = None
    tol: float = TOL
    max_iter: int = MAX_ITER
    random_state: int = SEED

    covariance_type: ClassVar[str] = "full"  # as `competes` reads it

    def fit(self, X: np.ndarray, y: object = None) -> Self:
        """Fit by EM: of the ends of all starts the proper one of highest likelihood is kept and polished.

        Raises
        ------
        ImproperMixture
            If starts were drawn and none ends in a proper optimum, or the start given ends singular.
        """
        X, k = check_fit(X, [self.n_components]), self.n_components
        if self.family not in ALONE:
            raise ValueError(f"{self.family!r} is none of the families {' '.join(FAMILIES)}")
        with one_thread():
            if self.memberships is None:
                return self._climb(X, starting_memberships(X, k, self.n_init, self.random_state))
            given = np.asarray(self.memberships, dtype=float)
            if given.shape != (len(X), k):
                raise ValueError(f"memberships of shape {given.shape}, not {(len(X), k)}")
            return self._climb(X, given.T[None], proper=lambda mixture, X: True)

    def _climb(self, X: np.ndarray, members: np.ndarray, proper: Any = competes) -> Self:
        self._middle = X.mean(axis=0)
        rows = X - self._middle
        found, values, steps = em(self.family, rows, members, self.tol, self.max_iter)
        order = [i for i in np.argsort(-values, kind="stable") if np.isfinite(values[i])]
        order = [i for i in order if proper(self._take(found.of([i])), X)]
        for i in order:
            end, value, more = em(self.family, rows, found.of([i]), min(self.tol, POLISHED), self.max_iter)
            if np.isfinite(value[0]) and proper(self._take(end), X):
                break
        else:
            raise ImproperMixture(f"no proper {self.family} mixture of {self.n_components} components found")
        self.converged_, self.n_iter_ = bool(more[0] < self.max_iter), int(steps[i] + more[0])
        self._ends, self._states = values[order], found.of(order)
        hits = reached(self._ends, value[0])
        self.restarts_ = {"tried": len(values), "reached": hits, "degenerate": len(values) - len(order)}
        return self

    def _take(self, state: State) -> Self:
        self._state, axes = state, state.axes[0]
        self.covariances_ = (axes * state.spread[0, :, None]) @ np.swapaxes(axes, -1, -2)
        self.weights_, self.dofs_ = state.weights[0], state.dofs[0]
        self.means_ = state.means[0] + self._middle
        self.at_bound_ = np.isclose(self.dofs_, LEAST_DOF) | np.isclose(self.dofs_, MOST_DOF)
        return self

    def _e_step(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        check_is_fitted(self, "weights_")
        members, _, logs = e_step(self._state, monomials(np.asarray(X, dtype=float) - self._middle))
        return members[0].T, logs[0]

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return the probability of each component, shape (n, k)."""
        return self._e_step(X)[0]

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the likeliest component of each row, from 0."""
        return self.predict_proba(X).argmax(axis=1)

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Return the log-density of each row."""
        return self._e_step(X)[1]

    def bic(self, X: np.ndarray) -> float:
        """Return −2 log L + parameters × log n; lower is better (mclust's sign is the opposite)."""
        return float(-2 * self.score_samples(X).sum() + self.n_parameters() * np.log(len(X)))

    def icl(self, X: np.ndarray) -> float:
        """Return BIC + 2 × the entropy of the soft memberships (mclust takes hard ones); lower is better."""
        members = self.predict_proba(X)
        return self.bic(X) - 2 * float(xlogy(members, members).sum())

    def n_parameters(self) -> int:
        """Return the number of free parameters."""
        k, d = self.means_.shape
        letters, dofs = ("VVV", k) if self.family == "t" else (self.family, 0)
        volume, shape, axes = ({"I": 0, "E": 1, "V": k}[letter] for letter in letters)
        return k - 1 + k * d + volume + shape * (d - 1) + axes * d * (d - 1) // 2 + dofs


def reached(ends: np.ndarray, kept: float) -> int:
    """Count the ends whose likelihood gives the same BIC as the kept one's."""
    return int((2 * np.abs(kept - ends) < SAME_OPTIMUM).sum())


@dataclass(eq=False, repr=False)
class StudentMixture(ParsimoniousMixture):
    """A mixture of multivariate t, each component with its own scale matrix and degrees of freedom.

    Parameters
    ----------
    n_components, n_init, memberships, tol, max_iter, random_state
        As in `ParsimoniousMixture`, and so the attributes; `covariances_` are the scale matrices.

    Attributes
    ----------
    dofs_, at_bound_ : ndarray of shape (k,)
        Degrees of freedom, between 2 and 200, and whether they stopped at either bound.

    References
    ----------
    Peel and McLachlan (2000), Robust mixture modelling using the t distribution.
    """

    family: str = field(default="t", init=False)


def compare_covariances(
    X: np.ndarray, ks: Iterable[int] = range(2, 9), covariances: Iterable[str] = COVARIANCES, **search: Any
) -> pd.DataFrame:
    """BIC of the best proper mixture by ``k``, a column per covariance type of scikit-learn's.

    Lower is better; NaN where none is proper. Takes what `search_families` does.
    """
    types = list(covariances)
    return compare_families(X, ks, [FAMILY[each] for each in types], **search).set_axis(types, axis="columns")


def compare_families(
    X: np.ndarray, ks: Iterable[int] = range(1, 7), families: Iterable[str] = ALONE, **search: Any
) -> pd.DataFrame:
    """BIC of the best proper mixture by ``k``, a column per family; see `search_families`."""
    families = list(families)
    return search_families(X, ks, families, **search)["bic"].unstack("family")[families]


def search_families(
    X: np.ndarray,
    ks: Iterable[int] = range(1, 7),
    families: Iterable[str] = ALONE,
    *,
    starts: int = SEARCH_STARTS,
    random_state: int = SEED,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Fit families, by default all and t, from the same starts, then from each other's best ends.

    All start again from the five best ends of each that differ, then from those of each that gained by it.
    There are `starts` per cell; one component needs one, and its distinct Gaussians are fitted once. The
    numbers do not depend on `n_jobs`, the processes.

    Returns
    -------
    DataFrame indexed by ``k`` and ``family``
        ``bic`` and ``icl`` of the kept optimum, NaN if there is none; of the starts the counts ``tried``,
        ``reached`` (proper, within 0.5 in BIC of it) and ``degenerate``; ``hit_rate``, reached over tried, is
        0 where only another family's end led there; ``least_dof`` and ``most_dof``, else infinite.
    """
    ks, alone = list(ks), {family: ALONE[family] for family in families}
    X, of = check_fit(X, ks), delayed(_search)
    cells = Parallel(n_jobs=n_jobs)(of(X, k, alone, starts, random_state) for k in sorted(ks)[::-1])
    rows = {cell: row for found in cells[::-1] for cell, row in found.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["k", "family"])


def _search(
    X: np.ndarray, k: int, alone: dict[str, str], starts: int, random_state: int
) -> dict[tuple[int, str], dict[str, float]]:
    """Fit every family of k components from the same starts, then from what others found while that helps."""
    families, best = dict.fromkeys(alone if k > 1 else alone.values()), dict[str, ParsimoniousMixture]()
    turns: list[dict[str, ParsimoniousMixture]] = []
    with one_thread():
        members = first = starting_memberships(X, k, starts, random_state)
        while len(members) and len(turns) <= ROUNDS:
            turns.append({family: fit for family in families if (fit := _fit(X, k, family, members))})
            better = {
                family: fit
                for family, fit in turns[-1].items()
                if family not in best or fit.bic(X) < best[family].bic(X) - SAME_OPTIMUM
            }
            best |= better
            members = np.array([end for fit in better.values() for end in _best_ends(fit, X)])
        rows = {each: _summary(X, len(first), best.get(each), turns[0].get(each)) for each in families}
    return {(k, family): rows[family if k > 1 else at_one] for family, at_one in alone.items()}


def _best_ends(fit: ParsimoniousMixture, X: np.ndarray) -> np.ndarray:
    """Return the memberships (ends, k, n) at the best ends that differ in BIC."""
    differ = np.flatnonzero(np.diff(fit._ends, prepend=np.inf) < -SAME_OPTIMUM / 2)
    return e_step(fit._states.of(differ[:ENDS]), monomials(X - fit._middle))[0]


def _fit(X: np.ndarray, k: int, family: str, members: np.ndarray) -> ParsimoniousMixture | None:
    """Fit one family from many starts; None where none ends proper."""
    with suppress(ImproperMixture):
        return (StudentMixture(k) if family == "t" else ParsimoniousMixture(k, family))._climb(X, members)
    return None


def _summary(X: np.ndarray, tried: int, best: Any, first: Any) -> dict[str, float]:
    ends = first._ends if first else np.array([])
    row = {"bic": np.nan, "icl": np.nan, "tried": tried, "reached": 0, "degenerate": tried - len(ends)}
    if best:
        row |= {"bic": best.bic(X), "icl": best.icl(X), "reached": reached(ends, best.score_samples(X).sum())}
        row |= {"least_dof": best.dofs_.min(), "most_dof": best.dofs_.max()}
    return row | {"hit_rate": row["reached"] / tried}
