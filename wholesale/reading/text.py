"""Text files of customers: encoding, separator and header are found from their beginning."""

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from wholesale.amounts import shown
from wholesale.reading.dialect import Dialect, Reconsider, is_amount
from wholesale.reading.header import ReadError, Settings, match_columns
from wholesale.reading.records import Block, cut_blocks, line_ends, shaped

SAMPLE = 1 << 20  # bytes looked at before reading begins
RECORDS, LINES = 1000, 20  # compared with the header; among which it is looked for, to name a mistake
DELIMITERS = ",;\t|"
SHEETS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
ZIP, OLD = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"  # how a ZIP, or a newer workbook, and an older one begin
NO_NAMES = "its first line is no header: no comma, semicolon, tab or bar separates names in it"
_COMMENT = re.compile(r'\s*"?#[^\r\n]*[\r\n]+')
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|:^~ ])"?(?:\r\n|\r|\n)', re.IGNORECASE)


def kind_of(path: Path) -> str:
    """Say whether a file is ``"text"``, a ``"zip"`` of text, ``"parquet"`` or ``"excel"``."""
    with path.open("rb") as file:
        beginning = file.read(SAMPLE)
    if beginning.startswith(ZIP):
        try:
            with zipfile.ZipFile(path) as archive:
                book = not {"[Content_Types].xml", "mimetype", "content.xml"}.isdisjoint(archive.namelist())
        except zipfile.BadZipFile:
            book = path.suffix.lower() != ".zip"
        return "excel" if book else "zip"
    # A damaged workbook is one, but what is text is read as text: many programs export it under such names.
    damaged = path.suffix.lower() in SHEETS and b"\0" in beginning
    if beginning.startswith(OLD) or (damaged and not encoding_of(beginning).startswith("utf-16")):
        return "excel"
    return "parquet" if beginning.startswith(b"PAR1") else "text"


@contextmanager
def _opened(path: Path, kind: str, encoding: str = "utf-8") -> Iterator[pa.NativeFile]:
    """Open a text file, which may be compressed, or the only file in a ZIP, as UTF-8."""
    with pa.input_stream(str(path)) if kind == "text" else _unzipped(path) as raw:
        yield raw if encoding == "utf-8" else pa.transcoding_input_stream(raw, encoding, "utf-8")


@contextmanager
def _unzipped(path: Path) -> Iterator[pa.NativeFile]:
    try:
        archive = zipfile.ZipFile(path)
        inside = [name for name in archive.namelist() if not re.search(r"/$|^__MACOSX/|(^|/)\.[^/]*$", name)]
        if len(inside) != 1:
            raise ReadError(f"it is a ZIP of {len(inside)} files; unpack it and name one of them")
        file = archive.open(inside[0])
    except (zipfile.BadZipFile, RuntimeError):
        raise ReadError("it is a ZIP that is damaged or has a password; unpack it first") from None
    with archive, file:
        yield pa.PythonFile(file, mode="r")


def encoding_of(beginning: bytes) -> str:
    """Say how a text that begins so is encoded."""
    if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = beginning[::2].count(0), beginning[1::2].count(0)
    if 4 * max(even, odd) > len(beginning) and 100 * min(even, odd) < len(beginning):  # mostly of ASCII
        return "utf-16-le" if odd > even else "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(beginning)  # it may end within a character
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _other(encoding: str) -> str:
    """Give what to try where an encoding cannot be: Latin-1 gives every byte a meaning."""
    if encoding.startswith("utf-16"):
        raise ReadError("it begins as UTF-16 does, but is not")
    return "latin-1"


class Header(NamedTuple):
    """The first record: the names in it that are categories', where it starts and ends, what separates it."""

    known: int
    start: int
    fields: list[str]
    end: int
    delimiter: str


