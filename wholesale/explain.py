"""Why a customer is in its K-Means segment, what would change that, and who is alike. NumPy only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap

import numpy as np

from wholesale.amounts import Amount, parse_amounts
from wholesale.columns import CODES
from wholesale.predict import Prediction, measure, read_off, squared_distances
from wholesale.predictor import Predictor

Spend = Mapping[str, Amount] | Sequence[Amount]

OVERSHOOT = 0.01  # standardized units by which a rounded amount may pass the tie: small ones get decimals
HAIR = 1e-12  # added to a margin between squared distances, relative to their size, to be past rounding
ALIKE = 5  # similar customers that are listed


@dataclass(frozen=True)
class Reason:
    """What a category says for its segment (`contribution` > 0) or against it, see `_contributions`."""

    column: str
    amount: float
    centre: float
    contribution: float


@dataclass(frozen=True)
class Change:
    """A change of one category, from `amount` to `to`, that leads to another `segment` (1…k)."""

    column: str
    amount: float
    to: float
    segment: int
    name: str


@dataclass(frozen=True)
class Alike:
    """A `customer` on record (from 1), its name if known, its distance and K-Means `segment` (1…k)."""

    customer: int
    called: str | None
    amounts: tuple[float, ...]
    channel: str | None
    region: str | None
    distance: float
    segment: int
    name: str


@dataclass(frozen=True)
class Explanation:
    """All that is said of one customer's K-Means segment."""

    rival: int  # the segment (1…k) of the next nearest centre
    rival_name: str
    reasons: tuple[Reason, ...]  # one per category, in their order
    change: Change | None
    same: tuple[int, ...]  # customers on record with exactly these amounts
    alike: tuple[Alike, ...]  # the most similar of the others, nearest first


def explain(predictor: Predictor, spend: Spend) -> Explanation:
    """Explain one customer's K-Means segment; takes and refuses what `predict_segment` does."""
    return predict_and_explain(predictor, parse_amounts(spend, predictor.categories))[1]


def predict_and_explain(predictor: Predictor, amounts: np.ndarray) -> tuple[Prediction, Explanation]:
    """Predict and explain one customer whose amounts are parsed already, measured once for both."""
    measured = measure(predictor, amounts[None, :])
    nearest, rival = np.argsort(measured.scores["kmeans"][0], kind="stable")[:2].tolist()
    z = predictor.standardize(amounts)
    same = (predictor.amounts == amounts).all(axis=1)
    explanation = Explanation(
        rival=rival + 1,
        rival_name=predictor.names["kmeans"][rival],
        reasons=_contributions(predictor, amounts, z, nearest, rival),
        change=_smallest_change(predictor, amounts, z, nearest),
        same=tuple((np.flatnonzero(same) + 1).tolist()),
        alike=tuple(_similar_customers(predictor, z, same)),
    )
    return read_off(predictor, measured), explanation


def _contributions(
    predictor: Predictor, amounts: np.ndarray, z: np.ndarray, nearest: int, rival: int
) -> tuple[Reason, ...]:
    """Share out among the categories how much nearer the nearest centre is, in squares, which add up."""
    own, next_best = predictor.centers["kmeans"][[nearest, rival]]
    shares = (z - next_best) ** 2 - (z - own) ** 2
    centre = np.maximum(np.expm1(predictor.mean + predictor.scale * own), 0)  # not a rounding error below
    rows = zip(predictor.categories.columns, amounts.tolist(), centre.tolist(), shares.tolist(), strict=True)
    return tuple(starmap(Reason, rows))


def _smallest_change(predictor: Predictor, amounts: np.ndarray, z: np.ndarray, nearest: int) -> Change | None:
    """Find the change of one category that leaves the K-Means segment with the least movement.

    A counterfactual explanation (Wachter, Mittelstadt and Russell 2018, Harvard Journal of Law &
    Technology 31(2)) with a closed form, see `_ties`. The amount is rounded past the tie, to whole
    units where that goes no further than `OVERSHOOT`, and kept only if predicting it gives another
    segment; None where no amount ≥ 0 of any one category does.
    """
    for i, tie in _ties(predictor, amounts, z, nearest):
        to = _past(amounts[i], tie, predictor.scale[i])
        changed = predictor.standardize(np.where(np.arange(len(amounts)) == i, to, amounts))
        distances = np.sqrt(squared_distances(changed[None, :], predictor.centers["kmeans"]))
        if (segment := int(distances.argmin())) != nearest:  # near a tie, the root decides
            name = predictor.names["kmeans"][segment]
            return Change(predictor.categories.columns[i], float(amounts[i]), to, segment + 1, name)
    return None


def _similar_customers(predictor: Predictor, z: np.ndarray, same: np.ndarray) -> Iterator[Alike]:
    """Yield the customers on record nearest to `z`, nearest first, but for those of the `same` amounts."""
    distances = np.sqrt(squared_distances(predictor.on_record, z[None, :])[:, 0])
    distances[same] = np.inf
    for i in np.argsort(distances, kind="stable")[:ALIKE].tolist():
        if distances[i] < np.inf:
            codes = {column: int(each[i]) for column, each in predictor.displayed.items()}
            words = {column: CODES[column].get(code, f"{column} {code}") for column, code in codes.items()}
            segment = int(predictor.segments["kmeans"][i])
            yield Alike(
                customer=i + 1,
                called=(predictor.called[i] if predictor.called else None) or None,
                amounts=tuple(predictor.amounts[i].astype(float).tolist()),
                channel=words.get("Channel"),
                region=words.get("Region"),
                distance=float(distances[i]),
                segment=segment,
                name=predictor.names["kmeans"][segment - 1],
            )


def _ties(predictor: Predictor, amounts: np.ndarray, z: np.ndarray, own: int) -> Iterator[tuple[int, float]]:
    """Yield each category and the amount at which a rival gets nearer, the least standardized step first.

    As one coordinate moves by t, ‖x − rival‖² − ‖x − own‖² is linear in t, with slope 2 (own − rival)
    in that coordinate, so each rival is met once. A `HAIR` is added, to be past the tie itself.
    """
    centers = predictor.centers["kmeans"]
    squares = squared_distances(z[None, :], centers)[0]
    margins = squares - squares[own] + HAIR * (1 + squares)
    with np.errstate(divide="ignore", over="ignore"):
        steps = margins[:, None] / (2 * (centers - centers[own]))  # infinite where the centres do not differ
        ties = np.expm1(np.log1p(amounts) + predictor.scale * steps)
    for place in np.argsort(np.abs(steps), axis=None, kind="stable").tolist():
        if -OVERSHOOT < ties.flat[place] < np.inf:  # a little below zero may be zero but for rounding
            yield place % len(amounts), max(float(ties.flat[place]), 0.0)


def _past(amount: float, tie: float, scale: float) -> float:
    """Round a tie away from the amount, with as few decimals as `OVERSHOOT` allows."""
    onwards = np.ceil if tie > amount else np.floor
    for decimals in range(13):
        to = float(onwards(tie * 10.0**decimals) / 10.0**decimals)
        if abs(np.log1p(to) - np.log1p(tie)) <= OVERSHOOT * scale:
            break
    return to
