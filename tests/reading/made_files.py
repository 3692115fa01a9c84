"""Files of customers, made up for the tests, and what becomes of them."""

import io
import math
import struct
import zipfile
from datetime import date
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wholesale.amounts import read_text
from wholesale.columns import SPEND_COLUMNS
from wholesale.reading import CustomerFile, ReadError, Settings, open_customers
from wholesale.reading.records import BLOCK

NAMES = list(SPEND_COLUMNS)
HEADER = ",".join(NAMES)
NOT = "is not an amount ≥ 0"


class Outcome(NamedTuple):
    """What becomes of a file: by line the amounts of customers, and why others are none; the notes."""

    amounts: dict[int, list[float]]
    reasons: dict[int, str]
    notes: list[str]
    accepted: pa.Table
    rejected: pa.Table


def outcome(file: Path | CustomerFile, size: int = BLOCK, **settings) -> Outcome:
    """Read a file in blocks of some size."""
    file = open_customers(file, Settings(**settings)) if isinstance(file, Path) else file
    accepted, rejected, notes = file.read(size)
    rows = accepted.select([0, *NAMES])
    reasons = dict(zip(rejected["line"].to_pylist(), rejected["reason"].to_pylist(), strict=True))
    return Outcome({line: amounts for line, *amounts in cells(rows)}, reasons, notes, accepted, rejected)


def cells(table: pa.Table) -> list[tuple]:
    """Give the rows of a table, whose names may be there twice."""
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def refusal(path: Path, **settings) -> str:
    """Give the sentence that a file is refused in."""
    with pytest.raises(ReadError) as error:
        outcome(path, **settings)
    return str(error.value)


def written(folder: Path, name: str, content: bytes | str) -> Path:
    """Put a file into a folder."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def by_hand(text: str) -> float:
    """Read one amount of a file with decimal points, as the page does where only one meaning is possible."""
    amount = read_text(text, ".")
    return amount + 0.0 if math.isfinite(amount) and amount >= 0 else math.nan


def csv_text(*rows: str, header: str = HEADER) -> bytes:
    """Write a header and rows, one a line, in UTF-8."""
    return "\n".join([header, *rows, ""]).encode()


def parquet(columns: dict[str, pa.Array], categories: list[str] = NAMES) -> bytes:
    """Write the categories, each 1…6 unless given, and more columns, as Parquet."""
    n = len(next(iter(columns.values())))
    six = {column: pa.array([i] * n) for i, column in enumerate(categories, start=1)}
    file = io.BytesIO()
    pq.write_table(pa.table({**six, **columns}), file)
    return file.getvalue()


def zipped(files: dict[str, str | bytes]) -> bytes:
    """Put files into a ZIP."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


class Fault(str):
    """What a cell holds instead of a value: an error such as ``#N/A``, or, with ``=``, a formula."""


class Percent(float):
    """A number that is shown as a percentage; below 1 by a format of Excel's own, else by another."""


class Formula(NamedTuple):
    """A formula, and the value that it had when the workbook was written."""

    text: str
    value: float


OFFICE = "http://schemas.openxmlformats.org"
PACKAGE = f"{OFFICE}/package/2006"
RELATIONS = f"{OFFICE}/officeDocument/2006/relationships"
MAIN = f'xmlns="{OFFICE}/spreadsheetml/2006/main" xmlns:r="{RELATIONS}"'
STYLES = """<numFmts count="1"><numFmt numFmtId="164" formatCode="0.0\\ %"/></numFmts><cellXfs>
<xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="9"/><xf numFmtId="164"/><xf numFmtId="3"/></cellXfs>"""


