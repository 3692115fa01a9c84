"""Whether the criteria would find segments if there were any, and how often they find some in nothing."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from wholesale.criteria import CRITERIA
from wholesale.evidence.nulls import EFFORT, criteria
from wholesale.evidence.recommend import OBSERVED, beyond_chance, cast, favour, most, thresholds
from wholesale.models import SEED

SEGMENTS, SEPARATIONS, SAMPLES = (2, 3, 4), (2.0, 3.0, 4.0, 6.0), 5
"""True segments, how far apart, and clouds of each."""

KS = range(1, 6)


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
    ks: Iterable[int] = KS,
    *,
    separations: Iterable[float] = SEPARATIONS,
    samples: int = SAMPLES,
    random_state: int = SEED,
    effort: Mapping[str, int] = EFFORT,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Compute the criteria of simulated clouds; indexed by ``segments``, ``separation``, ``cloud``, ``k``.

    Each cloud is standardized anew, and computed with the effort of the nulls, which hold for it too.
    """
    drawn = {}
    for separation in separations:
        seeds = np.random.SeedSequence((random_state, segments, round(100 * separation))).spawn(samples)
        for i, seed in enumerate(seeds):
            cloud = simulate(X, segments, separation, np.random.default_rng(seed))
            drawn[segments, separation, i] = (cloud - cloud.mean(axis=0)) / cloud.std(axis=0)
    tables = Parallel(n_jobs=n_jobs)(delayed(criteria)(each, [*ks], effort) for each in drawn.values())
    return pd.concat(tables, keys=drawn, names=["segments", "separation", "cloud", "k"])


def power(simulated: pd.DataFrame, nulls: pd.DataFrame) -> pd.DataFrame:
    """Say how often `recommend` finds the true number of segments, given these nulls.

    Parameters
    ----------
    simulated : DataFrame
        From `simulated_criteria`; tables of several numbers of segments below each other.
    nulls : DataFrame
        From :func:`wholesale.evidence.nulls.null_criteria`; of larger k than were simulated, nothing is used.

    Returns
    -------
    DataFrame indexed by ``segments`` and ``separation``
        Shares of the clouds (0…1): ``found``, the true number is recommended; ``divided``, any above one; and
        for each criterion, that its vote counts. 1 segment, with separation 0, are the clouds of the nulls.
    """
    nulls = nulls[nulls.index.isin(simulated.index.unique("k"), level="k")]
    null = nulls.drop(OBSERVED, level="null").reset_index("cloud").assign(segments=1, separation=0.0)
    null["cloud"] = null.index.get_level_values("null") + null["cloud"].astype(str)
    null = null.set_index(["segments", "separation", "cloud"], append=True).droplevel("null")
    table = pd.concat([simulated, null.reorder_levels([*simulated.index.names])], join="inner").sort_index()
    limits, values = thresholds(nulls), favour(table)
    rows = {}
    for cloud, its in table.groupby(level=["segments", "separation", "cloud"]):
        votes = cast(its.droplevel(["segments", "separation", "cloud"]))
        counted = beyond_chance(votes, values.loc[cloud], limits)
        recommended = most([k for vote, k in votes.items() if counted[vote]])
        rows[cloud] = {"found": recommended == cloud[0], "divided": recommended > 1, **counted}
    found = pd.DataFrame.from_dict(rows, orient="index").astype(float)
    found.index = pd.MultiIndex.from_tuples(rows, names=["segments", "separation", "cloud"])
    order = ["found", "divided", *(each.vote for each in CRITERIA if each.vote in found)]
    return found.groupby(level=["segments", "separation"])[order].mean()
