"""Customers in Parquet and in workbooks, whose columns and cells have types."""

import io
import re
import zipfile
from datetime import date
from decimal import Decimal

import made_files
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import run
from made_files import NAMES, NOT, Fault, Percent, csv_text, outcome, parquet, refusal, written, xlsx, zipped

from wholesale import report
from wholesale.customers import read_file
from wholesale.reading import open_customers, read_block
from wholesale.reading.tables import BINARY, ROWS

SIX = [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("amounts", "first"),
    [
        (pa.array([7, None, -1], pa.int16()), 7),
        (pa.array([7, None, -1.0], pa.float32()), 7),
        (pa.array([7.5, float("nan"), -1.0]), 7.5),
        (pa.array([Decimal("7.25"), None, Decimal(-1)]), 7.25),
        (pa.array([7.1, None, -1], pa.float32()), 7.1),
        (pa.array([Decimal("12669.505"), None, Decimal(-1)], pa.decimal256(60, 3)), 12669.505),
        (pa.array(["7,5", "", "-1"]), 7.5),
        (pa.array(["1.234", None, "x"]), 1234),
        (pa.array(["7.5", "", "-1"], pa.large_string()), 7.5),
        (pa.array(["7.5", "", "-1"]).dictionary_encode(), 7.5),
        (pa.array([7, None, -1]).dictionary_encode(), 7),
    ],
    ids=lambda its: str(getattr(its, "type", its))[:30],
)
def test_amounts_in_parquet_are_numbers_or_text(amounts, first, tmp_path):
    found = outcome(written(tmp_path, "a.parquet", parquet({"Fresh": amounts})))
    assert found.amounts == {1: [first, 2, 3, 4, 5, 6]} and list(found.reasons) == [2, 3]
    assert found.reasons[2] in (f"Fresh: blank {NOT}", f"Fresh: nan {NOT}")
    assert found.reasons[3].startswith("Fresh: ")


def test_other_columns_of_parquet_keep_their_types_and_are_text_where_a_row_is_rejected(tmp_path):
    others = {
        "since": pa.array([None, date(2024, 1, 1)]),
        "seen": pa.array([1, 1], pa.timestamp("ns")),
        "n": pa.array([1, 7.0]),
        "tags": pa.array([[], ["a", "b"]]),
        "bytes": pa.array([b"", b"\xff"]),
        "city": pa.array([None, "=x"]).dictionary_encode(),
        "none": pa.nulls(2),
    }
    content = parquet({"Fresh": pa.array([1, -2.5]), **others})
    found = outcome(written(tmp_path, "a.parquet", content))
    kept = found.accepted.select([*others])
    assert kept.to_pydict() == {name: each.to_pylist()[:1] for name, each in others.items()}
    assert kept.schema.types == [
        pa.string() if name == "city" else each.type for name, each in others.items()
    ]
    record = "-2.5,2,3,4,5,6,2024-01-01,1970-01-01 00:00:00.000000001,7,\"['a', 'b']\",b'\\xff',=x,"
    about = {"line": 2, "column": "Fresh", "value": "-2.5", "reason": f"Fresh: -2.5 {NOT}", "record": record}
    assert found.rejected.to_pylist() == [about]


def test_parquet_is_read_some_rows_at_a_time(tmp_path):
    rows = ROWS + 1
    file = open_customers(written(tmp_path, "a.parquet", parquet({"id": pa.array(range(rows))})))
    blocks = list(file.blocks())
    assert [(block.line, block.end) for block in blocks] == [(1, ROWS), (ROWS + 1, rows)]
    parts = [read_block(file.dialect, block).accepted for block in blocks]
    assert pa.concat_tables(parts)["id"].to_pylist() == list(range(rows))


def test_parquet_does_not_pile_up_in_memory(tmp_path):
    table = pa.table({name: np.random.default_rng(0).random(400_000) for name in NAMES})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=20_000)
    before = pa.total_allocated_bytes()
    held = [pa.total_allocated_bytes() - before for _ in open_customers(tmp_path / "a.parquet").blocks()]
    assert max(held) < table.nbytes / 2


