"""Mixtures of four covariance types: the best proper optimum of hundreds of restarts, over many seeds."""

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from wholesale.checks import check_fit
from wholesale.models import COVARIANCES, INIT_PARAMS, SAME_OPTIMUM, SEED, competes, restart

SEEDS = 20
RESTARTS = 5
"""Per seed and initialization method: 20 × 4 × 5 = 400 restarts for each covariance type and k."""


def compare_covariances(
    X: np.ndarray,
    ks: Iterable[int] = range(2, 9),
    covariances: Sequence[str] = COVARIANCES,
    *,
    details: bool = False,
    seeds: int = SEEDS,
    restarts: int = RESTARTS,
    random_state: int = SEED,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """BIC of the best proper mixture of each covariance type, by many restarts of EM for every one and k.

    Each of the `seeds` is a search by itself, `restarts` per method in ``INIT_PARAMS``; the numbers do not
    depend on `n_jobs`, the processes.

    Returns
    -------
    DataFrame indexed by ``k``, a column per covariance type
        Lower is better; NaN where no restart was proper. With `details` a row per ``k`` and ``covariance``
        that says how the search went: ``bic``; the counts ``tried``, ``reached`` (within 0.5 of it) and
        ``degenerate``; ``naive_bic``, the lowest whether proper or not, and the ``naive_init`` and
        ``naive_seed`` by which :func:`wholesale.models.restart` finds it again; ``default_bic``, the lowest
        proper one from scikit-learn's default initialization; ``seeds_agreeing``, whose own search reached
        the optimum; ``worst_seed_bic``.
    """
    ks = list(ks)
    X = check_fit(X, ks)
    cells = list(itertools.product(ks, covariances))
    tries = Parallel(n_jobs=n_jobs)(
        delayed(_search)(X, k, covariance, random_state + seed * restarts, restarts)
        for k, covariance in cells
        for seed in range(seeds)
    )
    by_cell = [pd.concat(tries[i * seeds : (i + 1) * seeds], keys=range(seeds)) for i in range(len(cells))]
    index = pd.MultiIndex.from_tuples(cells, names=["k", "covariance"])
    found = pd.DataFrame([_summary(each) for each in by_cell], index=index)
    return found if details else found["bic"].unstack("covariance")[list(covariances)]


def _search(X: np.ndarray, k: int, covariance: str, first_seed: int, restarts: int) -> pd.DataFrame:
    """Try every initialization method `restarts` times."""
    rows = []
    with threadpool_limits(1):
        for init, seed in itertools.product(INIT_PARAMS, range(first_seed, first_seed + restarts)):
            gmm = restart(X, k, covariance, init_params=init, random_state=seed)
            rows.append((init, seed, gmm.bic(X), competes(gmm, X)))
    return pd.DataFrame(rows, columns=["init", "seed", "bic", "proper"])


def _summary(tries: pd.DataFrame) -> dict[str, float]:
    proper = tries[tries["proper"]]["bic"]
    by_seed = proper.groupby(level=0).min()
    best, naive = proper.min(), tries.loc[tries["bic"].idxmin()]
    return {
        "bic": best,
        "tried": len(tries),
        "reached": int((proper < best + SAME_OPTIMUM).sum()),
        "degenerate": int((~tries["proper"]).sum()),
        "naive_bic": naive["bic"],
        "naive_init": naive["init"],
        "naive_seed": int(naive["seed"]),
        "default_bic": proper[tries["init"] == "kmeans"].min(),
        "seeds_agreeing": int((by_seed < best + SAME_OPTIMUM).sum()),
        "worst_seed_bic": by_seed.max(),
    }
