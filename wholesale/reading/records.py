"""Records of text: bytes cut into blocks where a record ends, and each block as columns.

A block is parsed by pyarrow where that reads as Python's csv module does, else by that module. Of a record
with too many or too few fields, only the file's other records tell whether a program added a blank at its end
or left some out, or whether amounts are moved, say by an unquoted comma; then it is rejected.
"""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from wholesale.reading.dialect import EVEN, Dialect, Reconsider, Shape, is_amount
from wholesale.reading.header import ReadError

BLOCK = 1 << 21  # bytes of a block, or a little more: large enough for pyarrow, small enough for a cache
LONGEST = 1 << 25  # bytes that a record may have before an unclosed quote is blamed
ROW_NAMES = "Records have one field more than the header; the first is read as the name of the row."
OPEN = "The header ends in a separator, the records do not; no column is read there."
CUT = "Some records leave out columns at their end, read as blank where nothing else can be missing."

QUOTE, NEWLINE, RETURN = b'"\n\r'
_SPLIT = re.compile(r" *[1-9]\d{0,2},\d{3}(?:\.\d*)? *")
Fields = list[str]


class Records(NamedTuple):
    """Records as columns, the line on which each starts, and those that have too few or too many fields."""

    table: pa.Table
    lines: np.ndarray
    uneven: Sequence[tuple[int, Fields]] = ()

    def where(self, rows: np.ndarray) -> "Records":
        return Records(self.table.filter(pa.array(rows)), self.lines[rows])


def table_of(columns: Iterable[pa.Array]) -> pa.Table:
    """Name columns by their positions, as names may be there twice."""
    columns = list(columns)
    return pa.table(columns, [*map(str, range(len(columns)))])


class Block(NamedTuple):
    """Whole records of a file, from a line on; a portion of a file is one without content."""

    content: bytes | Records
    line: int
    start: int = 0  # bytes on disk, if it is text, or rows
    end: int = 0


def cut_blocks(
    read: Callable[[int], bytes], delimiter: str, line: int, size: int
) -> Iterator[tuple[bytes, int]]:
    """Cut what is read of UTF-8 into whole records, with the line they begin on."""
    rest = b""
    while chunk := read(size):
        rest += chunk
        try:
            cut = _last_end(rest, delimiter)
        except csv.Error:
            raise _too_long(line) from None
        if cut:
            yield rest[:cut], line
            line += len(line_ends(rest[:cut]))
            rest = rest[cut:]
        elif len(rest) > LONGEST:
            raise ReadError(f"line {line}: a record of more than {LONGEST >> 20} MB; is a quote not closed?")
    if rest:
        yield rest, line


def _too_long(line: int) -> ReadError:
    limit = f"{csv.field_size_limit():,} characters"
    return ReadError(f"line {line}: a field of more than {limit}; is a quote not closed?")


def line_ends(content: bytes) -> np.ndarray:
    """Give the positions of newlines, and of carriage returns that no newline follows."""
    text = np.frombuffer(content, dtype=np.uint8)
    ends = text == NEWLINE
    if b"\r" in content:
        returns = text == RETURN
        returns[:-1] &= ~ends[1:]
        ends |= returns
    return np.flatnonzero(ends)


def record_ends(content: bytes, ends: np.ndarray, delimiter: str) -> np.ndarray | None:
    """Give those ends of lines that are not within quotes; None if only the csv module can tell."""
    if b'"' not in content:
        return ends
    quotes = np.flatnonzero(np.frombuffer(content, dtype=np.uint8) == QUOTE)
    around = np.frombuffer(b"\n%b\n" % content, dtype=np.uint8)
    edges = np.isin(np.arange(256), [ord(delimiter), NEWLINE, RETURN])
    if not edges[around[quotes]].any():  # no field begins with a quote, so each is an ordinary character
        return ends
    edges[QUOTE] = True  # doubled
    opening, closing = around[quotes[::2]], around[quotes[1::2] + 2]
    if len(quotes) % 2 or not (edges[opening].all() and edges[closing].all()):
        return None
    return ends[np.searchsorted(quotes, ends) % 2 == 0]


