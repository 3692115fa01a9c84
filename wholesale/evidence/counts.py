"""What argues for or against a number of segments. `X` is always the log-standardized matrix."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import pdist
from sklearn.metrics import adjusted_rand_score, silhouette_score

from wholesale.models import SEED, fit_gmm, fit_kmeans, fit_ward

LIVE_RESTARTS = 8
"""GMM restarts per initialization method that a notebook can afford for each k."""


def compare_cluster_counts(
    X: np.ndarray, ks: Iterable[int] = range(2, 9), *, random_state: int = SEED, restarts: int = LIVE_RESTARTS
) -> pd.DataFrame:
    """Fit all three models for each number of segments and score them.

    Parameters
    ----------
    X : ndarray of shape (n_customers, 6)
    ks : iterable of int
    random_state : int
    restarts : int
        Of the Gaussian mixture, per initialization method.

    Returns
    -------
    DataFrame indexed by ``k``
        ``kmeans_inertia``; ``kmeans_silhouette``, ``gmm_silhouette`` and ``ward_silhouette`` (−1…1,
        higher is better); ``gmm_bic`` (scikit-learn's sign: lower is better); ``smallest_segment``,
        the smallest size over the three models.

    References
    ----------
    Rousseeuw (1987), Silhouettes: a graphical aid; Schwarz (1978), Estimating the dimension of a model.
    """
    rows = {k: _scores(X, k, random_state=random_state, restarts=restarts) for k in ks}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("k")


def _scores(X: np.ndarray, k: int, *, random_state: int, restarts: int) -> dict[str, float]:
    kmeans = fit_kmeans(X, k, random_state=random_state)
    gmm = fit_gmm(X, k, random_state=random_state, restarts=restarts)
    labels = {"kmeans": kmeans.labels_, "gmm": gmm.predict(X), "ward": fit_ward(X, k).labels_}
    return {
        "kmeans_inertia": kmeans.inertia_,
        **{f"{model}_silhouette": silhouette_score(X, its) for model, its in labels.items()},
        "gmm_bic": gmm.bic(X),
        "smallest_segment": min(np.unique(its, return_counts=True)[1].min() for its in labels.values()),
    }


def agreement(labels_by_model: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Adjusted Rand index of every pair of partitions.

    Parameters
    ----------
    labels_by_model : mapping of str to ndarray of shape (n_customers,)

    Returns
    -------
    DataFrame
        Symmetric, 1 on the diagonal; 0 is what chance gives, 1 is identity.

    References
    ----------
    Hubert and Arabie (1985), Comparing partitions.
    """
    pairs = {
        one: {other: adjusted_rand_score(a, b) for other, b in labels_by_model.items()}
        for one, a in labels_by_model.items()
    }
    return pd.DataFrame(pairs)


def cophenetic_correlations(
    X: np.ndarray, methods: Iterable[str] = ("ward", "average", "complete", "single")
) -> pd.Series:
    """Correlate the distances between customers with the heights at which trees join them.

    Parameters
    ----------
    X : ndarray of shape (n_customers, 6)
    methods : iterable of str
        Linkages, as in :func:`scipy.cluster.hierarchy.linkage`.

    Returns
    -------
    Series
        Cophenetic correlation (−1…1) by method.

    References
    ----------
    Sokal and Rohlf (1962), The comparison of dendrograms by objective methods.
    """
    distances = pdist(X)
    correlations = {method: cophenet(linkage(X, method), distances)[0] for method in methods}
    return pd.Series(correlations, name="cophenetic correlation")
