"""How far the models agree, as partitions and customer by customer."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from wholesale.palette import SIMILAR
from wholesale.segments import overlap


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


def models_agreeing(labels_by_model: Mapping[str, np.ndarray], *, similar: float = SIMILAR) -> np.ndarray:
    """Count, for each customer, the models whose segment is at least similar to its K-Means segment.

    Parameters
    ----------
    labels_by_model : mapping of str to ndarray of shape (n_customers,)
        With the key ``"kmeans"``; K-Means agrees with itself.
    similar : float
        Jaccard index (0…1) from which two segments count as similar; this project's convention is 0.4.

    Returns
    -------
    ndarray of int, shape (n_customers,)
        1 to the number of models.
    """
    kmeans = np.asarray(labels_by_model["kmeans"])
    column = np.unique(kmeans, return_inverse=True)[1]
    agreeing = np.zeros(len(kmeans), dtype=int)
    for labels in labels_by_model.values():
        row = np.unique(labels, return_inverse=True)[1]
        agreeing += overlap(kmeans, labels)[row, column] >= similar
    return agreeing


def contested(
    customers: pd.DataFrame, labels_by_model: Mapping[str, np.ndarray], *, similar: float = SIMILAR
) -> pd.DataFrame:
    """List the customers on whom not all models agree.

    Parameters
    ----------
    customers : DataFrame
    labels_by_model : mapping of str to ndarray of shape (n_customers,)
    similar : float
        As in `models_agreeing`.

    Returns
    -------
    DataFrame
        Those rows of `customers`, with a column ``<model>_segment`` per model and ``agreement``; the most
        contested first.
    """
    segments = {f"{model}_segment": labels for model, labels in labels_by_model.items()}
    table = customers.assign(**segments, agreement=models_agreeing(labels_by_model, similar=similar))
    return table[table["agreement"] < len(labels_by_model)].sort_values("agreement", kind="stable")
