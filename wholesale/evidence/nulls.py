"""What every criterion says where there is nothing to find: clouds without segments."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.stats import multivariate_t, norm, rankdata

from wholesale.checks import check_fit
from wholesale.evidence.counts import compare_cluster_counts
from wholesale.evidence.mixtures import StudentMixture
from wholesale.evidence.recommend import OBSERVED
from wholesale.models import FEW_STARTS, SEED, one_thread

Draw = Callable[[np.random.Generator], np.ndarray]

CLOUDS = 100
"""Of each kind, for the shipped evidence; a report on other customers draws fewer."""

EFFORT = {"starts": FEW_STARTS, "restarts": 2, "references": 20, "splits": 10}
"""How hard the criteria are computed on each cloud, and on the customers where they are held against it."""


def gaussian(X: np.ndarray) -> Draw:
    """One Gaussian with the mean and covariance of `X`."""
    mean, covariance = X.mean(axis=0), np.cov(X, rowvar=False).reshape(X.shape[1], -1)
    return lambda rng: rng.multivariate_normal(mean, covariance, len(X), method="cholesky")


def heavy_tailed(X: np.ndarray) -> Draw:
    """One multivariate t, by maximum likelihood, its degrees of freedom too."""
    fit = StudentMixture(1).fit(X)
    t = multivariate_t(fit.means_[0], fit.covariances_[0], df=fit.dofs_[0])
    return lambda rng: t.rvs(len(X), random_state=rng)


def copula(X: np.ndarray) -> Draw:
    """A Gaussian copula by normal scores, with the margins of `X`: no joint structure beyond them.

    Unlike the others it keeps what each category shows by itself, two humps for instance.
    """
    n = len(X)
    scores = norm.ppf(np.apply_along_axis(rankdata, 0, X) / (n + 1))
    root = np.linalg.cholesky(np.corrcoef(scores, rowvar=False).reshape(X.shape[1], -1))
    ordered = np.sort(X, axis=0)

    def draw(rng: np.random.Generator) -> np.ndarray:
        places = norm.cdf(rng.normal(size=X.shape) @ root.T) * (n + 1) - 1
        columns = [np.interp(places[:, j], np.arange(n), ordered[:, j]) for j in range(X.shape[1])]
        return np.column_stack(columns)

    return draw


NULLS: dict[str, Callable[[np.ndarray], Draw]] = {
    "gaussian": gaussian,
    "heavy-tailed": heavy_tailed,
    "copula": copula,
}
"""Kinds of clouds with nothing to find."""


def clouds(X: np.ndarray, kind: str, *, samples: int, random_state: int = SEED) -> Iterator[np.ndarray]:
    """Draw clouds of one kind in `NULLS`, as large as `X`, each standardized anew (population variance 1).

    The first clouds are the same, however many are drawn.
    """
    draw = NULLS[kind](np.ascontiguousarray(X))  # another order of its columns would round otherwise
    for seed in np.random.SeedSequence((random_state, list(NULLS).index(kind))).spawn(samples):
        cloud = draw(np.random.default_rng(seed))
        yield (cloud - cloud.mean(axis=0)) / cloud.std(axis=0)


def null_criteria(
    X: np.ndarray,
    ks: Iterable[int] = range(1, 9),
    *,
    kinds: Iterable[str] = tuple(NULLS),
    samples: int = CLOUDS,
    random_state: int = SEED,
    effort: Mapping[str, int] = EFFORT,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Compute every criterion on clouds of each kind, and on `X` with the same effort.

    Takes `X` (n_customers, d); `ks`, 1 among them, as BIC is held against that of one; of `kinds` `samples`
    clouds each; and as `effort` what `compare_cluster_counts` takes. The numbers do not depend on `n_jobs`,
    the processes.

    Returns
    -------
    DataFrame indexed by ``null``, ``cloud`` and ``k``
        Columns of `compare_cluster_counts`. ``null`` is `OBSERVED`, cloud 0, for `X` itself.

    References
    ----------
    Hennig and Lin (2015), Flexible parametric bootstrap for testing homogeneity against clustering and
    assessing the number of clusters.
    """
    ks = list(ks)
    X = check_fit(X, ks)
    of = partial(cloud_criteria, X, ks=ks, random_state=random_state, effort=effort, n_jobs=n_jobs)
    return pd.concat([of(OBSERVED, range(1)), *(of(kind, range(samples)) for kind in kinds)]).sort_index()


def cloud_criteria(
    X: np.ndarray,
    kind: str,
    numbers: range,
    *,
    ks: Iterable[int],
    random_state: int = SEED,
    effort: Mapping[str, int] = EFFORT,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Compute the criteria of the clouds of one kind that have these numbers, from 0, or of `X` itself."""
    drawn = [X]
    if kind != OBSERVED:
        drawn = [*clouds(X, kind, samples=numbers.stop, random_state=random_state)][numbers.start :]
    tables = Parallel(n_jobs=n_jobs)(delayed(criteria)(each, list(ks), effort) for each in drawn)
    keys = [(kind, number) for number in numbers]
    return pd.concat(tables, keys=keys, names=["null", "cloud", "k"])


def criteria(cloud: np.ndarray, ks: list[int], effort: Mapping[str, int]) -> pd.DataFrame:
    """Compute the criteria of one cloud with the effort that a thousand clouds can afford."""
    with one_thread():
        return compare_cluster_counts(cloud, ks, n_jobs=1, **effort)
