"""What notebook 6 displays; the notebook run on a file, and its outcome as one self-contained HTML file."""

import logging
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import matplotlib.pyplot as plt
import pandas as pd
import papermill
from IPython.display import Markdown, display
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from papermill.translators import PythonTranslator

from wholesale.columns import LABELS
from wholesale.customers import read_file
from wholesale.manifest import MODELS_FOLDER, ROOT, write_file
from wholesale.report.study import place
from wholesale.report.text import escaped
from wholesale.scoring.output import check_free
from wholesale.wording import listed

NOTEBOOK = ROOT / "notebooks" / "06_your_customers.ipynb"
TEMPLATES = Path(__file__).resolve().parent / "templates"
FIRST, UNUSED, SET_UP = "summary", {"notebook", "parameters"}, {"imports", "injected-parameters"}
"""Tags of cells: what a report begins with, what it leaves out, and what it ends with."""

NUMBER = r"(?:[<>−-]?[\d.,\u00a0]+%?(?: (?:of|to) \d[\d.]*)?|–|)"
"""What stands right in a table."""

MADE = """## How this report was made

On {date}, by notebook 6 of the project *wholesale customer segments*, with these settings:

{settings}"""


def show(*parts: str | pd.DataFrame | Axes | None) -> None:
    """Display sentences (as Markdown), tables and figures in turn, and nothing for what is missing.

    A figure's titles are its text for those who cannot see it.
    """
    for part in parts:
        if isinstance(part, Axes):
            figure = cast(Figure, part.figure)
            titles = [ax.get_title(loc="left") for ax in figure.axes if ax.get_visible()]
            display(figure, metadata={"image/png": {"alt": f"Figure: {'; '.join(titles)}."}})
            plt.close(figure)
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


class ReportError(Exception):
    """The report could not be made; the message says why."""


class ThisPython(AsyncKernelManager):
    """Runs the notebook on the Python that runs this, whatever other kernels are installed."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """Start this Python; figures twice as fine as a notebook's."""
        start = [
            sys.executable,
            "-m",
            "ipykernel_launcher",
            "-f",
            "{connection_file}",
            "--log-level=CRITICAL",
        ]
        return KernelSpec(argv=[*start, "--InlineBackend.figure_formats={'retina'}"], language="python")


def write_report(
    source: Path | str,
    output: Path | str,
    *,
    models: Path | str = MODELS_FOLDER,
    columns: Mapping[str, str] | None = None,
    decimal: str | None = None,
    sheet: str | None = None,
    segments: int = 3,
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> None:
    """Write a report on a file of customers: one HTML file, which loads nothing from anywhere.

    Raises
    ------
    ReadError, BundleError
        If `source` cannot be read or `models` cannot be used, before anything is run.
    OutputError
        If `output` is there already, or cannot be written.
    ReportError
        If a cell of the notebook fails.
    """
    source, output = Path(source).resolve(), Path(output)
    check_free(output, force=force, source=source)
    progress(f"Read {source.name}")
    place(read_file(source, columns, decimal, sheet), models)  # whatever it refuses, it refuses here
    parameters = {
        "source": str(source),
        "models": str(Path(models).resolve()),
        "columns": dict(columns or {}),
        "decimal": decimal,
        "sheet": sheet,
        "segments": segments,
    }
    notebook = _run(parameters, progress)
    progress(f"Write {output.name}")
    check_free(output, force=force, source=source)  # another run may have made it meanwhile
    write_file(output, to_html(notebook, source.name, _settings(parameters)).encode())


def to_html(notebook: NotebookNode, name: str, settings: str) -> str:
    """Export a notebook that was run, as a report on the file called `name`; `settings` is Markdown."""
    first: list[NotebookNode] = []
    set_up: list[NotebookNode] = []
    body: list[NotebookNode] = []
    for cell in notebook.cells:
        tags = _tags(cell)
        if not tags & UNUSED:
            (first if FIRST in tags else set_up if tags & SET_UP else body).append(cell)
    date = datetime.now(UTC).date().isoformat()
    made = new_markdown_cell(MADE.format(date=date, settings=settings))
    exporter = HTMLExporter(
        template_name="report", extra_template_basedirs=[str(TEMPLATES)], exclude_anchor_links=True
    )
    report = NotebookNode({**notebook, "cells": [*first, *body, made, *set_up]})
    return exporter.from_notebook_node(report, {"customers": name})[0]


def _settings(parameters: Mapping[str, Any]) -> str:
    """List the parameters in words; a report that is handed on does not tell folders."""
    named = [f"{escaped(own)} for {LABELS.get(name, name)}" for name, own in parameters["columns"].items()]
    settings = {
        "File": escaped(Path(parameters["source"]).name),
        "Columns of another name": listed(named) or "none",
        "Decimal sign": parameters["decimal"] or "found out from the file",
        "Models at hand": escaped(Path(parameters["models"]).name),
        "Segments asked for": parameters["segments"],
    }
    settings |= {"Sheet": escaped(parameters["sheet"])} if parameters["sheet"] else {}
    return "\n".join(f"- {name}: {value}" for name, value in settings.items())


def _run(parameters: dict[str, Any], progress: Callable[[str], None]) -> NotebookNode:
    """Run the notebook in an empty folder, which is then gone."""
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        try:
            notebook = papermill.execute_notebook(
                str(NOTEBOOK).replace("{", "{{").replace("}", "}}"),  # it is taken for a format
                None,
                parameters,
                kernel_name="python3",
                cwd=folder,
                progress_bar=False,
                kernel_manager_class=ThisPython,
                on_cell_start=_steps(progress),
            )
        except papermill.PapermillExecutionError as error:
            raise ReportError(f"the report was not written: {error.ename}, {error.evalue}") from None
    names = {name: Path(parameters[name]).name for name in ("source", "models")}
    for cell in notebook.cells:
        if "injected-parameters" in _tags(cell):
            cell.source = PythonTranslator.codify(parameters | names)
    return notebook


def _steps(progress: Callable[[str], None]) -> Callable[..., None]:
    """Tell the heading of each chapter as it begins."""

    def start(cell: NotebookNode, **_: object) -> None:
        if cell.cell_type == "markdown" and cell.source.startswith("## ") and not _tags(cell) & UNUSED:
            progress(cell.source.splitlines()[0].removeprefix("## "))

    return start


def _tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))
