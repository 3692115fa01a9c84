"""Six amounts in, an answer out. NumPy only: nothing here unpickles or fits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wholesale.amounts import Amount, check_amounts, parse_amounts
from wholesale.columns import MODELS
from wholesale.measure import Measured, measure
from wholesale.predictor import Predictor, load_predictor

__all__ = ["Prediction", "Predictor", "Reading", "load_predictor", "predict_segment", "predict_segments"]

UNFAMILIAR = 0.01
"""A customer less familiar than this is called unlike 99% of the customers on record."""


@dataclass(frozen=True)
class Reading:
    """What one model says of one customer.

    Attributes
    ----------
    segment : int
        1…k.
    name : str
        That segment's name.
    scores : tuple of float
        One per segment: K-Means distances in standardized units, GMM probabilities, or Ward merge costs.
    overlap : float
        Jaccard (0…1) of this segment with the customer's K-Means segment, among the customers on record.
    """

    segment: int
    name: str
    scores: tuple[float, ...]
    overlap: float


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


def predict_segment(predictor: Predictor, spend: Mapping[str, Amount] | Sequence[Amount]) -> Prediction:
    """Answer for one customer.

    Parameters
    ----------
    predictor : Predictor
    spend : mapping or sequence
        Six yearly amounts in m.u., ≥ 0, by the names in ``SPEND_COLUMNS`` or in that order.

    Returns
    -------
    Prediction

    Raises
    ------
    ValueError
        In one sentence that names each amount at fault.
    """
    return read_off(predictor, measure(predictor, parse_amounts(spend)[None, :]))


def read_off(predictor: Predictor, measured: Measured) -> Prediction:
    """Read the answer for the first customer off what was measured."""
    kmeans = int(measured.segment["kmeans"][0])

    def reading(model: str) -> Reading:
        i = int(measured.segment[model][0])
        scores = tuple(measured.scores[model][0].tolist())
        overlap = float(predictor.overlap[model][i, kmeans])
        return Reading(i + 1, predictor.names[model][i], scores, overlap)

    return Prediction(
        kmeans=reading("kmeans"),
        gmm=reading("gmm") if predictor.has_mixture else None,
        ward=reading("ward"),
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
    amounts : ndarray of shape (n, 6)
        Yearly amounts in m.u., finite and ≥ 0, in ``SPEND_COLUMNS`` order.

    Returns
    -------
    dict of str to ndarray of shape (n,)
        ``kmeans_segment kmeans_name gmm_segment gmm_name gmm_p1…gmm_pk ward_segment ward_name agreement
        clarity familiarity unfamiliar``, as in `Prediction`; where there is no mixture, its numbers and the
        familiarity are NaN, its names None.

    Raises
    ------
    ValueError
        In one sentence that names the first row (from 1) and amount at fault.
    """
    measured = measure(predictor, check_amounts(amounts))
    answer = {}
    none = np.full((len(amounts), predictor.n_segments), np.nan)
    for model in MODELS:
        names = np.array(predictor.names.get(model, [None]), dtype=object)
        answer[f"{model}_segment"] = measured.segment[model] + 1 if model in measured.segment else none[:, 0]
        answer[f"{model}_name"] = names[measured.segment.get(model, np.zeros(len(amounts), dtype=int))]
        if model == "gmm":
            answer |= {f"gmm_p{i}": p for i, p in enumerate(measured.scores.get("gmm", none).T, start=1)}
    familiarity = measured.familiarity
    flags = {"agreement": measured.agreement, "clarity": measured.clarity, "familiarity": familiarity}
    return answer | flags | {"unfamiliar": familiarity < UNFAMILIAR}
