"""What the JSON API answers, apart from how it is sent: a body in, an answer or a list of faults out."""

import json
import math
from dataclasses import asdict
from typing import Any

from wholesale.amounts import parse_amount, shown
from wholesale.columns import MODELS, SPEND_COLUMNS
from wholesale.explain import explain
from wholesale.predict import Predictor, predict_segment

CUSTOMERS = 1000
"""Customers that one body may hold."""


class Refused(Exception):
    """A request without an answer: its HTTP status, and all that is wrong with it."""

    def __init__(self, status: int, *faults: dict) -> None:
        super().__init__(status, *faults)
        self.status, self.faults = status, faults


def fault(
    reason: str, customer: int | None = None, field: str | None = None, value: str | None = None
) -> dict:
    """Describe one thing that is wrong; `customer` is numbered from 1, `field` and `value` are cut short."""
    field = None if field is None else shown(field)
    return {"customer": customer, "field": field, "value": value, "reason": reason}


def answer(predictor: Predictor, body: bytes) -> dict:
    """Answer the body of ``POST /api/predict``.

    Parameters
    ----------
    predictor : Predictor
    body : bytes
        JSON: the six amounts by name, or ``{"customers": [...]}`` with 1…1,000 of such objects.

    Returns
    -------
    dict
        The fields of `Prediction` and an ``explanation``, or ``{"customers": [...]}`` of these in order.

    Raises
    ------
    Refused
        400 if it is not JSON, 413 for too many customers, 422 with every fault for anything else.
    """
    document = _read(body)
    many = isinstance(document, dict) and "customers" in document
    customers = _several(document) if many else [document]
    read = [_amounts(spend, i if many else None) for i, spend in enumerate(customers, start=1)]
    if faults := [found for _, its in read for found in its]:
        raise Refused(422, *faults)
    answers = [_one(predictor, amounts) for amounts, _ in read]
    return {"customers": answers} if many else answers[0]


def segments(predictor: Predictor) -> dict:
    """List each model's segments: number, name, size and typical amounts in m.u.; None of no mixture."""

    def described(model: str) -> list[dict] | None:
        if model not in predictor.models:
            return None
        rows = zip(predictor.names[model], predictor.sizes[model], predictor.typical[model], strict=True)
        return [
            {
                "segment": i,
                "name": name,
                "customers": int(size),
                "typical": dict(zip(SPEND_COLUMNS, typical.tolist(), strict=True)),
            }
            for i, (name, size, typical) in enumerate(rows, start=1)
        ]

    return {model: described(model) for model in MODELS}


def _one(predictor: Predictor, amounts: dict[str, float]) -> dict:
    prediction = predict_segment(predictor, amounts)
    clarity = prediction.clarity if math.isfinite(prediction.clarity) else None  # JSON has no infinity
    explanation = asdict(explain(predictor, amounts))
    return asdict(prediction) | {"clarity": clarity, "explanation": explanation}


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


def _amounts(spend: object, customer: int | None) -> tuple[dict[str, float], list[dict]]:
    """Read one customer's amounts, by the rules of the page, and list its faults."""
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