def xlsx(
    rows: list[list], others: dict[str, list[list]] | None = None, hidden: str = "", *, stale=False
) -> bytes:
    """Write cells as the sheet Customers of a workbook, and others; None leaves a cell, or a row, out."""
    sheets = {"Customers": rows} | (others or {})
    about, links, files = "", "", {"[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>'}
    for i, (name, lines) in enumerate(sheets.items(), start=1):
        state = ' state="hidden"' if name == hidden else ""
        about += f'<sheet name="{escape(name)}" sheetId="{i}"{state} r:id="r{i}"/>'
        links += f'<Relationship Id="r{i}" Type="{RELATIONS}/worksheet" Target="worksheets/s{i}.xml"/>'
        text = "".join(f'<row r="{at}">{_row(at, row)}</row>' for at, row in enumerate(lines, start=1) if row)
        files[f"xl/worksheets/s{i}.xml"] = f"<worksheet {MAIN}><sheetData>{text}</sheetData></worksheet>"
    calculated = '<calcPr calcId="1" fullCalcOnLoad="1"/>' if stale else ""
    files["xl/workbook.xml"] = f"<workbook {MAIN}><sheets>{about}</sheets>{calculated}</workbook>"
    files["xl/styles.xml"] = f"<styleSheet {MAIN}>{STYLES}</styleSheet>"
    book = f'<Relationship Id="r1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/>'
    for name, inside in (("xl/_rels/workbook.xml.rels", links), ("_rels/.rels", book)):
        files[name] = f'<Relationships xmlns="{PACKAGE}/relationships">{inside}</Relationships>'
    return zipped(files)


def _row(row: int, values: list) -> str:
    return "".join(
        f'<c r="{chr(ord("A") + column)}{row}"{_cell(value)}</c>'
        for column, value in enumerate(values)
        if value is not None
    )


def _cell(value: object) -> str:
    """Write the attributes and the content of a cell."""
    if isinstance(value, Fault):
        return f"><f>{escape(value[1:])}</f>" if value.startswith("=") else f' t="e"><v>{value}</v>'
    if isinstance(value, Percent):
        return f' s="{2 + (value >= 1)}"><v>{float(value)!r}</v>'
    if isinstance(value, Formula):
        return f"><f>{escape(value.text)}</f><v>{value.value}</v>"
    if isinstance(value, bool):
        return f' t="b"><v>{value:d}</v>'
    if isinstance(value, date):
        return f' s="1"><v>{(value - date(1899, 12, 30)).days}</v>'
    if isinstance(value, int | float):
        return f"><v>{value!r}</v>"
    return f' t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is>'


def ods(rows: list[list]) -> bytes:
    """Write cells as the only sheet of an OpenDocument file."""
    lines = "".join(f"<table:table-row>{''.join(map(_open_cell, row))}</table:table-row>" for row in rows)
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    calc = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"
    sheet = f'<table:table table:name="Customers">{lines}</table:table>'
    body = f"<office:body><office:spreadsheet>{sheet}</office:spreadsheet></office:body>"
    content = f'<office:document-content {spaces} xmlns:calcext="{calc}">{body}</office:document-content>'
    manifest = '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    return zipped({"mimetype": kind, "META-INF/manifest.xml": manifest, "content.xml": content})


def _open_cell(value: object) -> str:
    if value is None:
        return '<table:table-cell table:number-columns-repeated="1"/>'
    about, text = 'office:value-type="string"', str(value)
    if isinstance(value, Fault):
        about = f'table:formula="of:=1/0" {about} office:string-value="" calcext:value-type="error"'
    elif isinstance(value, Percent):
        about, text = f'office:value-type="percentage" office:value="{float(value)}"', f"{value:.0%}"
    elif isinstance(value, int | float):
        about, text = f'office:value-type="float" office:value="{value!r}"', ""
    return f"<table:table-cell {about}><text:p>{escape(text)}</text:p></table:table-cell>"


def locked() -> bytes:
    """Write what Excel writes of a workbook with a password."""
    return _compound("EncryptedPackage", b"")


def xls(rows: list[list]) -> bytes:
    """Write numbers and texts as the only sheet of a workbook as Excel 97 did."""
    begin, end = (
        [(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0, 0, 0, 0)) for kind in (5, 16)],
        (0x000A, b""),
    )
    name = b"Customers"
    first = [begin[0], (0x0085, struct.pack("<IHBB", 0, 0, len(name), 0) + name), end]
    start = sum(4 + len(content) for _, content in first)
    first[1] = (0x0085, struct.pack("<I", start) + first[1][1][4:])
    cells = [
        (0x0204, struct.pack("<HHHHB", i, j, 0, len(cell), 0) + cell.encode())
        if isinstance(cell, str)
        else (0x0203, struct.pack("<HHHd", i, j, 0, cell))
        for i, row in enumerate(rows)
        for j, cell in enumerate(row)
        if cell is not None
    ]
    records = [*first, begin[1], *cells, end]
    return _compound(
        "Workbook", b"".join(struct.pack("<HH", kind, len(content)) + content for kind, content in records)
    )


def _compound(name: str, content: bytes) -> bytes:
    """Write a compound file with one stream, of 4096 bytes."""
    free, end = 0xFFFFFFFF, 0xFFFFFFFE
    about = struct.pack("<HHHHH6x9I", 62, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, end, 0, end, 0)
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + about + struct.pack("<109I", 0, *[free] * 108)
    sectors = struct.pack("<128I", 0xFFFFFFFD, end, *range(3, 10), end, *[free] * 118)
    entries = _entry("Root Entry", 5, 1, end, 0) + _entry(name, 2, free, 2, 4096)
    return head + sectors + entries + bytes(256) + content.ljust(4096, b"\0")


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    text, free = name.encode("utf-16-le"), 0xFFFFFFFF
    rest = struct.pack("<HBBIII36xIQ", len(text) + 2, kind, 1, free, free, child, start, size)
    return text.ljust(64, b"\0") + rest
