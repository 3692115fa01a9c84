"""The command line. Each command imports its half of the package only when it runs."""

import os
import sys
from typing import Any

import typer

from wholesale.cli.customers import score
from wholesale.cli.page import serve
from wholesale.cli.report import report
from wholesale.cli.training import check, evidence, train

__all__ = ["main"]


class Main(typer.Typer):
    """Every command, its standard output taken care of."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Run a command; say in a sentence that what it writes to is full."""
        try:
            return super().__call__(*arguments, **options)
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # where the rest of it goes
            typer.echo(f"standard output cannot be written: {error.strerror or error}", err=True)
            sys.exit(1)


main = Main(
    name="wholesale",
    help="Segment wholesale customers by what they spend.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
main.command(
    epilog="Example: python -m wholesale train dataset/wholesale_customers.csv --segments 4 -o mine"
)(train)
main.command(epilog="Example: python -m wholesale evidence")(evidence)
main.command(epilog="Example: python -m wholesale score dataset/wholesale_customers.csv -o scored.csv")(score)
main.command(epilog="Example: python -m wholesale report dataset/wholesale_customers.csv -o report.html")(
    report
)
main.command(epilog="Example: python -m wholesale check --models models")(check)
main.command(epilog="Example: python -m wholesale serve --models models --port 9000")(serve)
