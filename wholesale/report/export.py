"""Notebook 6 run on a file, and its outcome as one HTML file that needs nothing else."""

import logging
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import papermill
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from papermill.translators import PythonTranslator

from wholesale.columns import LABELS
from wholesale.manifest import MODELS_FOLDER, ROOT, write_file
from wholesale.own import read_own
from wholesale.report.study import score
from wholesale.report.words import escaped
from wholesale.scoring.output import check_free
from wholesale.wording import listed

NOTEBOOK = ROOT / "notebooks" / "06_your_customers.ipynb"
TEMPLATES = Path(__file__).resolve().parent / "templates"
FIRST, UNUSED, SET_UP = "summary", {"notebook", "parameters"}, {"imports", "injected-parameters"}
"""Tags of cells: what a report begins with, what it leaves out, and what it ends with."""

MADE = """## How this report was made

On {date}, by notebook 6 of the project *wholesale customer segments*, with these settings:

{settings}"""


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
    blank: str | None = None,
    segments: int = 3,
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> None:
    """Write a report on a file of customers: one HTML file, which loads nothing from anywhere.

    Parameters
    ----------
    source : path
        Any file that :func:`wholesale.reading.open_customers` takes.
    output : path
    models : path
        Folder of the models that the customers are scored with.
    columns : mapping of str to str, optional
        For a category, the file's own name of that column.
    decimal : {"point", "comma"}, optional
    sheet : str, optional
        Of a workbook.
    blank : {"zero"}, optional
        What blank amounts mean.
    segments : int
        Number of segments to fit.
    force : bool
        Whether to replace `output`.
    progress : callable
        Told each step as it begins.

    Raises
    ------
    ReadError
        If `source` cannot be read, before anything is run.
    BundleError
        If `models` cannot be used.
    OutputError
        If `output` is there already, or cannot be written.
    ReportError
        If a cell of the notebook fails.
    """
    source, output = Path(source).resolve(), Path(output)
    check_free(output, force=force, source=source)
    progress(f"Read {source.name}")
    score(read_own(source, columns, decimal, sheet, blank), models)  # whatever it refuses, it refuses here
    parameters = {
        "source": str(source),
        "models": str(Path(models).resolve()),
        "columns": dict(columns or {}),
        "decimal": decimal,
        "sheet": sheet,
        "blank": blank,
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
    named = [
        f"{escaped(its)} for {LABELS.get(name, escaped(name))}" for name, its in parameters["columns"].items()
    ]
    words = {
        "File": escaped(Path(parameters["source"]).name),
        "Columns of another name": listed(named) if named else "none",
        "Decimal sign": parameters["decimal"] or "found out from the file",
        "Models at hand": escaped(Path(parameters["models"]).name),
        "Segments asked for": parameters["segments"],
    }
    words |= {"Blank amounts": parameters["blank"]} if parameters["blank"] else {}
    words |= {"Sheet": escaped(parameters["sheet"])} if parameters["sheet"] else {}
    return "\n".join(f"- {name}: {said}" for name, said in words.items())


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
