"""A report on customers of one's own: what notebook 6 says and displays; run on a file, as one HTML file.

``study`` computes; ``exhibits`` tabulates and draws; ``text`` says, by ``templates/sentences.md``.
"""

import logging
import shlex
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import papermill
from IPython.display import Markdown, display
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from matplotlib.axes import Axes
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from papermill.translators import PythonTranslator

from wholesale.app import sentences
from wholesale.customers import Customers, read_file
from wholesale.manifest import MODELS_FOLDER, ROOT, write_file
from wholesale.palette import SIMILAR
from wholesale.predictor import load_predictor
from wholesale.report import exhibits, study
from wholesale.scoring import summary
from wholesale.scoring.output import check_free
from wholesale.wording import NUMBERS, are, counted, format_amount, format_share, listed, of_all

NOTEBOOK = ROOT / "notebooks" / "06_your_customers.ipynb"
TEMPLATES = Path(__file__).resolve().parent / "templates"
UNUSED = {"notebook", "parameters"}  # tags of the cells that a report leaves out
# Where it has cells with other tags: before those without (0) or after them.
PLACES = {"summary": -1, "made": 1, "imports": 2, "injected-parameters": 2}
NUMBER = r"(?:[<>−-]?[\d.,\u00a0]+%?(?: (?:of|to) \d[\d.]*)?|–|)"  # what stands right in a table


def command(name: str, customers: Customers, *options: object) -> str:
    """Write a command that reads the file as it was read here."""
    told = customers.settings
    words = ["python", "-m", "wholesale", name, customers.file]
    for category, column in told.columns.items():
        words += ["--column", f"{category}={column}"]
    for option, value in (("decimal", told.decimal), ("sheet", told.sheet), ("blank", told.blank)):
        words += [f"--{option}", value] if value else []
    categories = told.categories
    if categories.name not in customers.table:
        categories = replace(categories, name=None)  # the models had names of customers, the file has none
    words += categories.options if name == "train" else []
    said = shlex.join([*words, *map(str, options)])
    fence = "`" * (1 + said.count("`"))
    return f"{fence}{said}{fence}"


def escaped(text: str) -> str:
    """Keep Markdown and HTML from reading a name as anything but a name."""
    safe = "".join(f"\\{sign}" if sign in r"\`*_{}[]()#+-!|~$:" else sign for sign in text)
    return safe.replace("&", "&amp;").replace("<", "&lt;")


_SENTENCES = Environment(
    loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_SENTENCES.filters |= {"escaped": escaped, "amount": format_amount, "share": format_share, "listed": listed}
_SENTENCES.globals |= {"SIMILAR": SIMILAR, "NUMBERS": NUMBERS}
_SENTENCES.globals |= {"counted": counted, "of_all": of_all, "are": are, "command": command, "Path": Path}
_SENTENCES.globals |= {"exhibits": exhibits, "study": study, "page": sentences, "summary": summary}

text: Any = _SENTENCES.get_template("sentences.md").module
"""The sentences: a function for each macro of ``templates/sentences.md``, which gives Markdown."""


def show(*parts: str | pd.DataFrame | Axes | None) -> None:
    """Display sentences (as Markdown), tables and figures in turn, and nothing for what is missing."""
    for part in parts:
        if isinstance(part, Axes):
            titles = [ax.get_title(loc="left") for ax in part.figure.axes if ax.get_visible()]
            display(part.figure, metadata={"image/png": {"alt": f"Figure: {'; '.join(titles)}."}})
            plt.close(part.figure)  # type: ignore[arg-type]  # no figure within a figure
        elif isinstance(part, pd.DataFrame):
            display({"text/html": table_html(part), "text/plain": part.to_string()}, raw=True)
        elif part:
            display(Markdown(part))


def table_html(table: pd.DataFrame) -> str:
    """Write a table in full; its classes tell a style which headings and cells are words, to stand left."""
    levels = table.index.nlevels
    words = [i for i, name in enumerate(table, 1) if not table[name].astype(str).str.fullmatch(NUMBER).all()]
    heads = [*range(1, levels + 1), *(levels + i for i in words)]
    classes = [*(f"th-{i}" for i in heads), *(f"td-{i}" for i in words)]
    with pd.option_context("display.max_colwidth", None):
        return table.to_html(classes=classes, border=0)


class ReportError(ValueError):
    """The report could not be made; the message says why."""


class ThisPython(AsyncKernelManager):
    """Runs the notebook on the Python that runs this, whatever other kernels are installed."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """Start this Python; figures twice as fine as a notebook's."""
        figures = "--InlineBackend.figure_formats={'retina'}"
        start = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=[*start, "--log-level=CRITICAL", figures], language="python")


