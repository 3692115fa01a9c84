"""What the JSON API answers, apart from how it is sent: a body in, an answer or a list of faults out.

`RECORDS` say what is sent; ``openapi.toml`` has what they do not know: the addresses, what is taken, and for
the fields bounds and a sentence each. `description` joins the two.
"""

import json
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any, Literal, get_type_hints

import numpy as np
from jinja2 import Template
from tornado.web import HTTPError

from wholesale.amounts import parse_amount, shown
from wholesale.app.tabs import COMMAND
from wholesale.app.tabs import LIMIT as FILE_LIMIT
from wholesale.columns import KINDS, MODELS, Categories
from wholesale.explain import Explanation, predict_and_explain
from wholesale.manifest import BundleError
from wholesale.predict import Prediction, Predictor, load_predictor
from wholesale.scoring.summary import Drift
from wholesale.wording import csv_of

LIMIT, CUSTOMERS = 1_000_000, 1000  # bytes of a body of ``POST /api/predict``, and customers in it
ROWS = 1000  # rejected rows that an answer lists
TOO_LARGE = f"the file is too large for the page; send at most {FILE_LIMIT // 10**6} MB, or use {COMMAND}"
WRITTEN = ("1 200", "12,000.00", "21'000", 300, "9500.50", 0)  # amounts as people write them
SCHEMAS, RESPONSES, NONE = "#/components/schemas/", "#/components/responses/", " | None"
COUNTS = ("customers", "segments", "open_pages", "open_pages_at_most", "refused_messages", "refused_requests")

# fmt: off
RECORDS: dict[str, dict[str, Any]] = {
    "Answer": get_type_hints(Prediction) | {"clarity": float | None, "explanation": Explanation},
    "Answers": {"customers": "list[Answer]"},
    "Fault": {"customer": int | None, "field": str | None, "value": str | None, "reason": str},
    "Errors": {"errors": "list[Fault]"},
    "Unmatched": {"errors": "list[Fault]", "header": list[str], "columns": dict[str, str | None]},
    "Health": {"status": Literal["ok", "full"], "trained": str | None, **dict.fromkeys(COUNTS, int | None)},
    "Segment": {"segment": int, "name": str, "customers": int, "typical": dict[str, float]},
    "Segments": {model: f"list[Segment]{NONE * kind.optional}" for model, kind in KINDS.items()},
    "Count": {"segment": int, "name": str, "customers": int},
    "Counts": {model: f"list[Count]{NONE * kind.optional}" for model, kind in KINDS.items()},
    "RejectedRow": {"line": int, "column": str, "value": str, "reason": str},
    "Said": {
        "accepted": int, "rejected": int, "rejected_by_column": dict[str, int],
        "rejected_examples": list[str], "segments": "Counts", "unfamiliar": int | None,
        "drift": dict[str, Drift], "other_market": bool, "verdict": str, "notes": list[str],
        "rejected_rows": "list[RejectedRow]",
    },
}
# fmt: on
"""What is sent: records by name, and their fields; some are dataclasses, which describe themselves."""


class Refused(HTTPError):
    """A request without an answer: its HTTP status, and all that is wrong with it."""

    def __init__(self, status_code: int, *faults: dict, **more: Any) -> None:
        super().__init__(status_code)
        self.content = {"errors": [*faults], **more}


def fault(
    reason: str, customer: int | None = None, field: str | None = None, value: str | None = None
) -> dict:
    """Describe one thing that is wrong; `customer` is numbered from 1, `field` is cut short."""
    return {"customer": customer, "field": field and shown(field), "value": value, "reason": reason}


def bare_health(kernels: Any) -> dict:
    """Say no more than whether the next visitor is answered; refuse with 503 if none is."""
    reason = "kernels fail as they start" if kernels.failing else ""
    try:
        load_predictor()  # what the next kernel will
    except BundleError:
        reason = "the models are lost"
    if reason:
        raise Refused(503, fault(f"no page can be opened: {reason}"))
    return dict.fromkeys(RECORDS["Health"]) | {"status": "full" if kernels.full else "ok"}


