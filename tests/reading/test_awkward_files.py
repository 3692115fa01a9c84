import gzip
import pickle
from dataclasses import dataclass, field

import pytest
from made_files import HEADER, csv_text, written

from wholesale.columns import LABELS, SPEND_COLUMNS
from wholesale.reading import ReadError, Settings, open_customers

ONE = (1, 2, 3, 4, 5, 6)
NOT = "is not an amount ≥ 0"
BLANKS = "; ".join(f"{label}: blank {NOT}" for label in LABELS.values())
GROUPED = "{} is read as 1234, its {} as a mark of thousands; if it is a decimal, say --decimal {}."
MIXED = (
    "Some amounts have a decimal point and some a decimal comma; those with the {} are read, the others"
    " rejected; if that is wrong, say --decimal {}."
)


@dataclass
class File:
    """An awkward file, and what becomes of each of its records, by the line it starts on."""

    name: str
    content: bytes | str
    accepted: dict[int, tuple] = field(default_factory=lambda: {2: ONE})
    rejected: dict[int, str] = field(default_factory=dict)
    others: dict[str, list] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    notes: list[str] = field(default_factory=list)


def with_rows(name: str, *rows: str, **expected) -> File:
    return File(name, csv_text(*rows), **expected)


def separated(sign: str) -> str:
    return f"{HEADER}\n1,2,3,4,5,6\n".replace(",", sign)