def write_report(
    source: Path | str,
    output: Path | str,
    *,
    models: Path | str = MODELS_FOLDER,
    columns: Mapping[str, str] | None = None,
    decimal: str | None = None,
    sheet: str | None = None,
    blank: str | None = None,
    segments: int = 3,
    clouds: int = study.CLOUDS,
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> None:
    """Write a report on a file of customers: one HTML file, which loads nothing from anywhere.

    Each criterion is held against so many `clouds` of each kind, if any. What cannot be read, used or written
    is refused, as a `ReadError`, `BundleError` or `OutputError`, before anything is run; if a cell of the
    notebook fails, that is a `ReportError`.
    """
    source, output = Path(source).resolve(), Path(output)
    check_free(output, [source], force=force)
    progress(f"Read {source.name}")
    told = {"columns": dict(columns or {}), "decimal": decimal, "sheet": sheet, "blank": blank}
    customers = read_file(source, **told, categories=load_predictor(models).categories)  # type: ignore[arg-type]
    study.place(customers, models)  # what it refuses, it does here
    about = {"source": source, "models": Path(models).resolve(), **told}
    page = _run(about | {"segments": segments, "clouds": clouds}, progress)
    progress(f"Write {output.name}")
    check_free(output, [source], force=force)  # another run may have made it meanwhile
    write_file(output, page.encode())


def _run(parameters: dict[str, Any], progress: Callable[[str], None]) -> str:
    """Run the notebook in an empty folder, which is then gone; give what it says as a page."""
    logging.getLogger("papermill").setLevel(logging.CRITICAL)

    def tell(cell: NotebookNode, **_: object) -> None:
        if cell.cell_type == "markdown" and cell.source.startswith("## ") and not _tags(cell) & UNUSED:
            progress(cell.source.splitlines()[0].removeprefix("## "))

    path = str(NOTEBOOK).replace("{", "{{").replace("}", "}}")  # it is taken for a format
    told = parameters | {name: str(parameters[name]) for name in ("source", "models")}
    how = {"kernel_name": "python3", "kernel_manager_class": ThisPython, "progress_bar": False}
    with tempfile.TemporaryDirectory() as folder:
        try:
            notebook = papermill.execute_notebook(path, None, told, cwd=folder, on_cell_start=tell, **how)
        except papermill.PapermillExecutionError as error:
            raise ReportError(f"the report was not written: {error.ename}, {error.evalue}") from None
    return to_html(notebook, parameters | {name: parameters[name].name for name in ("source", "models")})


def to_html(notebook: NotebookNode, parameters: Mapping[str, Any]) -> str:
    """Export a notebook that was run, as a report on a file; it is handed on, so it tells no folders."""
    said = text.made(datetime.now(UTC).date(), **parameters)
    cells = [*notebook.cells, new_markdown_cell(said, metadata={"tags": ["made"]})]
    for cell in cells:
        if "injected-parameters" in _tags(cell):
            cell.source = PythonTranslator.codify(parameters)
    # What is said before a cell that showed nothing is about nothing.
    idle = [each.cell_type == "code" and not each.outputs for each in [*cells[1:], cells[-1]]]
    pairs = zip(cells, idle, strict=True)
    cells = [cell for cell, unsaid in pairs if not (unsaid and cell.cell_type == "markdown")]
    cells = [cell for cell in cells if not _tags(cell) & UNUSED]
    cells.sort(key=lambda cell: sum(PLACES.get(tag, 0) for tag in _tags(cell)))
    options = {"template_name": "report", "extra_template_basedirs": [str(TEMPLATES)]}
    report = NotebookNode({**notebook, "cells": cells})
    exporter = HTMLExporter(**options, exclude_anchor_links=True)
    return exporter.from_notebook_node(report, {"customers": parameters["source"]})[0]


def _tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))
