"""Files of any number of customers: those on record, drawn again and varied; always the same."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from wholesale.columns import SPEND_COLUMNS
from wholesale.predict import load_predictor

ROWS = 100_000
SPREAD = 0.3
"""Standard deviation of the logarithm of what an amount is multiplied with."""

BAD = 100
"""One row in so many lacks an amount."""

SHOPS = ('Café "Sol", Lisboa', "Restaurante\nO Mar", "Mercearia Ávila; filhos", "Hotel Norte")


def make(path: Path, rows: int, kind: str = "plain") -> Path:
    """Write a file of one of the `KINDS`."""
    tables = (KINDS[kind](table) for table in _tables(rows))
    first = next(tables)
    semicolon = kind == "semicolon"
    how = pacsv.WriteOptions(
        delimiter=";" if semicolon else ",", quoting_style="needed" if kind == "quoted text" else "none"
    )
    writer = (
        pq.ParquetWriter(path, first.schema)
        if kind == "Parquet"
        else pacsv.CSVWriter(path, first.schema, write_options=how)
    )
    with writer:
        for table in (first, *tables):
            writer.write_table(table)
    return path


def _tables(rows: int) -> Iterator[pa.Table]:
    record, rng = load_predictor(), np.random.default_rng(0)
    for start in range(0, rows, ROWS):
        n = min(ROWS, rows - start)
        drawn = rng.integers(0, len(record.amounts), n)
        amounts = np.rint(record.amounts[drawn] * np.exp(rng.normal(0, SPREAD, (n, 6)))).astype(int)
        about = {"id": np.arange(start, start + n) + 1}
        if record.channel is not None and record.region is not None:
            about |= {"Channel": record.channel[drawn], "Region": record.region[drawn]}
        yield pa.table(about | dict(zip(SPEND_COLUMNS, amounts.T, strict=True)))


def _with_cents(table: pa.Table) -> pa.Table:
    """Write amounts with cents and a decimal comma."""
    for i, column in enumerate(table.column_names):
        if column in SPEND_COLUMNS:
            whole, cents = table.column(column).cast(pa.string()), pc.bit_wise_and(table.column("id"), 63)
            text = pc.binary_join_element_wise(whole, pc.add(cents, 10).cast(pa.string()), ",")
            table = table.set_column(i, column, text)
    return table


def _with_text(table: pa.Table) -> pa.Table:
    """Add two columns of text with separators, quotes and line ends inside."""
    ids = table.column("id").to_numpy()
    shops = pa.array(SHOPS).take(pa.array(ids % len(SHOPS)))
    notes = pc.binary_join_element_wise(pa.array(ids % 1000).cast(pa.string()), "orders, last year", " ")
    return table.add_column(1, "shop", shops).append_column("note", notes)


def _with_bad_rows(table: pa.Table) -> pa.Table:
    bad = pa.array(table.column("id").to_numpy() % BAD == 0)
    last = pc.if_else(bad, "unknown", table.column("Delicassen").cast(pa.string()))
    return table.set_column(table.column_names.index("Delicassen"), "Delicassen", last)


KINDS: dict[str, Callable[[pa.Table], pa.Table]] = {
    "plain": lambda table: table,
    "semicolon": _with_cents,
    "quoted text": _with_text,
    "bad rows": _with_bad_rows,
    "Parquet": lambda table: table,
}
