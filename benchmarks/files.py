"""Whole files scored, beside the least and the plain way to do it: ``python -m benchmarks.files``."""

import json
import subprocess
import sys
from pathlib import Path
from random import sample
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from benchmarks.made import make
from benchmarks.results import Cell, Figures, conditions, table, write
from benchmarks.ways import WAYS

NOTE = """A fresh process each, in random turns; the best run counts. Seconds do not hold imports; they end
when the output is on the disk. The plain way leaves out Ward placement, agreement, familiarity, drift, and
rejecting rows.
"""


def main(
    rows: Annotated[list[int], typer.Option()] = [10_000, 1_000_000, 10_000_000],  # noqa: B006
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each way, but one of the plain way.")] = 3,
) -> None:
    """Time all ways on the same files, in turns; about ten minutes."""
    where = conditions("pyarrow", "numpy", "pandas", "scikit-learn")
    files = {n: measure(n, repeats) for n in sorted(rows)}
    *before, n = files
    largest, smaller = files[n], files[before[-1] if before else n]
    figures = {
        "ours": largest["ours"],
        "pyarrow": largest["floor"],
        "plain": largest["plain"],
        "file before": smaller["ours"],
    }
    lines: list[list[Cell]] = [
        [f"{n:,} rows", way, f"{run['time (s)'] / runs['floor']['time (s)']:.2f}×", *run.values()]
        for n, runs in files.items()
        for way, run in runs.items()
    ]
    heads = ["file", "way", "× floor", *largest["ours"]]
    write(f"Files: {n:,} rows scored", where, figures, table(heads, lines), NOTE, files=files)


def measure(n: int, turns: int) -> Figures:
    """Go each way so often, in random order, each run in a process of its own."""
    typer.echo(f"{n:,} rows", err=True)
    runs: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    with TemporaryDirectory() as folder:
        source, output = make(Path(folder, "in.csv"), n), Path(folder, "out.csv")
        for _ in range(turns):
            for way in sample([*WAYS], len(WAYS)):
                if way != "plain" or not runs[way]:
                    command = [sys.executable, "-m", "benchmarks.ways", way, str(source), str(output)]
                    runs[way].append(json.loads(subprocess.check_output(command, text=True)))
                    output.unlink()
    return {way: _summary(n, taken) for way, taken in runs.items()}


def _summary(n: int, taken: list[dict[str, float]]) -> dict[str, float]:
    best, memory = min(run["seconds"] for run in taken), max(run["mb"] for run in taken)
    per_million = best / n * 1e6
    return {"time (s)": best, "time per million rows (s)": per_million, "memory (MB)": memory}


if __name__ == "__main__":
    typer.run(main)
