"""Files of customers, made up for the tests."""

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

from wholesale.amounts import read_text
from wholesale.columns import SPEND_COLUMNS

HEADER = ",".join(SPEND_COLUMNS)
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
PARTS = {
    "[Content_Types].xml": f"""<Types xmlns="{PACKAGE}/content-types">
        <Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
        <Default Extension="xml" ContentType="{TYPES}.worksheet+xml"/>
        <Override PartName="/xl/workbook.xml" ContentType="{TYPES}.sheet.main+xml"/>
        <Override PartName="/xl/styles.xml" ContentType="{TYPES}.styles+xml"/></Types>""",
    "_rels/.rels": f"""<Relationships xmlns="{PACKAGE}/relationships">
        <Relationship Id="r1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>""",
    "xl/styles.xml": f"""<styleSheet {MAIN}><numFmts count="1"><numFmt numFmtId="164" formatCode="0.0\\ %"/>
        </numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="9"/><xf numFmtId="164"/>
        <xf numFmtId="3"/></cellXfs></styleSheet>""",
}


def csv_text(*rows: str, header: str = HEADER) -> bytes:
    """Write a header and rows, one a line, in UTF-8."""
    return "\n".join([header, *rows, ""]).encode()


def parquet(columns: dict[str, pa.Array]) -> bytes:
    """Write the six categories, each 1…6 unless given, and more columns, as Parquet."""
    n = len(next(iter(columns.values())))
    six = {column: pa.array([i] * n) for i, column in enumerate(SPEND_COLUMNS, start=1)}
    file = io.BytesIO()
    pq.write_table(pa.table({**six, **columns}), file)
    return file.getvalue()


class Fault(str):
    """What a cell holds instead of a value: an error such as ``#N/A``, or, with ``=``, a formula."""


class Percent(float):
    """A number that is shown as a percentage; below 1 by a format of Excel's own, else by another."""


class Formula(NamedTuple):
    """A formula, and the value that it had when the workbook was written."""

    text: str
    value: float


def xlsx(
    rows: list[list],
    others: dict[str, list[list]] | None = None,
    hidden: tuple[str, ...] = (),
    *,
    stale: bool = False,
) -> bytes:
    """Write cells as the sheet Customers of a workbook, and others; None leaves a cell, or a row, out."""
    sheets = {"Customers": rows} | (others or {})
    about, relations = "", ""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as parts:
        for i, (name, its) in enumerate(sheets.items(), start=1):
            state = ' state="hidden"' if name in hidden else ""
            about += f'<sheet name="{escape(name)}" sheetId="{i}"{state} r:id="r{i}"/>'
            relations += (
                f'<Relationship Id="r{i}" Type="{RELATIONS}/worksheet" Target="worksheets/s{i}.xml"/>'
            )
            sheet = f"<worksheet {MAIN}><sheetData>{_rows(its)}</sheetData></worksheet>"
            parts.writestr(f"xl/worksheets/s{i}.xml", sheet)
        relations += f'<Relationship Id="s" Type="{RELATIONS}/styles" Target="styles.xml"/>'
        about = f"<sheets>{about}</sheets>" + ('<calcPr calcId="1" fullCalcOnLoad="1"/>' if stale else "")
        about = f'<workbook {MAIN} xmlns:r="{RELATIONS}">{about}</workbook>'
        relations = f'<Relationships xmlns="{PACKAGE}/relationships">{relations}</Relationships>'
        more = {"xl/workbook.xml": about, "xl/_rels/workbook.xml.rels": relations}
        for name, text in {**PARTS, **more}.items():
            parts.writestr(name, text)
    return file.getvalue()


def _rows(rows: list[list]) -> str:
    return "".join(
        f'<row r="{i}">{"".join(_cell(i, j, value) for j, value in enumerate(row))}</row>'
        for i, row in enumerate(rows, start=1)
        if row
    )


