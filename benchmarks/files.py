"""Whole files scored, beside the least and the plain way to do it: ``python -m benchmarks.files``."""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from benchmarks import file_tables
from benchmarks.made import KINDS, make
from benchmarks.report import conditions, write
from benchmarks.ways import WAYS

ALL, NO_PLAIN = tuple(WAYS), ("floor", "ours")
FEW = 10_000
"""Up to so many rows, twice as many repeats."""

Sizes = Annotated[list[int], typer.Option(help="Rows of a file; give it as often as needed.")]


def main(
    rows: Sizes = [10_000, 1_000_000, 10_000_000],  # noqa: B006
    repeats: Annotated[
        int, typer.Option(min=1, help="Runs of each way; the plain one's at the largest: 1.")
    ] = 3,
    varied: Annotated[int, typer.Option(help="Rows of the files of other kinds; 0 for none.")] = 1_000_000,
) -> None:
    """Time all ways on the same files, in turns; about fifteen minutes."""
    where = conditions("pyarrow", "numpy", "pandas", "scikit-learn")
    raw: dict[str, Any] = {"sizes": {}, "kinds": {}}
    with TemporaryDirectory() as folder:
        for n in sorted(rows):
            typer.echo(f"{n:,} rows")
            turns = repeats * (2 if n <= FEW else 1)
            once = {"plain"} if n == max(rows) and n > FEW else set()
            raw["sizes"][str(n)] = measure(Path(folder), n, "plain", ALL, turns, once)
        for kind in KINDS if varied else ():
            typer.echo(f"{varied:,} rows, {kind}")
            ways = ("ours",) if kind == "bad rows" else NO_PLAIN
            raw["kinds"][kind] = measure(Path(folder), varied, kind, ways, repeats)
    parts = [file_tables.budgets(raw), file_tables.sizes(raw)]
    parts += [file_tables.kinds(raw, varied)] if varied else []
    write("files", "Whole files scored", where, parts, raw)
    typer.echo("\n".join(parts))


def measure(
    folder: Path,
    n: int,
    kind: str,
    ways: tuple[str, ...],
    turns: int,
    once: set[str] = frozenset(),  # type: ignore[assignment]
) -> dict[str, dict[str, list[float]]]:
    """Go each way so often, beginning with another each time; seconds and MB of each run."""
    ending = "parquet" if kind == "Parquet" else "csv"
    source, output = make(folder / f"in.{ending}", n, kind), folder / f"out.{ending}"
    runs: dict[str, dict[str, list[float]]] = {way: defaultdict(list) for way in ways}
    for turn in range(turns):
        by = turn % len(ways)
        for way in ways[by:] + ways[:by]:
            if way in once and runs[way]:
                continue
            for name, value in _run(way, source, output).items():
                runs[way][name].append(value)
    for path in folder.iterdir():
        path.unlink()
    return runs


def _run(way: str, source: Path, output: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.ways", way, str(source), str(output)]
    result = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    output.unlink()
    return result


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    app.command()(main)
    app()
