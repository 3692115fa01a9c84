"""A block of text as columns: by pyarrow where it reads as Python's csv module does, else by that module."""

import codecs
import csv
import io

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from wholesale.reading.blocks import Records, line_ends, record_ends, too_long
from wholesale.reading.form import Form, Reconsider
from wholesale.reading.numerals import NOTHING, Evidence, content_of, good, weigh
from wholesale.reading.shape import fitted

NO_SIGN = "\x01"
"""A decimal sign that no file has: amounts with a point or a comma then go by way of text."""


def read_records(form: Form, content: bytes, line: int) -> Records:
    """Read a block of text that begins on a line of the file.

    Returns
    -------
    Records
        The six amounts are floats if all of them are plain and good, else text as all other columns are.

    Raises
    ------
    Reconsider
        If the block is not in the file's encoding.
    ReadError
        If a field is longer than the csv module allows.
    """
    _check_encoding(form, content)
    lines = line_ends(content)
    ends = record_ends(content, lines, form.delimiter)
    starts = None if ends is None else _starts(content, ends)
    if starts is None or form.shape.every or _not_for_arrow(content, starts):
        return _by_csv(form, content, line)
    table, ragged = _by_arrow(form, content, pa.float64())
    if table is None or not all(good(table.column(i).to_numpy()).all() for i in form.spend):
        table, ragged = _by_arrow(form, content, pa.string())
    if table is None or len(table) + len(ragged) != len(starts):  # the csv module decides
        return _by_csv(form, content, line)
    return _placed(form, table, line + np.searchsorted(lines, starts), ragged)


def weigh_plain(form: Form, content: bytes, records: Records) -> Evidence:
    """Weigh a block whose amounts are floats; its fields are looked at only if one may be thousands."""
    sign, table = form.decimal.plain, records.table
    if not sign:
        return NOTHING
    if not records.ragged and sign != form.delimiter:
        text = np.frombuffer(content.rstrip(b"\r\n") + b"\n000", dtype=np.uint8)
        signs, third, after = text[:-4] == ord(sign), text[3:-1] - np.uint8(ord("0")), text[4:]
        ends = (after <= ord(" ")) | (after == ord(form.delimiter)) | (after == ord('"'))
        others = [content_of(column) for i, column in enumerate(table.columns) if i not in form.spend]
        marked = int(np.count_nonzero(signs)) - sum(other.count(sign.encode()) for other in others)
        if not (marked and (signs & (third < 10) & ends).any()):
            return Evidence(point=marked) if sign == "." else Evidence(comma=marked)
    texts, _ = _by_arrow(form, content, pa.string())
    return NOTHING if texts is None else weigh([texts.column(i) for i in form.spend], sign)


def _check_encoding(form: Form, content: bytes) -> None:
    if form.encoding == "utf-8" and not content.isascii():
        try:
            content.decode()
        except UnicodeDecodeError:
            raise Reconsider(form.rewritten(encoding="cp1252")) from None


def _starts(content: bytes, ends: np.ndarray) -> np.ndarray:
    """Find where the records start, without the empty lines."""
    starts = np.concatenate([[0], ends + 1])
    lengths = np.append(ends, len(content)) - starts
    firsts = np.frombuffer(content + b"\n", dtype=np.uint8)[starts]
    return starts[(lengths > 1) | ((lengths == 1) & (firsts != ord("\r")))]


def _not_for_arrow(content: bytes, starts: np.ndarray) -> bool:
    """Say whether a field may be too long for the csv module, or Arrow would drop what looks like a mark."""
    longest = np.diff(starts, append=len(content)).max(initial=0)
    return bool(longest > csv.field_size_limit()) or content.startswith(codecs.BOM_UTF8)


def _by_arrow(form: Form, content: bytes, amounts: pa.DataType) -> tuple[pa.Table | None, list]:
    """Parse a block, the six amounts as a type; no table if that fails, or if Arrow alone cannot do it.

    The list has the number, from 0, and the text of each record with too few or too many fields.
    """
    ragged: list[tuple[int, str]] = []

    def set_aside(row: pacsv.InvalidRow) -> str:
        if fitted(form, _fields(form, [row.text])[0]):
            return "error"
        ragged.append((row.number - 1, row.text))
        return "skip"

    names = [str(i) for i in range(len(form.names))]
    types = {name: amounts if i in form.spend else pa.string() for i, name in enumerate(names)}
    parsing = pacsv.ParseOptions(
        delimiter=form.delimiter, newlines_in_values=True, invalid_row_handler=set_aside
    )
    try:
        table = pacsv.read_csv(
            pa.BufferReader(content),
            pacsv.ReadOptions(use_threads=False, block_size=len(content) + 1, column_names=names),
            parsing,
            pacsv.ConvertOptions(
                column_types=types,
                null_values=[],
                strings_can_be_null=False,
                decimal_point=form.decimal.plain or NO_SIGN,
                check_utf8=False,
            ),
        )
    except pa.ArrowInvalid:  # not a plain number, or nothing but empty lines, or an idle delimiter
        return None, []
    return table, ragged


def _placed(form: Form, table: pa.Table, lines: np.ndarray, ragged: list[tuple[int, str]]) -> Records:
    """Give every record its line."""
    if not ragged:
        return Records(table, lines, [])
    numbers, texts = zip(*ragged, strict=True)
    uneven = np.array(numbers)
    set_aside = list(zip(lines[uneven].tolist(), _fields(form, texts), strict=True))
    return Records(table, np.delete(lines, uneven), set_aside)


def _fields(form: Form, records: list[str] | tuple[str, ...]) -> list[list[str]]:
    return list(csv.reader(records, delimiter=form.delimiter))


def _by_csv(form: Form, content: bytes, line: int) -> Records:
    width, first = len(form.names), line
    rows, lines, ragged = [], [], []
    reader = csv.reader(io.StringIO(content.decode(), newline=""), delimiter=form.delimiter)
    try:
        for fields in reader:
            start, line = line, first + reader.line_num
            if fields and (whole := fitted(form, fields)):
                rows.append(whole)
                lines.append(start)
            elif fields:  # an empty line is no record
                ragged.append((start, fields))
    except csv.Error:
        raise too_long(line) from None
    columns = zip(*rows, strict=True) if rows else [()] * width
    table = pa.table([pa.array(its, pa.string()) for its in columns], [str(i) for i in range(width)])
    return Records(table, np.array(lines, dtype=int), ragged)
