"""The command line. Each command imports its half of the package only when it runs."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from wholesale.columns import MODELS
from wholesale.manifest import MODELS_FOLDER, BundleError, check_folder

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
    except DataError as error:
        _refuse(error)
    console.print(f"Training on {len(customers)} customers, {segments} segments; about ten seconds.")
    bundle = save_bundle(fit(customers, segments, progress=lambda step: console.print(f"  {step}")), output)
    console.print(_fits(bundle.manifest["metrics"], bundle.names))
    console.print(f"Saved {', '.join(bundle.manifest['files'])} and manifest.json in {output.name}/")


@main.command(epilog="Example: python -m wholesale check")
def check(
    models: Folder = MODELS_FOLDER,
    quiet: Annotated[bool, typer.Option(help="Say nothing when all is well.")] = False,
) -> None:
    """Verify that the model files are complete, unaltered and of this data and these versions."""
    try:
        manifest = check_folder(models)
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
