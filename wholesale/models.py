"""The three fits, robust to initialization. `X` is always the log-standardized matrix."""

import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import KFold
from threadpoolctl import ThreadpoolController

SEED = 20130101
"""The one seed of the project (the data set was donated in 2013)."""

STARTS, FEW_STARTS, SEARCHES = 1000, 50, 10
"""Starts of K-Means for up to 500 customers and for very many, and the searches that share them."""

COVARIANCES = ("full", "tied", "diag", "spherical")  # the most general first
INIT_PARAMS = ("kmeans", "k-means++", "random_from_data", "random")
RESTARTS, COLD_RESTARTS = 15, 5
"""Per way to start: of the mixture that is kept, and of one that is fitted from scratch to a resample."""

TOL, MAX_ITER, POLISH_ITER = 1e-6, 2000, 300
MAX_EIGENVALUE_RATIO = 1e4
LEAST_GAIN = 1e-9  # share of K-Means' inertia that tells a gain from rounding
LEAST_LEAD = 0.01  # by which a component must be somebody's likeliest, as equal ones are so by rounding
SAME_OPTIMUM = 0.5  # two restarts whose BIC differs by less have reached the same optimum

one_thread = partial(ThreadpoolController().limit, limits=1)
"""Hold numerical libraries to one thread: same sums on any number of cores, and faster for few customers."""

Fit = Callable[[np.ndarray, int], Any]  # of a matrix and a number of segments makes a model, or labels


class ImproperMixture(ValueError):
    """No restart of a mixture ended in a proper optimum."""


