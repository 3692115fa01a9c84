"""Which records are customers, and of the others, what is wrong."""

import csv
import io
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wholesale.amounts import NOT_AN_AMOUNT, shown
from wholesale.columns import SPEND_COLUMNS
from wholesale.reading.blocks import Block, Records
from wholesale.reading.form import Form, Reconsider
from wholesale.reading.formulas import restore
from wholesale.reading.numerals import decide, to_numbers, weigh
from wholesale.reading.records import read_records

LINE = "line"
REJECTED = pa.schema(
    [
        (LINE, pa.int64()),
        ("column", pa.string()),
        ("value", pa.string()),
        ("reason", pa.string()),
        ("record", pa.string()),
    ]
)


class Part(NamedTuple):
    """What a block holds: accepted and rejected records, as tables.

    Attributes
    ----------
    accepted : Table
        ``line``, then the file's columns in their order, the six amounts as floats.
    rejected : Table
        ``line``, ``column``, ``value``, ``reason`` and the whole ``record``.
    """

    accepted: pa.Table
    rejected: pa.Table


def read_block(form: Form, block: Block) -> Part:
    """Read one block; pure, so that blocks can be read anywhere and in any order.

    Raises
    ------
    Reconsider
        If the block shows that the file is written in another form.
    ReadError
        If it cannot be read at all.
    """
    if isinstance(block.content, Records):
        return _sorted_out(form, block.content)
    records = read_records(form, block.content, block.line, numbers=True)
    if records is not None:
        amounts = [records.table.column(i).to_numpy() for i in form.spend]
        if all(_good(column).all() for column in amounts):
            rejected = [_ragged(form, *uneven) for uneven in records.ragged]
            return _part(form, records, amounts, rejected)
    records = read_records(form, block.content, block.line, numbers=False)
    assert records is not None  # only numbers can be refused
    return _sorted_out(form, records)


def _good(amounts: np.ndarray) -> np.ndarray:
    return np.isfinite(amounts) & (amounts >= 0)


def _sorted_out(form: Form, records: Records) -> Part:
    columns = [records.table.column(i) for i in form.spend]
    _reconsider(form, columns)
    amounts = [_numbers(column, form.decimal.sign or ".") for column in columns]
    good = np.logical_and.reduce([_good(column) for column in amounts])
    bad = np.flatnonzero(~good)
    rejected = [_ragged(form, *uneven) for uneven in records.ragged]
    rejected += _faulty(form, records.table.take(bad), records.lines[bad], ~_good(np.array(amounts).T[bad]))
    kept = Records(records.table.filter(pa.array(good)), records.lines[good], [])
    return _part(form, kept, [column[good] for column in amounts], rejected)


def _reconsider(form: Form, columns: list[pa.ChunkedArray]) -> None:
    """Compare what was decided of the decimal sign with what this block says of it."""
    if form.decimal.settled:
        return
    evidence = form.evidence.plus(weigh([column for column in columns if pa.types.is_string(column.type)]))
    decimal = decide(evidence)
    if decimal.sign != form.decimal.sign:
        raise Reconsider(form.rewritten(evidence=evidence, decimal=decimal))


def _numbers(column: pa.ChunkedArray, sign: str) -> np.ndarray:
    if pa.types.is_string(column.type):
        return to_numbers(column, sign)
    return pc.fill_null(pc.cast(column, pa.float64(), safe=False), float("nan")).to_numpy()


def _part(form: Form, records: Records, amounts: list[np.ndarray], rejected: list[tuple]) -> Part:
    columns = [restore(column) if form.ours else column for column in records.table.columns]
    for i, column in zip(form.spend, amounts, strict=True):
        columns[i] = pa.array(column + 0.0)  # -0.0 is 0.0
    accepted = pa.table([pa.array(records.lines, pa.int64()), *columns], [line_name(form), *form.names])
    return Part(accepted, _rejected(rejected))


def line_name(form: Form) -> str:
    """Name the column of line numbers: ``line``, unless the file has one of that name."""
    name = LINE
    while name in form.names:
        name += "_"
    return name


def _rejected(rows: list[tuple]) -> pa.Table:
    rows = sorted(rows, key=lambda row: row[0])
    return pa.Table.from_pylist([dict(zip(REJECTED.names, row, strict=True)) for row in rows], REJECTED)


def _ragged(form: Form, line: int, fields: list[str]) -> tuple:
    reason = f"{len(fields)} fields, but the header has {len(form.names)}"
    return line, "", "", reason, _record(fields)


def _faulty(form: Form, table: pa.Table, lines: np.ndarray, faults: np.ndarray) -> list[tuple]:
    """Say of each row what is wrong with it; `faults` has a column per category."""
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return [_fault(form, *row) for row in zip(lines.tolist(), rows, faults, strict=True)]


def _fault(form: Form, line: int, fields: tuple, faults: np.ndarray) -> tuple:
    wrong = [(column, fields[form.spend[i]]) for i, column in enumerate(SPEND_COLUMNS) if faults[i]]
    reason = "; ".join(f"{column}: {shown(value)} {NOT_AN_AMOUNT}" for column, value in wrong)
    column, value = wrong[0]
    return line, column, "" if value is None else str(value), reason, _record(fields)


def _record(fields: list | tuple) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(fields)
    return text.getvalue()
