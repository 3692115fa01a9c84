"""Which records are customers, and of the others, what is wrong."""

import csv
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from operator import itemgetter
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wholesale.amounts import NOT_AN_AMOUNT, refusal, shown
from wholesale.columns import SPEND_COLUMNS
from wholesale.reading.blocks import MIXED, Block, Records
from wholesale.reading.form import Form, Note, Reconsider
from wholesale.reading.formulas import restore
from wholesale.reading.header import ReadError, plain
from wholesale.reading.numerals import (
    Decimal,
    Evidence,
    currencies,
    decide,
    good,
    objection,
    to_numbers,
    weigh,
)
from wholesale.reading.records import read_records, weigh_plain
from wholesale.reading.seen import Seen, largest, look
from wholesale.reading.shape import ROW_NAMES, judged

LINE = "line"
TOTAL, MEAN = (f"the {its} of other rows, not a customer" for its in ("sum", "average"))
BLANKS = ["", "-", "–", "—", None]
"""What a pivoted table has where there is nothing."""

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
    seen : Seen
        What the block shows of the whole file.
    """

    accepted: pa.Table
    rejected: pa.Table
    seen: Seen


def read_block(form: Form, block: Block) -> Part:
    """Read one block; pure, so that blocks can be read anywhere and in any order.

    Raises
    ------
    Reconsider
        If the block shows that the file is written in another form.
    ReadError
        If it cannot be read at all.
    """
    content = block.content
    records = content if isinstance(content, Records) else read_records(form, content, block.line)
    if isinstance(content, bytes) and (shape := judged(form, *records[::2])) != form.shape:
        raise Reconsider(form.rewritten(shape=shape))
    texts = _texts(_six(form, records))
    evidence = _evidence(form, content, texts, records)
    if evidence.counts.any() and not form.decimal.sign:
        raise Reconsider(form.rewritten(evidence=evidence, decimal=decide(evidence)))
    rejected = _ragged(form, records.ragged)
    for reason, its in ((TOTAL, form.totals), (MEAN, form.means)):
        if its and (known := np.isin(records.lines, its)).any():
            rejected += _totals(_where(records, known), reason)
            records = _where(records, ~known)
    amounts = [_numbers(column, form.decimal) for column in _six(form, records)]
    if form.zeros:
        amounts = _with_zeros(_six(form, records), amounts)
    others = records.table.drop_columns([str(i) for i in form.spend])
    fine = np.logical_and.reduce([good(column) for column in amounts])
    seen = look(evidence, amounts, form.currencies | currencies(texts), fine, records.lines, others)
    if not fine.all():
        faults = ~good(np.array(amounts).T[~fine])
        rejected += _faulty(form, _where(records, ~fine), faults)
        records, amounts = _where(records, fine), [column[fine] for column in amounts]
        others = others.filter(pa.array(fine))
    seen = replace(seen, largest=largest(amounts, records.lines, others))
    return _part(form, records, amounts, rejected, seen)


def _evidence(
    form: Form, content: bytes | Records, texts: list[pa.ChunkedArray], records: Records
) -> Evidence:
    """Weigh a block's amounts as they are written, also where they are numbers already."""
    if texts or isinstance(content, Records):
        return weigh(texts)
    return weigh_plain(form, content, records)


def _six(form: Form, records: Records) -> list[pa.ChunkedArray]:
    return [records.table.column(i) for i in form.spend]


def _where(records: Records, rows: np.ndarray) -> Records:
    return Records(records.table.filter(pa.array(rows)), records.lines[rows], [])


def _texts(columns: list[pa.ChunkedArray]) -> list[pa.ChunkedArray]:
    """Give the columns of text, and what is text in those that are mixed."""
    apart = [_only_text(column) if column.type == MIXED else column for column in columns]
    return [column for column in apart if pa.types.is_string(column.type)]


def _only_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    number, text = column.flatten()
    return pc.if_else(pc.is_null(number), text, "")


def _numbers(column: pa.ChunkedArray, decimal: Decimal) -> np.ndarray:
    if column.type == MIXED:
        text = pa.array(_numbers(_only_text(column), decimal))
        return pc.coalesce(column.flatten()[0], text).to_numpy()
    if pa.types.is_string(column.type):
        return to_numbers(column, decimal.sign or ".", decimal.unclear)
    if column.type == pa.float32() or pa.types.is_decimal(column.type):
        column = pc.cast(column, pa.string())  # as it is written: 0.1, not 0.10000000149011612
    return pc.fill_null(pc.cast(column, pa.float64(), safe=False), float("nan")).to_numpy()


def _with_zeros(columns: list[pa.ChunkedArray], amounts: list[np.ndarray]) -> list[np.ndarray]:
    """Take blanks and dashes for 0, except where a record has nothing else."""
    blank = np.isnan(amounts)
    for i, column in enumerate(columns):
        text = column.flatten()[1] if column.type == MIXED else column
        if pa.types.is_string(text.type):
            blank[i] = pc.is_in(pc.utf8_trim_whitespace(text), pa.array(BLANKS)).to_numpy()
    return list(np.where(blank & ~blank.all(axis=0), 0.0, amounts))


