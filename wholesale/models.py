"""The three fits, robust to initialization. `X` is always the log-standardized matrix."""

import warnings

import numpy as np
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

SEED = 20130101
"""The one seed of the project (the data set was donated in 2013)."""

INIT_PARAMS = ("kmeans", "k-means++", "random_from_data", "random")
RESTARTS = 15
TOL = 1e-6
MAX_ITER = 2000
POLISH_ITER = 300
MAX_EIGENVALUE_RATIO = 1e4
SAME_OPTIMUM = 0.5
"""Two restarts whose BIC differs by less have reached the same optimum."""


class ImproperMixture(ValueError):
    """No restart of a mixture ended in a proper optimum."""


def fit_kmeans(X: np.ndarray, n_clusters: int = 3, *, random_state: int = SEED, n_init: int = 50) -> KMeans:
    """Fit K-Means, the best of many k-means++ starts, to exact convergence.

    Parameters
    ----------
    X : ndarray of shape (n_customers, 6)
    n_clusters : int
    random_state : int
    n_init : int
        Number of starts.

    Returns
    -------
    KMeans

    References
    ----------
    Arthur and Vassilvitskii (2007), k-means++: the advantages of careful seeding.
    """
    return KMeans(n_clusters, n_init=n_init, tol=0, max_iter=MAX_ITER, random_state=random_state).fit(X)


def fit_ward(X: np.ndarray, n_clusters: int = 3) -> AgglomerativeClustering:
    """Fit agglomerative clustering with Ward's linkage and keep its whole tree.

    Parameters
    ----------
    X : ndarray of shape (n_customers, 6)
    n_clusters : int

    Returns
    -------
    AgglomerativeClustering
        With ``distances_``; deterministic, so it takes no seed.

    References
    ----------
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
) -> GaussianMixture:
    """Fit a Gaussian mixture: the proper optimum of lowest BIC over many restarts.

    The likelihood of a mixture is unbounded, because a component can shrink onto a few near-identical
    customers, so the lowest BIC alone is not a criterion. Only proper optima compete (`is_proper`).

    Parameters
    ----------
    X : ndarray of shape (n_customers, 6)
    n_components : int
    covariance_type : {"full", "tied", "diag", "spherical"}
    random_state : int
        Of the first restart; the others count on from it.
    restarts : int
        Per initialization method in ``INIT_PARAMS``.

    Returns
    -------
    GaussianMixture
        Polished to a fixed point of EM, with an extra attribute ``restarts_``: how many restarts were
        ``tried``, how many ``reached`` the kept optimum and how many were ``degenerate``.

    Raises
    ------
    ImproperMixture
        If no restart ends in a proper optimum.

    References
    ----------
    Day (1969), Estimating the components of a mixture of normal distributions; Hathaway (1985), A
    constrained formulation of maximum-likelihood estimation for normal mixture distributions;
    McLachlan and Peel (2000), Finite Mixture Models, chapter 3.
    """
    with threadpool_limits(1):  # same sums, in the same order, on any number of cores
        fits = [
            restart(X, n_components, covariance_type, init_params=init, random_state=random_state + i)
            for init in INIT_PARAMS
            for i in range(restarts)
        ]
        proper = [gmm for gmm in fits if is_proper(gmm, len(X))]
        if not proper:
            raise ImproperMixture(f"no proper mixture of {n_components} {covariance_type} components found")
        bics = np.array([gmm.bic(X) for gmm in proper])
        reached = np.flatnonzero(bics < bics.min() + SAME_OPTIMUM)
        kept = polish(proper[reached[0]], X)
    kept.restarts_ = {
        "tried": len(fits),
        "reached": len(reached),
        "degenerate": len(fits) - len(proper),
    }
    return kept


def is_proper(gmm: GaussianMixture, n_customers: int) -> bool:
    """Tell a proper optimum from a degenerate one.

    Every component holds at least d + 1 effective customers, and the largest covariance eigenvalue over
    all components is less than 10⁴ times the smallest (Hathaway's constraint, with this project's bound).
    """
    d = gmm.means_.shape[1]
    spread = covariance_eigenvalues(gmm)
    enough = (gmm.weights_ * n_customers).min() >= d + 1
    return bool(enough and spread.max() < MAX_EIGENVALUE_RATIO * spread.min())


def covariance_eigenvalues(gmm: GaussianMixture) -> np.ndarray:
    """Return the eigenvalues of all component covariances, in one flat array, of any covariance type."""
    if gmm.covariance_type in ("full", "tied"):
        return np.linalg.eigvalsh(gmm.covariances_).ravel()
    return np.ravel(gmm.covariances_)


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
