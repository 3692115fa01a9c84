"""The command that writes a report."""

import logging
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from wholesale.cli.common import Blank, Columns, Folder, Sheet, Sign, named_columns, refuse
from wholesale.manifest import MODELS_FOLDER, BundleError


def report(
    source: Annotated[Path, typer.Argument(metavar="IN", help="CSV, Parquet or Excel.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="OUT", help="HTML.", show_default="IN with .report.html"),
    ] = None,
    segments: Annotated[int, typer.Option(min=2, max=8, help="Number of segments to fit.")] = 3,
    column: Columns = None,
    decimal: Sign = None,
    sheet: Sheet = None,
    blank: Blank = None,
    models: Folder = MODELS_FOLDER,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Write a report on a file of customers: one HTML page to read, print and hand on; a minute or two."""
    from wholesale.reading import ReadError
    from wholesale.report import ReportError, write_report
    from wholesale.scoring import OutputError

    told, out = (
        Console(stderr=True, quiet=quiet, highlight=False),
        output or source.with_suffix(".report.html"),
    )
    try:
        write_report(
            source,
            out,
            models=models,
            columns=named_columns(column),
            decimal=decimal,
            sheet=sheet,
            blank=blank,
            segments=segments,
            force=force,
            progress=lambda step: told.print(f"  {step}", markup=False),
        )
    except (ReadError, OutputError, BundleError, ReportError, ValueError, OSError) as error:
        refuse(error)
    except KeyboardInterrupt:
        logging.disable()  # what is stopped half-way would still complain
        typer.echo("Stopped; nothing was written.", err=True)
        raise typer.Exit(130) from None
