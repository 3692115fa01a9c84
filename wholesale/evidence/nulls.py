"""What the criteria say of clouds in which there is nothing to find, and of clouds of planted segments."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.stats import multivariate_t, norm, rankdata, zscore

from wholesale.criteria import CRITERIA
from wholesale.evidence.counts import compare_cluster_counts
from wholesale.evidence.mixtures import StudentMixture
from wholesale.evidence.recommend import OBSERVED, beyond_chance, cast, favour, most, thresholds
from wholesale.models import FEW_STARTS, SEED, one_thread

Draw = Callable[[np.random.Generator], np.ndarray]

CLOUDS = 100  # of each kind, for the shipped evidence; a report on other customers draws fewer
EFFORT = {"starts": FEW_STARTS, "restarts": 2, "references": 20, "splits": 10}
"""How hard the criteria are computed on each cloud, and on the customers where they are held against it."""

SIMULATED_KS = range(1, 6)
SEGMENTS, SEPARATIONS, SAMPLES = (2, 3, 4), (2.0, 3.0, 4.0, 6.0), 5  # planted, how far apart, clouds of each


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


NULLS = {"gaussian": gaussian, "heavy-tailed": heavy_tailed, "copula": copula}
"""Kinds of clouds with nothing to find."""


def clouds(X: np.ndarray, kind: str, *, samples: int) -> Iterator[np.ndarray]:
    """Draw clouds of one kind in `NULLS`, as large as `X`, each standardized anew (population variance 1).

    The first clouds are the same, however many are drawn.
    """
    draw = NULLS[kind](np.ascontiguousarray(X))  # another order of its columns would round otherwise
    for seed in np.random.SeedSequence((SEED, list(NULLS).index(kind))).spawn(samples):
        yield zscore(draw(np.random.default_rng(seed)))


def cloud_criteria(X: np.ndarray, kind: str, numbers: range, **how: Any) -> pd.DataFrame:
    """Compute the criteria of the clouds of one kind that have these numbers, from 0, or of `X` itself.

    Takes what `_criteria` does. Returns the columns of `compare_cluster_counts`, indexed by ``null``,
    `OBSERVED` for `X` itself, ``cloud`` and ``k``. Hennig and Lin (2015), Flexible parametric bootstrap for
    testing homogeneity against clustering and assessing the number of clusters.
    """
    drawn = [X] if kind == OBSERVED else islice(clouds(X, kind, samples=numbers.stop), numbers.start, None)
    keyed = {(kind, number): cloud for number, cloud in zip(numbers, drawn, strict=True)}
    return _criteria(keyed, ["null", "cloud"], **how)


def _criteria(
    drawn: dict, names: list[str], ks: Iterable[int], effort: Mapping = EFFORT, n_jobs: int | None = None
) -> pd.DataFrame:
    """Compute the criteria of clouds, with the effort that a thousand of them can afford.

    `ks` have 1 among them, as BIC is held against that of one; `n_jobs`, the processes, change no number.
    """
    of = delayed(_criteria_of_one)
    tables = Parallel(n_jobs=n_jobs)(of(cloud, [*ks], effort) for cloud in drawn.values())
    return pd.concat(tables, keys=drawn, names=[*names, "k"])


def _criteria_of_one(cloud: np.ndarray, ks: list[int], effort: Mapping[str, int]) -> pd.DataFrame:
    with one_thread():
        return compare_cluster_counts(cloud, ks, n_jobs=1, **effort)


def simulate(X: np.ndarray, segments: int, separation: float, rng: np.random.Generator) -> np.ndarray:
    """Draw equally likely Gaussian segments, as far from each other; mean and covariance of all as of `X`.

    `separation` is in standard deviations within segments. They differ along the first principal axes of
    `X`, where K-Means sees most of them: elsewhere it would see less.
    """
    variances, axes = np.linalg.eigh(np.cov(X, rowvar=False))
    between = separation**2 / (separation**2 + 2 * segments)  # share of the variance along these axes
    corners = np.linalg.svd(np.eye(segments) - 1 / segments)[0][:, : segments - 1] * np.sqrt(segments)
    cloud, first = rng.normal(size=X.shape), slice(X.shape[1] - segments + 1, None)
    own = rng.integers(segments, size=len(X))
    cloud[:, first] = np.sqrt(1 - between) * cloud[:, first] + np.sqrt(between) * corners[own]
    return X.mean(axis=0) + cloud * np.sqrt(variances) @ axes.T


def simulated_criteria(
    X: np.ndarray,
    segments: int,
    separations: Iterable[float] = SEPARATIONS,
    samples: int = SAMPLES,
    **how: Any,
) -> pd.DataFrame:
    """Compute the criteria of simulated clouds; indexed by ``segments``, ``separation``, ``cloud``, ``k``.

    Each cloud is standardized anew, and computed with the effort of the nulls, which hold for it too.
    """
    drawn = {}
    for separation in separations:
        seeds = np.random.SeedSequence((SEED, segments, round(100 * separation))).spawn(samples)
        for i, seed in enumerate(seeds):
            cloud = simulate(X, segments, separation, np.random.default_rng(seed))
            drawn[segments, separation, i] = zscore(cloud)
    return _criteria(drawn, ["segments", "separation", "cloud"], **how)


def power(simulated: pd.DataFrame, nulls: pd.DataFrame) -> pd.DataFrame:
    """Say how often `recommend` finds the true number of segments, given these nulls.

    Parameters
    ----------
    simulated : DataFrame
        From `simulated_criteria`; tables of several numbers of segments below each other.
    nulls : DataFrame
        From `cloud_criteria`; of larger k than were simulated, nothing is used.

    Returns
    -------
    DataFrame indexed by ``segments`` and ``separation``
        Shares of the clouds (0…1): ``found``, the true number is recommended; ``divided``, any above one; and
        for each criterion, that its vote counts. 1 segment, with separation 0, are the clouds of the nulls.
    """
    nulls = nulls[nulls.index.isin(simulated.index.unique("k"), level="k")]
    limits, null, levels = thresholds(nulls), nulls.drop(OBSERVED, level="null"), [*simulated.index.names]
    alone = [(1, 0.0, f"{kind}{cloud}", k) for kind, cloud, k in null.index]
    null = null.set_axis(pd.MultiIndex.from_tuples(alone, names=levels))
    table = pd.concat([simulated, null], join="inner").sort_index()
    values, rows = favour(table), {}
    for cloud, criteria in table.groupby(level=levels[:-1]):
        votes = cast(criteria.droplevel(levels[:-1]))
        counted = beyond_chance(votes, values.loc[cloud], limits)
        recommended = most(k for vote, k in votes.items() if counted[vote])
        rows[cloud] = {"found": recommended == cloud[0], "divided": recommended > 1, **counted}
    found = pd.DataFrame.from_dict(rows, orient="index").astype(float).rename_axis(levels[:-1])
    order = ["found", "divided", *(each.vote for each in CRITERIA if each.vote in found)]
    return found.groupby(level=levels[:2])[order].mean()
