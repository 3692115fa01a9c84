"""What speaks for each number of segments, k: three models by every criterion."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_samples
from sklearn.metrics.cluster import contingency_matrix

from wholesale import models
from wholesale.criteria import check_fit
from wholesale.models import SEED, fit_kmeans, one_thread

LIVE_RESTARTS = 8  # of a mixture per initialization method, which a notebook can afford for each k
REFERENCES, SPLITS = 50, 50  # sets of the gap statistic, and halvings of prediction strength


def compare_cluster_counts(
    X: np.ndarray,
    ks: Iterable[int] = range(2, 9),
    *,
    random_state: int = SEED,
    starts: int | None = None,
    restarts: int = LIVE_RESTARTS,
    references: int = REFERENCES,
    splits: int = SPLITS,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Fit all three models for each number of segments and score them by every criterion.

    Parameters
    ----------
    X : ndarray of shape (n_customers, d)
    ks : iterable of int
        1 is allowed; what is not defined there is NaN.
    starts, restarts, references, splits : int
        Of K-Means, by default as many as `fit_kmeans` takes; of the Gaussian mixture, per initialization
        method; reference sets of the gap statistic; halvings of prediction strength.
    n_jobs : int, optional
        Processes; the numbers do not depend on it.

    Returns
    -------
    DataFrame indexed by ``k``
        ``kmeans_inertia``; per model ``…_silhouette`` (−1…1, higher is better) and ``…_negative``, customers
        below zero; ``gmm_bic`` (lower is better), NaN without a proper mixture, and ``gmm_reached``, the
        share of restarts that ended there: a small one says that a longer search might find better; ``gap
        gap_se gap_rule`` (see `gap_statistic`); ``prediction_strength``; of K-Means ``calinski_harabasz``
        (higher is better) and ``davies_bouldin`` (lower is better); ``smallest_segment`` of any model.

    References
    ----------
    Rousseeuw (1987), Silhouettes: a graphical aid; Schwarz (1978), Estimating the dimension of a model;
    Caliński and Harabasz (1974), A dendrite method for cluster analysis; Davies and Bouldin (1979), A
    cluster separation measure.
    """
    ks = list(ks)
    X = check_fit(X, ks)
    rows = {k: _scores(X, k, random_state, starts, restarts) for k in ks}
    scores = pd.DataFrame.from_dict(rows, orient="index").rename_axis("k")
    gap = gap_statistic(X, ks, references=references, random_state=random_state, n_jobs=n_jobs)
    strength = prediction_strength(X, ks, splits=splits, random_state=random_state, n_jobs=n_jobs)
    return scores.join([gap, strength])


def _scores(X: np.ndarray, k: int, random_state: int, starts: int | None, restarts: int) -> dict[str, float]:
    kmeans = fit_kmeans(X, k, random_state=random_state, n_init=starts)
    labels = {"kmeans": kmeans.labels_, "ward": models.fit_ward(X, k).labels_}
    bic = reached = np.nan
    try:
        gmm = models.fit_gmm(X, k, random_state=random_state, restarts=restarts)
        labels["gmm"], bic = gmm.predict(X), gmm.bic(X)
        reached = gmm.restarts_["reached"] / gmm.restarts_["tried"]
    except models.ImproperMixture:
        labels["gmm"] = np.zeros(len(X), dtype=int)  # no partition: its criteria are undefined
    samples = {model: silhouettes(X, each) for model, each in labels.items()}
    return {
        "kmeans_inertia": kmeans.inertia_,
        **{f"{model}_silhouette": each.mean() for model, each in samples.items()},
        # 0 × NaN: undefined where the silhouette is
        **{f"{model}_negative": (each < 0).sum() + 0 * each[0] for model, each in samples.items()},
        "gmm_bic": bic,
        "gmm_reached": reached,
        "calinski_harabasz": calinski_harabasz_score(X, kmeans.labels_) if k > 1 else np.nan,
        "davies_bouldin": davies_bouldin_score(X, kmeans.labels_) if k > 1 else np.nan,
        "smallest_segment": min(np.unique(each, return_counts=True)[1].min() for each in labels.values()),
    }


