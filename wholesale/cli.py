"""The command line: train, evidence and report fit; check, score and serve answer.

Each command imports what it needs only when it runs.
"""

import json
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any, Literal

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from typer import Argument, Exit, Option, Typer, echo
from typer.core import TyperGroup

from wholesale import manifest
from wholesale.columns import MODELS
from wholesale.manifest import MODELS_FOLDER, MODELS_VARIABLE, BundleError
from wholesale.wording import counted, format_amount, format_share

if TYPE_CHECKING:
    from wholesale.customers import Customers
    from wholesale.scoring import Summary

REASONS = 3  # rejected rows of `train` that are shown with what is wrong
STREAM = Path("-")
SOME_REJECTED, INTERRUPTED = 3, 130
PLAIN: dict[str, Any] = {"soft_wrap": True, "highlight": False, "markup": False}
console = Console(**PLAIN)

Folder = Annotated[
    Path,
    Option("--models", envvar=MODELS_VARIABLE, help="Folder of the model files.", show_default="models/"),
]
Columns = Annotated[
    list[str] | None,
    Option(
        "--column",
        metavar="CATEGORY=NAME",
        help="The file's own name for a category, e.g. Fresh=fresh_products; give it as often as needed.",
    ),
]
Sign = Annotated[
    Literal["point", "comma"] | None, Option(help="The file's decimal sign; found out if not given.")
]
Blank = Annotated[
    Literal["zero"] | None,
    Option(help="What a blank or - among the amounts means; else its row is rejected."),
]
Sheet = Annotated[
    str | None, Option(help="Sheet of a workbook.", show_default="the first that is not hidden")
]
Output = partial(Option, "--output", "-o")


def reading(column: list[str] | None, decimal: str | None, sheet: str | None, blank: str | None) -> dict:
    """Give what the options say of a file; each column is of the form CATEGORY=NAME, or a ValueError."""
    pairs = [each.partition("=") for each in column or []]
    for name, sign, value in pairs:
        if not (name and value):
            said = f"--column {name}{sign}{value} is not of the form CATEGORY=NAME"
            raise ValueError(f"{said}, e.g. Fresh=fresh_products")
    columns = {name: value for name, _, value in pairs}
    return {"columns": columns, "decimal": decimal, "sheet": sheet, "blank": blank}