UNMARKED = "The text is not UTF-8; it is read as UTF-16."
LATE = "1,2,3,4,5,6\n" * 99_999  # more than the megabyte looked at before reading begins
FILES = [
    File("comma", separated(",")),
    File("semicolon", separated(";")),
    File("tab", separated("\t")),
    File("bar", separated("|")),
    File("no newline at the end", f"{HEADER}\n1,2,3,4,5,6"),
    File("CRLF", f"{HEADER}\n1,2,3,4,5,6\n".replace("\n", "\r\n")),
    File("CR", f"{HEADER}\r1,2,3,4,5,6\r"),
    File(
        "mixed line ends",
        f"{HEADER}\r\n1,2,3,4,5,6\r1,2,3,4,5,7\n\r\n1,2,3,4,5,8",
        {2: ONE, 3: (1, 2, 3, 4, 5, 7), 5: (1, 2, 3, 4, 5, 8)},
    ),
    File("blank lines", f"\n{HEADER}\n\n1,2,3,4,5,6\n\n\n1,2,3,4,5,6\n\n\n", {4: ONE, 7: ONE}),
    File("blank lines in CRLF", f"{HEADER}\r\n\r\n1,2,3,4,5,6\r\n\r\n", {3: ONE}),
    File("sep= line", f"sep=;\n{separated(';')}", {3: ONE}),
    File("quoted sep= line of a rare separator", f'"sep=^"\r\n{separated("^")}', {3: ONE}),
    File("BOM", b"\xef\xbb\xbf" + separated(",").encode()),
    File("BOM and sep= line", b"\xef\xbb\xbfsep=;\r\n" + separated(";").encode(), {3: ONE}),
    File("UTF-8", f"{HEADER},café\n1,2,3,4,5,6,Porto – Lisboa €\n", others={"café": ["Porto – Lisboa €"]}),
    File(
        "Windows-1252",
        f"{HEADER},café\n1,2,3,4,5,6,€ – à\n".encode("cp1252"),
        others={"café": ["€ – à"]},
        notes=["The text is not UTF-8; it is read as Windows-1252."],
    ),
    File(
        "Latin-1 with a byte that Windows-1252 lacks",
        f"{HEADER},note\n1,2,3,4,5,6,é\x81\n".encode("latin-1"),
        others={"note": ["é\x81"]},
        notes=["The text is not UTF-8; it is read as Latin-1."],
    ),
    File(
        "BOM, though it is not UTF-8",
        b"\xef\xbb\xbf" + csv_text("1,2,3,4,5,6,") + b"1,2,3,4,5,\xe9\n",
        rejected={3: f"Delicassen: é {NOT}"},
        notes=["The text is not UTF-8; it is read as Windows-1252."],
    ),
    File("Excel's Unicode text", f"{separated(chr(9))}\r\n".encode("utf-16")),
    File("UTF-16 of the other order", b"\xfe\xff" + separated("\t").encode("utf-16-be")),
    File("reordered", "Milk,Fresh,Delicassen,Grocery,Frozen,Detergents_Paper\n2,1,6,3,4,5\n"),
    File("header in other case, with spaces", f"{HEADER}\n1,2,3,4,5,6\n".upper().replace("_", " ")),
    File(
        "header quoted and padded",
        '" Fresh ","Milk",Grocery,Frozen,"Detergents-Paper",Delicassen\n1,2,3,4,5,6\n',
    ),
    File("Delicatessen", f"{HEADER}\n1,2,3,4,5,6\n".replace("ssen", "tessen")),
    File(
        "renamed",
        f"{HEADER}\n1,2,3,4,5,6\n".replace("Fresh", "fruit").replace("Milk", "fresh"),
        settings=Settings({"fresh": "fruit", "Milk": "fresh"}),
    ),
    File(
        "told to take another column of the same name",
        f"{HEADER},Fresh 2\n1,2,3,4,5,6,7\n",
        {2: (7, 2, 3, 4, 5, 6)},
        others={"Fresh (not used)": ["1"]},
        settings=Settings({"Fresh": "Fresh 2"}),
    ),
    File(
        "extra and unnamed columns stay as they are",
        f"id,,{HEADER},since\n007, x ,1,2,3,4,5,6,2024-01-01\n",
        others={"id": ["007"], "": [" x "], "since": ["2024-01-01"]},
    ),
    File("a column named line", f"line,{HEADER}\n9,1,2,3,4,5,6\n", others={"line": ["9"]}),
    File(
        "names like formulas",
        f'=1+1,"-name",{HEADER}\n=2,-x,1,2,3,4,5,6\n',
        others={"=1+1": ["=2"], "-name": ["-x"]},
    ),
    with_rows("decimal point", "1.5,.5,5.,1e3,1E-2,0.125", accepted={2: (1.5, 0.5, 5, 1000, 0.01, 0.125)}),
    File(
        "decimal comma",
        f"{HEADER}\n1,5;,5;5,;1e3;0,125;1.234,5\n".replace(",", ";", 5),
        {2: (1.5, 0.5, 5, 1000, 0.125, 1234.5)},
    ),
    with_rows(
        "thousands marked by comma, apostrophe and spaces",
        '"1,234.5",1\'234,1’234,1 234,1\u00a0234,1\u202f234 567',
        rejected={2: f"Delicassen: '1\\u202f234 567' {NOT}"},
        accepted={},
    ),
    with_rows(
        "thousands marked, each amount by its own mark",
        '"1,234.5",1\'234,1’234,1 234,1\u00a0234,1\u2009234\u2009567',
        accepted={2: (1234.5, 1234, 1234, 1234, 1234, 1234567)},
    ),
    File(
        "points before three digits only",
        separated(";").replace("1;2", "1.234;2"),
        {2: (1234, 2, 3, 4, 5, 6)},
        notes=[GROUPED.format("1.234", "point", "point")],
    ),
    with_rows(
        "commas before three digits only",
        '"1,234",2,3,4,5,6',
        accepted={2: (1234, 2, 3, 4, 5, 6)},
        notes=[GROUPED.format("1,234", "comma", "comma")],
    ),
    with_rows(
        "points before three digits, told that they are decimal",
        "1.234,2,3,4,5,6",
        accepted={2: (1.234, 2, 3, 4, 5, 6)},
        settings=Settings(decimal="point"),
    ),
    with_rows(
        "commas before three digits, told that they are decimal",
        '"1,234","1.234",3,4,5,6',
        accepted={2: (1.234, 1234, 3, 4, 5, 6)},
        settings=Settings(decimal="comma"),
        notes=["1.234 is read as 1234, but 1,234 with a decimal comma, as that was told."],
    ),
    with_rows(
        "one clear decimal decides for all",
        "1.234,2,3,4,5,6",
        "12.5,2,3,4,5,6",
        accepted={2: (1.234, 2, 3, 4, 5, 6), 3: (12.5, 2, 3, 4, 5, 6)},
    ),
    File(
        "the decimal shows only after megabytes",
        f"{HEADER}\n1.234,2,3,4,5,6\n{LATE}12.5,2,3,4,5,6\n",
        {2: (1.234, 2, 3, 4, 5, 6), 100_002: (12.5, 2, 3, 4, 5, 6)},
    ),
    File(
        "not UTF-8 only after megabytes",
        f"{HEADER}\n1,2,3,4,5,6\n{LATE}".encode() + b"1,2,3,4,5,\xe9\n",
        {2: ONE},
        {100_002: f"Delicassen: é {NOT}"},
        notes=["The text is not UTF-8; it is read as Windows-1252."],
    ),
    with_rows(
        "conflicting decimals, the most win",
        '1,2,3,4,5,"6,5"',
        "1.5,2.5,3,4,5,6",
        accepted={3: (1.5, 2.5, 3, 4, 5, 6)},
        rejected={2: "Delicassen: 6,5 has a decimal comma, but the file a decimal point"},
        notes=[MIXED.format("point", "comma")],
    ),
    with_rows(
        "what is no amount",
        *("abc,2,3,4,5,6", ",2,3,4,5,6", " ,2,3,4,5,NaN", "inf,2,3,4,5,6", "1,-2,3,4,5,6", "1,1e400,3,4,5,6"),
        *("0x1F,2,3,4,5,6", "1_000,2,3,4,5,6", "True,2,3,4,5,6", "٣,2,3,4,5,6", "1 23,2,3,4,5,6"),
        accepted={},
        rejected={
            2: f"Fresh: abc {NOT}",
            3: f"Fresh: blank {NOT}",
            4: f"Fresh: blank {NOT}; Delicassen: NaN {NOT}",
            5: f"Fresh: inf {NOT}",
            6: f"Milk: -2 {NOT}",
            7: f"Milk: 1e400 {NOT}",
            8: f"Fresh: 0x1F {NOT}",
            9: f"Fresh: 1_000 {NOT}",
            10: f"Fresh: True {NOT}",
            11: f"Fresh: ٣ {NOT}",
            12: f"Fresh: 1 23 {NOT}",
        },
    ),
    with_rows("signs, spaces, zeros", "-0,+2, 3 ,\u00a04,05,6.0", accepted={2: (0, 2, 3, 4, 5, 6)}),
    with_rows(
        "ragged rows",
        *("1,2,3,4,5", "1,2,3,4,5,6,7", "1,2,3,4,5,6,,", "", "1,2,3,4,5,6, ", '""', " ", "1,2,3,4,5,6"),
        accepted={9: ONE},
        rejected={
            2: "5 fields, but the header has 6",
            3: "7 fields, but the header has 6",
            4: "8 fields, but the header has 6",
            6: "7 fields, but the header has 6",
            7: "1 field, but the header has 6",
            8: "1 field, but the header has 6",
        },
    ),
    with_rows(
        "a quote that is closed too late",
        *('"1,2,3,4,5,6', '1,2",3', "1,2,3,4,5,6"),
        accepted={4: ONE},
        rejected={2: "2 fields, but the header has 6; is a quote not closed?"},
    ),
    with_rows(
        "nothing but delimiters",
        ",,,,,",
        ",,,,,,,",
        "1,2,3,4,5,6",
        accepted={4: ONE},
        rejected={2: BLANKS, 3: "8 fields, but the header has 6"},
    ),
    File(
        "quotes doubled, newlines in quotes",
        f'name,{HEADER}\n"a ""b"", c",1,2,3,4,5,6\n"two\r\nlines",1,2,3,4,5,6\n"",1,2,3,4,5,6\n',
        {2: ONE, 3: ONE, 5: ONE},
        others={"name": ['a "b", c', "two\r\nlines", ""]},
    ),
    File(
        "quotes in the middle",
        f'name,{HEADER}\n5" pipe,1,2,3,4,5,6\n"a" b,1,2,3,4,5,6\n"a"b"c",1,2,3,4,5,6\nx"",1,2,3,4,5,6\n',
        {2: ONE, 3: ONE, 4: ONE, 5: ONE},
        others={"name": ['5" pipe', "a b", 'ab"c"', 'x""']},
    ),
    File(
        "a quote not closed",
        f'{HEADER},name\n1,2,3,4,5,6,x\n1,2,3,4,5,6,"y\n1,2,3,4,5,6,z\n',
        {2: ONE, 3: ONE},
        others={"name": ["x", "y\n1,2,3,4,5,6,z\n"]},
    ),
    File(
        "NUL, BOM and control characters in text",
        f"{HEADER},a\n1,2,3,4,5,6,\0\ufeff\x1c\x85\u2028\n",
        others={"a": ["\0\ufeff\x1c\x85\u2028"]},
    ),
    File(
        "a record that begins as a BOM", f"name,{HEADER}\n\ufeffx,1,2,3,4,5,6\n", others={"name": ["\ufeffx"]}
    ),
    File(
        "comments before the header",
        f"# exported, on a Monday\n\n# columns: Fresh, Milk, Grocery\r\n{HEADER}\n1,2,3,4,5,6\n",
        {5: ONE},
    ),
    File("a comment in quotes", f'"# a, b"\n{HEADER}\n1,2,3,4,5,6\n', {3: ONE}),
    File("sep= line and a comment", f"sep=;\n#x\n{separated(';')}", {4: ONE}),
    File("a column of numbers called #", f"#,{HEADER}\n7,1,2,3,4,5,6\n", others={"#": ["7"]}),
    *(
        File(f"{encoding} without a mark", separated("\t").encode(encoding), notes=[UNMARKED])
        for encoding in ("utf-16-le", "utf-16-be")
    ),
    with_rows(
        "numbers as formulas that keep their text",
        *('="12669",="1","=""2""",="3" ,=" 4 ","=""5"""', '="1,5",2,3,4,5,=""', '="1.5",="1,234",3,4,5,=6'),
        accepted={2: (12669, 1, 2, 3, 4, 5)},
        rejected={3: "7 fields, but the header has 6", 4: "7 fields, but the header has 6"},
    ),
    *(
        with_rows(
            f"blanks that mean {means}",
            *("1,2,3,4,5,6", ",-,3,–,5, ", ",,,,,", "-,-,-,-,-,-", "1,x,,4,5,6", "1,--,3,4,5,6"),
            accepted={2: ONE, 3: (0, 0, 3, 0, 5, 0)} if means == "zero" else {2: ONE},
            rejected={
                4: BLANKS,
                5: BLANKS.replace("blank", "-"),
                6: f"Milk: x {NOT}" + f"; Grocery: blank {NOT}" * (means is None),
                7: f"Milk: -- {NOT}",
            }
            | (
                {}
                if means
                else {3: f"Fresh: blank {NOT}; Milk: - {NOT}; Frozen: – {NOT}; Delicassen: blank {NOT}"}
            ),
            settings=Settings(blank=means),
        )
        for means in ("zero", None)
    ),
    File("customers.csv.gz", gzip.compress(separated(";").encode())),
    File(
        "apostrophes stay, unless the file is a scored one",
        f"{HEADER},a\n1,2,3,4,5,6,'=1\n",
        others={"a": ["'=1"]},
    ),
]


