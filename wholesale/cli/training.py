"""The commands that fit: train, evidence, check."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shlex import quote
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from wholesale.cli.common import Blank, Columns, Folder, Sheet, Sign, console, named_columns, refuse
from wholesale.columns import MODELS
from wholesale.manifest import FILES, INSTALLED, MODELS_FOLDER, SHIPPED, BundleError, check_folder, sha256
from wholesale.wording import counted

if TYPE_CHECKING:
    from wholesale.bundle import Bundle
    from wholesale.customers import Customers

REASONS = 3
"""Rejected rows that are shown with what is wrong."""


def train(
    source: Annotated[
        Path | None,
        typer.Argument(metavar="IN", help="A file of your own customers; without it, the shipped ones."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to write to.", show_default="models/")
    ] = None,
    segments: Annotated[int, typer.Option(min=2, max=8, help="Number of segments.")] = 3,
    column: Columns = None,
    decimal: Sign = None,
    sheet: Sheet = None,
    blank: Blank = None,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="First weigh each number of segments; it takes minutes.")
    ] = False,
) -> None:
    """Fit the three models, on the shipped customers or on your own, and save them."""
    from wholesale.app import sentences

    folder = output or MODELS_FOLDER
    try:
        how = {"columns": named_columns(column), "decimal": decimal, "sheet": sheet, "blank": blank}
        customers = _read(source, output, how)
        with _writable(folder):
            bundle = _fitted(customers, segments, folder, evidence)
    except ValueError as error:
        refuse(error)
    except OSError as error:
        refuse(f"{folder.name} cannot be written: {error.strerror or error}")
    console.print(_fits(bundle.manifest["metrics"], bundle.names))
    if said := sentences.mixture(bundle.predictor):
        console.print(said, highlight=False)
    console.print(f"Saved {', '.join(FILES)} and manifest.json in {folder.name}/")
    for sentence in bundle.predictor.evidence["sentences"] if evidence else ():
        console.print(sentence)
    if source:
        console.print(
            f"See them with: python -m wholesale serve --models {quote(str(folder))}", highlight=False
        )


def evidence() -> None:
    """Weigh the evidence for each number of segments; about five minutes, and it can be interrupted."""
    from wholesale.bundle import load_bundle
    from wholesale.columns import SPEND_COLUMNS
    from wholesale.data import DataError, load_customers
    from wholesale.evidence.saved import compute, load_evidence

    if INSTALLED:
        refuse(
            "the package's evidence stays as it was installed; for your own: train FILE --evidence -o mine"
        )
    try:
        customers, bundle = load_customers(), load_bundle()
    except (DataError, BundleError) as error:
        refuse(error)
    X = bundle.standardizer.transform(customers[list(SPEND_COLUMNS)])
    console.print("About five minutes on two cores; a run that is stopped goes on later.")
    for task, done, tasks in compute(customers, X, bundle.gmm, bundle.labels, n_jobs=-1):
        console.print(f"  {done + 1} of {tasks}: {task}")
    for sentence in load_evidence()["sentences"]:
        console.print(sentence)
    console.print("Saved models/evidence.json; run make train to put its summary into the models.")


def check(
    models: Folder = MODELS_FOLDER,
    quiet: Annotated[bool, typer.Option(help="Say nothing when all is well.")] = False,
) -> None:
    """Verify that the model files are complete, unaltered and of this data and these versions."""
    try:
        manifest = check_folder(models)
        if models.resolve() == MODELS_FOLDER.resolve() and manifest["customers_sha256"] != sha256(
            SHIPPED.read_bytes()
        ):
            raise BundleError(f"{models.name} was trained on other data than {SHIPPED.name}")
    except BundleError as error:
        refuse(error)
    if not quiet:
        console.print(
            f"{models.name}/ is complete: trained {manifest['trained'][:10]} on"
            f" {manifest['customers']} customers with scikit-learn {manifest['versions']['scikit-learn']}."
        )


def _read(source: Path | None, output: Path | None, how: dict) -> "Customers":
    """Read the customers and say what came of it."""
    from wholesale.customers import read_file, read_shipped

    if source is None:
        if output is None and INSTALLED:
            raise ValueError("the package's models stay as they were installed: name a folder, e.g. -o mine")
        if any(how.values()):
            options = "--column, --decimal, --sheet and --blank"
            raise ValueError(f"{options} say how to read a file of your own: name it first")
        return read_shipped()
    if output is None or output.resolve() == MODELS_FOLDER.resolve():
        raise ValueError(
            f"models/ is for the shipped customers: name a folder for those of {source.name}, e.g. -o mine"
        )
    customers = read_file(source, **how)
    accepted, rejected = counted(len(customers.accepted), "row"), len(customers.rejected)
    console.print(f"{customers.file}: {accepted} accepted, {rejected} rejected.")
    first = [
        f"line {row['line']}: {row['reason']}" for row in customers.rejected.slice(0, REASONS).to_pylist()
    ]
    for line in (*first, *customers.notes, *customers.left_out):
        console.print(f"  {line}", markup=False, highlight=False)
    if (more := rejected - REASONS) > 0:
        console.print(f"  and {more} more rejected")
    return customers


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Make the folder, and try a file in it, before anything is fitted; an empty one is not left behind."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
        yield
    finally:
        for path in made:
            with suppress(OSError):  # it is not empty
                path.rmdir()


def _fitted(customers: "Customers", segments: int, folder: Path, weigh: bool) -> "Bundle":
    from wholesale.bundle import LARGEST, save_bundle, train

    n = min(len(customers.table), LARGEST)
    if n < len(customers.table):
        console.print(
            f"A random sample of {n} is fitted: Ward's memory grows with the square of their number."
        )
    console.print(f"Training on {n} customers, {segments} segments; {_takes(n, weigh)}.")
    bundle = train(
        customers.table,
        segments,
        source=customers.source,
        folder=folder,
        weigh=weigh,
        progress=lambda step: console.print(f"  {step}"),
    )
    return save_bundle(bundle, folder)


def _takes(n: int, weigh: bool) -> str:
    """Say how long it takes, by what was measured on two cores."""
    if weigh:
        minutes = max(5, round(5 * n / 440))
        return f"about {minutes} minutes with the evidence; a run that is stopped goes on later"
    return "about ten seconds" if n <= 1000 else "about a minute"


def _fits(metrics: dict, names: dict[str, tuple[str, ...]]) -> Table:
    table = Table("model", "segments (customers)", "silhouette", "BIC")
    for model, label in MODELS.items():
        its = metrics[model]
        if its is None:
            table.add_row(label, "none", "–", "–", end_section=True)
            continue
        sizes = "\n".join(f"{name} ({size})" for name, size in zip(names[model], its["sizes"], strict=True))
        bic = f"{its['bic']:.0f}" if "bic" in its else "–"
        table.add_row(label, sizes, f"{its['silhouette']:.2f}", bic, end_section=True)
    return table
