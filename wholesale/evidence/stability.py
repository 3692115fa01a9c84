"""Whether a segment comes back when other customers are drawn, and how far the models agree."""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.metrics import adjusted_rand_score

from wholesale.criteria import BANDS, check_fit
from wholesale.models import FEW_STARTS, SEED, Fit, ImproperMixture, fit_kmeans, labels_of, one_thread
from wholesale.palette import SIMILAR
from wholesale.segments import overlap

RESAMPLES = 100
RECOVERED, DISSOLVED = 0.75, 0.5


def segment_stability(X: np.ndarray, fit: Fit, n_segments: int, **options: Any) -> pd.Series:
    """Mean bootstrap Jaccard index of each segment, 0…1; takes what `bootstrap_jaccards` does.

    Returns
    -------
    Series indexed by ``segment``, 1…n_segments
        See `stability_band` for words.
    """
    means = bootstrap_jaccards(X, fit, n_segments, **options).mean(axis=0)
    return pd.Series(means, index=pd.RangeIndex(1, len(means) + 1, name="segment"), name="jaccard")


def bootstrap_jaccards(
    X: np.ndarray,
    fit: Fit,
    n_segments: int,
    *,
    labels: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    random_state: int = SEED,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Draw customers with replacement, fit again, and compare each segment with its closest new one.

    As fpc's ``clusterboot`` by default, a customer drawn several times counts once, and an original segment
    is restricted to the customers drawn. ``fit(X, n_segments)`` gives a fitted model, or labels;
    `labels` are the partition to judge, by default what `fit` finds. Returns Jaccard indices, 0…1, of shape
    (resamples, n_segments); 0 for a segment of which nobody was drawn, and for all if no mixture is proper.
    Hennig (2007), Cluster-wise assessment of cluster stability.
    """
    X = check_fit(X, [n_segments])
    original = labels_of(fit(X, n_segments), X) if labels is None else np.asarray(labels)
    if fit is fit_kmeans:  # a thousand starts for each resample would take minutes
        fit = partial(fit_kmeans, n_init=FEW_STARTS)
    seeds = np.random.SeedSequence(random_state).spawn(resamples)
    rows = Parallel(n_jobs=n_jobs)(delayed(_resample)(X, original, fit, n_segments, seed) for seed in seeds)
    return np.array(rows)


def _resample(X: np.ndarray, original: np.ndarray, fit: Fit, n_segments: int, seed: Any) -> np.ndarray:
    drawn = np.unique(np.random.default_rng(seed).integers(len(X), size=len(X)))
    segments, old = np.unique(original), original[drawn]
    jaccards = np.zeros(len(segments))
    with suppress(ImproperMixture), one_thread():
        new = labels_of(fit(X[drawn], n_segments), X[drawn])
        jaccards[np.isin(segments, old)] = overlap(new, old).max(axis=1)
    return jaccards


def stability_band(jaccard: float) -> str:
    """Put a mean bootstrap Jaccard index (0…1) in words."""
    return next(words for bound, words in BANDS.items() if jaccard >= bound)


def agreement(labels_by_model: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Adjusted Rand index of every pair of partitions; 0 is what chance gives, 1 is identity.

    Hubert and Arabie (1985), Comparing partitions.
    """
    models = labels_by_model.items()
    return pd.DataFrame({one: {other: adjusted_rand_score(a, b) for other, b in models} for one, a in models})


def models_agreeing(labels_by_model: Mapping[str, np.ndarray], *, similar: float = SIMILAR) -> np.ndarray:
    """Count, for each customer, the models whose segment is at least similar to its K-Means segment.

    K-Means agrees with itself; segments are similar from a Jaccard index of `similar`.
    """
    kmeans = labels_by_model["kmeans"]
    column = np.unique(kmeans, return_inverse=True)[1]
    rows = [(labels, np.unique(labels, return_inverse=True)[1]) for labels in labels_by_model.values()]
    return np.sum([overlap(kmeans, labels)[row, column] >= similar for labels, row in rows], axis=0)


def contested(customers: pd.DataFrame, labels_by_model: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """List the customers on whom not all models agree, with their segments; the most contested first."""
    segments = {f"{model}_segment": labels for model, labels in labels_by_model.items()}
    table = customers.assign(**segments, agreement=models_agreeing(labels_by_model))
    return table[table["agreement"] < len(labels_by_model)].sort_values("agreement", kind="stable")
