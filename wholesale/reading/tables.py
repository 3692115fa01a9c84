"""Parquet and Excel files of customers: columns already, so nothing is parsed but amounts that are text."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from wholesale.columns import SPEND_COLUMNS
from wholesale.reading.blocks import Block, Records
from wholesale.reading.form import Form, Settings
from wholesale.reading.header import ReadError, match_columns

ROWS = 1 << 16
"""Rows of a Parquet block."""

BUFFER = 1 << 20
"""Bytes read at a time of each of its columns."""


def parquet_form(path: Path, settings: Settings) -> Form:
    """Find the six columns of a Parquet file.

    Raises
    ------
    ReadError
        If it is damaged, lacks a column, or one of the six holds neither numbers nor text.
    """
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError):
        raise ReadError("it is not a whole Parquet file") from None
    spend = match_columns(schema.names, settings.columns)
    for column, i in zip(SPEND_COLUMNS, spend, strict=True):
        kind = plain_type(schema.types[i])
        if not (pa.types.is_string(kind) or _is_number(kind)):
            raise ReadError(f"{column} holds {kind}, not amounts")
    return Form(tuple(schema.names), spend, line=1)


def parquet_blocks(path: Path, groups: Iterable[int] | None = None, line: int = 1) -> Iterator[Block]:
    """Give the rows of a Parquet file, or of some of its row groups, some at a time; the first is `line`."""
    # Buffered beforehand, as is the default, row groups would stay in memory until the last is read.
    file = pq.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER)
    for batch in file.iter_batches(batch_size=ROWS, row_groups=groups):
        columns = [column.cast(plain_type(column.type)) for column in batch.columns]
        table = pa.table([pa.chunked_array([column]) for column in columns], _positions(len(columns)))
        yield Block(Records(table, np.arange(line, line + len(batch)), []), line, line + len(batch) - 1)
        line += len(batch)


def _is_number(kind: pa.DataType) -> bool:
    types = pa.types
    return types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_null(kind)


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Give text one type, whatever way it is stored."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    text = pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return pa.string() if text else kind


def _positions(width: int) -> list[str]:
    return [str(i) for i in range(width)]


def excel_rows(path: Path) -> list[tuple[int, list]]:
    """Read the first sheet of an Excel or OpenDocument file: row numbers and cells, without empty rows.

    Raises
    ------
    ReadError
        If it cannot be read, or holds nothing.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0)
        rows = sheet.to_python(skip_empty_area=False)
    except (CalamineError, OSError, IndexError):
        raise ReadError("it is not a whole Excel file") from None
    filled = [(number, row) for number, row in enumerate(rows, start=1) if any(cell != "" for cell in row)]
    if not filled:
        raise ReadError("its first sheet is empty")
    return filled


def excel_form(path: Path, settings: Settings) -> Form:
    """Find the six columns in the first row of an Excel file that has anything in it."""
    line, header = excel_rows(path)[0]
    names = tuple(_text(cell) for cell in header)
    return Form(names, match_columns(names, settings.columns), line=line + 1)


def excel_blocks(path: Path, form: Form) -> Iterator[Block]:
    """Give all rows of an Excel file, every cell as text."""
    rows = excel_rows(path)[1:]
    lines = np.array([line for line, _ in rows], dtype=int)
    cells = [[row[i] for _, row in rows] for i in range(len(form.names))]
    write = [_amount if i in form.spend else _text for i in range(len(form.names))]
    columns = [
        pa.chunked_array([pa.array([its(cell) for cell in column], pa.string())])
        for its, column in zip(write, cells, strict=True)
    ]
    yield Block(Records(pa.table(columns, _positions(len(columns))), lines, []), form.line, len(rows))


def _text(cell: object) -> str:
    whole = isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53
    return str(int(cell)) if whole else str(cell)  # type: ignore[call-overload]


def _amount(cell: object) -> str:
    """Write a number so that it cannot be taken for one with grouped thousands."""
    text = _text(cell)
    return f"{text}0" if isinstance(cell, float) and "." in text and "e" not in text else text