def fit_kmeans(
    X: np.ndarray, n_clusters: int = 3, *, random_state: int = SEED, n_init: int | None = None
) -> KMeans:
    """Fit K-Means, the best of many k-means++ starts, to exact convergence.

    Parameters
    ----------
    X : ndarray of shape (n_customers, d)
    n_init : int, optional
        Number of starts. By default a thousand for up to 500 customers, then falling with their number to
        50, shared by ten searches whose results are bettered by `exchange`. Of equally good partitions the
        one is kept that has the first rows together.

    References
    ----------
    Arthur and Vassilvitskii (2007), k-means++: the advantages of careful seeding; Hartigan and Wong (1979),
    Algorithm AS 136: a k-means clustering algorithm.
    """
    X = np.asarray(X, dtype=float)
    kmeans = KMeans(n_clusters, n_init=n_init or 1, tol=0, max_iter=MAX_ITER, random_state=random_state)
    with one_thread():
        if n_init:
            return kmeans.fit(X)
        starts = int(np.clip(STARTS * 500 / len(X), FEW_STARTS, STARTS))
        seeds = np.random.SeedSequence(random_state).generate_state(SEARCHES).tolist()
        searches = [clone(kmeans).set_params(n_init=starts // SEARCHES, random_state=seed) for seed in seeds]
        found = [exchange(X, search.fit(X).labels_) for search in searches]
        least = min(inertia for _, inertia in found)
        tied = [labels.tolist() for labels, inertia in found if inertia <= least + LEAST_GAIN * least]
        member = np.eye(n_clusters)[min(tied)]
        kmeans.set_params(init=member.T @ X / member.sum(axis=0)[:, None]).fit(X)
    return kmeans.set_params(init="k-means++", n_init=starts)


def exchange(X: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """Move single customers while that lowers the inertia: new labels, by first row, and their inertia."""
    rows, first = np.arange(len(X)), np.unique(labels, return_index=True)[1]
    labels = np.argsort(np.argsort(first))[labels]
    while True:
        member = np.eye(len(first))[labels]
        counts = member.sum(axis=0)
        centres = member.T @ X / counts[:, None]
        squares = (X**2).sum(axis=1)[:, None] - 2 * X @ centres.T + (centres**2).sum(axis=1)
        own = squares[rows, labels]
        gains = (counts / np.maximum(counts - 1, 1))[labels] * own
        gains = gains[:, None] - counts / (counts + 1) * squares
        gains[rows, labels] = 0  # nobody joins the own segment anew
        gains[(counts == 1)[labels]] = 0  # nor leaves it empty
        row, to = np.unravel_index(gains.argmax(), gains.shape)
        if gains[row, to] <= LEAST_GAIN * own.sum():
            return labels, float(own.sum())
        labels[row] = to


def fit_ward(X: np.ndarray, n_clusters: int = 3) -> AgglomerativeClustering:
    """Fit agglomerative clustering with Ward's linkage and keep its whole tree; it takes no seed.

    Ward (1963), Hierarchical grouping to optimize an objective function.
    """
    return AgglomerativeClustering(n_clusters, linkage="ward", compute_distances=True).fit(X)


def fit_gmm(
    X: np.ndarray,
    n_components: int = 3,
    covariance_type: str = "full",
    *,
    random_state: int = SEED,
    restarts: int = RESTARTS,
    fewest: float = 0,
) -> GaussianMixture:
    """Fit a Gaussian mixture: the proper optimum of lowest BIC over many restarts.

    The likelihood of a mixture is unbounded, because a component can shrink onto a few near-identical
    customers, so the lowest BIC alone is not a criterion. Only proper optima compete (`competes`).

    Parameters
    ----------
    X : ndarray of shape (n_customers, d)
    covariance_type : {"full", "tied", "diag", "spherical"}
    random_state : int
        Of the first restart; the others count on from it.
    restarts : int
        Per initialization method in ``INIT_PARAMS``.
    fewest : float
        Customers that every component must hold, if more than a proper one does anyhow.

    Returns
    -------
    GaussianMixture
        Polished to a fixed point of EM. Its ``restarts_`` count how many restarts were ``tried``, how many
        ``reached`` the kept optimum and how many were ``degenerate``. `ImproperMixture` if none is proper.

    References
    ----------
    Day (1969), Estimating the components of a mixture of normal distributions; Hathaway (1985), A
    constrained formulation of maximum-likelihood estimation for normal mixture distributions;
    McLachlan and Peel (2000), Finite Mixture Models, chapter 3.
    """
    with one_thread():
        of = partial(restart, X, n_components, covariance_type)
        starts = product(INIT_PARAMS, range(random_state, random_state + restarts))
        fits = [of(init_params=init, random_state=seed) for init, seed in starts]
        proper = [gmm for gmm in fits if competes(gmm, X, fewest)]
        while proper:
            best = min(gmm.bic(X) for gmm in proper)
            reached = [gmm for gmm in proper if gmm.bic(X) < best + SAME_OPTIMUM]
            if competes(kept := polish(reached[0], X), X, fewest):  # to its very end, too
                break
            proper = [gmm for gmm in proper if gmm not in reached]
        else:
            raise ImproperMixture(f"no proper mixture of {n_components} {covariance_type} components found")
    kept.restarts_ = {"tried": len(fits), "reached": len(reached), "degenerate": len(fits) - len(proper)}
    return kept


def is_proper(gmm: GaussianMixture, n_customers: int) -> bool:
    """Tell a proper optimum from a degenerate one.

    Every component holds at least d + 1 effective customers, and the largest covariance eigenvalue of all is
    less than 10⁴ times the smallest (Hathaway's constraint, with this project's bound).
    """
    spread, least = covariance_eigenvalues(gmm), (gmm.weights_ * n_customers).min()
    return bool(least >= gmm.means_.shape[1] + 1 and spread.max() < MAX_EIGENVALUE_RATIO * spread.min())


def competes(gmm: GaussianMixture, X: np.ndarray, fewest: float = 0) -> bool:
    """Tell whether an optimum is proper, its components large enough, and each somebody's likeliest."""
    if not is_proper(gmm, len(X)) or (gmm.weights_ * len(X)).min() < fewest:
        return False
    if gmm.n_components == 1:
        return True
    shares = gmm.predict_proba(X)
    second = np.partition(shares, -2, axis=1)[:, -2:-1]
    return bool((shares > second + LEAST_LEAD).any(axis=0).all())


def fit_any_gmm(X: np.ndarray, n_components: int = 3, *, random_state: int = SEED) -> GaussianMixture | None:
    """Fit a mixture of the first kind in ``COVARIANCES`` that has a proper optimum; None where none has.

    Full covariances have d (d + 1) / 2 numbers each, and a component must hold as many customers.
    """
    d = X.shape[1]
    for covariance in COVARIANCES:
        fewest = d * (d + 1) / 2 if covariance == "full" else 0
        with suppress(ImproperMixture):
            return fit_gmm(X, n_components, covariance, random_state=random_state, fewest=fewest)
    return None


def cholesky_of_precisions(gmm: GaussianMixture) -> np.ndarray:
    """Return one matrix per component, shape (k, d, d), of any covariance type."""
    roots, shape = gmm.precisions_cholesky_, (*gmm.means_.shape, gmm.means_.shape[1])
    if gmm.covariance_type in ("diag", "spherical"):
        roots = roots.reshape(len(gmm.means_), -1, 1) * np.eye(shape[-1])
    return np.broadcast_to(roots, shape)


def covariance_eigenvalues(gmm: GaussianMixture) -> np.ndarray:
    """Return the eigenvalues of all component covariances, in one flat array, of any covariance type."""
    matrices = gmm.covariance_type in ("full", "tied")
    return np.ravel(np.linalg.eigvalsh(gmm.covariances_) if matrices else gmm.covariances_)


def restart(X: np.ndarray, k: int, covariance_type: str, **start: object) -> GaussianMixture:
    """Run EM once, from one start."""
    gmm = GaussianMixture(k, covariance_type=covariance_type, tol=TOL, max_iter=MAX_ITER, **start)
    return fit_quietly(gmm, X)


def polish(gmm: GaussianMixture, X: np.ndarray) -> GaussianMixture:
    """Iterate to the fixed point, so that rounding on another machine leads to the same numbers."""
    fit_quietly(gmm.set_params(warm_start=True, tol=0, max_iter=POLISH_ITER), X)
    fit_quietly(gmm.set_params(tol=TOL, max_iter=MAX_ITER), X)
    return gmm.set_params(warm_start=False)


def fit_quietly(gmm: GaussianMixture, X: np.ndarray) -> GaussianMixture:
    """Fit without the warning that a restart stopped early: the best of all restarts is polished."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return gmm.fit(X)


def cross_validated_log_density(gmm: GaussianMixture, X: np.ndarray, *, n_splits: int = 20) -> np.ndarray:
    """Log-density (n,) of each customer by a mixture of this kind and start that did not see it."""
    density, start = np.empty(len(X)), {"covariance_type": gmm.covariance_type, "tol": TOL, **_optimum(gmm)}
    folds = KFold(min(n_splits, len(X)), shuffle=True, random_state=SEED)
    with one_thread():
        for seen, unseen in folds.split(X):
            fold = fit_quietly(GaussianMixture(gmm.n_components, **start), X[seen])
            density[unseen] = polish(fold, X[seen]).score_samples(X[unseen])
    return density


def ward_linkage(ward: AgglomerativeClustering) -> np.ndarray:
    """Return a fitted tree as SciPy writes it: merged nodes, height, customers below, shape (n - 1, 4)."""
    n = ward.n_leaves_
    below = np.ones(n + len(ward.children_))
    for node, (left, right) in enumerate(ward.children_, start=n):
        below[node] = below[left] + below[right]
    return np.column_stack([ward.children_, ward.distances_, below[n:]]).astype(float)


def ward_self_placement(X: np.ndarray, labels: np.ndarray) -> float:
    """Share of customers whom the placement rule, leaving them out, puts into their own Ward segment."""
    segments, own = np.unique(labels, return_inverse=True)
    member = own[:, None] == np.arange(len(segments))
    counts = member.sum(axis=0) - member
    sums = member.T.astype(float) @ X - member[:, :, None] * X[:, None, :]
    gaps = X[:, None, :] - sums / np.maximum(counts, 1)[:, :, None]
    costs = np.where(counts > 0, counts / (counts + 1) * (gaps**2).sum(axis=2), np.inf)
    return float((costs.argmin(axis=1) == own).mean())


def refit_mixture(gmm: GaussianMixture) -> Fit:
    """Return a fit of the same kind of mixture from scratch, by twenty starts."""
    return lambda X, k: fit_gmm(X, k, gmm.covariance_type, restarts=COLD_RESTARTS)


def refit_from(gmm: GaussianMixture) -> Fit:
    """Return a fit that starts the mixture's EM from a kept optimum, not from scratch."""
    return lambda X, k: restart(X, k, gmm.covariance_type, **_optimum(gmm))


def _optimum(gmm: GaussianMixture) -> dict:
    """Give the parameters from which EM starts where a mixture ended."""
    return {"weights_init": gmm.weights_, "means_init": gmm.means_, "precisions_init": gmm.precisions_}


@dataclass(frozen=True)
class Fitting:
    """How a kind of model is fitted, and what is read off a fit beside what is read off every model's.

    `centers` is the attribute that holds them, if not the members' means; `metrics` and `numbers` are as the
    tables of :data:`wholesale.columns.KINDS` say; `refits` gives the fits by which the stability is measured,
    by the name of the part of the evidence that says it.
    """

    fit: Callable[..., Any]
    metrics: Callable[[Any, np.ndarray], dict]
    centers: str = ""
    numbers: Callable[[Any, np.ndarray], dict] = lambda model, X: {}
    refits: Callable[[Any], dict[str, Fit]] = lambda model: {}


FITTINGS = {
    "kmeans": Fitting(
        fit_kmeans,
        lambda kmeans, X: {"inertia": float(kmeans.inertia_)},
        centers="cluster_centers_",
        refits=lambda kmeans: {"stability": fit_kmeans},
    ),
    "gmm": Fitting(
        fit_any_gmm,
        lambda gmm, X: {
            "covariance": gmm.covariance_type,
            "bic": float(gmm.bic(X)),
            "restarts": gmm.restarts_,
        },
        centers="means_",
        numbers=lambda gmm, X: {
            "covariance": gmm.covariance_type,
            "weights": gmm.weights_,
            "precisions_cholesky": cholesky_of_precisions(gmm),
            "densities": cross_validated_log_density(gmm, X),
        },
        refits=lambda gmm: {"stability": refit_mixture(gmm), "stability_warm": refit_from(gmm)},
    ),
    "ward": Fitting(
        lambda X, k, random_state=SEED: fit_ward(X, k),
        lambda ward, X: {"self_placement": ward_self_placement(X, ward.labels_)},
        numbers=lambda ward, X: {"linkage": ward_linkage(ward)},
        refits=lambda ward: {"stability": fit_ward},
    ),
}
"""By the keys of :data:`wholesale.columns.KINDS`, in its order; K-Means numbers the segments of all."""


def labels_of(model: Any, X: np.ndarray) -> np.ndarray:
    """Return a fitted model's labels of the customers it was fitted on; labels are given as they are."""
    if isinstance(model, np.ndarray):
        return model
    return model.labels_ if hasattr(model, "labels_") else model.predict(X)
