"""Customers on record, drawn again and varied, always the same: ``python -m benchmarks.made OUT ROWS``."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import typer

from wholesale.columns import SPEND_COLUMNS
from wholesale.predict import load_predictor

KINDS = ("plain", "semicolon", "quoted text", "bad rows", "Parquet")
BLOCK = 100_000  # rows
SPREAD = 0.3  # standard deviation of the logarithm of what an amount is multiplied with
BAD = 100  # one row in so many lacks an amount
SHOPS = ('Café "Sol", Lisboa', "Restaurante\nO Mar", "Mercearia Ávila; filhos", "Hotel Norte")


def make(path: Path, rows: int, kind: str = "plain") -> Path:
    """Write a file of one of the `KINDS`."""
    tables = _tables(rows, kind)
    first = next(tables)
    how = pacsv.WriteOptions(
        delimiter=";" if kind == "semicolon" else ",",
        quoting_style="needed" if kind == "quoted text" else "none",
    )
    with (
        pq.ParquetWriter(path, first.schema)
        if kind == "Parquet"
        else pacsv.CSVWriter(path, first.schema, write_options=how)
    ) as writer:
        for table in (first, *tables):
            writer.write_table(table)
    return path


def _tables(rows: int, kind: str) -> Iterator[pa.Table]:
    record, rng = load_predictor(), np.random.default_rng(0)
    for start in range(0, rows, BLOCK):
        n = min(BLOCK, rows - start)
        drawn = rng.integers(0, len(record.amounts), n)
        amounts = np.rint(record.amounts[drawn] * np.exp(rng.normal(0, SPREAD, (n, 6)))).astype(int)
        ids = np.arange(start, start + n) + 1
        columns = {"id": pa.array(ids)}
        if kind == "quoted text":
            columns["shop"] = pa.array(SHOPS).take(pa.array(ids % len(SHOPS)))
        if record.channel is not None and record.region is not None:
            columns |= {"Channel": record.channel[drawn], "Region": record.region[drawn]}
        for column, values in zip(SPEND_COLUMNS, map(pa.array, amounts.T), strict=True):
            whole = values.cast(pa.string())
            if kind == "semicolon":
                cents = pa.array((ids & 63) + 10).cast(pa.string())
                values = pc.binary_join_element_wise(whole, cents, ",")
            if kind == "bad rows" and column == SPEND_COLUMNS[-1]:
                values = pc.if_else(pa.array(ids % BAD == 0), "unknown", whole)
            columns[column] = values
        if kind == "quoted text":
            numbers = pa.array(ids % 1000).cast(pa.string())
            columns["note"] = pc.binary_join_element_wise(numbers, "orders, last year", " ")
        yield pa.table(columns)


if __name__ == "__main__":
    typer.run(make)
