"""Parquet and Excel files of customers: columns already, so nothing is parsed but amounts that are text."""

import posixpath
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import reduce
from itertools import accumulate, product, repeat
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ParseError, fromstring
from zipfile import BadZipFile, ZipFile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from wholesale.amounts import shown
from wholesale.reading.dialect import MIXED, Dialect
from wholesale.reading.header import ReadError, Settings, match_columns
from wholesale.reading.records import Block, Records, table_of
from wholesale.wording import listed

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

ROWS = 1 << 16  # rows of a Parquet block
BUFFER = 1 << 20  # bytes read at a time of each of its columns
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")  # what is in an Excel file with a password
# The attribute of OpenDocument that calls a cell an error.
CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}value-type"
BINARY = (
    "In a workbook of this format, errors cannot be told from blanks, nor percentages from fractions; to be"
    " sure, save it as .xlsx and read that."
)
Fault = tuple[tuple[int, int], str]  # row and column of a cell, from 0, and what it holds


def parquet_dialect(path: Path, settings: Settings) -> Dialect:
    """Find the categories of a Parquet file; each must hold numbers or text."""
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        raise ReadError("it is not a whole Parquet file") from None
    spend, types = match_columns(schema.names, settings), pa.types
    for column, i in zip(settings.categories.columns, spend, strict=True):
        kind = plain_type(schema.types[i])
        number = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
        if not (number or types.is_string(kind) or types.is_null(kind)):
            raise ReadError(f"{column} holds {kind}, not amounts")
    return Dialect(tuple(schema.names), spend, line=1)


def parquet_blocks(path: Path, portion: Block | None) -> Iterator[Block]:
    """Give the rows of a Parquet file, or of a portion of whole row groups, some at a time."""
    # Buffered beforehand, as is the default, row groups would stay in memory until the last is read.
    file, end = pq.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER), portion.start if portion else 0
    firsts = group_ends(path)[:-1]
    groups = [i for i, first in enumerate(firsts) if not portion or portion.start <= first < portion.end]
    for batch in file.iter_batches(batch_size=ROWS, row_groups=groups):
        start, end = end, end + len(batch)
        columns = [column.cast(plain_type(column.type)) for column in batch.columns]
        for name, column in zip(batch.schema.names, columns, strict=True):
            try:
                column.validate(full=True)
            except pa.ArrowInvalid:
                reason = f"its column {shown(name)} holds text that is not UTF-8"
                raise ReadError(f"{reason}; write it as UTF-8, or leave it out") from None
        yield Block(Records(table_of(columns), np.arange(start + 1, end + 1)), start + 1, start, end)


def group_ends(path: Path) -> list[int]:
    """Give the rows before each row group, and all rows."""
    about = pq.read_metadata(path)
    return [0, *accumulate(about.row_group(i).num_rows for i in range(about.num_row_groups))]


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Give text one type, whatever way it is stored."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.string() if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) else kind


@contextmanager
def _workbook(path: Path) -> Iterator["CalamineWorkbook"]:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        with CalamineWorkbook.from_path(path) as book:
            yield book
    except BaseException as error:  # where it does not see the damage, Rust panics, which is no Exception
        if not isinstance(error, (CalamineError, OSError)) and type(error).__name__ != "PanicException":
            raise
        if isinstance(error, PasswordError) or ENCRYPTED in path.read_bytes():
            raise ReadError("it is locked with a password: save it without one") from None
        raise ReadError("it is not a whole Excel file") from None