WHOLE = parquet({"id": pa.array(range(1000))})
TORN = [WHOLE[:-1], WHOLE[:100], WHOLE[:4], WHOLE[:-100] + bytes(96) + WHOLE[-4:]]
LATIN = pa.StringArray.from_buffers(2, pa.py_buffer(np.array([0, 2, 4], np.int32)), pa.py_buffer(b"M\xfc12"))
OTHER_KINDS = [pa.array([date(2024, 1, 1)]), pa.array([True]), pa.array([b"1"]), pa.array([[1]])]
LAST = "no column for Fresh; say, for example, --column Fresh='its name in the file'"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        *((torn, "it is not a whole Parquet file") for torn in TORN),
        *((parquet({"Milk": amounts}), "Milk holds {}, not amounts") for amounts in OTHER_KINDS),
        (parquet({"Fresh %": pa.array([1])}, NAMES[1:]), LAST),
        (b"PAR1" + b"\xff" * 3000 + WHOLE[3004:], "it cannot be read to its end ({})"),
        (parquet({"id": pa.array([], pa.string())}), "it has a header but no rows"),
        *(
            (
                parquet({name: LATIN}),
                f"its column {name} holds text that is not UTF-8; write it as UTF-8, or leave it out",
            )
            for name in ("Fresh", "city")
        ),
        (WHOLE.replace(b"Fresh", b"Fr\xffsh"), "it is not a whole Parquet file"),
    ],
)
def test_parquet_that_cannot_be_read_is_refused(content, sentence, tmp_path):
    begins, _, ends = f"a.parquet: {sentence}".partition("{}")
    said = refusal(written(tmp_path, "a.parquet", content))
    assert said.startswith(begins) and said.endswith(ends)


def test_the_first_sheet_of_a_workbook_is_read_with_its_own_row_numbers(tmp_path):
    rows = [
        [],
        ["id", *NAMES, "since", "paid"],
        [7, 1, 2.5, 3, 4, "5", "1 234", date(2024, 1, 31), True],
        [],
        ["a", 1.125, 1e-7, 1e22, 12345678.125, "7.50", 0],
        ["b", -5, None, "x", True, date(2024, 1, 31), 1e300, "", " y "],
        [None, None, None, 3],
    ]
    found = outcome(written(tmp_path, "a.xlsx", xlsx(rows)))
    assert found.amounts == {3: [1, 2.5, 3, 4, 5, 1234], 5: [1.125, 1e-7, 1e22, 12345678.125, 7.5, 0]}
    assert list(found.reasons) == [6, 7] and found.reasons[6].startswith(
        f"Fresh: -5 {NOT}; Milk: blank {NOT}; Grocery: x {NOT}; Frozen: True {NOT}; Det"
    )
    (first, _) = found.accepted.select(["id", "since", "paid"]).to_pylist()
    assert first == {"id": "7", "since": "2024-01-31", "paid": "True"}


@pytest.mark.parametrize("name", ["a.xlsx", "a.csv", "standard input"])
def test_a_workbook_is_known_by_its_first_bytes_and_its_numbers_are_no_thousands(name, tmp_path):
    path = written(tmp_path, name, xlsx([NAMES, [1.234, 2.345, 3, 4, 5, 6]]))
    assert outcome(path).amounts == {2: [1.234, 2.345, 3, 4, 5, 6]}


@pytest.mark.parametrize("told", [None, "point", "comma"])
@pytest.mark.parametrize(
    ("cells", "amounts", "notes"),
    [
        ((9656.5, 1.234, 5), (9656.5, 1.234, 5), 0),
        ((9656.5, "7,5", 1.234), (9656.5, 7.5, 1.234), 0),
        ((0.5, "1.234", "2.345"), (0.5, 1234, 2345), 1),
        ((0.5, "12.669,5", 1e-7), (0.5, 12669.5, 1e-7), 0),
        ((1234.567, "1,234", 1e22), (1234.567, 1234, 1e22), 1),
    ],
)
def test_numbers_in_a_workbook_are_taken_as_they_are_and_say_nothing_of_the_text(
    told, cells, amounts, notes, tmp_path
):
    path = written(tmp_path, "a.xlsx", xlsx([NAMES, *([cell, 2, 3, 4, 5, 6] for cell in cells)]))
    found = outcome(path, decimal=told)
    first = [row[0] for row in found.amounts.values()]
    if told:  # all numbers are read, whatever is told of the text
        numbers = [cell for cell in cells if not isinstance(cell, str)]
        assert [amount for amount in first if amount in numbers] == numbers
    else:
        assert (first, len(found.notes), found.reasons) == ([*amounts], notes, {})


def changed(book: bytes, **parts) -> bytes:
    """Change the text of some parts of a workbook, by what their names end in."""
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    return zipped({name: parts.get(name[-6:-4], str)(text) for name, text in texts.items()})


NO_AMOUNTS = {
    "#N/A": Fault("#N/A"),
    "#DIV/0!": Fault("#DIV/0!"),
    "24%": Percent(0.24),
    "150%": Percent(1.5),
    "-9656.5": -9656.5,
    "blank": None,
}


