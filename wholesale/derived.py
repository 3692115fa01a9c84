"""From fitted models to the plain numbers that answers need."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from wholesale.columns import MODELS, SPEND_COLUMNS
from wholesale.models import SEED, TOL, fit_quietly, polish
from wholesale.segments import name_segments, overlap, profile_segments


def predictor_numbers(
    customers: pd.DataFrame,
    standardizer: Pipeline,
    kmeans: KMeans,
    gmm: GaussianMixture,
    ward: AgglomerativeClustering,
) -> dict:
    """Collect what :class:`wholesale.predictor.Predictor` holds, as plain lists.

    Parameters
    ----------
    customers : DataFrame
        Those the models were fitted on; ``Channel`` and ``Region`` may be missing.
    standardizer, kmeans, gmm, ward
        Fitted and renumbered.

    Returns
    -------
    dict
        Ready for JSON.
    """
    amounts = customers[list(SPEND_COLUMNS)]
    X = standardizer.transform(amounts)
    labels = {"kmeans": kmeans.labels_ + 1, "gmm": gmm.predict(X) + 1, "ward": ward.labels_ + 1}
    profiles = {model: profile_segments(customers, labels[model]) for model in MODELS}
    ward_centers = profiles["ward"]["standardized"]
    return _plain(
        {
            "mean": standardizer["standardize"].mean_,
            "scale": standardizer["standardize"].scale_,
            "names": {model: list(name_segments(profiles[model]).values()) for model in MODELS},
            "sizes": {model: profiles[model]["customers", "size"] for model in MODELS},
            "typical": {model: profiles[model]["typical"][amounts.columns] for model in MODELS},
            "overlap": {model: overlap(labels["kmeans"], labels[model]) for model in MODELS},
            "centers": {"kmeans": kmeans.cluster_centers_, "gmm": gmm.means_, "ward": ward_centers},
            "covariance": gmm.covariance_type,
            "weights": gmm.weights_,
            "precisions_cholesky": gmm.precisions_cholesky_,
            "densities": cross_validated_log_density(gmm, X),
            "linkage": ward_linkage(ward),
            "amounts": amounts,
            "channel": customers.get("Channel"),
            "region": customers.get("Region"),
            "segments": labels,
        }
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(leaf) for key, leaf in value.items()}
    return None if value is None else np.asarray(value).tolist()


def measures(
    X: np.ndarray,
    kmeans: KMeans,
    gmm: GaussianMixture,
    ward: AgglomerativeClustering,
    *,
    stability: dict[str, dict],
) -> dict:
    """Measure the fits: sizes and silhouettes of all, and what is particular to each.

    Returns
    -------
    dict
        By model: ``sizes`` and ``silhouette``; K-Means ``inertia``; GMM ``covariance``, ``bic`` and
        ``restarts``; Ward ``self_placement``, the share (0…1) from `ward_self_placement`; and what
        `stability` says of the model's segments, if anything.
    """
    labels = {"kmeans": kmeans.labels_, "gmm": gmm.predict(X), "ward": ward.labels_}
    metrics = {
        model: {
            "sizes": np.bincount(labels[model]).tolist(),
            "silhouette": float(silhouette_score(X, labels[model])),
            **({"stability": stability[model]} if model in stability else {}),
        }
        for model in MODELS
    }
    metrics["kmeans"]["inertia"] = float(kmeans.inertia_)
    metrics["gmm"] |= {"covariance": gmm.covariance_type, "bic": float(gmm.bic(X)), "restarts": gmm.restarts_}
    metrics["ward"]["self_placement"] = ward_self_placement(X, labels["ward"])
    return metrics


def cross_validated_log_density(gmm: GaussianMixture, X: np.ndarray, *, n_splits: int = 20) -> np.ndarray:
    """Score each customer by a mixture that did not see it.

    Parameters
    ----------
    gmm : GaussianMixture
        The kept optimum; each fold's mixture starts from it.
    X : ndarray of shape (n_customers, 6)
    n_splits : int
        Folds, shuffled by ``SEED``.

    Returns
    -------
    ndarray of shape (n_customers,)
        Log-densities in standardized units.
    """
    density = np.empty(len(X))
    folds = KFold(min(n_splits, len(X)), shuffle=True, random_state=SEED)
    with threadpool_limits(1):
        for seen, unseen in folds.split(X):
            fold = GaussianMixture(gmm.n_components, covariance_type=gmm.covariance_type, tol=TOL)
            fold.set_params(weights_init=gmm.weights_, means_init=gmm.means_, precisions_init=gmm.precisions_)
            density[unseen] = polish(fit_quietly(fold, X[seen]), X[seen]).score_samples(X[unseen])
    return density


def ward_linkage(ward: AgglomerativeClustering) -> np.ndarray:
    """Return a fitted tree as SciPy writes it.

    Returns
    -------
    ndarray of shape (n_customers - 1, 4)
        Merged nodes, height, customers below; see :func:`scipy.cluster.hierarchy.linkage`.
    """
    n = ward.n_leaves_
    below = np.ones(n + len(ward.children_))
    for node, (left, right) in enumerate(ward.children_, start=n):
        below[node] = below[left] + below[right]
    return np.column_stack([ward.children_, ward.distances_, below[n:]]).astype(float)


def ward_self_placement(X: np.ndarray, labels: np.ndarray) -> float:
    """Share of customers whom the placement rule puts into their own Ward segment.

    Each customer is left out of its segment's centre and count; the tree itself is not refitted.

    Parameters
    ----------
    X : ndarray of shape (n_customers, 6)
    labels : ndarray of shape (n_customers,)

    Returns
    -------
    float
        0…1.
    """
    segments, own = np.unique(labels, return_inverse=True)
    member = own[:, None] == np.arange(len(segments))
    counts = member.sum(axis=0) - member
    sums = member.T.astype(float) @ X - member[:, :, None] * X[:, None, :]
    gaps = X[:, None, :] - sums / np.maximum(counts, 1)[:, :, None]
    costs = np.where(counts > 0, counts / (counts + 1) * (gaps**2).sum(axis=2), np.inf)
    return float((costs.argmin(axis=1) == own).mean())
