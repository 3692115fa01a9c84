"""The page's HTML, in files that a designer can open; ``macros.html`` has the pieces that several share."""

import os
import re
from compileall import compile_dir
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, ModuleLoader, StrictUndefined
from markupsafe import Markup, escape

from wholesale.app import sentences
from wholesale.columns import KINDS, MODELS
from wholesale.criteria import BANDS
from wholesale.predict import UNFAMILIAR
from wholesale.wording import counted, format_amount, format_share, listed, rounded

COMPILED = "WHOLESALE_TEMPLATES"
"""Environment variable: where the server keeps the templates compiled, so that its kernels start sooner."""

HERE = Path(__file__).parent


def number(value: float) -> str:
    """Write a coordinate to one decimal, in as few bytes as that takes."""
    written = f"{value:.1f}".removesuffix(".0")
    return "0" if written == "-0" else written


def css(text: str) -> str:
    """Write text so that it can stand in a string of a stylesheet."""
    return "".join(each if each.isascii() and each.isalnum() else f"\\{ord(each):x} " for each in text)


EXPLAINED = re.compile(
    "|".join(rf"(?<!\w){re.escape(each)}(?!\w)" for each in sentences.GLOSSARY), re.IGNORECASE
)


@lru_cache(maxsize=512)
def explained(text: str) -> Markup:
    """Mark the words that the glossary explains; under the pointer, the finger or the focus it does."""
    term = '<dfn class="wc-term" tabindex="0" data-tip="{}">{}</dfn>'
    said = EXPLAINED.sub(
        lambda found: term.format(sentences.GLOSSARY[found[0].lower()], found[0]), str(escape(text))
    )
    return Markup(said)  # escaped before; the glossary has nothing to escape


_TEMPLATES = Environment(
    loader=ChoiceLoader([ModuleLoader(os.environ.get(COMPILED, HERE)), FileSystemLoader(HERE)]),
    auto_reload=False, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip
_TEMPLATES.globals |= {"say": sentences, "counted": counted, "KINDS": KINDS}
_TEMPLATES.globals |= {"MODELS": MODELS, "BANDS": BANDS, "UNFAMILIAR": UNFAMILIAR}
_TEMPLATES.filters |= {"amount": format_amount, "share": format_share, "rounded": rounded, "listed": listed}
_TEMPLATES.filters |= {"n": number, "css": css, "explained": explained}


def render(name: str, /, **values: Any) -> Markup:
    """Fill in a template; whatever text it is given is escaped."""
    return Markup(_TEMPLATES.get_template(name).render(values))  # escaped by the template


def compile_into(folder: str) -> None:
    """Write all templates as Python, compiled: nothing has to be unpickled to use them."""
    _TEMPLATES.overlay(loader=FileSystemLoader(HERE)).compile_templates(
        folder, extensions=["html", "css"], zip=None
    )
    compile_dir(folder, quiet=1)