def silhouettes(X: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Silhouette of each customer, shape (n_customers,): 0 for a lone one, NaN if all are in one segment."""
    if len(np.unique(labels)) == 1:
        return np.full(len(X), np.nan)
    return silhouette_samples(X, labels)


def gap_statistic(
    X: np.ndarray,
    ks: Iterable[int] = range(1, 10),
    *,
    references: int = REFERENCES,
    random_state: int = SEED,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Compare the log of K-Means' inertia with its mean over reference sets: by k ``gap gap_se gap_rule``.

    Squared distances, as in the paper, and its version (b): each reference set is drawn uniformly over the
    box that holds the data along their principal axes. ``gap_se`` is the paper's s_k: the standard deviation
    times √(1 + 1/B); ``gap_rule`` says whether gap(k) ≥ gap(k + 1) − s(k + 1), so k + 1 is fitted too, and
    must be below the number of distinct customers. Tibshirani, Walther and Hastie (2001), Estimating the
    number of clusters in a data set via the gap statistic.
    """
    ks = list(ks)
    fitted = sorted({*ks, *(k + 1 for k in ks)})
    X = check_fit(X, fitted)
    seeds = np.random.SeedSequence(random_state).spawn(references)
    drawn = [reference_set(X, np.random.default_rng(seed)) for seed in seeds]
    logs = Parallel(n_jobs=n_jobs)(delayed(_log_inertias)(each, fitted, random_state) for each in [X, *drawn])
    observed, expected = logs[0], np.array(logs[1:])
    se = expected.std(axis=0) * np.sqrt(1 + 1 / references)
    gap = expected.mean(axis=0) - observed
    table = pd.DataFrame({"gap": gap, "gap_se": se}, index=pd.Index(fitted, name="k")).loc[ks]
    following = [fitted.index(k + 1) for k in ks]
    return table.assign(gap_rule=table["gap"] >= gap[following] - se[following])


def reference_set(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw as many points as `X` has, uniformly over its box along the principal axes."""
    centre = X.mean(axis=0)
    axes = np.linalg.svd(X - centre, full_matrices=False)[2]
    turned = (X - centre) @ axes.T
    return rng.uniform(turned.min(axis=0), turned.max(axis=0), X.shape) @ axes + centre


def _log_inertias(X: np.ndarray, ks: list[int], random_state: int) -> list[float]:
    fits = [fit_kmeans(X, k, random_state=random_state, n_init=10) for k in ks]
    return [float(np.log(fit.inertia_)) for fit in fits]


def prediction_strength(
    X: np.ndarray,
    ks: Iterable[int] = range(1, 9),
    *,
    splits: int = SPLITS,
    random_state: int = SEED,
    n_jobs: int | None = None,
) -> pd.Series:
    """Mean prediction strength (0…1) of K-Means over random halves, each predicting the other; 1 at k = 1.

    Tibshirani and Walther (2005), Cluster validation by prediction strength.
    """
    ks = list(ks)
    X = check_fit(X, ks)
    seeds = np.random.SeedSequence(random_state).spawn(splits)
    values = Parallel(n_jobs=n_jobs)(delayed(_one_split)(X, ks, seed, random_state) for seed in seeds)
    return pd.Series(np.mean(values, axis=0), index=pd.Index(ks, name="k"), name="prediction_strength")


def _one_split(X: np.ndarray, ks: list[int], seed: np.random.SeedSequence, random_state: int) -> list[float]:
    """Let each half predict the other, and take the mean."""
    halves, strengths = np.split(X[np.random.default_rng(seed).permutation(len(X))], [len(X) // 2]), []
    with one_thread():
        for k in ks:
            one, other = (fit_kmeans(half, k, random_state=random_state, n_init=10) for half in halves)
            first = strength(one.labels_, other.predict(halves[0]))
            strengths.append((first + strength(other.labels_, one.predict(halves[1]))) / 2)
    return strengths


def strength(labels: np.ndarray, predicted: np.ndarray) -> float:
    """Return the least share, over clusters, of pairs that the other half's prediction also puts together.

    A cluster of a single customer has no pairs, and counts as 1.
    """
    together = contingency_matrix(labels, predicted)
    pairs, n = (together * (together - 1)).sum(axis=1), together.sum(axis=1)
    return float(np.min(pairs[n > 1] / (n * (n - 1))[n > 1], initial=1))
