"""Customers on record, drawn again and varied, always the same: ``python -m benchmarks.made OUT ROWS``."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import typer

from wholesale.columns import SPEND_COLUMNS
from wholesale.predict import load_predictor

BLOCK = 100_000  # rows
SPREAD = 0.3  # standard deviation of the logarithm of what an amount is multiplied with


def make(path: Path, rows: int) -> Path:
    """Write such a file."""
    record, rng = load_predictor(), np.random.default_rng(0)
    names = ["id", "Channel", "Region", *SPEND_COLUMNS]
    options = pacsv.WriteOptions(quoting_style="none")
    with pacsv.CSVWriter(path, pa.schema(dict.fromkeys(names, pa.int64())), write_options=options) as writer:
        for start in range(0, rows, BLOCK):
            n = min(BLOCK, rows - start)
            drawn = rng.integers(0, len(record.amounts), n)
            amounts = np.rint(record.amounts[drawn] * np.exp(rng.normal(0, SPREAD, (n, 6)))).astype(int)
            ids = np.arange(start, start + n) + 1
            shown = (record.channel[drawn], record.region[drawn])  # type: ignore[index]
            writer.write_table(pa.table([ids, *shown, *amounts.T], names=names))
    return path


if __name__ == "__main__":
    typer.run(make)