@pytest.mark.parametrize(
    ("make", "shown", "cell"),
    [
        *((make, *each) for make in (xlsx, made_files.ods) for each in NO_AMOUNTS.items()),
        (xlsx, "the uncalculated formula =B2*2", Fault("=B2*2")),
    ],
)
def test_what_is_no_amount_is_called_what_it_is(make, shown, cell, tmp_path):
    rows = [["discount", *NAMES], [Percent(0.5), *SIX], [1, *SIX[:5], cell], ["x", *[cell] * 6]]
    found = outcome(written(tmp_path, "a.x", make(rows)))
    assert found.amounts == {2: SIX} and found.accepted["discount"].to_pylist() == ["0.5"]
    assert found.reasons[3] == f"Delicassen: {shown} {NOT}"
    assert found.reasons[4].startswith(f"Fresh: {shown} {NOT}; Milk: {shown} {NOT}; ")
    assert found.rejected["record"].to_pylist()[0] == f"1,1,2,3,4,5,{'' if cell is None else shown}"


@pytest.mark.parametrize("places", [r' r="[A-Z]+[0-9]+"', r' r="[0-9]+"', r' r="[A-Z]*[0-9]+"'])
def test_cells_and_rows_that_do_not_say_where_they_are_are_counted(places, tmp_path):
    rows = [["id", *NAMES], ["a", *SIX], ["b", Percent(0.5), *SIX[1:]], ["c", *SIX[:5], Fault("#N/A")]]
    rows += [["d", 1, Fault("=B2*2"), *SIX[2:]], ["e", *SIX]]
    book = changed(xlsx(rows), s1=lambda text: re.sub(places, "", text))
    found = outcome(written(tmp_path, "a.xlsx", book))
    shown = {3: "Fresh: 50%", 4: "Delicassen: #N/A", 5: "Milk: the uncalculated formula =B2*2"}
    assert found.amounts == {2: SIX, 6: SIX}
    assert found.reasons == {line: f"{what} {NOT}" for line, what in shown.items()}


def test_cells_and_rows_of_opendocument_that_repeat_are_all_found(tmp_path):
    rows = [NAMES, SIX, [Percent(0.5), *SIX[2:]], SIX, [1, 2, 3, 4, 5, Fault("#N/A")], SIX]
    twice = '<table:table-cell table:number-columns-repeated="2" office:value-type="percentage"'
    line = "<table:table-row>"

    def repeat(text: str) -> str:
        first, *others = text.replace('<table:table-cell office:value-type="percentage"', twice).split(line)
        return first + "".join(
            f'<table:table-row table:number-rows-repeated="{times}">{each}'
            for times, each in zip((1, 1, 1, 1, 3, 1), others, strict=True)
        )

    found = outcome(written(tmp_path, "a.ods", changed(made_files.ods(rows), nt=repeat)))
    assert found.amounts == {2: SIX, 4: SIX, 8: SIX}
    error = f"Delicassen: #N/A {NOT}"
    both = f"Fresh: 50% {NOT}; Milk: 50% {NOT}"
    assert found.reasons == {3: both, **dict.fromkeys((5, 6, 7), error)}


def test_a_sheet_of_opendocument_that_is_full_of_an_error_is_read(tmp_path):
    book = changed(
        made_files.ods([NAMES, SIX, [*SIX[:5], Fault("#N/A")]]),
        nt=lambda text: text.replace(
            "<table:table-cell table:formula",
            '<table:table-cell table:number-columns-repeated="16378" table:formula',
        ),
    )
    found = outcome(written(tmp_path, "a.ods", book))
    assert found.amounts == {2: SIX} and [*found.reasons] == [3]


def test_in_the_older_binary_formats_it_is_said_that_errors_cannot_be_told(tmp_path):
    found = outcome(
        written(tmp_path, "a.xls", made_files.xls([NAMES, SIX, [*SIX[:5], None], SIX, [*SIX[:5], "x"]]))
    )
    assert found.amounts == {2: SIX, 4: SIX} and [*found.reasons] == [3, 5] and found.notes[0] == BINARY


@pytest.mark.parametrize(
    ("stale", "value", "fresh"),
    [(True, 0, None), (True, 3, 3), (False, 0, 0), (False, 3, 3)],
    ids=["never calculated", "calculated by the writer", "zero", "calculated"],
)
def test_a_formula_that_no_program_has_calculated_has_no_value(stale, value, fresh, tmp_path):
    rows = [NAMES, [made_files.Formula("SUM(B2:C2)", value), 2, 3, 4, 5, 6]]
    found = outcome(written(tmp_path, "a.xlsx", xlsx(rows, stale=stale)))
    reasons = {2: f"Fresh: the uncalculated formula =SUM(B2:C2) {NOT}"} if fresh is None else {}
    assert (found.amounts, found.reasons) == ({} if reasons else {2: [fresh, 2, 3, 4, 5, 6]}, reasons)


