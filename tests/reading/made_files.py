"""Files of customers, made up for the tests."""

import io
import math
import zipfile
from datetime import date
from pathlib import Path
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
        <Override PartName="/xl/workbook.xml" ContentType="{TYPES}.sheet.main+xml"/>
        <Override PartName="/xl/styles.xml" ContentType="{TYPES}.styles+xml"/>
        <Override PartName="/xl/worksheets/sheet1.xml" ContentType="{TYPES}.worksheet+xml"/></Types>""",
    "_rels/.rels": f"""<Relationships xmlns="{PACKAGE}/relationships">
        <Relationship Id="r1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>""",
    "xl/_rels/workbook.xml.rels": f"""<Relationships xmlns="{PACKAGE}/relationships">
        <Relationship Id="r1" Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>
        <Relationship Id="r2" Type="{RELATIONS}/styles" Target="styles.xml"/></Relationships>""",
    "xl/workbook.xml": f"""<workbook {MAIN} xmlns:r="{RELATIONS}">
        <sheets><sheet name="Customers" sheetId="1" r:id="r1"/></sheets></workbook>""",
    "xl/styles.xml": f"""<styleSheet {MAIN}><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>
        </styleSheet>""",
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


def xlsx(rows: list[list]) -> bytes:
    """Write cells as the first sheet of a workbook; None leaves a cell, or a row, out."""
    cells = "".join(
        f'<row r="{i}">{"".join(_cell(i, j, value) for j, value in enumerate(row))}</row>'
        for i, row in enumerate(rows, start=1)
        if row
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as parts:
        for name, text in PARTS.items():
            parts.writestr(name, text)
        sheet = f"<worksheet {MAIN}><sheetData>{cells}</sheetData></worksheet>"
        parts.writestr("xl/worksheets/sheet1.xml", sheet)
    return file.getvalue()


def _cell(row: int, column: int, value: object) -> str:
    place = f'r="{chr(ord("A") + column)}{row}"'
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c {place} t="b"><v>{value:d}</v></c>'
    if isinstance(value, date):
        return f'<c {place} s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>'
    if isinstance(value, int | float):
        return f"<c {place}><v>{value!r}</v></c>"
    return f'<c {place} t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'


def written(folder: Path, name: str, content: bytes) -> Path:
    """Put a file into a folder."""
    path = folder / name
    path.write_bytes(content)
    return path


def by_hand(text: str) -> float:
    """Read one amount of a file with decimal points, as the page does where only one meaning is possible."""
    amount = read_text(text, ".")
    return amount + 0.0 if math.isfinite(amount) and amount >= 0 else math.nan
