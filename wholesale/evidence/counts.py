"""Three models for every number of segments, and every criterion's opinion of them."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_samples

from wholesale.checks import check_fit
from wholesale.evidence.gap import REFERENCES, gap_statistic
from wholesale.evidence.strength import SPLITS, prediction_strength
from wholesale.models import SEED, ImproperMixture, fit_gmm, fit_kmeans, fit_ward

LIVE_RESTARTS = 8
"""GMM restarts per initialization method that a notebook can afford for each k."""


def compare_cluster_counts(
    X: np.ndarray,
    ks: Iterable[int] = range(2, 9),
    *,
    random_state: int = SEED,
    restarts: int = LIVE_RESTARTS,
    references: int = REFERENCES,
    splits: int = SPLITS,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Fit all three models for each number of segments and score them by every criterion.

    Parameters
    ----------
    X : ndarray of shape (n_customers, 6)
    ks : iterable of int
        1 is allowed; what is not defined there is NaN.
    random_state : int
    restarts : int
        Of the Gaussian mixture, per initialization method.
    references, splits : int
        Reference sets of the gap statistic, and halvings of prediction strength.
    n_jobs : int, optional
        Processes; the numbers do not depend on it.

    Returns
    -------
    DataFrame indexed by ``k``
        ``kmeans_inertia``; ``kmeans_silhouette``, ``gmm_silhouette``, ``ward_silhouette`` (−1…1, higher is
        better) and ``kmeans_negative``, ``gmm_negative``, ``ward_negative``, customers of negative
        silhouette; ``gmm_bic`` (scikit-learn's sign: lower is better; mclust's sign is opposite), NaN if
        no proper mixture was found, and ``gmm_reached``, the share (0…1) of restarts that ended there: a
        small one says that a longer search might find better; ``gap``, ``gap_se``, ``gap_rule`` (see
        `gap_statistic`); ``prediction_strength``; ``calinski_harabasz`` (higher is better) and
        ``davies_bouldin`` (lower is better) of K-Means; ``smallest_segment``, the smallest size over the
        three models.

    Raises
    ------
    ValueError
        As in :func:`wholesale.checks.check_fit`.

    References
    ----------
    Rousseeuw (1987), Silhouettes: a graphical aid; Schwarz (1978), Estimating the dimension of a model;
    Caliński and Harabasz (1974), A dendrite method for cluster analysis; Davies and Bouldin (1979), A
    cluster separation measure.
    """
    ks = list(ks)
    X = check_fit(X, ks)
    rows = {k: _scores(X, k, random_state=random_state, restarts=restarts) for k in ks}
    scores = pd.DataFrame.from_dict(rows, orient="index").rename_axis("k")
    gap = gap_statistic(X, ks, references=references, random_state=random_state, n_jobs=n_jobs)
    strength = prediction_strength(X, ks, splits=splits, random_state=random_state, n_jobs=n_jobs)
    return scores.join([gap, strength])


def _scores(X: np.ndarray, k: int, *, random_state: int, restarts: int) -> dict[str, float]:
    kmeans = fit_kmeans(X, k, random_state=random_state)
    labels, bic, reached = {"kmeans": kmeans.labels_, "ward": fit_ward(X, k).labels_}, np.nan, np.nan
    try:
        gmm = fit_gmm(X, k, random_state=random_state, restarts=restarts)
        labels["gmm"], bic = gmm.predict(X), gmm.bic(X)
        reached = gmm.restarts_["reached"] / gmm.restarts_["tried"]
    except ImproperMixture:
        labels["gmm"] = np.zeros(len(X), dtype=int)  # no partition: its criteria are undefined
    samples = {model: silhouettes(X, its) for model, its in labels.items()}
    return {
        "kmeans_inertia": kmeans.inertia_,
        **{f"{model}_silhouette": its.mean() for model, its in samples.items()},
        # 0 × NaN: undefined where the silhouette is
        **{f"{model}_negative": (its < 0).sum() + 0 * its[0] for model, its in samples.items()},
        "gmm_bic": bic,
        "gmm_reached": reached,
        "calinski_harabasz": calinski_harabasz_score(X, kmeans.labels_) if k > 1 else np.nan,
        "davies_bouldin": davies_bouldin_score(X, kmeans.labels_) if k > 1 else np.nan,
        "smallest_segment": min(np.unique(its, return_counts=True)[1].min() for its in labels.values()),
    }


def silhouettes(X: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Silhouette of each customer, shape (n_customers,): 0 for a lone one, NaN if all are in one segment."""
    if len(np.unique(labels)) == 1:
        return np.full(len(X), np.nan)
    return silhouette_samples(X, labels)