ONE, TWO = [NAMES, SIX], [NAMES, [7, 8, 9, 10, 11, 12]]
NOTES = [["Sales of 2013"], ["as sent"]]
FITS = "The sheet {} is read; {} has the categories too: say --sheet {} to read that one."


@pytest.mark.parametrize(
    ("content", "told", "amounts", "fits"),
    [
        (xlsx(ONE, {"Notes": NOTES}), None, ONE[1], None),
        (xlsx(ONE, {"2014 new": TWO}), None, ONE[1], ("Customers", "2014 new", "'2014 new'")),
        (xlsx(ONE, {"2014 new": TWO}), "2014 new", TWO[1], None),
        (xlsx(ONE, {"Seen": TWO}, "Customers"), None, TWO[1], ("Seen", "Customers", "Customers")),
        (xlsx(NOTES, {"Data": TWO}, "Data"), "Data", TWO[1], None),
        (xlsx(ONE, {"Form": [NAMES]}), None, ONE[1], None),
    ],
)
def test_the_sheet_told_or_the_first_that_can_be_seen_is_read(content, told, amounts, fits, tmp_path):
    found = outcome(written(tmp_path, "a.xlsx", content), sheet=told)
    assert found.amounts == {2: amounts} and found.notes == ([FITS.format(*fits)] if fits else [])


NOTHING = "the sheet that is read, Customers, holds no customers, but {} does; say --sheet {}"
DATA, QUOTED = NOTHING.format("Data", "Data"), "'The data'"


@pytest.mark.parametrize(
    ("content", "told", "sentence"),
    [
        (b"\xd0\xcf\x11\xe0Fresh,Milk", None, "it is not a whole Excel file"),
        (xlsx([NAMES])[:-30], None, "it is not a whole Excel file"),
        (made_files.xls([NAMES])[:537], None, "it is not a whole Excel file"),
        (made_files.locked(), None, "it is locked with a password: save it without one"),
        (xlsx([[], []]), None, "its sheet Customers is empty"),
        (xlsx([NAMES]), None, "it has a header but no rows"),
        (xlsx([NAMES[1:]]), None, LAST),
        (xlsx(NOTES, {"Data": ONE}), None, DATA),
        (xlsx(NOTES, {"my 'Data'": ONE}), None, NOTHING.format("my 'Data'", """'my '"'"'Data'"'"''""")),
        (xlsx(NOTES, {"Data": ONE}, "Data"), None, DATA),
        (xlsx([[]], {"Data": ONE}), None, DATA),
        (xlsx([NAMES], {"Data": ONE}), None, DATA),
        (xlsx(ONE, {"Data": TWO}), "Dat", "it has no sheet Dat, but Customers and Data"),
        (xlsx(ONE, {"Empty": []}), "Empty", "its sheet Empty is empty"),
        (csv_text("1,2,3,4,5,6"), "Data", "it has no sheets, so --sheet Data cannot be meant"),
        (parquet({"Milk": pa.array([1])}), "Data", "it has no sheets, so --sheet Data cannot be meant"),
        (
            xlsx(NOTES, {"More": [["a", "b"], [1, 2]]}),
            None,
            "sheet Customers: its first line has none of the 6 categories (Sales of 2013); if that is a"
            " title, delete it; else say, for example, --column Fresh='its name in the file'",
        ),
    ],
)
def test_a_workbook_without_customers_is_refused_and_the_right_sheet_named(content, told, sentence, tmp_path):
    assert refusal(written(tmp_path, "a", content), sheet=told) == f"a: {sentence}"


def test_the_sheet_can_be_told_on_the_command_line(tmp_path, customers):
    many = customers[NAMES].head(60).to_numpy().tolist()
    path = written(tmp_path, "mine.xlsx", xlsx(NOTES, {"The data": [NAMES, *many]}))
    for command in (("score", path), ("train", path, "-o", tmp_path / "mine")):
        refused = run(*command)
        assert refused.stderr == f"mine.xlsx: {NOTHING.format('The data', QUOTED)}\n"
        assert run(*command, "--sheet", "The data").exit_code == 0
    own = read_file(path, sheet="The data")
    assert len(own.accepted) == 60
    assert report.command("report", own) == f"`python -m wholesale report mine.xlsx --sheet {QUOTED}`"
