"""The command that scores files of customers."""

import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wholesale.cli.common import Blank, Columns, Folder, Sheet, Sign, named_columns, refuse
from wholesale.cli.summary import progress_bar, tell
from wholesale.manifest import MODELS_FOLDER, BundleError

if TYPE_CHECKING:
    from wholesale.predict import Predictor
    from wholesale.scoring import Summary

STREAM = Path("-")
SOME_REJECTED, INTERRUPTED = 3, 130


def score(
    source: Annotated[Path, typer.Argument(metavar="IN", help="CSV, Parquet or Excel; - is standard input.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="CSV, or Parquet if it ends in .parquet; - is standard output.",
            show_default="IN with .scored.csv",
        ),
    ] = None,
    rejected: Annotated[
        Path | None,
        typer.Option(help="CSV of rejected rows, if any.", show_default="OUT with .rejected.csv; none for -"),
    ] = None,
    column: Columns = None,
    decimal: Sign = None,
    sheet: Sheet = None,
    blank: Blank = None,
    models: Folder = MODELS_FOLDER,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Score on the Dask cluster at this address, or on one made here (local). IN may then be a"
            " folder, or a pattern in quotes; OUT is a folder of Parquet files.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there already.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as JSON.")] = False,
) -> None:
    """Score a file of customers: every row gets the three models' answers, or a reason why not.

    Exit status: 0 all rows scored, 3 some rows rejected, 1 nothing written, 2 wrong options, 130 interrupted.
    """
    from wholesale.predict import load_predictor
    from wholesale.reading import ReadError, Settings
    from wholesale.scoring import OutputError

    out = output or _beside(source, ".scored.parquet" if dask else ".scored.csv")
    wrong = rejected or (None if out == STREAM else _beside(out, ".rejected.csv"))
    try:
        settings = Settings(named_columns(column), decimal, sheet=sheet, blank=blank)
        with _stoppable(), _streams(source, out) as (read, write), progress_bar(hidden=quiet) as progress:
            how = {"settings": settings, "force": force, "progress": progress}
            summary = _scored(dask, read, write, wrong, load_predictor(models), how)
    except (ReadError, OutputError, BundleError, ValueError) as error:
        refuse(error)
    except KeyboardInterrupt:
        typer.echo("Stopped; nothing was written.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        apart = wrong.name if wrong and summary.rejected else None
        files = {"source": source.name, "output": out.name, "rejected_file": apart}
        typer.echo(json.dumps(files | summary.as_dict(), ensure_ascii=False), err=out == STREAM)
    elif not quiet:
        name = "standard output" if out == STREAM else out.name
        tell(summary, name, wrong.name if wrong else None, err=out == STREAM)
    raise typer.Exit(SOME_REJECTED if summary.rejected else 0)


def _scored(
    dask: str | None, read: Path, write: Path, wrong: Path | None, predictor: "Predictor", how: dict
) -> "Summary":
    if dask:
        from wholesale.scoring.cluster import score_cluster

        return score_cluster(read, write, predictor, address=dask, rejected=wrong, **how)
    from wholesale.scoring import score_file

    return score_file(read, write, predictor, rejected=wrong, **how)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let a plain kill end the run as Ctrl-C does: with nothing half-written."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _beside(path: Path, suffix: str) -> Path:
    return Path("stdin" + suffix) if path == STREAM or path.is_fifo() else path.with_suffix(suffix)


@contextmanager
def _streams(source: Path, output: Path) -> Iterator[tuple[Path, Path]]:
    """Put files in the place of standard input and output, and of a pipe, which can be read only once.

    Input may have to be read twice, and output is given only when it is whole.
    """
    from wholesale.scoring.output import writing

    with tempfile.TemporaryDirectory() as folder:
        read, write = source, output
        if source == STREAM or source.is_fifo():
            read = Path(folder, "standard input" if source == STREAM else source.name)
            pipe = nullcontext(sys.stdin.buffer) if source == STREAM else source.open("rb")
            with writing(), pipe as stream, read.open("wb") as file:
                shutil.copyfileobj(stream, file)
        if output == STREAM:
            write = Path(folder, "standard output.csv")
        yield read, write
        if output == STREAM:
            with write.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
                sys.stdout.flush()