def read(path, settings):
    *tables, notes = open_customers(path, settings).read()
    return notes, *tables


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_an_awkward_file_is_understood_row_by_row(file, tmp_path):
    content = file.content if isinstance(file.content, bytes) else file.content.encode()
    name = file.name if file.name.endswith(".gz") else "customers.csv"
    notes, accepted, rejected = read(written(tmp_path, name, content), file.settings)
    six = [accepted[column].to_pylist() for column in SPEND_COLUMNS]
    rows = dict(zip(accepted.column(0).to_pylist(), zip(*six, strict=True), strict=True))
    late = {line: ONE for line in range(3, 100_002)} if len(content) > 1 << 20 else {}
    assert rows == late | file.accepted
    assert "-0.0" not in str(rows)
    assert (
        dict(zip(rejected["line"].to_pylist(), rejected["reason"].to_pylist(), strict=True)) == file.rejected
    )
    assert notes == file.notes
    others = [name for name in accepted.column_names[1:] if name not in SPEND_COLUMNS]
    assert {name: accepted[name].to_pylist() for name in others} == file.others


NO_HEADER = "its first line is no header: no comma, semicolon, tab or bar separates names in it"
SUGGESTION = "say, for example, "
BELOW = "the names of its columns are on line {}; delete what is above them"
NO_NAMES = "it has no header: its first line holds amounts (12669, 9656, 7561, …); write the names above it"
JSON = "it is JSON; save it as CSV"
MARKUP = "it is a web page or XML; open it in a spreadsheet and save it as CSV"
QUOTED = "each line is quoted as if it were one field; take away the quotes around the lines"
REFUSED = {
    "empty": ("", "it is empty"),
    "blank": (" \n\n\t\n", "it is empty"),
    "only a BOM": ("\ufeff", "it is empty"),
    "sep= line only": ("sep=;\n", "it is empty"),
    "header only": (f"{HEADER}\n", "it has a header but no rows"),
    "header without a newline": (HEADER, "it has a header but no rows"),
    "header and blank lines": (f"{HEADER}\n\n\r\n\n", "it has a header but no rows"),
    "binary": (bytes(range(256)) * 100, "it is not a table of text"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "it is not a table of text"),
    "binary without an end of line": (b"\xff" * 200_000, "its first line is too long to be a header"),
    "half of UTF-16": (HEADER.encode("utf-16") + b"\n\0\x00\xd8\n\0", "it begins as UTF-16 does, but is not"),
    "one column missing": (
        f"{HEADER}\n".replace("Milk", "Milk products"),
        f"no column for Milk (nearest: Milk products); {SUGGESTION}--column Milk='Milk products'",
    ),
    "columns missing, one with candidates": (
        "Fresh,Milk,grocery,Frozen,Detergent,Paper,x\n",
        "no column for Detergents_Paper (nearest: Detergent, Paper), Delicassen;"
        f" {SUGGESTION}--column Detergents_Paper=Detergent --column Delicassen='its name in the file'",
    ),
    "two candidates": (
        f"{HEADER},FRESH\n".replace("Fresh", "fresh"),
        "Fresh could be 'fresh' and 'FRESH': rename one of them",
    ),
    "the same name twice": (f"{HEADER},Fresh\n", "Fresh could be 'Fresh' and 'Fresh': rename one of them"),
    "an unclosed quote before much text": (
        f'{HEADER},a\n1,2,3,4,5,6,x\n1,2,3,4,5,6,"{"y" * 140_000}\n',
        "line 3: a field of more than 131,072 characters; is a quote not closed?",
    ),
    "a title of two parts before the header": (f"Customers, 2013\n{HEADER}\n1,2,3,4,5,6\n", BELOW.format(2)),
    "two rows of names": (f"2013,2013,,,,\n\n{HEADER}\n1,2,3,4,5,6\n", BELOW.format(3)),
    "no header": ("C1,12669,9656,7561,214,2674,1338\nC2,1,2,3,4,5,6\n", NO_NAMES),
    "no header, semicolons, decimals": ("12669;9656;7561;214;2674;1338,5\n", NO_NAMES),
    "no header, a title": ("Customers, 2013\n1,2,3,4,5,6\n", None),
    "JSON": ('[{"Fresh": 12669, "Milk": 9656}, {"Fresh": 7057, "Milk": 9810}]', JSON),
    "JSON, a customer a line": ('{"Fresh": 1, "Milk": 2}\n{"Fresh": 3, "Milk": 4}\n', JSON),
    "JSON by columns": ('{\n "columns": ["Fresh", "Milk"],\n "data": [[1, 2]]}', JSON),
    "a web page": ("<!DOCTYPE html>\n<html><table><tr><td>Fresh</td></tr></table></html>", MARKUP),
    "a spreadsheet in XML": ('\ufeff<?xml version="1.0"?>\n<Workbook><Row>1</Row></Workbook>', MARKUP),
    "a web page without a head": ("\n <table border=0, width=1><tr><td>Fresh</td></tr></table>", MARKUP),
    "each line in quotes": (f'"{HEADER}"\n"1,2,3,4,5,6"\n', QUOTED),
    "each line in quotes, tabs": (f'"{HEADER}"\n"1,2,3,4,5,6"\n'.replace(",", "\t"), QUOTED),
    "comments only": ("# Fresh, Milk\n# and more\n", None),
    "no separator known": (HEADER.replace(",", "~"), NO_HEADER),
    "a title before the header": (f"Customers in 2013\n{HEADER}\n1,2,3,4,5,6\n", BELOW.format(2)),
    "a long name": (
        f"{HEADER}\n".replace("Milk", "milk" * 15),
        f"no column for Milk (nearest: {'milk' * 9}mil…); {SUGGESTION}--column Milk={'milk' * 15}",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_in_one_sentence(name, tmp_path):
    content, sentence = REFUSED[name]
    path = written(tmp_path, "mine.csv", content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ReadError) as refusal:
        read(path, Settings())
    assert "\n" not in str(refusal.value)
    assert str(refusal.value) == f"mine.csv: {sentence}" if sentence else "mine.csv: " in str(refusal.value)


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"Wine": "x"}, "Wine is not a category: choose from " + ", ".join(SPEND_COLUMNS)),
        ({"Fresh": "Milk"}, "Milk cannot be both Fresh and Milk; each --column must name another one"),
        (
            {"Fresh": "frsh"},
            "frsh is not in the file; no column for Fresh (nearest: fresh 2);"
            f" {SUGGESTION}--column Fresh='fresh 2'",
        ),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(columns, sentence, tmp_path):
    path = written(tmp_path, "mine.csv", csv_text("1,2,3,4,5,6,7", header=f"{HEADER},fresh 2"))
    with pytest.raises(ReadError) as refusal:
        read(path, Settings(columns))
    assert str(refusal.value) == f"mine.csv: {sentence}"


