"""The description of the JSON API (OpenAPI 3.1), for machines.

The schemas are those of the dataclasses that are sent. ``openapi.toml`` has what no dataclass knows: the
addresses, what is taken, and for the fields bounds and a sentence each.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Template

from wholesale.app.server import answers, upload
from wholesale.columns import MODELS, SPEND_COLUMNS

PROSE = Path(__file__).with_name("openapi.toml")
SENT = (answers.Answers, answers.Errors, answers.Health, answers.Segments, upload.Said, upload.Unmatched)
"""What is sent, and with it all that it is made of."""

SCHEMAS = "#/components/schemas/"


@cache
def document() -> dict:
    """Describe the API; only now, as few ask."""
    limits = {
        "body": answers.LIMIT,
        "customers": answers.CUSTOMERS,
        "file": upload.LIMIT,
        "rows": upload.ROWS,
    }
    text = Template(PROSE.read_text(encoding="utf-8")).render(
        limits, categories=[*SPEND_COLUMNS], models=[*MODELS], too_large=upload.TOO_LARGE
    )
    prose = tomllib.loads(text)
    for methods in prose["paths"].values():
        for operation in methods.values():
            errors = operation.pop("errors", {})
            operation["responses"] |= {status: _refusal(**error) for status, error in errors.items()}
            operation["responses"]["403"] = {"$ref": "#/components/responses/WrongHost"}
    return {
        "openapi": "3.1.0",
        "info": prose["info"],
        "servers": [{"url": "/"}],
        "paths": prose["paths"],
        "components": {
            "responses": {"WrongHost": _refusal(**prose["wrong_host"])},
            "schemas": _with_categories(_merged(_sent(), prose["schemas"])),
        },
    }


def _sent() -> dict[str, dict]:
    """Write the schemas of all that is sent: every field of a dataclass, and no other."""
    from pydantic import TypeAdapter

    kinds: list[Any] = [(kind.__name__, "serialization", TypeAdapter(kind)) for kind in SENT]
    _, described = TypeAdapter.json_schemas(kinds, ref_template=SCHEMAS + "{model}")
    for schema in described["$defs"].values():
        schema |= {"additionalProperties": False, "description": schema["description"].partition("\n\n")[0]}
        for titled in (schema, *schema["properties"].values()):
            titled.pop("title", None)  # the name once more
    return described["$defs"]


def _merged(schema: Mapping, more: Mapping) -> dict:
    """Add to a schema what else is known of it; a name that it lacks is one that `more` describes whole."""
    both = {name for name in more if isinstance(more[name], dict) and name in schema}
    return {**schema, **more} | {name: _merged(schema[name], more[name]) for name in both}


def _with_categories(schema: Any) -> Any:
    """Write out the objects that have an entry for each category."""
    if isinstance(schema, list):
        return [_with_categories(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: _with_categories(each) for name, each in schema.items()}
    if schema.pop("by_category", False):
        entry = schema["additionalProperties"]
        schema |= {"properties": dict.fromkeys(SPEND_COLUMNS, entry), "additionalProperties": False}
        schema["required"] = [*SPEND_COLUMNS]
    return schema


def _refusal(description: str, examples: list[dict], kinds: tuple[str, ...] = ("Errors",)) -> dict:
    """Describe a refusal; of the faults in its examples, what is null is left out."""
    kind, *others = ({"$ref": SCHEMAS + kind} for kind in kinds)
    for example in examples:
        example["errors"] = [asdict(answers.fault(**each)) for each in example["errors"]]
    content = {
        "schema": {"anyOf": [kind, *others]} if others else kind,
        "examples": {str(i): {"value": example} for i, example in enumerate(examples, start=1)},
    }
    return {"description": description, "content": {"application/json": content}}