def _last_end(content: bytes, delimiter: str) -> int:
    """Give the length of the whole records at the start of `content`, which may end within one."""
    content = content.removesuffix(b"\r")  # a newline may follow it
    if b'"' not in content:
        return max(content.rfind(b"\n"), content.rfind(b"\r")) + 1
    ends = line_ends(content)
    quotes = np.flatnonzero(np.frombuffer(content, dtype=np.uint8) == QUOTE)
    outside = ends[np.searchsorted(quotes, ends) % 2 == 0]
    for last in (*ends[-1:], *outside[-1:]):
        if record_ends(content[: last + 1], ends[ends <= last], delimiter) is not None:
            return int(last) + 1
    # The csv module says where the last record but one ends; the last may be cut short.
    text = content.decode(errors="surrogateescape")  # reading the block will say that it is not UTF-8
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    before = now = 0
    try:
        for _ in reader:
            before, now = now, reader.line_num
    except csv.Error:
        if not now:
            raise
        before = now
    return int(ends[before - 1]) + 1 if before else 0


def shaped(dialect: Dialect, records: list[Fields], *, quoted: bool) -> Dialect:
    """Find out from first records, `quoted` at their start or not, how wide they are beside the header."""
    names, spend, shape = dialect.names, dialect.spend, EVEN
    usual = Counter(map(len, records)).most_common(1)[0][0] if records else len(names)
    rows = [(i, fields) for i, fields in enumerate(records, start=1) if len(fields) == usual]
    named = usual == len(names) + 1 and _have_names(dialect, records, rows)
    # R quotes its names of rows, and its last column may be blank; or these numbers are the file's own.
    unclear = named is None and (quoted or all(fields[1] == str(i) for i, fields in rows))
    if max(spend) < usual < len(names) and not _rest(names, usual):
        names, shape = names[:usual], Shape(OPEN)
    elif named:
        names, spend, shape = ("", *names), tuple(i + 1 for i in spend), Shape(ROW_NAMES)
    elif all(len(fields) != len(names) for fields in records):  # none shows what stands where
        blank = usual > len(names) and not any(_rest(row, len(names)) for row in records if len(row) <= usual)
        even = blank and not unclear and not all(_may_be_moved(dialect, row) for _, row in rows)
        every = usual - len(names) if even else 0
        first, together = min(spend), len(rows) > 1 and max(spend) - min(spend) == len(spend) - 1
        # Nothing can be missing before the amounts: none is, or what is there is no amount.
        alike = together and (first == 0 or any(not is_amount(fields[first - 1]) for _, fields in rows))
        cut = usual < len(names) and alike
        shape = Shape("", bool(every), every, frozenset() if cut else frozenset(range(len(names))))
    return replace(dialect, names=names, spend=spend, shape=shape)


def _rest(fields: Sequence[str], width: int) -> str:
    """Give what a record has beyond the header's columns, if it is more than blanks."""
    return "".join(fields[width:]).strip()


def _have_names(dialect: Dialect, records: list[Fields], rows: list[tuple[int, Fields]]) -> bool | None:
    """Say whether the amounts stand one field further on, behind a row's name; None if that is not clear."""
    width, first = len(dialect.names), min(dialect.spend)
    here, moved = (
        any(all(is_amount(fields[i + k]) for i in dialect.spend) for _, fields in rows) for k in (0, 1)
    )
    even = len(rows) > 1 and all(len(fields) != width for fields in records)
    numbered = even and all(fields[0] == str(i) for i, fields in rows)
    if here and first > 0:  # the file's own first column may be numbered, too
        plain = any(not _may_be_moved(dialect, fields) for _, fields in rows)
        return moved and numbered and plain and (any(_rest(fields, width) for _, fields in rows) or None)
    return moved and (numbered or (not here and first == 0))


def _may_be_moved(dialect: Dialect, fields: Fields) -> bool:
    """Say whether a record may have a field too many because of a comma before or within an amount."""
    first, last = min(dialect.spend), max(dialect.spend)
    split = any(map(_SPLIT.fullmatch, map(",".join, pairwise(fields[first : last + 2]))))
    house = len(fields[first].strip()) < 5  # its number; or a postcode, behind a comma and a space
    house = house or (fields[first][:1] == " " != fields[first + 1][:1])
    before = house and not all(map(is_amount, fields[:first]))
    return dialect.delimiter == "," and (split or before) and any(map(is_amount, fields[last + 1 : last + 2]))


def _fitted(dialect: Dialect, fields: Fields) -> Fields | None:
    """Give a record as many fields as the header has names, if that is safe."""
    width, last, (_, spare, every, counts) = len(dialect.names), max(dialect.spend), dialect.shape
    missing = width - len(fields)
    if missing == -every:
        return fields[:width] if not _rest(fields, width) else None
    if missing < 0:
        safe = spare and not every and not _rest(fields, width)
    else:  # were a field missing further ahead, some amount here would be from a column after it
        safe = not (every or counts is None) and any(
            is_amount(fields[i]) and counts.isdisjoint(range(i + 1, i + missing + 1))
            for i in range(last, len(fields))
        )
    return (fields + [""] * missing)[:width] if safe and not _may_be_moved(dialect, fields) else None