@pytest.mark.parametrize("name", ["one column missing", "two candidates", "binary", "header only"])
def test_a_refusal_has_the_header_if_only_its_names_are_at_fault(name, tmp_path):
    content, _ = REFUSED[name]
    path = written(tmp_path, "mine.csv", content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ReadError) as refusal:
        read(path, Settings())
    names = tuple(content.strip().split(",")) if "column" in name or "candidates" in name else ()
    assert pickle.loads(pickle.dumps(refusal.value)).header == refusal.value.header == names


def test_what_cannot_be_opened_is_refused(tmp_path, monkeypatch):
    for name in ("none.csv", "none.parquet", "none.xlsx"):
        with pytest.raises(ReadError, match=rf"^{name} is not there$"):
            open_customers(tmp_path / name)
    with pytest.raises(ReadError, match=r"cannot be read \(Is a directory\)$"):
        open_customers(tmp_path)
    path = written(tmp_path, "mine.csv", csv_text("1,2,3,4,5,6"))
    path.chmod(0)
    monkeypatch.setattr(type(path), "open", _denied)  # root may read everything
    with pytest.raises(ReadError, match=r"^mine.csv cannot be read \(Permission denied\)$"):
        open_customers(path)


def _denied(*_args):
    raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize("name", ["not.csv.gz", "cut.csv.gz"])