def count_blanks(rejected: pa.Table) -> int:
    """Count the records that would be customers if blanks and dashes were 0."""
    reasons = rejected.column("reason").cast(pa.string())  # no row, no type
    faults = pc.count_substring(reasons, NOT_AN_AMOUNT).to_numpy()
    blanks = pc.count_substring_regex(reasons, rf": (?:blank|[-–—]) {NOT_AN_AMOUNT}").to_numpy()
    return int(np.count_nonzero((faults == blanks) & (faults > 0) & (faults < len(SPEND_COLUMNS))))


def blank_advice(blanks: int, rejected: int) -> list[str]:
    """Say what to do where most rejects have only blanks or dashes at fault."""
    said = f"Blanks are why {blanks} of the rejected {rejected} are; if a blank means 0"
    return [Note(said, "blank", "zero")] if 2 * blanks > rejected else []


def _part(form: Form, records: Records, amounts: list[np.ndarray], rejected: list[tuple], seen: Seen) -> Part:
    columns = records.table.columns
    if form.ours:
        columns = [column if i in form.spend else restore(column) for i, column in enumerate(columns)]
    for i, column in zip(form.spend, amounts, strict=True):
        columns[i] = pa.array(column + 0.0)  # -0.0 is 0.0
    accepted = pa.table([pa.array(records.lines, pa.int64()), *columns], [line_name(form), *form.names])
    return Part(accepted, _rejected(rejected), seen)


def line_name(form: Form) -> str:
    """Name the column of line numbers: ``line``, unless the file has one of that name."""
    name = LINE
    while name in form.names:
        name += "_"
    return name


def _rejected(rows: list[tuple]) -> pa.Table:
    columns = zip(*sorted(rows, key=itemgetter(0)), strict=True) if rows else [()] * len(REJECTED)
    return pa.table(
        [pa.array(its, kind) for its, kind in zip(columns, REJECTED.types, strict=True)], REJECTED
    )


def _ragged(form: Form, ragged: list[tuple[int, list[str]]]) -> list[tuple]:
    """Say of each record of another width that it is."""
    records = _written(fields for _, fields in ragged)
    return [
        (line, "", "", _uneven(form, fields), record)
        for (line, fields), record in zip(ragged, records, strict=True)
    ]


def _uneven(form: Form, fields: list[str]) -> str:
    said = f"{len(fields)} field{'s'[: len(fields) - 1]}, but the header has {len(form.names)}"
    said += " with the names of rows" if form.shape.note == ROW_NAMES else ""
    said += f" and records end in {form.shape.every} more" if form.shape.every else ""
    return f"{said}; is a quote not closed?" if any("\n" in field for field in fields) else said


def _totals(records: Records, reason: str) -> list[tuple]:
    """Say of each row that it is no customer."""
    texts = _written(zip(*map(_cells, records.table.columns), strict=True))
    return [(line, "", "", reason, text) for line, text in zip(records.lines.tolist(), texts, strict=True)]


def _faulty(form: Form, records: Records, faults: np.ndarray) -> list[tuple]:
    """Say of each row what is wrong with it; `faults` has a column per category."""
    cells, said = [_cells(column) for column in records.table.columns], cache(shown)
    reasons: list[list[str]] = [[] for _ in records.lines]
    for i, column in enumerate(SPEND_COLUMNS):
        for row in np.flatnonzero(faults[:, i]).tolist():
            value = cells[form.spend[i]][row]
            reasons[row].append(refusal(column, said(value), objection(value or "", form.decimal)))
    for row in np.flatnonzero(faults.all(axis=1)).tolist():
        if _is_moved_header(form, [str(its[row] or "") for its in cells]):
            line = records.lines[row]
            raise ReadError(f"line {line} names the columns again, in another order; make two files of it")
    firsts = faults.argmax(axis=1).tolist()
    columns = [SPEND_COLUMNS[i] for i in firsts]
    values = [cells[form.spend[i]][row] or "" for row, i in enumerate(firsts)]
    texts = _written(zip(*cells, strict=True))
    return list(zip(records.lines.tolist(), columns, values, map("; ".join, reasons), texts, strict=True))


def _is_moved_header(form: Form, fields: list[str]) -> bool:
    """Say whether a record names at least two of the six columns again, but elsewhere."""
    names, heads = [plain(field) for field in fields], map(plain, form.heads)
    moved = [head in names and names[i] != head for head, i in zip(heads, form.spend, strict=True)]
    return sum(moved) > 1


def _cells(column: pa.ChunkedArray) -> list:
    """Give a column's cells as text, or if Arrow has none for them, as Python has them."""
    column = column.flatten()[1] if column.type == MIXED else column
    try:
        return column.cast(pa.string()).to_pylist()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # lists and the like; bytes that are no text
        return column.to_pylist()


END = "\r\n"
"""What ends a record: the csv module quotes both characters in fields only if both are in it."""


class _Texts(list[str]):
    write = list.append


def _written(rows: Iterable[Iterable]) -> list[str]:
    """Write each record as a line of CSV."""
    texts = _Texts()
    csv.writer(texts, lineterminator=END).writerows(rows)
    return [text.removesuffix(END) for text in texts]