def _shape(dialect: Dialect, records: Records) -> Shape:
    """Give what is known of a file's shape after some more records."""
    width, last, (note, spare, every, counts) = len(dialect.names), max(dialect.spend), dialect.shape
    uneven = [fields for _, fields in records.uneven]
    short = any(last < len(fields) < width for fields in uneven)
    rests = [_rest(each, width) for each in uneven if width < len(each) <= width + (every or len(each))]
    if counts is not None or short:
        counts = counts or frozenset()
        for i in set(range(last + 1, width)) - counts:
            cells = records.table.column(i).unique().to_pylist()
            if any(map(is_amount, [*cells, *(each[i] for each in uneven if len(each) > i)])):
                counts |= {i}
    if spare is None and not all(rests):
        spare = True
    elif spare:
        ends = pc.utf8_trim_whitespace(records.table.column(width - 1))
        moved = not every and (short or pc.any(pc.equal(ends, "")).as_py())  # the last column may be
        spare = not (any(rests) or moved)
    return Shape(note, spare, every, counts)


def read_records(dialect: Dialect, content: bytes, line: int) -> Records:
    """Read a block of text that begins on a line of the file; every column is text."""
    if dialect.encoding == "utf-8" and not content.isascii():
        try:
            content.decode()
        except UnicodeDecodeError:
            raise Reconsider(replace(dialect, encoding="cp1252")) from None
    records = _by_arrow(dialect, content, line) or _by_csv(dialect, content, line)
    if (shape := _shape(dialect, records)) != dialect.shape:
        raise Reconsider(replace(dialect, shape=shape))
    return records


def _by_arrow(dialect: Dialect, content: bytes, line: int) -> Records | None:
    """Parse a block, if Arrow alone can do it."""
    lines, delimiter = line_ends(content), dialect.delimiter
    ends = record_ends(content, lines, delimiter)
    if ends is None or dialect.shape.every or content.startswith(codecs.BOM_UTF8):  # which Arrow would drop
        return None
    starts = np.concatenate([[0], ends + 1])
    lengths = np.append(ends, len(content)) - starts
    if lengths.max() > csv.field_size_limit():
        return None
    full = lengths > 0  # an empty line is no record
    short = np.flatnonzero(lengths == 1)
    full[short] = np.frombuffer(content, dtype=np.uint8)[starts[short]] != RETURN
    at = line + (np.arange(len(starts)) if ends is lines else np.searchsorted(lines, starts))[full]
    uneven: list[tuple[int, str]] = []

    def set_aside(row: pacsv.InvalidRow) -> str:
        if _fitted(dialect, next(csv.reader([row.text], delimiter=delimiter))):
            return "error"
        uneven.append((row.number - 1, row.text))
        return "skip"

    names = [*map(str, range(len(dialect.names)))]
    reading = pacsv.ReadOptions(use_threads=False, block_size=len(content) + 1, column_names=names)
    parsing = pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=set_aside)
    converting = pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), check_utf8=False)
    try:
        table = pacsv.read_csv(pa.BufferReader(content), reading, parsing, converting)
    except pa.ArrowInvalid:  # a record to be fitted, or nothing but empty lines, or an idle delimiter
        return None
    if len(table) + len(uneven) != len(at):  # the csv module decides
        return None
    places = [number for number, _ in uneven]
    fields = csv.reader([text for _, text in uneven], delimiter=delimiter)
    return Records(table, np.delete(at, places), list(zip(at[places].tolist(), fields, strict=True)))


def _by_csv(dialect: Dialect, content: bytes, line: int) -> Records:
    width, first = len(dialect.names), line
    rows, lines, uneven = [], [], []
    reader = csv.reader(io.StringIO(content.decode(), newline=""), delimiter=dialect.delimiter)
    try:
        for fields in reader:
            start, line = line, first + reader.line_num
            if fields and (fitted := _fitted(dialect, fields)):
                rows.append(fitted)
                lines.append(start)
            elif fields:  # an empty line is no record
                uneven.append((start, fields))
    except csv.Error:
        raise _too_long(line) from None
    columns = zip(*rows, strict=True) if rows else [()] * width
    table = table_of(pa.array(cells, pa.string()) for cells in columns)
    return Records(table, np.array(lines, dtype=int), uneven)
