"""The numeric kernel: whole arrays in, whole arrays out, NumPy only.

Sums run without BLAS, so a row's numbers do not depend on how many rows come with it.
"""

from functools import lru_cache
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
    familiarity: np.ndarray


def measure(predictor: Predictor, amounts: np.ndarray) -> Measured:
    """Measure customers, given their amounts in m.u., shape (n, 6), all finite and ≥ 0."""
    X = predictor.standardize(np.asfortranarray(amounts))  # sums then run down whole columns
    distances = np.sqrt(squared_distances(X, predictor.centers["kmeans"]))
    costs = predictor.merge_weights * squared_distances(X, predictor.centers["ward"])
    scores, share = {"kmeans": distances, "ward": costs}, np.full(len(X), np.nan)
    segment = {"kmeans": distances.argmin(axis=1), "ward": costs.argmin(axis=1)}
    if predictor.has_mixture:
        scores["gmm"], density = mixture(predictor, X)
        segment["gmm"] = scores["gmm"].argmax(axis=1)
        share = familiarity(predictor, X, density)
    others = (its[segment[m], segment["kmeans"]] for m, its in predictor.overlap.items() if m != "kmeans")
    nearest = np.sort(distances, axis=1)
    with np.errstate(divide="ignore"):
        clarity = nearest[:, 1] / nearest[:, 0]
    return Measured(
        segment=segment,
        scores=scores,
        clarity=clarity,
        agreement=sum((overlap >= SIMILAR for overlap in others), start=np.ones(len(X), dtype=int)),
        familiarity=share,
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


def familiarity(predictor: Predictor, X: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Rank rows (n, 6) by the mixture's `density`, and customers on record by their own held-out one.

    Who is on record shows in `X`: the models cannot tell equal rows apart. Several on record that are equal
    all have the highest of theirs, as ties have in a ranking. Their density by the mixture that saw them
    stands among the marks of the ranking, so that the one search finds them too, nearly free.
    """
    marks, shares, rows, own = _ranking(predictor)
    at = marks.searchsorted(density, side="right")
    share, at = shares[at], at - 1
    found = np.flatnonzero(marks[at] == density)
    if len(found):
        found = found[(rows[at[found]] == X[found]).all(axis=1)]
        share[found] = own[at[found]]
    return share


@lru_cache(maxsize=4)
def _ranking(predictor: Predictor) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Merge the held-out densities with those, by the mixture, of the distinct customers on record.

    Ascending marks; the share of held-out ones among the first 0, 1, 2… marks; and of each mark that is a
    customer's by the mixture its row in standardized units and its own share (NaN at the others).
    """
    X, held_out = predictor.standardize(np.asfortranarray(predictor.amounts)), np.sort(predictor.densities)
    rows, first, copy = np.unique(X, axis=0, return_index=True, return_inverse=True)
    highest = np.full(len(rows), -np.inf)
    np.maximum.at(highest, copy.ravel(), predictor.densities)
    own = held_out.searchsorted(highest, side="right") / len(held_out)
    marks = np.append(held_out, mixture(predictor, X)[1][first])
    order = marks.argsort(kind="stable")  # of equal marks, the customer's comes last, where it is looked for
    shares = np.append(0, np.cumsum(order < len(held_out))) / len(held_out)
    missing = np.full((len(held_out), X.shape[1] + 1), np.nan)
    known = np.vstack([missing, np.column_stack([rows, own])])[order]
    return marks[order], shares, known[:, :-1], known[:, -1]


def _columns(X: np.ndarray) -> np.ndarray:
    """Turn rows into columns, two at least: with one alone, einsum adds up in another order."""
    return X.T if len(X) > 1 else np.repeat(X.T, 2, axis=1)


def owners(linkage: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """Return the segment (1…k) in which each of the 2n - 1 nodes lies, 0 for a merge of several."""
    owner = np.concatenate([segments, np.zeros(len(linkage), dtype=int)])
    for node, (left, right) in enumerate(linkage[:, :2].astype(int), start=len(segments)):
        owner[node] = owner[left] if owner[left] == owner[right] else 0
    return owner


def cut_height(linkage: np.ndarray, n_segments: int) -> float:
    """Return the height midway between the last merge within a segment and the first across segments."""
    heights = np.concatenate([[0.0], linkage[:, 2], [linkage[-1, 2] * 1.05]])
    last = len(linkage) + 1 - n_segments
    return float(heights[last : last + 2].mean())