def test_a_compressed_file_that_is_none_or_cut_is_refused(name, tmp_path):
    rows = csv_text(*(f"{i},2,3,4,5,6" for i in range(200_000)))
    content = rows if name.startswith("not") else gzip.compress(rows)[:-1000]
    with pytest.raises(ReadError, match=rf"^{name}(: it)? cannot be read"):
        read(written(tmp_path, name, content), Settings())


def amounts_of(column_texts: list[str], tmp_path, told: str | None = None) -> tuple[list, dict, list]:
    """Read a table with these amounts for Fresh: what is accepted of them, reasons by line, notes."""
    rows = [f"{text};2;3;4;5;{i}" for i, text in enumerate(column_texts)]
    path = written(tmp_path, "in.csv", csv_text(*rows, header=HEADER.replace(",", ";")))
    notes, accepted, rejected = read(path, Settings(decimal=told))
    reasons = dict(zip(rejected["line"].to_pylist(), rejected["reason"].to_pylist(), strict=True))
    return accepted["Fresh"].to_pylist(), reasons, notes


GROUPED_POINT = (
    "12.669 is read as 12669, its point as a mark of thousands; if it is a decimal, say --decimal point."
)
GROUPED_COMMA = (
    "12,669 is read as 12669, its comma as a mark of thousands; if it is a decimal, say --decimal comma."
)
ODD = [
    ("0.5", ".", "Fresh: 0.5 has a decimal point, but the file a decimal comma"),
    ("1234.", ".", "Fresh: 1234. has a decimal point, but the file a decimal comma"),
    ("9,656.50", ".", "Fresh: 9,656.50 has a decimal point, but the file a decimal comma"),
    ("12,669", ".", "Fresh: 12,669 could be 12669 or 12.669"),
    ("1234,", ",", "Fresh: 1234, has a decimal comma, but the file a decimal point"),
    ("€ 0,5", ",", "Fresh: € 0,5 has a decimal comma, but the file a decimal point"),
    ("12.669", ",", "Fresh: 12.669 could be 12669 or 12.669"),
]


