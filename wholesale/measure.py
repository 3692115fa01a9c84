"""The numeric kernel: whole arrays in, whole arrays out, NumPy only.

Sums run without BLAS, so a row's numbers do not depend on how many rows come with it.
"""

from typing import NamedTuple

import numpy as np

from wholesale.palette import SIMILAR
from wholesale.predictor import Predictor


class Measured(NamedTuple):
    """Everything measured of n customers; `segment` counts from 0. What no mixture tells is NaN."""

    segment: dict[str, np.ndarray]
    scores: dict[str, np.ndarray]
    clarity: np.ndarray
    agreement: np.ndarray
    density: np.ndarray
    familiarity: np.ndarray


def measure(predictor: Predictor, amounts: np.ndarray) -> Measured:
    """Measure customers, given their amounts in m.u., shape (n, 6), all finite and ≥ 0."""
    X = predictor.standardize(np.asfortranarray(amounts))  # sums then run down whole columns
    distances = np.sqrt(squared_distances(X, predictor.centers["kmeans"]))
    costs = predictor.merge_weights * squared_distances(X, predictor.centers["ward"])
    scores, density = {"kmeans": distances, "ward": costs}, np.full(len(X), np.nan)
    segment = {"kmeans": distances.argmin(axis=1), "ward": costs.argmin(axis=1)}
    familiarity = density
    if predictor.has_mixture:
        scores["gmm"], density = mixture(predictor, X)
        segment["gmm"] = scores["gmm"].argmax(axis=1)
        rank = np.searchsorted(predictor.densities, density, side="right")
        familiarity = rank / len(predictor.densities)
    others = (its[segment[m], segment["kmeans"]] for m, its in predictor.overlap.items() if m != "kmeans")
    nearest = np.sort(distances, axis=1)
    with np.errstate(divide="ignore"):
        clarity = nearest[:, 1] / nearest[:, 0]
    return Measured(
        segment=segment,
        scores=scores,
        clarity=clarity,
        agreement=sum((overlap >= SIMILAR for overlap in others), start=np.ones(len(X), dtype=int)),
        density=density,
        familiarity=familiarity,
    )


def squared_distances(X: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances of rows (n, 6) to centres (k, 6), shape (n, k)."""
    gaps = _columns(X) - centers[:, :, None]
    return np.einsum("kdn,kdn->kn", gaps, gaps)[:, : len(X)].T


def mixture(predictor: Predictor, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Membership probabilities (n, k) and log-densities (n,) of rows (n, 6) in standardized units."""
    gaps = _columns(X) - predictor.centers["gmm"][:, :, None]
    whitened = np.einsum("kdn,kde->ken", gaps, predictor.precisions_cholesky)
    squares = np.einsum("ken,ken->kn", whitened, whitened)[:, : len(X)]
    joint = predictor.log_constants[:, None] - 0.5 * squares
    top = joint.max(axis=0)
    probabilities = np.exp(joint - top)
    total = probabilities.sum(axis=0)
    return (probabilities / total).T, top + np.log(total)


def _columns(X: np.ndarray) -> np.ndarray:
    """Turn rows into columns, two at least: with one alone, einsum adds up in another order."""
    return X.T if len(X) > 1 else np.repeat(X.T, 2, axis=1)