def _cell(row: int, column: int, value: object) -> str:
    place = f'r="{chr(ord("A") + column)}{row}"'
    if value is None:
        return ""
    if isinstance(value, Fault):
        formula = f"<c {place}><f>{escape(value[1:])}</f></c>"
        return formula if value.startswith("=") else f'<c {place} t="e"><v>{value}</v></c>'
    if isinstance(value, Percent):
        return f'<c {place} s="{2 + (value >= 1)}"><v>{float(value)!r}</v></c>'
    if isinstance(value, Formula):
        return f"<c {place}><f>{escape(value.text)}</f><v>{value.value}</v></c>"
    if isinstance(value, bool):
        return f'<c {place} t="b"><v>{value:d}</v></c>'
    if isinstance(value, date):
        return f'<c {place} s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>'
    if isinstance(value, int | float):
        return f"<c {place}><v>{value!r}</v></c>"
    return f'<c {place} t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'


def ods(rows: list[list]) -> bytes:
    """Write cells as the only sheet of an OpenDocument file."""
    lines = "".join(f"<table:table-row>{''.join(map(_open_cell, row))}</table:table-row>" for row in rows)
    spaces = {"office": "office", "table": "table", "text": "text"}
    names = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for short, name in spaces.items()
    )
    calc = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"
    sheet = f'<table:table table:name="Customers">{lines}</table:table>'
    body = f"<office:body><office:spreadsheet>{sheet}</office:spreadsheet></office:body>"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as parts:
        parts.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        manifest = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
        parts.writestr("META-INF/manifest.xml", f'<manifest:manifest xmlns:manifest="{manifest}"/>')
        content = f'<office:document-content {names} xmlns:calcext="{calc}">{body}</office:document-content>'
        parts.writestr("content.xml", content)
    return file.getvalue()


def _open_cell(value: object) -> str:
    if value is None:
        return '<table:table-cell table:number-columns-repeated="1"/>'
    if isinstance(value, Fault):
        kind = 'office:value-type="string" office:string-value="" calcext:value-type="error"'
        return f'<table:table-cell table:formula="of:=1/0" {kind}><text:p>{value}</text:p></table:table-cell>'
    if isinstance(value, Percent):
        shown = f'"percentage" office:value="{float(value)}"><text:p>{value:.0%}</text:p></table:table-cell>'
        return f"<table:table-cell office:value-type={shown}"
    if isinstance(value, int | float):
        return f'<table:table-cell office:value-type="float" office:value="{value!r}"/>'
    text = f"<text:p>{escape(str(value))}</text:p>"
    return f'<table:table-cell office:value-type="string">{text}</table:table-cell>'


def locked() -> bytes:
    """Write a compound file with a stream EncryptedPackage, as Excel writes a workbook with a password."""
    free, end = 0xFFFFFFFF, 0xFFFFFFFE
    about = struct.pack("<HHHHH6x9I", 62, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, end, 0, end, 0)
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + about + struct.pack("<109I", 0, *[free] * 108)
    sectors = struct.pack("<128I", 0xFFFFFFFD, end, *range(3, 10), end, *[free] * 118)
    entries = _entry("Root Entry", 5, 1, end, 0) + _entry("EncryptedPackage", 2, free, 2, 4096)
    return head + sectors + entries + bytes(256 + 4096)


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    text, free = name.encode("utf-16-le"), 0xFFFFFFFF
    rest = struct.pack("<HBBIII36xIQ", len(text) + 2, kind, 1, free, free, child, start, size)
    return text.ljust(64, b"\0") + rest


def written(folder: Path, name: str, content: bytes) -> Path:
    """Put a file into a folder."""
    path = folder / name
    path.write_bytes(content)
    return path


def by_hand(text: str) -> float:
    """Read one amount of a file with decimal points, as the page does where only one meaning is possible."""
    amount = read_text(text, ".")
    return amount + 0.0 if math.isfinite(amount) and amount >= 0 else math.nan