def health(predictor: Predictor, kernels: Any) -> dict:
    """Say what answers, and how many pages are open; `kernels` are theirs."""
    about = {name: predictor.manifest[name] for name in ("trained", "customers")}
    pages = {"open_pages": len(kernels.open_visits()), "open_pages_at_most": kernels.at_most}
    refused = {f"refused_{kind}": number for kind, number in kernels.refused.items()}
    return bare_health(kernels) | about | {"segments": predictor.n_segments} | pages | refused


def metrics(predictor: Predictor, kernels: Any) -> str:
    """Write the numbers of `health`, and what the process takes, for Prometheus."""
    from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest

    ProcessCollector(registry=(registry := CollectorRegistry()))
    for name, value in health(predictor, kernels).items():
        if isinstance(value, int):
            Gauge(f"wholesale_{name}", name.replace("_", " "), registry=registry).set(value)
    return generate_latest(registry).decode()


def segments(predictor: Predictor) -> dict[str, list[dict] | None]:
    """List each model's segments: number, name, size and typical amounts; None of no mixture."""
    found: dict[str, list[dict] | None] = dict.fromkeys(MODELS)
    for model in predictor.models:
        rows = zip(predictor.names[model], predictor.sizes[model], predictor.typical[model], strict=True)
        found[model] = [
            {"segment": i, "name": name, "customers": int(size)}
            | {"typical": dict(zip(predictor.categories.columns, typical.tolist(), strict=True))}
            for i, (name, size, typical) in enumerate(rows, start=1)
        ]
    return found


def customers(predictor: Predictor) -> str:
    """Write the customers on record as CSV: number, name if known, amounts."""
    known = predictor.categories
    name, called = ([known.name], [predictor.called]) if predictor.called else ([], [])
    rows = zip(range(1, len(predictor.amounts) + 1), *called, *predictor.amounts.T.tolist(), strict=True)
    return csv_of([["Customer", *name, *known.columns], *rows])


def answer(predictor: Predictor, body: bytes) -> dict:
    """Give the `Answer` or `Answers` to the body of ``POST /api/predict``, or refuse it with every fault."""
    document = _read(body)
    many = isinstance(document, dict) and "customers" in document
    customers = _several(document) if many else [document]
    faults: list[dict] = []
    known, numbers = predictor.categories, range(1, len(customers) + 1) if many else [None]
    read = [_amounts(known, *each, faults) for each in zip(customers, numbers, strict=True)]
    if faults:
        raise Refused(422, *faults)
    answers = [_one(predictor, amounts) for amounts in read]
    return {"customers": answers} if many else answers[0]


def _one(predictor: Predictor, amounts: dict[str, float]) -> dict:
    prediction, explanation = predict_and_explain(predictor, np.array(list(amounts.values())))
    clarity = prediction.clarity if math.isfinite(prediction.clarity) else None  # JSON has no infinity
    return asdict(prediction) | {"clarity": clarity, "explanation": asdict(explanation)}


