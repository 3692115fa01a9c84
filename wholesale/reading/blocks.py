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
        If a record never ends.
    """
    rest, end = b"", 0
    while chunk := stream.read(size):
        rest += chunk
        cut = _last_end(rest, delimiter)
        if cut:
            end += cut
            yield Block(rest[:cut], line, end)
            line += count_lines(rest[:cut])
            rest = rest[cut:]
        elif len(rest) > LONGEST:
            raise ReadError(f"line {line}: a record of more than {LONGEST >> 20} MB; is a quote not closed?")
    if rest:
        yield Block(rest, line, end + len(rest))


def count_lines(content: bytes) -> int:
    """Count line ends as Python's universal newlines do."""
    lines = content.count(b"\n")
    return lines + content.count(b"\r") - content.count(b"\r\n") if b"\r" in content else lines


def record_ends(content: bytes, delimiter: str) -> np.ndarray | None:
    """Find where records end, if every quote stands where a well-formed file has one.

    Returns
    -------
    ndarray of int or None
        Positions of the newlines outside quotes; None if a quote stands elsewhere, is not closed, or lines
        end in carriage returns alone: then only the csv module can tell.
    """
    if b"\r" in content and content.count(b"\r") != content.count(b"\r\n"):
        return None
    text = np.frombuffer(content, dtype=np.uint8)
    newlines = np.flatnonzero(text == NEWLINE)
    if b'"' not in content:
        return newlines
    quotes = np.flatnonzero(text == QUOTE)
    if len(quotes) % 2 or not _well_formed(text, quotes, ord(delimiter)):
        return None
    return newlines[np.searchsorted(quotes, newlines) % 2 == 0]


def _well_formed(text: np.ndarray, quotes: np.ndarray, delimiter: int) -> bool:
    """Say whether quotes open only where a field begins and close only where it ends (or stand doubled)."""
    around = np.concatenate([[NEWLINE], text, [NEWLINE]])
    before, after = around[quotes[::2]], around[quotes[1::2] + 2]
    return bool(
        np.isin(before, [delimiter, NEWLINE, RETURN, QUOTE]).all()
        and np.isin(after, [delimiter, NEWLINE, RETURN, QUOTE]).all()
    )


def _last_end(content: bytes, delimiter: str) -> int:
    """Give the length of the whole records at the start of `content`, which may end within one."""
    if b'"' not in content and b"\r" not in content:
        return content.rfind(b"\n") + 1
    cut = _last_even_newline(content)
    if cut and record_ends(content[:cut], delimiter) is not None:
        return cut
    return _last_end_by_csv(content, delimiter)


def _last_even_newline(content: bytes) -> int:
    text = np.frombuffer(content, dtype=np.uint8)
    newlines = np.flatnonzero(text == NEWLINE)
    outside = newlines[np.searchsorted(np.flatnonzero(text == QUOTE), newlines) % 2 == 0]
    return int(outside[-1]) + 1 if len(outside) else 0


def _last_end_by_csv(content: bytes, delimiter: str) -> int:
    """Let the csv module say where the last record but one ends; the last may be cut short."""
    ends, length = [0], 0

    def lines() -> Iterator[str]:
        nonlocal length
        # Latin-1 keeps bytes and characters in step; quotes, delimiters and line ends are the same in UTF-8.
        for line in io.StringIO(content.decode("latin-1"), newline=""):
            length += len(line)
            yield line

    try:
        for _ in csv.reader(lines(), delimiter=delimiter):
            ends.append(length)
    except csv.Error:  # a field too long; reading the block will say so
        return length
    return ends[-2] if len(ends) > 1 else 0