@pytest.mark.parametrize(("odd", "mark", "reason"), ODD, ids=[odd for odd, _, _ in ODD])
@pytest.mark.parametrize("place", [0, 150, 300])
def test_one_odd_amount_among_thousands_is_rejected_and_said(odd, mark, reason, place, tmp_path):
    texts = [f"12{mark}669"] * 300
    texts.insert(place, odd)
    amounts, reasons, notes = amounts_of(texts, tmp_path)
    assert amounts == [12669] * 300
    assert reasons == {place + 2: reason}
    grouped = GROUPED_POINT if mark == "." else GROUPED_COMMA
    assert len(notes) == 2 and notes[1].split(" is read")[1] == grouped.split(" is read")[1]
    assert notes[0].startswith("Rejected: 1 amount ") and "--decimal" in notes[0]


@pytest.mark.parametrize(
    ("texts", "amounts"),
    [
        (["12.669"] * 190 + ["0.5"] * 10, [12.669] * 190 + [0.5] * 10),
        (["12,669"] * 190 + ["1234,"] * 10, [12.669] * 190 + [1234] * 10),
        (["12.669"] * 190 + ["1,5"] * 2, [12669] * 190 + [1.5] * 2),
        ([f"{i}.{i + 100}" for i in range(1, 181)] + [f"0.{i}" for i in range(120, 140)], None),
    ],
    ids=["5% with a point", "5% with a comma", "what agrees needs no share", "three decimals"],
)
def test_enough_amounts_that_settle_the_sign_decide_for_all(texts, amounts, tmp_path):
    found, reasons, _ = amounts_of(texts, tmp_path)
    assert found == (amounts or [float(text) for text in texts]) and not reasons


