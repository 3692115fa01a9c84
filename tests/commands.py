"""Commands, run in this process."""

import contextlib
from pathlib import Path

from typer.testing import CliRunner

from wholesale.cli import main


def run(*arguments, folder: Path | str = ".", text: str | None = None):
    """Run a command in a folder; `text` is its standard input."""
    with contextlib.chdir(folder):
        return CliRunner().invoke(main, [*map(str, arguments)], input=text)