def _read(body: bytes) -> Any:
    try:
        # A number that no float holds stays text, which is refused, and shown, as an amount.
        return json.loads(
            body.decode(),
            parse_int=lambda digits: int(digits) if math.isfinite(float(digits)) else digits,
            parse_float=lambda digits: float(digits) if math.isfinite(float(digits)) else digits,
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


def _amounts(known: Categories, spend: object, customer: int | None, faults: list[dict]) -> dict[str, float]:
    """Read one customer's amounts, by the rules of the page, and add to `faults` what is wrong with them."""
    if not isinstance(spend, dict):
        reason = f"a customer must be an object with {', '.join(known.columns)}"
        faults.append(fault(reason, customer, value=_short(spend)))
        return {}
    for name in [name for name in spend if name not in known.columns]:
        faults.append(fault(f"unknown: {shown(name)}", customer, name, _short(spend[name])))
    amounts: dict[str, float] = {}
    for column in known.columns:
        if column not in spend:
            faults.append(fault(f"missing: {column}", customer, column))
            continue
        value = spend[column]
        try:
            read = _short(value) if isinstance(value, list | dict) else value
            amounts[column] = parse_amount(known.label(column), read)
        except ValueError as error:
            faults.append(fault(str(error), customer, column, _short(value)))
    return amounts


def _short(value: object) -> str:
    """Write any JSON value for a sentence; of a list or object, which may be deep and long, only the kind."""
    return "a list" if isinstance(value, list) else "an object" if isinstance(value, dict) else shown(value)


@cache
def description(predictor: Predictor, base: str = "/") -> dict:
    """Describe the API (OpenAPI 3.1) below `base` for machines; only now, as few ask."""
    customers, columns = predictor.amounts[:2].tolist(), predictor.categories.columns
    text = Template(Path(__file__).with_name("openapi.toml").read_text(encoding="utf-8")).render(
        body=LIMIT, customers=CUSTOMERS, file=FILE_LIMIT, rows=ROWS, too_large=TOO_LARGE,
        categories=predictor.categories, columns=columns, models=[*MODELS],
        customer=dict(zip(columns, customers[0], strict=True)),
        written=dict(zip(columns, cycle(WRITTEN), strict=False)),
        pattern=f"^(?:{'|'.join(map(re.escape, columns))})=.+$",
        file_of_two=csv_of([("Name", *columns), *(("A", *each) for each in customers)]),
    )  # fmt: skip
    prose = tomllib.loads(text)
    for operation in (each for methods in prose["paths"].values() for each in methods.values()):
        errors = operation.pop("errors", {})
        operation["responses"] |= {status: _refusal(**error) for status, error in errors.items()}
        operation["responses"] |= {each: {"$ref": RESPONSES + each} for each in prose["refusals"]}
    refusals = {each: _refusal(**error) for each, error in prose["refusals"].items()}
    components = {"responses": refusals, "schemas": _merged(_sent(), prose["schemas"])}
    described = {"openapi": "3.1.0", "info": prose["info"], "servers": [{"url": base.rstrip("/") or "/"}]}
    return {**described, "paths": prose["paths"], "components": components}


def _sent() -> dict[str, dict]:
    """Write the schemas of all that is sent: every field of a record, and no other."""
    from pydantic import create_model
    from pydantic.json_schema import models_json_schema

    records: dict[str, Any] = {name: create_model(name, **fields) for name, fields in RECORDS.items()}
    for record in records.values():
        record.model_rebuild(_types_namespace=records)
    sent: Any = [(record, "serialization") for record in records.values()]
    described = models_json_schema(sent, ref_template=SCHEMAS + "{model}")[1]["$defs"]
    for schema in described.values():
        summary = schema.get("description", "").partition("\n\n")[0]
        schema |= {"additionalProperties": False, "description": summary}
        for titled in (schema, *schema["properties"].values()):
            titled.pop("title", None)  # the name once more
    return described


def _merged(schema: Mapping, more: Mapping) -> dict:
    """Add to a schema what else is known of it; a name that it lacks is one that `more` describes whole."""
    both = {name for name in more if isinstance(more[name], dict) and name in schema}
    return {**schema, **more} | {name: _merged(schema[name], more[name]) for name in both}


def _refusal(description: str, examples: list[dict], kinds: tuple[str, ...] = ("Errors",)) -> dict:
    """Describe a refusal; of the faults in its examples, what is null is left out."""
    for example in examples:
        example["errors"] = [fault(**each) for each in example["errors"]]
    schemas = [{"$ref": SCHEMAS + kind} for kind in kinds]
    content: dict[str, dict] = {"schema": {"anyOf": schemas} if schemas[1:] else schemas[0]}
    content["examples"] = {str(i): {"value": example} for i, example in enumerate(examples, start=1)}
    return {"description": description, "content": {"application/json": content}}
