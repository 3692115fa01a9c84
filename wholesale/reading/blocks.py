"""Bytes cut where a record ends, so that each block can be read alone."""

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from wholesale.reading.header import ReadError

BLOCK = 1 << 21
"""Bytes that a block has, or a little more: large enough for pyarrow, small enough for a cache."""

LONGEST = 1 << 25
"""Bytes that a record may have before an unclosed quote is blamed."""

MIXED = pa.struct({"number": pa.float64(), "text": pa.string()})
"""A column of a workbook's amounts: the number if a cell is one, and what is written in it."""

QUOTE, NEWLINE, RETURN = b'"\n\r'


class Stream(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """Read `size` bytes, fewer only at the end."""


class Records(NamedTuple):
    """Records as columns.

    Attributes
    ----------
    table : Table
        One column per column of the file.
    lines : ndarray of int
        The line each of its rows starts on.
    ragged : list of (int, list of str)
        Line and fields of the records that have too few or too many fields.
    """

    table: pa.Table
    lines: np.ndarray
    ragged: list[tuple[int, list[str]]]


class Block(NamedTuple):
    """Whole records of a file.

    Attributes
    ----------
    content : bytes or Records
        UTF-8 text, or what needs no parsing.
    line : int
        The line, from 1, of the file on which they begin.
    end : int
        How much of the file lies before its end: bytes of text, or rows.
    """

    content: bytes | Records
    line: int
    end: int


def cut_blocks(stream: Stream, delimiter: str, line: int, size: int = BLOCK) -> Iterator[Block]:
    """Cut a stream of UTF-8 into blocks of whole records.

    Raises
    ------
    ReadError
        If a record, or a field, never ends.
    """
    rest, end = b"", 0
    while chunk := stream.read(size):
        rest += chunk
        try:
            cut = _last_end(rest, delimiter)
        except csv.Error:
            raise too_long(line) from None
        if cut:
            end += cut
            yield Block(rest[:cut], line, end)
            line += count_lines(rest[:cut])
            rest = rest[cut:]
        elif len(rest) > LONGEST:
            raise ReadError(f"line {line}: a record of more than {LONGEST >> 20} MB; is a quote not closed?")
    if rest:
        yield Block(rest, line, end + len(rest))


def too_long(line: int) -> ReadError:
    """Say that a field is longer than the csv module allows."""
    limit = f"{csv.field_size_limit():,} characters"
    return ReadError(f"line {line}: a field of more than {limit}; is a quote not closed?")


def count_lines(content: bytes) -> int:
    """Count line ends as Python's universal newlines do."""
    lines = content.count(b"\n")
    return lines + content.count(b"\r") - content.count(b"\r\n") if b"\r" in content else lines


def line_ends(content: bytes) -> np.ndarray:
    """Give the positions of newlines, and of carriage returns that no newline follows."""
    text = np.frombuffer(content, dtype=np.uint8)
    newlines = np.flatnonzero(text == NEWLINE)
    if b"\r" not in content or content.count(b"\r") == content.count(b"\r\n"):
        return newlines
    returns = np.flatnonzero(text == RETURN)
    return np.sort(np.concatenate([newlines, np.setdiff1d(returns, newlines - 1, assume_unique=True)]))


def record_ends(content: bytes, ends: np.ndarray, delimiter: str) -> np.ndarray | None:
    """Find where records end, if every quote stands where a well-formed file has one.

    Parameters
    ----------
    content : bytes
        Whole records.
    ends : ndarray of int
        The ends of its lines.
    delimiter : str

    Returns
    -------
    ndarray of int or None
        Those of `ends` that are not within quotes; None if only the csv module can tell.
    """
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
    return _last_end_by_csv(content, ends, delimiter)


def _last_end_by_csv(content: bytes, ends: np.ndarray, delimiter: str) -> int:
    """Let the csv module say where the last record but one ends; the last may be cut short."""
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
