"""Parquet and Excel files of customers: columns already, so nothing is parsed but amounts that are text."""

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ParseError, fromstring
from zipfile import BadZipFile, ZipFile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from wholesale.amounts import shown
from wholesale.columns import SPEND_COLUMNS
from wholesale.reading.blocks import MIXED, Block, Records
from wholesale.reading.form import Form, Settings
from wholesale.reading.header import ReadError, match_columns
from wholesale.wording import listed

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

ROWS = 1 << 16
"""Rows of a Parquet block."""

BUFFER = 1 << 20
"""Bytes read at a time of each of its columns."""

ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""What is in an Excel file with a password."""

FITS = "The sheet {} is read; {} has the six categories too: say --sheet {} to read that one."
CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}value-type"
"""The attribute of OpenDocument that calls a cell an error."""


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


@contextmanager
def _workbook(path: Path) -> Iterator["CalamineWorkbook"]:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        with CalamineWorkbook.from_path(path) as book:
            yield book
    except (CalamineError, OSError) as error:
        if isinstance(error, PasswordError) or ENCRYPTED in path.read_bytes():
            raise ReadError("it is locked with a password: save it without one") from None
        raise ReadError("it is not a whole Excel file") from None


def excel_form(path: Path, settings: Settings) -> Form:
    """Find the six columns in the first row that has anything in it, of the sheet told or the first in sight.

    Raises
    ------
    ReadError
        If the file cannot be read or has no such sheet, or if that holds no customers; another that does is
        then named.
    """
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    with _workbook(path) as book:
        sheets = [its for its in book.sheets_metadata if its.typ == SheetTypeEnum.WorkSheet]
        seen = {its.name: its.visible == SheetVisibleEnum.Visible for its in sheets}
        if settings.sheet and settings.sheet not in seen:
            raise ReadError(f"it has no sheet {shown(settings.sheet)}, but {listed([*map(shown, seen)])}")
        name = settings.sheet or next((name for name, its in seen.items() if its), next(iter(seen), ""))
        forms = {name: _sheet_form(path, book, name, settings)}
        if not settings.sheet:
            forms |= {other: _sheet_form(path, book, other, settings) for other in seen if other != name}
    form, others = forms.pop(name), [other for other, its in forms.items() if isinstance(its, Form)]
    if isinstance(form, Form):
        remarks = [FITS.format(shown(name), shown(other), quote(other)) for other in others[:1]]
        return form.rewritten(remarks=tuple(remarks))
    if others:
        reason = f"the sheet that is read, {shown(name)}, holds no customers, but {shown(others[0])} does"
        raise ReadError(reason, option=f"say --sheet {quote(others[0])}")
    where = f"sheet {shown(name)}: " if forms else ""
    raise ReadError(f"{where}{form.reason}", header=form.header, option=form.option)


def _sheet_form(path: Path, book: "CalamineWorkbook", name: str, settings: Settings) -> Form | ReadError:
    rows = _filled(path, book, name)
    if not rows:
        return ReadError(f"its sheet {shown(name)} is empty")
    line, header = rows[0]
    names = tuple(map(_text, header))
    try:
        form = Form(names, match_columns(names, settings.columns), line=line + 1, sheet=name)
    except ReadError as error:
        return error
    return form if rows[1:] else ReadError("it has a header but no rows")


def excel_blocks(path: Path, form: Form) -> Iterator[Block]:
    """Give all rows of an Excel file: amounts in columns that are `MIXED`, every other cell as text."""
    with _workbook(path) as book:
        rows = _filled(path, book, form.sheet, form.spend)[1:]
    cells = [[row[i] for _, row in rows] for i in range(len(form.names))]
    columns = [_amounts(its) if i in form.spend else _texts(its) for i, its in enumerate(cells)]
    lines = np.array([line for line, _ in rows], dtype=int)
    yield Block(Records(pa.table(columns, _positions(len(columns))), lines, []), form.line, len(rows))


def _amounts(cells: list) -> pa.StructArray:
    numbers = [cell if type(cell) in (int, float) else None for cell in cells]
    return pa.StructArray.from_arrays([pa.array(numbers, pa.float64()), _texts(cells)], fields=list(MIXED))


def _texts(cells: list) -> pa.StringArray:
    return pa.array(map(_text, cells), pa.string())


def _text(cell: object) -> str:
    whole = isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53
    return str(int(cell)) if whole else str(cell)  # type: ignore[call-overload]


def _filled(
    path: Path, book: "CalamineWorkbook", sheet: str, spend: Sequence[int] = ()
) -> list[tuple[int, list]]:
    """Give the rows of a sheet that have anything in them, with their numbers, all of one width.

    Of the columns in `spend`, numbers that are no amounts are given as what they are.
    """
    rows = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    for (row, column), text in _passed_over(path, sheet).items():
        rows.extend([] for _ in range(len(rows), row))
        rows[row - 1].extend([""] * (column - len(rows[row - 1])))
        if rows[row - 1][column - 1] == "" or column - 1 in spend:
            rows[row - 1][column - 1] = text
    width = max(map(len, rows), default=0)
    filled = [(number, row) for number, row in enumerate(rows, start=1) if any(cell != "" for cell in row)]
    return [(number, [*row, *[""] * (width - len(row))]) for number, row in filled]


def _passed_over(path: Path, sheet: str) -> dict[tuple[int, int], str]:
    """Give what calamine takes for blanks or amounts: errors, formulas that have no value yet, percentages.

    By row and column. The older binary files are not looked into: their errors stay blanks.
    """
    try:
        with ZipFile(path) as parts:
            if "content.xml" in parts.namelist():
                return dict(_open_errors(parts.read("content.xml"), sheet))
            book = fromstring(parts.read("xl/workbook.xml"))
            sheets, stale = book.iterfind(".//{*}sheet"), book.find(".//{*}calcPr[@fullCalcOnLoad='1']")
            links = fromstring(parts.read("xl/_rels/workbook.xml.rels"))
            ids = [_local(its, "id") for its in sheets if its.get("name") == sheet]
            targets = [its.get("Target", "") for its in links if its.get("Id") in ids]
            styled = "xl/styles.xml" in parts.namelist()
            percents = _percents(fromstring(parts.read("xl/styles.xml"))) if styled else set()
            content = parts.read(posixpath.join("/xl", *targets)[1:])
            return dict(_faults(content, percents, "" if stale is None else "0"))
    except (BadZipFile, KeyError, ValueError, ParseError):
        return {}


def _percents(styles: Element) -> set[str]:
    """Give the numbers of the styles that show a cell as a percentage."""
    own = [its.get("numFmtId") for its in styles.iterfind(".//{*}numFmt") if "%" in its.get("formatCode", "")]
    used = enumerate(styles.iterfind("{*}cellXfs/{*}xf"))
    return {str(i) for i, its in used if its.get("numFmtId") in ("9", "10", *own)}


def _faults(content: bytes, percents: set[str], stale: str) -> Iterator[tuple[tuple[int, int], str]]:
    """Find errors, formulas whose value is none or as stale as that, and percentages in Office Open XML."""
    worth_it = percents or re.search(rb"""t=["']e["']|<(\w+:)?f\b""", content)
    for cell in fromstring(content).iter() if worth_it else ():
        kind, inside = cell.get("t"), list(cell)  # a formula comes first, the value last
        formula, percent = inside and inside[0].tag.endswith("}f"), cell.get("s") in percents
        if not inside or not (kind == "e" or formula or (percent and cell.tag.endswith("}c"))):
            continue
        value, place = inside[-1].text, re.fullmatch(r"([A-Z]+)(\d+)", cell.get("r", ""))
        if formula and kind not in ("e", "str") and (len(inside) == 1 or not value or value == stale):
            value, kind = f"the uncalculated formula ={inside[0].text or ''}", "e"
        elif percent and kind in (None, "n") and value:
            value, kind = f"{100 * float(value):.12g}%", "e"
        if place and kind == "e":
            column = reduce(lambda number, letter: 26 * number + ord(letter) - 64, place[1], 0)
            yield (int(place[2]), column), str(value)


def _open_errors(content: bytes, sheet: str) -> Iterator[tuple[tuple[int, int], str]]:
    """Find errors and percentages in OpenDocument, where a cell or a row that repeats is written once."""
    tables = [its for its in fromstring(content).iterfind(".//{*}table") if _local(its, "name") == sheet]
    row = 1
    for line in tables[0].iterfind(".//{*}table-row"):
        column = 1
        for cell in line:
            if cell.get(CALC) == "error" or "percentage" in cell.attrib.values():
                yield (row, column), "".join(cell.itertext())
            column += int(_local(cell, "number-columns-repeated") or 1)
        row += int(_local(line, "number-rows-repeated") or 1)


def _local(element: Element, name: str) -> str:
    """Give an attribute by its name without a namespace, of which there are variants."""
    return next((its for key, its in element.items() if key.rpartition("}")[2] == name), "")