def text_dialect(path: Path, kind: str, settings: Settings, encoding: str | None = None) -> Dialect:
    """Find out how a text file is written, except for its decimal sign, which only records show."""
    with _opened(path, kind) as raw:
        encoding = encoding or encoding_of(raw.read(SAMPLE))
    try:
        with _opened(path, kind, encoding) as stream:
            sample = stream.read(SAMPLE).decode(errors="replace")
    except UnicodeDecodeError:
        return text_dialect(path, kind, settings, _other(encoding))
    mark = "" if encoding.startswith("utf-16") else codecs.BOM_UTF8.decode(encoding)  # UTF-16 drops its own
    text = sample.removeprefix(mark)
    header = _header(text, settings)
    try:
        if len(header.fields) == 1:
            raise ReadError(NO_NAMES)
        spend = match_columns(header.fields, settings)
    except ReadError as error:
        raise _instead(text, header, settings) or error from None
    head, rest = sample.removesuffix(text[header.end :]).encode(), text[header.end :]
    line, names = len(line_ends(head)) + 1, tuple(header.fields)
    dialect = Dialect(names, spend, (), line, encoding, header.delimiter, len(head))
    try:
        reader = csv.reader(io.StringIO(rest, newline=""), delimiter=header.delimiter)
        return shaped(dialect, [*filter(None, islice(reader, RECORDS))], quoted=rest.lstrip().startswith('"'))
    except csv.Error:  # a field is too long; reading the block will tell
        return dialect


def _header(sample: str, settings: Settings) -> Header:
    """Find the header, which may follow a line that tells the separator, and comments."""
    told = _SEPARATOR_LINE.match(sample)
    first = last = len(told[0]) if told else 0
    if not sample[first:].strip():
        raise ReadError("it is empty")
    while (comment := _COMMENT.match(sample, last)) and sample[comment.end() :].strip():
        last = comment.end()
    names = (*settings.categories.columns, *settings.columns.values())
    wanted, headers = {*map(settings.plain, names)}, list[Header]()
    for start in {last, first}:  # a header, too, may begin with #
        for delimiter in told[1] if told else DELIMITERS:
            reader = csv.reader(io.StringIO(sample[start:], newline=""), delimiter=delimiter)
            try:
                fields = next(filter(None, reader))
            except csv.Error:
                raise ReadError("its first line is too long to be a header") from None
            end = start + sum(map(len, islice(io.StringIO(sample[start:], newline=""), reader.line_num)))
            known = len(wanted.intersection(map(settings.plain, fields)))
            headers.append(Header(known, start, fields, end, delimiter))
    return max(headers, key=lambda header: (header.known, header.start, len(header.fields)))


def _instead(text: str, header: Header, settings: Settings) -> ReadError | None:
    """Say what a text is that does not begin with a header, where that can be told."""
    fields, lines = header.fields, text.splitlines()[: LINES + 1]
    amounts = [field for field in fields if is_amount(field)]
    below = [*(i for i, line in enumerate(lines, start=1) if _is_header(line, settings)), 0]
    said = {
        "it is not a table of text": "\0" in text,
        "it is a web page or XML; open it in a spreadsheet and save it as CSV": re.match(r"\s*<[!?\w]", text),
        "it is JSON; save it as CSV": re.match(r'\s*[\[{]\s*["\[{\]}]', text),
        "each line is quoted as if it were one field; take away the quotes around the lines": (
            len(fields) == 1 and _is_header(fields[0], settings)
        ),
        f"it has no header: its first line holds amounts ({', '.join(map(shown, amounts[:3]))}, …); write the"
        " names above it": len(amounts) >= len(settings.categories.columns) and not header.known,
        f"the names of its columns are on line {below[0]}; delete what is above them": below[1:],
    }
    return next((ReadError(sentence) for sentence, holds in said.items() if holds), None)


def _is_header(line: str, settings: Settings) -> object:
    with suppress(ReadError):
        return match_columns(_header(line, settings).fields, settings)
    return False


def text_blocks(path: Path, kind: str, dialect: Dialect, size: int, portion: Block | None) -> Iterator[Block]:
    """Cut a text file, or a portion of one that is divisible, into blocks of about `size` bytes."""

    def on_disk(text: bytes) -> int:  # of another divisible encoding, a byte for each character
        return len(text) if dialect.encoding == "utf-8" else len(text.decode())

    try:
        with _opened(path, kind, "utf-8" if portion else dialect.encoding) as stream:
            if portion:
                stream.seek(portion.start)
                text = stream.read(portion.end - portion.start)
                text = text if dialect.encoding == "utf-8" else text.decode(dialect.encoding).encode()
                stream, line, end = io.BytesIO(text), portion.line, portion.start
            else:
                line, end = dialect.line, on_disk(stream.read(dialect.start))
            for content, first in cut_blocks(stream.read, dialect.delimiter, line, size):
                start, end = end, end + on_disk(content)
                yield Block(content, first, start, end)
    except UnicodeDecodeError:
        raise Reconsider(replace(dialect, encoding=_other(dialect.encoding))) from None
