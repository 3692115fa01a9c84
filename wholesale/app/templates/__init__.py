"""The page's HTML, in files that a designer can open; ``macros.html`` has the pieces that several share."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from wholesale.wording import format_amount, format_share

_HERE = FileSystemLoader(Path(__file__).parent)
_TEMPLATES = Environment(
    loader=_HERE, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_TEMPLATES.filters |= {"amount": format_amount, "share": format_share}


def render(name: str, **values: Any) -> str:
    """Fill in a template; whatever text it is given is escaped."""
    return _TEMPLATES.get_template(name).render(values)
