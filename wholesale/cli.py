"""The command line. Each command imports its half of the package only when it runs."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from wholesale.columns import MODELS
from wholesale.manifest import MODELS_FOLDER, SHIPPED, BundleError, check_folder, sha256

main = typer.Typer(
    name="wholesale",
    help="Segment wholesale customers by what they spend.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console(soft_wrap=True)
Folder = Annotated[Path, typer.Option("--models", help="Folder of the model files.", show_default="models/")]


@main.command(epilog="Example: python -m wholesale train")
def train(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder to write to.", show_default="models/")
    ] = MODELS_FOLDER,
    segments: Annotated[int, typer.Option(min=2, max=8, help="Number of segments.")] = 3,
) -> None:
    """Fit the three models on the shipped customers and save them."""
    from wholesale.bundle import save_bundle
    from wholesale.bundle import train as fit
    from wholesale.data import DataError, load_customers

    try:
        customers = load_customers()
        output.mkdir(parents=True, exist_ok=True)
    except (DataError, OSError) as error:
        _refuse(error)
    console.print(f"Training on {len(customers)} customers, {segments} segments; about ten seconds.")
    bundle = save_bundle(fit(customers, segments, progress=lambda step: console.print(f"  {step}")), output)
    console.print(_fits(bundle.manifest["metrics"], bundle.names))
    console.print(f"Saved {', '.join(bundle.manifest['files'])} and manifest.json in {output.name}/")


@main.command(epilog="Example: python -m wholesale evidence")
def evidence() -> None:
    """Weigh the evidence for each number of segments; about five minutes, and it can be interrupted."""
    from wholesale.bundle import load_bundle
    from wholesale.columns import SPEND_COLUMNS
    from wholesale.data import DataError, load_customers
    from wholesale.evidence.saved import compute, load_evidence

    try:
        customers, bundle = load_customers(), load_bundle()
    except (DataError, BundleError) as error:
        _refuse(error)
    X = bundle.standardizer.transform(customers[list(SPEND_COLUMNS)])
    console.print("About five minutes on two cores; a run that is stopped goes on later.")
    for task, done, tasks in compute(customers, X, bundle.gmm, bundle.labels, n_jobs=-1):
        console.print(f"  {done + 1} of {tasks}: {task}")
    for sentence in load_evidence()["sentences"]:
        console.print(sentence)
    console.print("Saved models/evidence.json; run make train to put its summary into the models.")


@main.command(epilog="Example: python -m wholesale check")
def check(
    models: Folder = MODELS_FOLDER,
    quiet: Annotated[bool, typer.Option(help="Say nothing when all is well.")] = False,
) -> None:
    """Verify that the model files are complete, unaltered and of this data and these versions."""
    try:
        manifest = check_folder(models)
        if models == MODELS_FOLDER and manifest["customers_sha256"] != sha256(SHIPPED.read_bytes()):
            raise BundleError(f"{models.name} was trained on other data than {SHIPPED.name}")
    except BundleError as error:
        _refuse(error)
    if not quiet:
        console.print(
            f"{models.name}/ is complete: trained {manifest['trained'][:10]} on"
            f" {manifest['customers']} customers with scikit-learn {manifest['versions']['scikit-learn']}."
        )


@main.command(epilog="Example: python -m wholesale serve --port 9000")
def serve(port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 8866) -> None:
    """Serve the page on this machine and print its address."""
    from wholesale.app.server import serve as run

    try:
        run(port=port)
    except BundleError as error:
        _refuse(error)


def _fits(metrics: dict, names: dict[str, tuple[str, ...]]) -> Table:
    table = Table("model", "segments (customers)", "silhouette", "BIC")
    for model, label in MODELS.items():
        its = metrics[model]
        sizes = "\n".join(f"{name} ({size})" for name, size in zip(names[model], its["sizes"], strict=True))
        bic = f"{its['bic']:.0f}" if "bic" in its else "–"
        table.add_row(label, sizes, f"{its['silhouette']:.2f}", bic, end_section=True)
    return table


def _refuse(error: Exception) -> None:
    """Say the error's sentence and exit with status 1."""
    typer.echo(str(error), err=True)
    raise typer.Exit(1)