@contextmanager
def stopping(left: str = "nothing was written") -> Iterator[None]:
    """Say that a run was interrupted; a plain kill too leaves nothing half-written."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        logging.disable()  # what is stopped half-way would still complain
        echo(f"Stopped; {left}.", err=True)
        raise Exit(INTERRUPTED) from None


def by_model(heads: Sequence[str], rows: Mapping[str, Sequence[Sequence[str]]]) -> Table:
    table = Table("model", *heads)
    for model, label in MODELS.items():
        for i, cells in enumerate(rows.get(model, [("none", "–", "–")])):
            table.add_row("" if i else label, *cells)
        table.add_section()
    return table


def train(
    source: Annotated[
        Path | None,
        Argument(metavar="IN", help="A file of your own customers; without it, the shipped ones."),
    ] = None,
    output: Annotated[Path | None, Output(help="Folder to write to.", show_default="models/")] = None,
    segments: Annotated[int, Option(min=2, max=8, help="Number of segments.")] = 3,
    column: Columns = None,
    decimal: Sign = None,
    sheet: Sheet = None,
    blank: Blank = None,
    categories: Annotated[
        str | None, Option(metavar="NAMES", help="Your own, in a line of CSV: Wine,Fruit,Meat.")
    ] = None,
    unit: Annotated[str | None, Option(help="Of their amounts.", show_default="m.u.")] = None,
    name: Annotated[str | None, Option("--id", help="The column of the customers' own names.")] = None,
    group: Annotated[
        list[str] | None,
        Option(metavar="GROUP=NAMES", help='What names speak of together: "Food=Fruit,Meat".'),
    ] = None,
    evidence: Annotated[
        bool, Option("--evidence", help="First weigh each number of segments; it takes minutes.")
    ] = False,
) -> None:
    """Fit the three models, on the shipped customers or on your own, and save them."""
    from wholesale import bundle
    from wholesale.app import sentences
    from wholesale.categories import read_categories

    folder, told = output or MODELS_FOLDER, reading(column, decimal, sheet, blank)
    if categories is not None:
        told["categories"] = read_categories(categories, unit, name, group)
    elif unit or name or group:
        raise ValueError("--unit, --id and --group describe your own categories: say --categories first")
    customers = _read(source, output, told)
    with stopping("no models were written"), _writable(folder):
        _say_how_long(len(customers.table), segments, evidence)
        how: dict[str, Any] = {"source": customers.source, "categories": customers.settings.categories}
        how |= {"folder": folder, "weigh": evidence, "progress": lambda step: console.print(f"  {step}")}
        fitted = bundle.save_bundle(bundle.train(customers.table, segments, **how), folder)
    rows = {}
    for model, fit in fitted.manifest["metrics"].items():
        if fit:
            sizes = [f"{name} ({n})" for name, n in zip(fitted.names[model], fit["sizes"], strict=True)]
            bic = f"{fit['bic']:.0f}" if "bic" in fit else "–"
            rows[model] = [["\n".join(sizes), f"{fit['silhouette']:.2f}", bic]]
    console.print(by_model(["segments (customers)", "silhouette", "BIC"], rows))
    if said := sentences.mixture(fitted.predictor):
        console.print(said)
    console.print(f"Saved {', '.join(manifest.FILES)} and manifest.json in {folder.name}/")
    for sentence in fitted.predictor.evidence["sentences"] if evidence else ():
        console.print(sentence)
    if source:
        console.print(f"See them with: python -m wholesale serve --models {quote(str(folder))}")


def _read(source: Path | None, output: Path | None, how: dict) -> "Customers":
    """Read the customers and say what came of it."""
    from wholesale.categories import propose
    from wholesale.customers import read_file, read_shipped
    from wholesale.reading import ReadError, Settings

    if source is None:
        if output is None and manifest.INSTALLED:
            raise ValueError("the package's models stay as they were installed: name a folder, e.g. -o mine")
        if any(how.values()):
            said = "say how to read a file of your own: name it first"
            raise ValueError(f"--column, --decimal, --sheet, --blank and --categories {said}")
        return read_shipped()
    if output is None or output.resolve() == MODELS_FOLDER.resolve():
        where = f"name a folder for those of {source.name}, e.g. -o mine"
        raise ValueError(f"models/ is for the shipped customers: {where}")
    try:
        customers = read_file(source, **how)
    except ReadError as error:
        if "categories" not in how:
            propose(source, error, Settings(decimal=how["decimal"], sheet=how["sheet"]))
        raise
    if (name := customers.settings.categories.name) and name not in customers.table:
        raise ValueError(f"{source.name}: no column, or more than one, is called {name}, as --id says")
    accepted, rejected = counted(len(customers.accepted), "row"), customers.rejected
    console.print(f"{customers.file}: {accepted} accepted, {len(rejected)} rejected.")
    first = [f"line {row['line']}: {row['reason']}" for row in rejected.slice(0, REASONS).to_pylist()]
    for line in (*first, *customers.notes, *customers.left_out):
        console.print(f"  {line}")
    if (more := len(rejected) - REASONS) > 0:
        console.print(f"  and {more} more rejected")
    return customers


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Make the folder, and try a file in it, before anything is fitted; an empty one is not left behind."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
        yield
    except OSError as error:
        raise ValueError(f"{folder.name} cannot be written: {error.strerror or error}") from None
    finally:
        for path in made:
            with suppress(OSError):  # it is not empty
                path.rmdir()


def _say_how_long(customers: int, segments: int, weigh: bool) -> None:
    """Say what is about to be done; by what was measured on two cores."""
    from wholesale.bundle import LARGEST

    n = min(customers, LARGEST)
    if n < customers:
        why = "Ward's memory grows with the square of their number"
        console.print(f"A random sample of {n} is fitted: {why}.")
    takes = "about ten seconds" if n <= 1000 else "about a minute"
    if weigh:
        minutes = round(5 * n / 440) + round(35 * min(n, 1000) / 440)
        takes = f"about {minutes} minutes with the evidence; a run that is stopped goes on later"
    console.print(f"Training on {n} customers, {segments} segments; {takes}.")


def evidence() -> None:
    """Weigh the evidence for each number of segments; about 40 minutes, and it can be interrupted."""
    from wholesale.bundle import load_bundle
    from wholesale.data import load_customers
    from wholesale.evidence.saved import compute, load_evidence

    if manifest.INSTALLED:
        own = "for your own: train FILE --evidence -o mine"
        raise ValueError(f"the package's evidence stays as it was installed; {own}")
    customers, bundle = load_customers(), load_bundle()
    amounts = customers[list(bundle.predictor.categories.columns)]
    X = bundle.standardizer.transform(amounts)
    console.print("About 40 minutes on two cores; a run that is stopped goes on later.")
    for task, done, tasks in compute(customers, amounts.to_numpy(dtype=float), X, bundle.fits, bundle.labels):
        console.print(f"  {done + 1} of {tasks}: {task}")
    for sentence in load_evidence()["sentences"]:
        console.print(sentence)
    console.print("Saved models/evidence.json; run make train to put its summary into the models.")


def check(
    models: Folder = MODELS_FOLDER,
    quiet: Annotated[bool, Option(help="Say nothing when all is well.")] = False,
) -> None:
    """Verify that the model files are complete, unaltered and of this data and these versions."""
    from wholesale.predictor import read_folder

    found, shipped = read_folder(models)[0].manifest, manifest.SHIPPED
    ours = models.resolve() == MODELS_FOLDER.resolve()
    if ours and found["customers_sha256"] != manifest.sha256(shipped.read_bytes()):
        raise BundleError(f"{models.name} was trained on other data than {shipped.name}")
    if not quiet:
        on = f"{found['customers']} customers with scikit-learn {found['versions']['scikit-learn']}"
        console.print(f"{models.name}/ is complete: trained {found['trained'][:10]} on {on}.")


def score(
    source: Annotated[Path, Argument(metavar="IN", help="CSV, Parquet or Excel; - is standard input.")],
    output: Annotated[
        Path | None,
        Output(
            metavar="OUT",
            help="CSV, or Parquet if it ends in .parquet; - is standard output.",
            show_default="IN with .scored.csv",
        ),
    ] = None,
    rejected: Annotated[
        Path | None,
        Option(help="CSV of rejected rows, if any.", show_default="OUT with .rejected.csv; none for -"),
    ] = None,
    column: Columns = None,
    decimal: Sign = None,
    sheet: Sheet = None,
    blank: Blank = None,
    models: Folder = MODELS_FOLDER,
    dask: Annotated[
        str | None,
        Option(
            metavar="ADDRESS",
            help="Score on the Dask cluster at this address, or on one made here (local). IN may then be a"
            " folder, or a pattern in quotes; OUT is a folder of Parquet files.",
        ),
    ] = None,
    force: Annotated[bool, Option("--force", help="Replace files that are there already.")] = False,
    quiet: Annotated[bool, Option("--quiet", "-q", help="No progress and no summary.")] = False,
    as_json: Annotated[bool, Option("--json", help="The summary as JSON.")] = False,
) -> None:
    """Score a file of customers: every row gets the three models' answers, or a reason why not.

    Exit status: 0 all rows scored, 3 some rows rejected, 1 nothing written, 2 wrong options, 130 interrupted.
    """
    from wholesale.predict import load_predictor
    from wholesale.reading import Settings
    from wholesale.scoring import cluster, score_file

    out = output or _beside(source, ".scored.parquet" if dask else ".scored.csv")
    wrong = rejected or (None if out == STREAM else _beside(out, ".rejected.csv"))
    settings = Settings(**reading(column, decimal, sheet, blank))
    run: Callable[..., Summary] = partial(cluster.score_cluster, address=dask) if dask else score_file
    with stopping(), _streams(source, out) as (read, write), progress_bar(hidden=quiet) as progress:
        how: dict[str, Any] = {"settings": settings, "force": force, "progress": progress}
        summary = run(read, write, load_predictor(models), rejected=wrong, **how)
    if as_json:
        apart = wrong.name if wrong and summary.rejected else None
        files = {"source": source.name, "output": out.name, "rejected_file": apart}
        echo(json.dumps(files | summary.as_dict()), err=out == STREAM)
    elif not quiet:
        name = "standard output" if out == STREAM else out.name
        tell(summary, name, wrong.name if wrong else None, err=out == STREAM)
    raise Exit(SOME_REJECTED if summary.rejected else 0)


def _beside(path: Path, suffix: str) -> Path:
    return Path("stdin" + suffix) if path == STREAM or path.is_fifo() else path.with_suffix(suffix)


@contextmanager
def _streams(source: Path, output: Path) -> Iterator[tuple[Path, Path]]:
    """Put files in the place of standard input, output and pipes: input may have to be read twice."""
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


@contextmanager
def progress_bar(*, hidden: bool) -> Iterator[Callable[[int, float | None], None]]:
    """Show rows, rate and time left on standard error, if that is a terminal."""
    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    terminal, hidden = Console(stderr=True), hidden or not sys.stderr.isatty()
    with Progress(*columns, console=terminal, transient=True, disable=hidden) as bar:
        bar.add_task("", total=None)

        def show(rows: int, share: float | None) -> None:
            (task,) = bar.tasks
            rate = rows / max(task.elapsed or 0, 1e-3)
            said = f"{counted(rows, 'row')}, {format_amount(round(rate))} a second"
            bar.update(task.id, description=said, total=share and 1, completed=share or 0)

        yield show


def tell(summary: "Summary", output: str, rejected: str | None, *, err: bool) -> None:
    """Print a summary, on standard error where standard output holds the customers themselves."""
    console = Console(stderr=err, **PLAIN)
    if summary.other_market:
        console.print(summary.verdict)
    console.print(f"Scored {counted(summary.accepted, 'customer')} into {output}.")
    if summary.rejected:
        where = f", with reasons in {rejected}" if rejected else "; keep such rows with --rejected FILE"
        console.print(f"Rejected {counted(summary.rejected, 'row')}{where}:")
        for line in summary.examples:
            console.print(f"  {line}")
        if more := summary.rejected - len(summary.examples):
            console.print(f"  and {format_amount(more)} more")
    for note in summary.notes:
        console.print(note)
    if summary.accepted:
        rows = {}
        for model, sizes in summary.segments.items():
            shares = [(format_amount(n), format_share(n / summary.accepted)) for _, n in sizes]
            rows[model] = [(f"{i} {sizes[i - 1][0]}", *share) for i, share in enumerate(shares, start=1)]
        console.print(by_model(["segment", "customers", "share"], rows))
        drifts = Table("category", "D", "spending")
        for column, drift in summary.drift.items():
            drifts.add_row(summary.categories.label(column), f"{drift.distance:.2f}", drift.words)
        console.print(drifts)
        console.print("D: 0 if they spend as those on record do, 1 if nothing is in common.")
    if not summary.other_market:
        console.print(summary.verdict)


def report(
    source: Annotated[Path, Argument(metavar="IN", help="CSV, Parquet or Excel.")],
    output: Annotated[
        Path | None, Output(metavar="OUT", help="HTML.", show_default="IN with .report.html")
    ] = None,
    segments: Annotated[int, Option(min=2, max=8, help="Number of segments to fit.")] = 3,
    column: Columns = None,
    decimal: Sign = None,
    sheet: Sheet = None,
    blank: Blank = None,
    models: Folder = MODELS_FOLDER,
    nulls: Annotated[bool, Option(help="Hold the criteria against chance; it takes minutes.")] = True,
    force: Annotated[bool, Option("--force", help="Replace a file that is there already.")] = False,
    quiet: Annotated[bool, Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Write a report on a file of customers: one HTML page to read, print and hand on; it takes minutes."""
    from wholesale.report import study, write_report

    out, told = output or source.with_suffix(".report.html"), Console(stderr=True, quiet=quiet, **PLAIN)
    how = reading(column, decimal, sheet, blank) | {"models": models, "segments": segments, "force": force}
    how["clouds"] = study.CLOUDS if nulls else 0
    try:
        with stopping():
            write_report(source, out, **how, progress=lambda step: told.print(f"  {step}"))
    except OSError as error:
        raise ValueError(str(error)) from None


