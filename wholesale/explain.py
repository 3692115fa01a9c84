"""Why a customer is in its K-Means segment, what would change that, and who is alike. NumPy only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wholesale.amounts import Amount, parse_amounts
from wholesale.columns import CODES
from wholesale.predict import Prediction, measure_one, read_off, squared_distances
from wholesale.predictor import Predictor

OVERSHOOT = 0.01  # standardized units by which a rounded amount may pass the tie: small ones get decimals
HAIR = 1e-12  # added to a margin between squared distances, relative to their size, to be past rounding
ALIKE = 5  # similar customers that are listed


@dataclass(frozen=True)
class Reason:
    """What a category says for its segment (`contribution` > 0) or against it."""

    column: str
    amount: float
    centre: float
    rival_centre: float
    contribution: float  # how much nearer it makes the centre than the rival's, in squares, which add up


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
    changes: tuple[Change, ...]  # for each other segment that one change leads to; the smallest first
    same: tuple[int, ...]  # customers on record with exactly these amounts
    alike: tuple[Alike, ...]  # the most similar of the others, nearest first


def explain(predictor: Predictor, spend: Mapping[str, Amount] | Sequence[Amount]) -> Explanation:
    """Explain one customer's K-Means segment; takes and refuses what `predict_segment` does."""
    return predict_and_explain(predictor, parse_amounts(spend, predictor.categories))[1]


def predict_and_explain(predictor: Predictor, amounts: np.ndarray) -> tuple[Prediction, Explanation]:
    """Predict and explain one customer whose amounts are parsed already, measured once for both."""
    measured = measure_one(predictor, amounts)
    nearest, rival = np.argsort(measured.scores["kmeans"][0], kind="stable")[:2].tolist()
    z, same = predictor.standardize(amounts), on_record(predictor, amounts)
    centres = predictor.centers["kmeans"][[nearest, rival]]
    to_own, to_rival = (z - centres) ** 2
    rows = np.array([amounts, *predictor.amounts_at(centres), to_rival - to_own]).tolist()
    changes = tuple(_smallest_changes(predictor, amounts, z, nearest))
    explanation = Explanation(
        rival=rival + 1,
        rival_name=predictor.names["kmeans"][rival],
        reasons=tuple(map(Reason, predictor.categories.columns, *rows)),
        change=changes[0] if changes else None,
        changes=changes,
        same=same,
        alike=tuple(_similar_customers(predictor, z, same)),
    )
    return read_off(predictor, measured), explanation


def on_record(predictor: Predictor, amounts: np.ndarray) -> tuple[int, ...]:
    """Number the customers on record, from 1, that have exactly these amounts."""
    return tuple((np.flatnonzero((predictor.amounts == amounts).all(axis=1)) + 1).tolist())


def _smallest_changes(
    predictor: Predictor, amounts: np.ndarray, z: np.ndarray, nearest: int
) -> Iterator[Change]:
    """Yield, for each other K-Means segment, the change of one category that leads there with least movement.

    A counterfactual explanation (Wachter, Mittelstadt and Russell 2018, Harvard Journal of Law &
    Technology 31(2)) with a closed form, see `_entries`. The amount is rounded past the border, to whole
    units where that goes no further than `OVERSHOOT`, and kept only if predicting it gives another
    segment. The smallest first; a segment is missing where no amount of any one category leads to it, from
    none to the highest on record.
    """
    others = set(range(predictor.n_segments)) - {nearest}
    for i, border in _entries(predictor, amounts, z, nearest):
        to = _past(amounts[i], border, predictor.scale[i])
        changed = predictor.standardize(np.where(np.arange(len(amounts)) == i, to, amounts))
        distances = np.sqrt(squared_distances(changed[None, :], predictor.centers["kmeans"]))
        segment = int(distances.argmin())  # near a border, the root decides
        if segment in others:
            name, column = predictor.names["kmeans"][segment], predictor.categories.columns[i]
            yield Change(column, float(amounts[i]), to, segment + 1, name)
            others.remove(segment)
        if not others:
            break


def _similar_customers(predictor: Predictor, z: np.ndarray, same: Sequence[int]) -> Iterator[Alike]:
    """Yield the customers on record nearest to `z`, nearest first, but for those of the `same` amounts."""
    distances = np.sqrt(squared_distances(predictor.on_record, z[None, :])[:, 0])
    distances[[number - 1 for number in same]] = np.inf
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


def _entries(
    predictor: Predictor, amounts: np.ndarray, z: np.ndarray, nearest: int
) -> Iterator[tuple[int, float]]:
    """Yield each category and the amount at which a segment is entered, the least standardized step first.

    As one coordinate moves by t, the difference of the squared distances to two centres is linear in t, with
    twice their gap in that coordinate as its slope. So the steps at which a segment's centre is the nearest
    of all are an interval, and it is entered at the end nearer to 0. A `HAIR` is added, to be past the tie.
    """
    centers, places = predictor.centers["kmeans"], np.arange(predictor.n_segments)
    others = places[places != nearest]
    squares = squared_distances(z[None, :], centers)[0]
    margins = (squares + HAIR * (1 + squares))[others, None] - squares  # of each other segment over every one
    margins[others[:, None] == places] = 0
    slopes = 2 * (centers - centers[others, None])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ends = -margins[..., None] / slopes
        first = np.where(slopes < 0, ends, -np.inf).max(axis=1)
        last = np.where(slopes > 0, ends, np.inf).min(axis=1)
        steps = np.where(first > 0, first, last)
        steps[(first > last) | ((slopes == 0) & (margins[..., None] > 0)).any(axis=1)] = np.inf
        borders = np.expm1(np.log1p(amounts) + predictor.scale * steps)
    highest = np.maximum(predictor.amounts.max(axis=0), amounts)  # nobody on record spends more
    possible = (borders > -OVERSHOOT) & (borders <= highest)  # just below zero may be zero but for rounding
    for place in np.argsort(np.abs(steps), axis=None, kind="stable").tolist():
        if possible.flat[place]:
            yield place % len(amounts), max(float(borders.flat[place]), 0.0)


def _past(amount: float, tie: float, scale: float) -> float:
    """Round a tie away from the amount, with as few decimals as `OVERSHOOT` allows."""
    onwards = np.ceil if tie > amount else np.floor
    for decimals in range(13):
        to = float(onwards(tie * 10.0**decimals) / 10.0**decimals)
        if abs(np.log1p(to) - np.log1p(tie)) <= OVERSHOOT * scale:
            break
    return to
