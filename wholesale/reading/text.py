"""Text files of customers: encoding, separator and header are found from their beginning."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pyarrow as pa

from wholesale.columns import SPEND_COLUMNS
from wholesale.reading.blocks import Block, cut_blocks
from wholesale.reading.form import DELIMITERS, Form, Reconsider, Settings
from wholesale.reading.header import ReadError, match_columns, plain

SAMPLE = 1 << 20
"""Bytes looked at before reading begins."""

_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|:^~ ])"?(?:\r\n|\r|\n)', re.IGNORECASE)


class Header(NamedTuple):
    """The first record: its fields, how many lines and characters it takes, and what separates it."""

    fields: list[str]
    lines: int
    length: int
    delimiter: str


def sniff(path: Path, settings: Settings, encoding: str | None = None) -> Form:
    """Find out how a text file is written, except for its decimal sign, which only records show.

    Parameters
    ----------
    path : Path
    settings : Settings
    encoding : str, optional
        If it is known already.

    Raises
    ------
    ReadError
        If the file is empty, is not text, or lacks a column.
    """
    if encoding is None:
        with pa.input_stream(str(path)) as raw:
            encoding = _encoding(raw.read(SAMPLE))
    try:
        with pa.input_stream(str(path)) as raw:
            sample = Utf8(raw, encoding).read(SAMPLE).decode(errors="replace")
    except UnicodeDecodeError:
        return sniff(path, settings, _other(encoding))
    told = _SEPARATOR_LINE.match(sample)
    before = told[0] if told else ""
    try:
        header = _header(sample.removeprefix(before), told[1] if told else DELIMITERS, settings)
        spend = match_columns(header.fields, settings.columns)
    except ReadError as error:
        raise ReadError("it is not a table of text") if "\0" in sample else error from None
    start = len(sample[: len(before) + header.length].encode())
    line = 1 + (1 if told else 0) + header.lines
    return Form(
        tuple(header.fields), spend, encoding=encoding, delimiter=header.delimiter, start=start, line=line
    )


def text_blocks(path: Path, form: Form, size: int) -> Iterator[Block]:
    """Cut a text file into blocks of about `size` bytes.

    Raises
    ------
    Reconsider
        If it is not in the form's encoding.
    ReadError
        If it is in none.
    """
    with pa.input_stream(str(path)) as raw:
        stream = Utf8(raw, form.encoding)
        try:
            stream.read(form.start)
            yield from cut_blocks(stream, form.delimiter, form.line, size)
        except UnicodeDecodeError:
            raise Reconsider(form.rewritten(encoding=_other(form.encoding))) from None


class Utf8:
    """A stream of UTF-8 without a byte order mark, from text in any encoding."""

    def __init__(self, raw: BinaryIO, encoding: str) -> None:
        self.raw = raw
        self.decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)()
        self.rest = self._decoded(raw.read(len(codecs.BOM_UTF8)).removeprefix(codecs.BOM_UTF8))

    def read(self, size: int) -> bytes:
        """Read `size` bytes, fewer only at the end."""
        while len(self.rest) < size:
            chunk = self.raw.read(max(size - len(self.rest), 1 << 16))
            self.rest += self._decoded(chunk, final=not chunk)
            if not chunk:
                break
        given, self.rest = self.rest[:size], self.rest[size:]
        return given

    def _decoded(self, chunk: bytes, *, final: bool = False) -> bytes:
        return self.decoder.decode(chunk, final=final).encode() if self.decoder else chunk


def _encoding(beginning: bytes) -> str:
    if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(beginning)  # it may end within a character
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _other(encoding: str) -> str:
    """Give what to try where an encoding cannot be: Latin-1 gives every byte a meaning."""
    if encoding == "utf-16":
        raise ReadError("it begins as UTF-16 does, but is not")
    return "latin-1"


def _header(sample: str, delimiters: str, settings: Settings) -> Header:
    """Take the separator under which most of the six categories have a column."""
    if not sample.strip():
        raise ReadError("it is empty")
    wanted = {plain(name) for name in (*SPEND_COLUMNS, *settings.columns.values())}
    readings = [_first_record(sample, delimiter) for delimiter in delimiters]
    best = max(
        readings, key=lambda its: (len(wanted & {plain(name) for name in its.fields}), len(its.fields))
    )
    if len(best.fields) == 1:
        raise ReadError("its first line is no header: no comma, semicolon, tab or bar separates names in it")
    return best


def _first_record(sample: str, delimiter: str) -> Header:
    length = 0

    def lines() -> Iterator[str]:
        nonlocal length
        for line in io.StringIO(sample, newline=""):
            length += len(line)
            yield line

    reader = csv.reader(lines(), delimiter=delimiter)
    try:
        fields = next(record for record in reader if record)
    except csv.Error:
        raise ReadError("its first line is too long to be a header") from None
    return Header(fields, reader.line_num, length, delimiter)
