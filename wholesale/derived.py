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

from wholesale.columns import SPEND_COLUMNS
from wholesale.models import SEED, TOL, cholesky_of_precisions, fit_quietly, polish
from wholesale.segments import name_segments, overlap, profile_segments


def predictor_numbers(
    customers: pd.DataFrame,
    standardizer: Pipeline,
    kmeans: KMeans,
    gmm: GaussianMixture | None,
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
    labels = labels_by_model(X, kmeans, gmm, ward)
    profiles = {model: profile_segments(customers, its) for model, its in labels.items()}
    centers = {"kmeans": kmeans.cluster_centers_, "ward": profiles["ward"]["standardized"]}
    return _plain(
        {
            "mean": standardizer["standardize"].mean_,
            "scale": standardizer["standardize"].scale_,
            "names": {model: list(name_segments(its).values()) for model, its in profiles.items()},
            "sizes": {model: its["customers", "size"] for model, its in profiles.items()},
            "typical": {model: its["typical"][amounts.columns] for model, its in profiles.items()},
            "overlap": {model: overlap(labels["kmeans"], its) for model, its in labels.items()},
            "centers": centers if gmm is None else centers | {"gmm": gmm.means_},
            "covariance": gmm and gmm.covariance_type,
            "weights": gmm and gmm.weights_,
            "precisions_cholesky": gmm and cholesky_of_precisions(gmm),
            "densities": gmm and cross_validated_log_density(gmm, X),
            "linkage": ward_linkage(ward),
            "amounts": amounts,
            "channel": customers.get("Channel"),
            "region": customers.get("Region"),
            "segments": labels,
        }
    )


def labels_by_model(
    X: np.ndarray, kmeans: KMeans, gmm: GaussianMixture | None, ward: AgglomerativeClustering
) -> dict[str, np.ndarray]:
    """Number the segments 1…k of the customers that renumbered models were fitted on."""
    found = {"kmeans": kmeans.labels_, "gmm": gmm and gmm.predict(X), "ward": ward.labels_}
    return {model: labels + 1 for model, labels in found.items() if labels is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(leaf) for key, leaf in value.items()}
    return None if value is None else np.asarray(value).tolist()


def measures(
    X: np.ndarray,
    kmeans: KMeans,
    gmm: GaussianMixture | None,
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
        `stability` says of the model's segments, if anything. None for a mixture that there is not.
    """
    labels = labels_by_model(X, kmeans, gmm, ward)
    metrics: dict[str, Any] = {
        model: {
            "sizes": np.bincount(its)[1:].tolist(),
            "silhouette": float(silhouette_score(X, its)),
            **({"stability": stability[model]} if model in stability else {}),
        }
        for model, its in labels.items()
    }
    metrics["kmeans"]["inertia"] = float(kmeans.inertia_)
    metrics["ward"]["self_placement"] = ward_self_placement(X, labels["ward"])
    if gmm is None:
        return metrics | {"gmm": None}
    kind = {"covariance": gmm.covariance_type, "bic": float(gmm.bic(X)), "restarts": gmm.restarts_}
    return metrics | {"gmm": metrics["gmm"] | kind}


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
