"""Amounts in, an answer out. NumPy only: nothing here unpickles or fits.

`measure` is the numeric kernel, whole arrays in and out. Its sums run without BLAS, so a row's numbers do not
depend on how many rows come with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from wholesale.amounts import Amount, check_amounts, parse_amounts
from wholesale.columns import MODELS
from wholesale.predictor import Predictor, load_predictor

__all__ = ["Prediction", "Predictor", "Reading", "load_predictor", "predict_segment", "predict_segments"]

UNFAMILIAR = 0.01
"""A customer less familiar than this is called unlike 99% of the customers on record."""


@dataclass(frozen=True)
class Reading:
    """What one model says of one customer."""

    segment: int  # 1…k
    name: str  # that segment's
    scores: tuple[float, ...]  # per segment: distances (standardized), probabilities, or merge costs
    overlap: float  # Jaccard index (0…1) with the customer's K-Means segment, on record


@dataclass(frozen=True)
class Prediction:
    """What the three models say of one customer.

    Attributes
    ----------
    kmeans, gmm, ward : Reading
        ``gmm`` is None where there is no mixture.
    clarity : float
        Distance to the second nearest K-Means centre over the distance to the nearest; 1 is a tie, and
        it is infinite for a customer exactly on a centre.
    agreement : int
        1…3: models whose segment is the same as, or similar to, the K-Means segment (itself included).
    familiarity : float, optional
        Share (0…1) of the customers on record that the mixture finds no more likely than this one, each of
        them scored by a mixture that did not see it. One with a recorded customer's amounts takes that
        customer's own such score (of several alike the highest), itself counted: at least 1/n of n.
        None where there is no mixture.
    unfamiliar : bool
        Whether familiarity is under 1%.
    """

    kmeans: Reading
    gmm: Reading | None
    ward: Reading
    clarity: float
    agreement: int
    familiarity: float | None
    unfamiliar: bool


class Measured(NamedTuple):
    """Everything measured of n customers; `segment` counts from 0. What no mixture tells is NaN."""

    segment: dict[str, np.ndarray]
    scores: dict[str, np.ndarray]
    clarity: np.ndarray
    agreement: np.ndarray
    familiarity: np.ndarray


def predict_segment(predictor: Predictor, spend: Mapping[str, Amount] | Sequence[Amount]) -> Prediction:
    """Answer for one customer.

    Parameters
    ----------
    predictor : Predictor
    spend : mapping or sequence
        Amounts ≥ 0, by the names of the predictor's categories or in their order. A ValueError names each
        amount at fault, in one sentence.
    """
    return read_off(predictor, measure_one(predictor, parse_amounts(spend, predictor.categories)))


def read_off(predictor: Predictor, measured: Measured) -> Prediction:
    """Read the answer for the first customer off what was measured."""
    kmeans = int(measured.segment["kmeans"][0])
    readings: dict[str, Any] = dict.fromkeys(MODELS)
    for model, segment in measured.segment.items():
        i, scores = int(segment[0]), tuple(measured.scores[model][0].tolist())
        overlap = float(predictor.overlap[model][i, kmeans])
        readings[model] = Reading(i + 1, predictor.names[model][i], scores, overlap)
    return Prediction(
        **readings,
        clarity=float(measured.clarity[0]),
        agreement=int(measured.agreement[0]),
        familiarity=float(measured.familiarity[0]) if predictor.has_mixture else None,
        unfamiliar=bool(measured.familiarity[0] < UNFAMILIAR),
    )


def predict_segments(predictor: Predictor, amounts: np.ndarray) -> dict[str, np.ndarray]:
    """Answer for many customers at once.

    Parameters
    ----------
    predictor : Predictor
    amounts : ndarray of shape (n, d)
        Finite and ≥ 0, a column per category of the predictor, in their order. A ValueError names the first
        row (from 1) and amount at fault, in one sentence.

    Returns
    -------
    dict of str to ndarray of shape (n,)
        ``kmeans_segment kmeans_name gmm_segment gmm_name gmm_p1…gmm_pk ward_segment ward_name agreement
        clarity familiarity unfamiliar``, as in `Prediction`; where there is no mixture, its numbers and the
        familiarity are NaN, its names None.
    """
    measured = measure(predictor, check_amounts(amounts, predictor.categories))
    answer, none = {}, np.full((len(amounts), predictor.n_segments), np.nan)
    for model in MODELS:
        names = np.array(predictor.names.get(model, [None]), dtype=object)
        answer[f"{model}_segment"] = measured.segment[model] + 1 if model in measured.segment else none[:, 0]
        answer[f"{model}_name"] = names[measured.segment.get(model, np.zeros(len(amounts), dtype=int))]
        if model == "gmm":
            answer |= {f"gmm_p{i}": p for i, p in enumerate(measured.scores.get("gmm", none).T, start=1)}
    flags = {name: getattr(measured, name) for name in ("agreement", "clarity", "familiarity")}
    return answer | flags | {"unfamiliar": measured.familiarity < UNFAMILIAR}


def measure_one(predictor: Predictor, amounts: np.ndarray) -> Measured:
    """Measure one customer, shape (d,), as the first of two alike: alone, each model would double it."""
    return measure(predictor, np.array([amounts, amounts]))


def measure(predictor: Predictor, amounts: np.ndarray) -> Measured:
    """Measure customers, given their amounts, shape (n, d), all finite and ≥ 0."""
    X, k = predictor.standardize(np.asfortranarray(amounts)), predictor.n_segments  # sums run down columns
    squares = squared_distances(X, predictor.placing_centers)
    scores = {"kmeans": np.sqrt(squares[:, :k]), "ward": predictor.merge_weights * squares[:, k:]}
    segment = {model: each.argmin(axis=1) for model, each in scores.items()}
    if predictor.has_mixture:
        scores["gmm"], density = mixture(predictor, X)
        segment["gmm"] = scores["gmm"].argmax(axis=1)
        share = familiarity(predictor, X, density)
    else:
        share = np.full(len(X), np.nan)
    agreement: Any = 1  # K-Means agrees with itself
    for model, each in predictor.similar_to_kmeans.items():
        agreement = agreement + each[segment[model], segment["kmeans"]]
    nearest, second, *_ = np.sort(scores["kmeans"], axis=1).T
    with np.errstate(divide="ignore"):
        clarity = second / nearest
    return Measured(segment, scores, clarity, agreement, share)


def squared_distances(X: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances of rows (n, d) to centres (k, d), shape (n, k)."""
    gaps = _columns(X) - centers[:, :, None]
    return np.einsum("kdn,kdn->kn", gaps, gaps)[:, : len(X)].T


def mixture(predictor: Predictor, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Membership probabilities (n, k) and log-densities (n,) of rows (n, d) in standardized units."""
    gaps = _columns(X) - predictor.centers["gmm"][:, :, None]
    whitened = np.einsum("kdn,kde->ken", gaps, predictor.precisions_cholesky)
    squares = np.einsum("ken,ken->kn", whitened, whitened)[:, : len(X)]
    joint = predictor.log_constants[:, None] - 0.5 * squares
    top = np.maximum.reduce(joint)  # over components, and sooner than `max` for few rows
    probabilities = np.exp(joint - top)
    total = np.add.reduce(probabilities)
    return (probabilities / total).T, top + np.log(total)


def familiarity(predictor: Predictor, X: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Rank rows (n, d) by the mixture's `density`, and customers on record by their own held-out one.

    Who is on record shows in `X`: the models cannot tell equal rows apart. Several on record that are equal
    all have the highest of theirs, as ties have in a ranking. Their density by the mixture that saw them
    stands among the marks of the ranking, so that the one search finds them too, nearly free.
    """
    marks, shares, rows, own = _ranking(predictor)
    at = marks.searchsorted(density, side="right")
    share, at = shares[at], at - 1
    (found,) = (marks[at] == density).nonzero()
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
