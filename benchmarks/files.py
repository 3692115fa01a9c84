"""Whole files scored, beside the least and the plain way to do it: ``python -m benchmarks.files``."""

import json
import subprocess
import sys
from pathlib import Path
from random import sample
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import typer

from benchmarks.results import Cell, Figures, conditions, table, write
from benchmarks.ways import WAYS
from wholesale.columns import SPEND_COLUMNS
from wholesale.predict import load_predictor

BLOCK = 100_000  # rows made at a time
SPREAD = 0.3  # standard deviation of the logarithm of what an amount is multiplied with

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
    figures = {"ours": largest["ours"], "pyarrow": largest["floor"], "plain": largest["plain"]}
    figures["file before"] = smaller["ours"]
    lines: list[list[Cell]] = [
        [f"{n:,} rows", way, f"{run['time (s)'] / runs['floor']['time (s)']:.2f}×", *run.values()]
        for n, runs in files.items()
        for way, run in runs.items()
    ]
    heads = ["file", "way", "× floor", *largest["ours"]]
    write(f"Files: {n:,} rows scored", where, figures, table(heads, lines), NOTE, files=files)


def make(path: Path, rows: int) -> Path:
    """Write a file of customers on record, drawn again and varied, always the same."""
    record, rng = load_predictor(), np.random.default_rng(0)
    names = ["id", "Channel", "Region", *SPEND_COLUMNS]
    options = pacsv.WriteOptions(quoting_style="none")
    with pacsv.CSVWriter(path, pa.schema(dict.fromkeys(names, pa.int64())), write_options=options) as writer:
        for start in range(0, rows, BLOCK):
            n = min(BLOCK, rows - start)
            drawn = rng.integers(0, len(record.amounts), n)
            amounts = np.rint(record.amounts[drawn] * np.exp(rng.normal(0, SPREAD, (n, 6)))).astype(int)
            shown = (record.channel[drawn], record.region[drawn])  # type: ignore[index]
            writer.write_table(pa.table([np.arange(n) + start + 1, *shown, *amounts.T], names=names))
    return path


def measure(n: int, turns: int) -> Figures:
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
    figures: Figures = {}
    for way, taken in runs.items():
        best, memory = min(run["seconds"] for run in taken), max(run["mb"] for run in taken)
        figures[way] = {"time (s)": best, "time per million rows (s)": best / n * 1e6, "memory (MB)": memory}
    return figures


if __name__ == "__main__":
    typer.run(main)
