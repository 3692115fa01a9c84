"""What the JSON API answers, apart from how it is sent: a body in, an answer or a list of faults out.

The dataclasses say what an answer looks like; ``openapi`` writes the API's description from them.
"""

import json
import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from wholesale.amounts import parse_amount, shown
from wholesale.columns import SPEND_COLUMNS
from wholesale.explain import Explanation, predict_and_explain
from wholesale.predict import Prediction, Predictor

LIMIT = 1_000_000
"""Bytes that the body of ``POST /api/predict`` may have."""

CUSTOMERS = 1000
"""Customers that one body may hold."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a request."""

    customer: int | None
    field: str | None
    value: str | None
    reason: str


@dataclass(frozen=True)
class Errors:
    """All that is wrong with a request."""

    errors: list[Fault]


class Refused(Exception):
    """A request without an answer: its HTTP status, and all that is wrong with it."""

    def __init__(self, status: int, *faults: Fault, kind: type[Errors] = Errors, **more: Any) -> None:
        super().__init__(status, *faults)
        self.status, self.content = status, kind([*faults], **more)


@dataclass(frozen=True)
class Answer(Prediction):
    """What the three models say of one customer."""

    clarity: float | None  # type: ignore[assignment]  # JSON has no infinity
    explanation: Explanation


@dataclass(frozen=True)
class Answers:
    """An answer for each customer, in order."""

    customers: list[Answer]


@dataclass(frozen=True)
class Segment:
    """A segment of the customers on record."""

    segment: int
    name: str
    customers: int
    typical: dict[str, float]


@dataclass(frozen=True)
class Segments:
    """The segments of each model."""

    kmeans: list[Segment]
    gmm: list[Segment] | None
    ward: list[Segment]


@dataclass(frozen=True)
class Health:
    """That the server answers, and with which models."""

    status: Literal["ok"]
    trained: str
    customers: int
    segments: int


def fault(
    reason: str, customer: int | None = None, field: str | None = None, value: str | None = None
) -> Fault:
    """Describe one thing that is wrong; `customer` is numbered from 1, `field` and `value` are cut short."""
    return Fault(customer, None if field is None else shown(field), value, reason)


def health(predictor: Predictor) -> Health:
    """Say which models answer."""
    manifest = predictor.manifest
    return Health("ok", manifest["trained"], manifest["customers"], predictor.n_segments)


def segments(predictor: Predictor) -> Segments:
    """List each model's segments: number, name, size and typical amounts in m.u.; None of no mixture."""

    def described(model: str) -> list[Segment]:
        rows = zip(predictor.names[model], predictor.sizes[model], predictor.typical[model], strict=True)
        return [
            Segment(i, name, int(size), dict(zip(SPEND_COLUMNS, typical.tolist(), strict=True)))
            for i, (name, size, typical) in enumerate(rows, start=1)
        ]

    return Segments(
        kmeans=described("kmeans"),
        gmm=described("gmm") if predictor.has_mixture else None,
        ward=described("ward"),
    )


def answer(predictor: Predictor, body: bytes) -> dict:
    """Give the `Answer` or `Answers` to the body of ``POST /api/predict``, or refuse it with every fault."""
    document = _read(body)
    many = isinstance(document, dict) and "customers" in document
    customers = _several(document) if many else [document]
    read = [_amounts(spend, i if many else None) for i, spend in enumerate(customers, start=1)]
    if faults := [fault for _, faults in read for fault in faults]:
        raise Refused(422, *faults)
    answers = [_one(predictor, amounts) for amounts, _ in read]
    return {"customers": answers} if many else answers[0]


def _one(predictor: Predictor, amounts: dict[str, float]) -> dict:
    prediction, explanation = predict_and_explain(predictor, np.array(list(amounts.values())))
    clarity = prediction.clarity if math.isfinite(prediction.clarity) else None
    return asdict(Answer(**vars(prediction) | {"clarity": clarity}, explanation=explanation))


def _read(body: bytes) -> Any:
    try:
        return json.loads(
            body.decode(),
            parse_int=_whole,
            parse_float=_decimal,
            parse_constant=_no_number,
            object_pairs_hook=_without_repeats,
        )
    except RecursionError:
        reason = "it is nested too deeply"
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} is not UTF-8"
    except ValueError as error:
        reason = str(error)
    raise Refused(400, fault(f"the body is not JSON: {reason}"))


def _whole(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:  # of more than 4,300 digits; as text it is refused, and shown, as an amount
        return digits


def _decimal(digits: str) -> float | str:
    return float(digits) if math.isfinite(float(digits)) else digits


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{shown(name)} is there more than once")
        found[name] = value
    return found


def _several(document: dict) -> list:
    customers = document["customers"]
    if unknown := [name for name in document if name != "customers"]:
        raise Refused(422, *(fault(f"unknown: {shown(name)}", field=name) for name in unknown))
    if not isinstance(customers, list) or not customers:
        reason = f"customers must be a list of 1 to {CUSTOMERS} objects"
        raise Refused(422, fault(reason, field="customers", value=_short(customers)))
    if len(customers) > CUSTOMERS:
        reason = f"{len(customers)} customers are too many; send at most {CUSTOMERS} at a time"
        raise Refused(413, fault(reason, field="customers"))
    return customers


def _amounts(spend: object, customer: int | None) -> tuple[dict[str, float], list[Fault]]:
    """Read one customer's amounts, by the rules of the page, and list what is wrong with them."""
    if not isinstance(spend, dict):
        reason = f"a customer must be an object with {', '.join(SPEND_COLUMNS)}"
        return {}, [fault(reason, customer, value=_short(spend))]
    amounts: dict[str, float] = {}
    faults = [
        fault(f"unknown: {shown(name)}", customer, name, _short(value))
        for name, value in spend.items()
        if name not in SPEND_COLUMNS
    ]
    for column in SPEND_COLUMNS:
        if column not in spend:
            faults.append(fault(f"missing: {column}", customer, column))
            continue
        value = spend[column]
        try:
            amounts[column] = parse_amount(column, _short(value) if isinstance(value, list | dict) else value)
        except ValueError as error:
            faults.append(fault(str(error), customer, column, _short(value)))
    return amounts, faults


def _short(value: object) -> str:
    """Write any JSON value for a sentence; of a list or object, which may be deep and long, only the kind."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    return shown(value)
