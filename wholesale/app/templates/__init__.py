"""The page's HTML, in files that a designer can open; ``macros.html`` has the pieces that several share."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from wholesale.app import sentences
from wholesale.columns import LABELS, MODELS, UNIT
from wholesale.wording import counted, format_amount, format_share, listed, rounded


def number(value: float) -> str:
    """Write a coordinate to one decimal, in as few bytes as that takes."""
    written = f"{value:.1f}".removesuffix(".0")
    return "0" if written == "-0" else written


class _Compiled(FileSystemBytecodeCache):
    """Templates as bytecode in this user's folder for temporary files: quicker than to compile them."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):  # a full disk
            super().dump_bytecode(bucket)


def _compiled() -> _Compiled | None:
    with suppress(OSError, RuntimeError):  # no such folder, or not this user's own
        return _Compiled()
    return None


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), bytecode_cache=_compiled(), auto_reload=False,
    autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip
_TEMPLATES.globals |= {"say": sentences, "LABELS": LABELS, "MODELS": MODELS, "UNIT": UNIT, "counted": counted}
_TEMPLATES.filters |= {"amount": format_amount, "share": format_share, "rounded": rounded, "listed": listed}
_TEMPLATES.filters["n"] = number


def render(name: str, /, **values: Any) -> Markup:
    """Fill in a template; whatever text it is given is escaped."""
    return Markup(_TEMPLATES.get_template(name).render(values))  # escaped by the template