def serve(
    models: Folder = MODELS_FOLDER,
    port: Annotated[int, Option(min=1, max=65535, help="Port to listen on.")] = 8866,
    pages: Annotated[int | None, Option(min=1, help="Pages open at once; by memory if not given.")] = None,
    host: Annotated[str, Option(help="Address to listen at; 0.0.0.0 is every one.")] = "127.0.0.1",
    allow_host: Annotated[list[str] | None, Option(help="Name of the server; repeatable.")] = None,
    base_url: Annotated[str, Option(help="What every address begins with, e.g. /segments/.")] = "/",
    password_file: Annotated[Path | None, Option(help="File of a hashed password.")] = None,
    no_password: Annotated[bool, Option("--no-password", help="Let everybody in.")] = False,
    token_file: Annotated[Path | None, Option(help="File of a token for the API.")] = None,
    behind_proxy: Annotated[bool, Option("--behind-proxy", help="A proxy lets people in.")] = False,
    proxy: Annotated[list[str] | None, Option(help="Its address, if elsewhere; repeatable.")] = None,
    certfile: Annotated[Path | None, Option(help="Certificate for https, PEM.")] = None,
    keyfile: Annotated[Path | None, Option(help="Its key, PEM.")] = None,
    cookie_secret_file: Annotated[Path | None, Option(help="Secret that several servers share.")] = None,
    log_requests: Annotated[bool, Option("--log-requests", help="A line for each.")] = False,
) -> None:
    """Serve the page, on this machine or for others (docs/serving.md), and print its address."""
    from wholesale.app.server import serve as run
    from wholesale.app.server import settle

    access = settle(
        host, allow_host, base_url, password_file, no_password, token_file, behind_proxy, proxy, certfile,
        keyfile, cookie_secret_file, log_requests,
    )  # fmt: skip
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # temporary files go then as well
    run(port, models, pages, access)


class Commands(TyperGroup):
    """Every command, what it refuses and its standard output taken care of."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command, which says in a sentence what it refuses."""
        try:
            return super().invoke(ctx)
        except UnicodeEncodeError:
            echo("a file's name is not UTF-8: rename it", err=True)
        except (BundleError, ValueError) as error:
            echo(str(error), err=True)
        raise Exit(1) from None

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run all; a terminal that closes ends it as a plain kill does, a full output in a sentence."""
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
            signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # where it cannot write a sign
        try:
            return super().main(*arguments, **options)
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # where the rest of it goes
            echo(f"standard output cannot be written: {error.strerror or error}", err=True)
            sys.exit(1)


EXAMPLES: dict[Callable, str] = {
    train: "dataset/wholesale_customers.csv --segments 4 -o mine",
    evidence: "",
    score: "dataset/wholesale_customers.csv -o scored.csv",
    report: "dataset/wholesale_customers.csv -o report.html",
    check: "--models models",
    serve: "--models models --port 9000",
}
main = Typer(
    name="wholesale",
    cls=Commands,
    help="Segment wholesale customers by what they spend.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command, example in EXAMPLES.items():
    main.command(epilog=f"Example: python -m wholesale {command.__name__} {example}".strip())(command)
