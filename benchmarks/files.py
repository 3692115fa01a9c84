"""Whole files scored, beside the least and the plain way to do it: ``python -m benchmarks.files``."""

import json
import subprocess
import sys
from pathlib import Path
from random import sample
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from benchmarks.made import KINDS, make
from benchmarks.results import Cell, Figures, conditions, table, write
from benchmarks.ways import WAYS

NOTE = """A fresh process each, in random turns; the best run counts. Seconds do not hold imports; they end
when the output is on the disk. The plain way leaves out Ward placement, agreement, familiarity, drift, and
rejecting rows. *semicolon*: cents and a decimal comma. *quoted text*: two more columns, with separators,
quotes and line ends inside. *bad rows*: 1% have no amount; pyarrow alone cannot tell. *Parquet*: in and out.
"""
Sizes = Annotated[list[int], typer.Option(help="Rows of a file; give it as often as needed.")]
Repeats = Annotated[int, typer.Option(min=1, help="Runs of each way, but one of the plain way.")]
Varied = Annotated[int, typer.Option(help="Rows of the files of other kinds; 0 for none.")]


def main(
    rows: Sizes = [10_000, 1_000_000, 10_000_000],  # noqa: B006
    repeats: Repeats = 3,
    varied: Varied = 1_000_000,
) -> None:
    """Time all ways on the same files, in turns; about fifteen minutes."""
    where = conditions("pyarrow", "numpy", "pandas", "scikit-learn")
    sizes = {f"{n:,} rows": measure(n, "plain", list(WAYS), repeats) for n in sorted(rows)}
    kinds = {}
    for kind in KINDS if varied else ():
        ways = ["ours"] if kind == "bad rows" else ["floor", "ours"]
        kinds[f"{varied:,} rows, {kind}"] = measure(varied, kind, ways, repeats)
    report(max(rows), where, sizes, kinds)


def measure(n: int, kind: str, ways: list[str], turns: int) -> Figures:
    """Go each way so often, in random order, each run in a process of its own."""
    typer.echo(f"{n:,} rows, {kind}", err=True)
    runs: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    with TemporaryDirectory() as folder:
        ending = "parquet" if kind == "Parquet" else "csv"
        source, output = make(Path(folder, f"in.{ending}"), n, kind), Path(folder, f"out.{ending}")
        for _ in range(turns):
            for way in sample(ways, len(ways)):
                if way != "plain" or not runs[way]:
                    command = [sys.executable, "-m", "benchmarks.ways", way, str(source), str(output)]
                    runs[way].append(json.loads(subprocess.check_output(command, text=True)))
                    output.unlink()
    return {way: _summary(n, taken) for way, taken in runs.items()}


def _summary(n: int, taken: list[dict[str, float]]) -> dict[str, float]:
    seconds = [run["seconds"] for run in taken]
    return {
        "time (s)": min(seconds),
        "median (s)": median(seconds),
        "time per million rows (s)": min(seconds) / n * 1e6,
        "memory (MB)": max(run["mb"] for run in taken),
        "runs": len(taken),
    }


def report(n: int, where: dict[str, str], sizes: dict[str, Figures], kinds: dict[str, Figures]) -> None:
    """Hold the largest file against the limits, growth against the file before it, and show all."""
    *before, largest = sizes.values()
    figures = {"ours": largest["ours"], "pyarrow": largest["floor"], "plain": largest["plain"]}
    figures["file before"] = (before or [largest])[-1]["ours"]
    lines: list[list[Cell]] = []
    for file, runs in (sizes | kinds).items():
        for way, run in runs.items():
            ratio = f"{run['time (s)'] / runs['floor']['time (s)']:.2f}×" if "floor" in runs else None
            lines.append([file, way, ratio, *run.values()])
    parts = table(["file", "way", "× floor", *largest["ours"]], lines), NOTE
    write(f"Files: {n:,} rows scored", where, figures, *parts, files=sizes | kinds)


if __name__ == "__main__":
    typer.run(main)