def excel_dialect(path: Path, settings: Settings) -> Dialect:
    """Find the categories in a sheet's first row with anything in it; name another sheet if it has none."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    with _workbook(path) as book:
        sheets = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        names = [sheet.name for sheet in sheets]
        if settings.sheet and settings.sheet not in names:
            raise ReadError(f"it has no sheet {shown(settings.sheet)}, but {listed([*map(shown, names)])}")
        in_sight = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
        name = settings.sheet or [*in_sight, *names, ""][0]
        others = [] if settings.sheet else [other for other in names if other != name]
        found, faults = dict[str, Dialect](), list[ReadError]()
        for sheet in (name, *others):
            try:
                found[sheet] = _dialect_of(path, book, sheet, settings)
            except ReadError as error:
                faults.append(error)
    other = next((sheet for sheet in others if sheet in found), "")
    if name in found:
        remark = (
            f"The sheet {shown(name)} is read; {shown(other)} has the categories too: say --sheet"
            f" {quote(other)} to read that one."
        )
        return replace(found[name], remarks=(*[remark] * bool(other), *[BINARY] * _is_binary(path)))
    if other:
        reason = f"the sheet that is read, {shown(name)}, holds no customers, but {shown(other)} does"
        raise ReadError(reason, option=f"say --sheet {quote(other)}")
    where = f"sheet {shown(name)}: " if others else ""
    raise ReadError(f"{where}{faults[0].reason}", header=faults[0].header, option=faults[0].option)


def _is_binary(path: Path) -> bool:
    with suppress(BadZipFile), ZipFile(path) as parts:
        return "xl/workbook.bin" in parts.namelist()
    return True


def _dialect_of(path: Path, book: "CalamineWorkbook", name: str, settings: Settings) -> Dialect:
    rows = _filled(path, book, name)
    if not rows:
        raise ReadError(f"its sheet {shown(name)} is empty")
    line, header = rows[0]
    names = tuple(map(_text, header))
    dialect = Dialect(names, match_columns(names, settings), line=line + 1, sheet=name)
    if not rows[1:]:
        raise ReadError("it has a header but no rows")
    return dialect


def excel_blocks(path: Path, dialect: Dialect) -> Iterator[Block]:
    """Give all rows of a sheet: amounts in columns that are `MIXED`, every other cell as text."""
    with _workbook(path) as book:
        rows = _filled(path, book, dialect.sheet, dialect.spend)[1:]
    columns = []
    for i in range(len(dialect.names)):
        cells = [row[i] for _, row in rows]
        texts = pa.array(map(_text, cells), pa.string())
        numbers = pa.array([cell if type(cell) in (int, float) else None for cell in cells], pa.float64())
        mixed = pa.StructArray.from_arrays([numbers, texts], fields=list(MIXED))
        columns.append(mixed if i in dialect.spend else texts)
    yield Block(Records(table_of(columns), np.array([line for line, _ in rows], dtype=int)), dialect.line)


def _text(cell: object) -> str:
    whole = isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53
    return str(int(cell)) if whole else str(cell)  # type: ignore[call-overload]


def _filled(
    path: Path, book: "CalamineWorkbook", sheet: str, spend: Sequence[int] = ()
) -> list[tuple[int, list]]:
    """Give the rows of a sheet that are not empty, by number; odd values in `spend` as what they are."""
    rows = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    for (row, column), text in _passed_over(path, sheet, rows):
        rows.extend([] for _ in range(len(rows), row + 1))
        rows[row].extend([""] * (column + 1 - len(rows[row])))
        if rows[row][column] == "" or column in spend:
            rows[row][column] = text
    width = max(map(len, rows), default=0)
    filled = [(number, row) for number, row in enumerate(rows, start=1) if any(cell != "" for cell in row)]
    return [(number, [*row, *[""] * (width - len(row))]) for number, row in filled]


def _passed_over(path: Path, sheet: str, rows: list[list]) -> list[Fault]:
    """Give what calamine takes for blanks or amounts (not of the older binary files), and what it is."""
    try:
        with ZipFile(path) as parts:
            if "content.xml" in parts.namelist():
                return list(_open_errors(parts.read("content.xml"), sheet, rows))
            book = fromstring(parts.read("xl/workbook.xml"))
            stale = "" if book.find(".//{*}calcPr[@fullCalcOnLoad='1']") is None else "0"
            ids = [_local(each, "id") for each in book.iterfind(".//{*}sheet") if each.get("name") == sheet]
            links = fromstring(parts.read("xl/_rels/workbook.xml.rels"))
            targets = [link.get("Target", "") for link in links if link.get("Id") in ids]
            styled = "xl/styles.xml" in parts.namelist()
            percents = _percents(fromstring(parts.read("xl/styles.xml"))) if styled else set[str]()
            return list(_faults(parts.read(posixpath.join("/xl", *targets)[1:]), percents, stale))
    except (BadZipFile, KeyError, ValueError, ParseError):
        return []


def _percents(styles: Element) -> set[str]:
    """Give the numbers of the styles that show a cell as a percentage."""
    formats = [
        each.get("numFmtId") for each in styles.iterfind(".//{*}numFmt") if "%" in each.get("formatCode", "")
    ]
    used = enumerate(styles.iterfind("{*}cellXfs/{*}xf"))
    return {str(i) for i, style in used if style.get("numFmtId") in ("9", "10", *formats)}


def _faults(content: bytes, percents: set[str], stale: str) -> Iterator[Fault]:
    """Find errors, formulas whose value is none or as stale as that, and percentages in Office Open XML."""
    worth_it = percents or re.search(rb"""t=["']e["']|<(\w+:)?f\b""", content)
    row = column = 0
    for cell in fromstring(content).iter() if worth_it else ():
        if cell.tag.endswith("}row"):
            row, column = int(cell.get("r") or row + 1), 0
        elif cell.tag.endswith("}c"):
            column += 1
            if place := re.fullmatch(r"([A-Z]+)(\d+)", cell.get("r", "")):
                row = int(place[2])
                column = reduce(lambda number, letter: 26 * number + ord(letter) - 64, place[1], 0)
            if text := _fault(cell, percents, stale):
                yield (row - 1, column - 1), text


def _fault(cell: Element, percents: set[str], stale: str) -> str:
    """Say what a cell holds if it is no number of its own; a formula comes first in it, the value last."""
    kind, inside = cell.get("t"), list(cell)
    value = (inside[-1].text or "") if inside else ""
    if kind == "e":
        return value
    if inside and inside[0].tag.endswith("}f") and kind != "str" and (not inside[1:] or value in ("", stale)):
        return f"the uncalculated formula ={inside[0].text or ''}"
    percent = cell.get("s") in percents and kind in (None, "n") and value
    return f"{100 * float(value):.12g}%" if percent else ""


def _open_errors(content: bytes, sheet: str, rows: list[list]) -> Iterator[Fault]:
    """Find errors and percentages in OpenDocument, where a cell or a row that repeats is written once."""
    height, width = len(rows), max(map(len, rows), default=0)  # a sheet that is full of errors is cut there
    tables = [each for each in fromstring(content).iterfind(".//{*}table") if _local(each, "name") == sheet]
    row = 0
    for line in tables[0].iterfind(".//{*}table-row"):
        column, below = 0, row + int(_local(line, "number-rows-repeated") or 1)
        for cell in line:
            after = column + int(_local(cell, "number-columns-repeated") or 1)
            if cell.get(CALC) == "error" or "percentage" in cell.attrib.values():
                down = range(row, max(row + 1, min(below, height)))
                across = range(column, max(column + 1, min(after, width)))
                yield from zip(product(down, across), repeat("".join(cell.itertext())))
            column = after
        row = below


def _local(element: Element, name: str) -> str:
    """Give an attribute by its name without a namespace, of which there are variants."""
    return next((value for key, value in element.items() if key.rpartition("}")[2] == name), "")
