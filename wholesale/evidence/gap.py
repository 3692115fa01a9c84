"""The gap statistic: how much tighter the clusters are than those of data without any."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from wholesale.checks import check_fit
from wholesale.models import SEED, fit_kmeans

REFERENCES = 50


def gap_statistic(
    X: np.ndarray,
    ks: Iterable[int] = range(1, 10),
    *,
    references: int = REFERENCES,
    random_state: int = SEED,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Compare the log of K-Means' inertia with its mean over uniform reference sets.

    Squared distances, as in the paper, and its version (b): each reference set is drawn uniformly over the
    box that holds the data along their principal axes.

    Parameters
    ----------
    X : ndarray of shape (n_customers, 6)
    ks : iterable of int
    references : int
        Number of reference sets, the paper's B.
    random_state : int
    n_jobs : int, optional
        Processes; the numbers do not depend on it.

    Returns
    -------
    DataFrame indexed by ``k``
        ``gap``; ``gap_se``, the paper's s_k: the standard deviation times √(1 + 1/B); ``gap_rule``,
        whether gap(k) ≥ gap(k + 1) − s(k + 1). The paper's choice is the smallest k for which it holds;
        k + 1 is fitted too, and must be below the number of distinct customers.

    References
    ----------
    Tibshirani, Walther and Hastie (2001), Estimating the number of clusters in a data set via the gap
    statistic, Journal of the Royal Statistical Society B 63, 411–423.
    """
    ks = list(ks)
    fitted = sorted({*ks, *(k + 1 for k in ks)})
    X = check_fit(X, fitted)
    seeds = np.random.SeedSequence(random_state).spawn(references)
    drawn = [reference_set(X, np.random.default_rng(seed)) for seed in seeds]
    logs = Parallel(n_jobs=n_jobs)(delayed(log_inertias)(each, fitted, random_state) for each in [X, *drawn])
    observed, expected = logs[0], np.array(logs[1:])
    se = expected.std(axis=0) * np.sqrt(1 + 1 / references)
    gap = expected.mean(axis=0) - observed
    table = pd.DataFrame({"gap": gap, "gap_se": se}, index=pd.Index(fitted, name="k")).loc[[*ks]]
    following = [fitted.index(k + 1) for k in ks]
    return table.assign(gap_rule=table["gap"] >= gap[following] - se[following])


def reference_set(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw as many points as `X` has, uniformly over its box along the principal axes."""
    centre = X.mean(axis=0)
    axes = np.linalg.svd(X - centre, full_matrices=False)[2]
    turned = (X - centre) @ axes.T
    return rng.uniform(turned.min(axis=0), turned.max(axis=0), X.shape) @ axes + centre


def log_inertias(X: np.ndarray, ks: list[int], random_state: int) -> list[float]:
    """Log of the within-cluster sum of squares for each k."""
    with threadpool_limits(1):
        fits = [fit_kmeans(X, k, random_state=random_state, n_init=10) for k in ks]
    return [float(np.log(fit.inertia_)) for fit in fits]
