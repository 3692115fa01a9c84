"""Which records are customers, and of the others, what is wrong."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from operator import itemgetter
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wholesale.amounts import good, refusal, shown
from wholesale.reading import dialect as dialects
from wholesale.reading.dialect import Column, Dialect, Reconsider, objection, read_column, to_numbers
from wholesale.reading.formulas import restore
from wholesale.reading.header import ReadError, plain
from wholesale.reading.records import ROW_NAMES, Block, Records, read_records
from wholesale.reading.totals import Seen, look
from wholesale.wording import csv_of

BLANKS = ["", "-", "–", "—", None]  # what a pivoted table has where there is nothing
REJECTED = pa.schema(
    {"line": pa.int64(), **dict.fromkeys(("column", "value", "reason", "record"), pa.string())}
)
Rejected = tuple[int, str, str, str, Sequence]  # a row of `REJECTED`, the record still as its fields


class Part(NamedTuple):
    """Accepted records (line, then the file's columns), rejected ones, and what shows of the whole file."""

    accepted: pa.Table
    rejected: pa.Table
    seen: Seen


def read_block(dialect: Dialect, block: Block) -> Part:
    """Read one block; pure, so that blocks can be read anywhere and in any order."""
    content = block.content
    records = content if isinstance(content, Records) else read_records(dialect, content, block.line)
    columns = [read_column(records.table.column(i)) for i in dialect.spend]
    marks = dialects.weigh(columns)
    if not dialect.decimal.sign and (decimal := dialects.decide(marks)).sign:
        raise Reconsider(replace(dialect, decimal=decimal))
    amounts = _amounts(dialect, columns)
    if dialect.summaries:
        amounts[:, np.isin(records.lines, [*dialect.summaries])] = np.nan
    fine = np.logical_and.reduce(good(amounts))
    seen = look(amounts, fine, records.lines, records.table.drop_columns([*map(str, dialect.spend)]))
    rejected: list[Rejected] = [
        (line, "", "", _why_uneven(dialect, fields), fields) for line, fields in records.uneven
    ]
    blanks = 0
    if not fine.all():
        faulty, blanks = _faulty(dialect, records.where(~fine), ~good(amounts[:, ~fine]).T)
        rejected += faulty
        records, amounts = records.where(fine), amounts[:, fine]
    seen = replace(seen, marks=marks, currencies=dialects.currencies(columns), blanks=blanks)
    return Part(_accepted(dialect, records, amounts), _table(rejected), seen)


def _amounts(dialect: Dialect, columns: list[Column]) -> np.ndarray:
    """Read the columns of amounts (d, n), NaN for what is no number; if told so, blanks and dashes are 0."""
    sign, unclear = dialect.decimal.sign or ".", dialect.decimal.unclear
    amounts = np.array([to_numbers(column, sign, unclear) for column in columns])
    if dialect.zeros:
        blank = np.isnan(amounts)
        for empty, (_, text, _, _) in zip(blank, columns, strict=True):
            if text is not None:
                empty &= pc.is_in(pc.utf8_trim_whitespace(text), pa.array(BLANKS)).to_numpy()
        amounts[blank & ~blank.all(axis=0)] = 0  # not where there is nothing else
    amounts += 0.0  # -0.0 is 0.0
    return amounts


def _accepted(dialect: Dialect, records: Records, amounts: np.ndarray) -> pa.Table:
    columns = records.table.columns
    if dialect.ours:
        columns = [column if i in dialect.spend else restore(column) for i, column in enumerate(columns)]
    for i, column in zip(dialect.spend, amounts, strict=True):
        columns[i] = pa.array(column)
    line = "line"
    while line in dialect.names:
        line += "_"
    return pa.table([pa.array(records.lines, pa.int64()), *columns], [line, *dialect.names])


def _table(rejected: list[Rejected]) -> pa.Table:
    rejected.sort(key=itemgetter(0))
    *columns, records = zip(*rejected, strict=True) if rejected else [()] * len(REJECTED)
    written = [csv_of([fields], "\r\n").removesuffix("\r\n") for fields in records]
    return pa.table(list(map(pa.array, [*columns, written], REJECTED.types)), REJECTED)


def _why_uneven(dialect: Dialect, fields: list[str]) -> str:
    said = f"{len(fields)} field{'s'[: len(fields) - 1]}, but the header has {len(dialect.names)}"
    said += " with the names of rows" if dialect.shape.note == ROW_NAMES else ""
    said += f" and records end in {dialect.shape.every} more" if dialect.shape.every else ""
    return f"{said}; is a quote not closed?" if any("\n" in field for field in fields) else said


def _faulty(dialect: Dialect, records: Records, faults: np.ndarray) -> tuple[list[Rejected], int]:
    """Reject rows with `faults` (n, d), or known to be summaries; count those with some amounts blank."""
    columns = dialect.categories.columns
    cells, said = [_cells(column) for column in records.table.columns], cache(shown)
    rejected, blanks = list[Rejected](), 0
    rows = zip(records.lines.tolist(), zip(*cells, strict=True), faults.tolist(), strict=True)
    for line, row, wrong in rows:
        if line in dialect.summaries:
            rejected.append((line, "", "", dialect.summaries[line], row))
            continue
        if all(wrong) and _is_moved_header(dialect, [str(cell or "") for cell in row]):
            raise ReadError(f"line {line} names the columns again, in another order; make two files of it")
        values = {columns[i]: row[dialect.spend[i]] for i, bad in enumerate(wrong) if bad}
        reason = "; ".join(
            refusal(dialect.categories.label(column), said(value), objection(value or "", dialect.decimal))
            for column, value in values.items()
        )
        blank = all(value is None or value.strip() in BLANKS for value in values.values())
        blanks += blank and len(values) < len(columns)
        column, value = next(iter(values.items()))
        rejected.append((line, column, value or "", reason, row))
    return rejected, blanks


def _is_moved_header(dialect: Dialect, fields: list[str]) -> bool:
    """Say whether a record names at least two of the categories again, but elsewhere."""
    names, heads = [plain(field) for field in fields], map(plain, dialect.heads)
    moved = [head in names and names[i] != head for head, i in zip(heads, dialect.spend, strict=True)]
    return sum(moved) > 1


def _cells(column: pa.ChunkedArray) -> list:
    """Give a column's cells as text, or if Arrow has none for them, as Python has them."""
    column = column.flatten()[1] if column.type == dialects.MIXED else column
    try:
        return column.cast(pa.string()).to_pylist()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # lists and the like; bytes that are no text
        return column.to_pylist()
