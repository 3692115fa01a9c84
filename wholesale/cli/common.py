"""What every command shares: the console, the options that several take, and how to refuse."""

from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer
from rich.console import Console

from wholesale.manifest import MODELS_VARIABLE

console = Console(soft_wrap=True)
Folder = Annotated[
    Path,
    typer.Option(
        "--models", envvar=MODELS_VARIABLE, help="Folder of the model files.", show_default="models/"
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="CATEGORY=NAME",
        help="The file's own name for a category, e.g. Fresh=fresh_products; give it as often as needed.",
    ),
]
Sign = Annotated[
    Literal["point", "comma"] | None,
    typer.Option("--decimal", help="The file's decimal sign; found out if not given."),
]
Blank = Annotated[
    Literal["zero"] | None,
    typer.Option("--blank", help="What a blank or - among the amounts means; else its row is rejected."),
]

Sheet = Annotated[
    str | None,
    typer.Option(help="Sheet of a workbook.", show_default="the first that is not hidden"),
]


def named_columns(columns: list[str] | None) -> dict[str, str]:
    """Read each ``CATEGORY=NAME``.

    Raises
    ------
    ValueError
        In one sentence, if one is not of that form.
    """
    pairs = {column: column.partition("=")[::2] for column in columns or []}
    for column, (category, name) in pairs.items():
        if not category or not name:
            raise ValueError(f"--column {column} is not of the form CATEGORY=NAME, e.g. Fresh=fresh_products")
    return dict(pairs.values())


def refuse(error: Exception | str) -> NoReturn:
    """Say the error's sentence and exit with status 1."""
    typer.echo(str(error), err=True)
    raise typer.Exit(1)