@pytest.mark.parametrize(
    ("texts", "counts"),
    [
        (["12.669"] * 99 + ["0.5"], "1 amount can only have a point, 0 only a comma, and 99 such as 12.669"),
        (["12,669"] * 96 + ["1234,"] * 4, "0 amounts can only have a point, 4 only a comma, and 96 such as"),
        (["12.669", "12,669"], "0 amounts can only have a point, 0 only a comma, and 2 such as 12.669"),
        (
            ["12.5"] * 90 + ["12.669", "12,669"] * 5,
            "90 amounts can only have a point, 0 only a comma, and 10",
        ),
        (
            ["1.5"] * 9 + ["1,5"] * 9 + ["12.669"],
            "9 amounts can only have a point, 9 only a comma, and 1 such",
        ),
    ],
    ids=["1%", "4%", "both marks", "both marks, though the sign is settled", "both signs"],
)
def test_what_contradicts_itself_is_refused_with_the_way_out(texts, counts, tmp_path):
    with pytest.raises(ReadError) as refusal:
        amounts_of(texts, tmp_path)
    assert str(refusal.value).startswith(f"in.csv: its decimal sign is not clear: {counts}")
    assert str(refusal.value).endswith(" could be either; say --decimal point or --decimal comma")
    for told, sign in (("point", "."), ("comma", ",")):
        amounts, reasons, notes = amounts_of(texts, tmp_path, told)
        other = {".": ",", ",": "."}[sign]
        fits = [text.replace(other, "").replace(sign, ".") for text in texts if not odd(text, other)]
        assert amounts == [float(text) for text in fits]
        assert len(reasons) == len(texts) - len(fits)
        assert bool(notes) == bool(reasons or {"12.669", "12,669"} <= set(texts))


def odd(text: str, sign: str) -> bool:
    """Say whether a text makes sense with this decimal sign only."""
    return (sign in text and len(text.partition(sign)[2]) != 3) or text.startswith(f"0{sign}")


def test_few_unclear_amounts_are_rejected_though_the_sign_is_settled(tmp_path):
    for few, many in (("12.669", "12,669"), ("12,669", "12.669")):
        amounts, reasons, notes = amounts_of(["12.5"] * 100 + [many] * 100 + [few], tmp_path)
        assert amounts == [12.5] * 100 + [12669 if "," in many else 12.669] * 100
        assert reasons == {202: f"Fresh: {few} could be 12669 or 12.669"}
        assert any("to have all of them read, say --decimal point" in note for note in notes)
