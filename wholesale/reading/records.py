"""A block of text as columns: by pyarrow where it reads as Python's csv module does, else by that module."""

import csv
import io

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from wholesale.reading.blocks import Records, record_ends
from wholesale.reading.form import Form, Reconsider
from wholesale.reading.header import ReadError

NO_SIGN = "\x01"
"""A decimal sign that no file has: amounts with a point or a comma then go by way of text."""


def read_records(form: Form, content: bytes, line: int, *, numbers: bool) -> Records | None:
    """Read a block.

    Parameters
    ----------
    form : Form
    block : Block
    numbers : bool
        Whether the six amounts are wanted as floats. It is quicker, but answers None if one of them
        is anything but plain digits; otherwise all columns are text.

    Raises
    ------
    Reconsider
        If the block is not in the file's encoding.
    ReadError
        If a field is longer than the csv module allows.
    """
    _check_encoding(form, content)
    ends = record_ends(content, form.delimiter)
    records = None if ends is None else _by_arrow(form, content, line, ends, numbers=numbers)
    if records is None:
        return None if numbers else _by_csv(form, content, line)
    return records


def _check_encoding(form: Form, content: bytes) -> None:
    if form.encoding == "utf-8" and not content.isascii():
        try:
            content.decode()
        except UnicodeDecodeError:
            raise Reconsider(form.rewritten(encoding="cp1252")) from None


def _by_arrow(form: Form, content: bytes, line: int, ends: np.ndarray, *, numbers: bool) -> Records | None:
    ragged: list[tuple[int, str]] = []

    def set_aside(row: pacsv.InvalidRow) -> str:
        ragged.append((row.number, row.text))
        return "skip"

    starts = _starts(content, ends)
    names = [str(i) for i in range(len(form.names))]
    types = {name: pa.string() for name in names}
    if numbers:
        types |= {str(i): pa.float64() for i in form.spend}
    try:
        table = pacsv.read_csv(
            pa.BufferReader(content),
            pacsv.ReadOptions(use_threads=False, block_size=len(content) + 1, column_names=names),
            pacsv.ParseOptions(
                delimiter=form.delimiter, newlines_in_values=True, invalid_row_handler=set_aside
            ),
            pacsv.ConvertOptions(
                column_types=types,
                null_values=[],
                strings_can_be_null=False,
                decimal_point=form.decimal.sign or NO_SIGN,
                check_utf8=False,
            ),
        )
        if len(table) + len(ragged) != len(starts):  # the two disagree, so the csv module decides
            return None
        return _placed(form, content, line, table, starts, ragged)
    except (pa.ArrowInvalid, csv.Error):  # not a plain number, nothing but empty lines, too long a field
        return None


def _starts(content: bytes, ends: np.ndarray) -> np.ndarray:
    """Find where the records start, without the empty lines."""
    starts = np.concatenate([[0], ends + 1])
    stops = np.append(ends, len(content))
    text = np.frombuffer(content, dtype=np.uint8)
    lengths = stops - starts
    lone_return = (lengths == 1) & (text[np.minimum(starts, len(content) - 1)] == ord("\r"))
    return starts[(lengths > 0) & ~lone_return]


def _placed(
    form: Form, content: bytes, line: int, table: pa.Table, starts: np.ndarray, ragged: list
) -> Records | None:
    """Give every record its line."""
    newlines = np.flatnonzero(np.frombuffer(content, dtype=np.uint8) == ord("\n"))
    lines = line + np.searchsorted(newlines, starts)
    uneven = np.array([number - 1 for number, _ in ragged], dtype=int)
    fields = [next(csv.reader([text], delimiter=form.delimiter)) for _, text in ragged]
    if any(_only_blanks_beyond(its, len(form.names)) for its in fields):
        return None  # a row with idle delimiters at its end is a row
    set_aside = list(zip(lines[uneven].tolist(), fields, strict=True))
    return Records(table, np.delete(lines, uneven), set_aside)


def _only_blanks_beyond(fields: list[str], width: int) -> bool:
    return len(fields) > width and not any(field.strip() for field in fields[width:])


def _by_csv(form: Form, content: bytes, line: int) -> Records:
    width, first = len(form.names), line
    rows, lines, ragged = [], [], []
    reader = csv.reader(io.StringIO(content.decode(), newline=""), delimiter=form.delimiter)
    try:
        for fields in reader:
            start, line = line, first + reader.line_num
            if _only_blanks_beyond(fields, width):
                fields = fields[:width]
            if len(fields) == width:
                rows.append(fields)
                lines.append(start)
            elif fields:  # an empty line is no record
                ragged.append((start, fields))
    except csv.Error:
        reason = f"a field of more than {csv.field_size_limit():,} characters; is a quote not closed?"
        raise ReadError(f"line {line}: {reason}") from None
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)] or [
        pa.array([], pa.string()) for _ in range(width)
    ]
    table = pa.table(columns, [str(i) for i in range(width)])
    return Records(table, np.array(lines, dtype=int), ragged)
