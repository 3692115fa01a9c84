from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_files import HEADER, Fault, Formula, Percent, csv_text, locked, ods, parquet, written, xlsx
from typer.testing import CliRunner

from wholesale.cli import main
from wholesale.columns import SPEND_COLUMNS
from wholesale.customers import read_file
from wholesale.reading import ReadError, Settings, open_customers, read_block, read_customers
from wholesale.reading.tables import ROWS
from wholesale.report import export

NOT = "is not an amount ≥ 0"
NAMES = HEADER.split(",")


def accepted_and_reasons(path) -> tuple[list[tuple], dict[int, str]]:
    accepted, rejected = read_customers(path)
    six = [accepted[column].to_pylist() for column in SPEND_COLUMNS]
    reasons = dict(zip(rejected["line"].to_pylist(), rejected["reason"].to_pylist(), strict=True))
    return list(zip(accepted.column(0).to_pylist(), *six, strict=True)), reasons


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
    accepted, reasons = accepted_and_reasons(written(tmp_path, "a.parquet", parquet({"Fresh": amounts})))
    assert accepted == [(1, first, 2, 3, 4, 5, 6)]
    assert list(reasons) == [2, 3] and all(text.startswith("Fresh: ") for text in reasons.values())
    assert reasons[2] in (f"Fresh: blank {NOT}", f"Fresh: nan {NOT}")


@pytest.mark.parametrize(
    "amounts", [pa.array([date(2024, 1, 1)]), pa.array([True]), pa.array([b"1"]), pa.array([[1]])], ids=str
)
def test_other_kinds_of_column_are_refused(amounts, tmp_path):
    path = written(tmp_path, "a.parquet", parquet({"Milk": amounts}))
    with pytest.raises(ReadError, match=r"^a.parquet: Milk holds .*, not amounts$"):
        open_customers(path)


def test_other_columns_of_parquet_keep_their_types(tmp_path):
    others = {
        "since": pa.array([date(2024, 1, 1), None]),
        "n": pa.array([1, None]),
        "tags": pa.array([["a"], []]),
        "city": pa.array(["=x", None]).dictionary_encode(),
        "none": pa.nulls(2),
    }
    table, _ = read_customers(written(tmp_path, "a.parquet", parquet(others)))
    assert {name: table[name].to_pylist() for name in others} == {
        name: column.to_pylist() for name, column in others.items()
    }
    assert table["since"].type == pa.date32() and table["city"].type == pa.string()


def test_a_rejected_row_of_parquet_is_shown_as_text(tmp_path):
    others = {
        "seen": pa.array([1], pa.timestamp("ns")),
        "n": pa.array([7.0]),
        "tags": pa.array([["a", "b"]]),
        "bytes": pa.array([b"\xff"]),
        "none": pa.nulls(1),
    }
    content = parquet({"Fresh": pa.array([-2.5]), **others})
    _, rejected = read_customers(written(tmp_path, "a.parquet", content))
    assert rejected.to_pylist() == [
        {
            "line": 1,
            "column": "Fresh",
            "value": "-2.5",
            "reason": f"Fresh: -2.5 {NOT}",
            "record": "-2.5,2,3,4,5,6,1970-01-01 00:00:00.000000001,7,\"['a', 'b']\",b'\\xff',",
        }
    ]


def test_parquet_is_read_some_rows_at_a_time(tmp_path):
    rows = ROWS + 1
    file = open_customers(written(tmp_path, "a.parquet", parquet({"id": pa.array(range(rows))})))
    blocks = list(file.blocks())
    assert [(block.line, block.end) for block in blocks] == [(1, ROWS), (ROWS + 1, rows)]
    ids = [
        number for block in blocks for number in read_block(file.dialect, block).accepted["id"].to_pylist()
    ]
    assert ids == list(range(rows))


def test_parquet_does_not_pile_up_in_memory(tmp_path):
    table = pa.table({name: np.random.default_rng(0).random(400_000) for name in NAMES})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=20_000)
    before = pa.total_allocated_bytes()
    held = [pa.total_allocated_bytes() - before for _ in open_customers(tmp_path / "a.parquet").blocks()]
    assert max(held) < table.nbytes / 2


def test_parquet_that_is_not_whole_is_refused(tmp_path):
    content = parquet({"id": pa.array(range(1000))})
    for cut in (content[:-1], content[:100], content[:4], content[:-100] + bytes(96) + content[-4:]):
        with pytest.raises(ReadError, match=r"^a.parquet: it is not a whole Parquet file$"):
            open_customers(written(tmp_path, "a.parquet", cut))
    damaged = b"PAR1" + b"\xff" * 3000 + content[3004:]
    with pytest.raises(ReadError, match=r"^a.parquet: it cannot be read to its end \("):
        read_customers(written(tmp_path, "a.parquet", damaged))


def test_parquet_without_a_column_is_refused(tmp_path):
    pq.write_table(pa.table({name: [1] for name in NAMES[1:]}), tmp_path / "a.parquet")
    with pytest.raises(ReadError, match=r"^a.parquet: no column for Fresh; say"):
        open_customers(tmp_path / "a.parquet")


def test_a_parquet_file_without_rows_is_refused(tmp_path):
    path = written(tmp_path, "a.parquet", parquet({"id": pa.array([], pa.string())}))
    with pytest.raises(ReadError, match=r"^a.parquet: it has a header but no rows$"):
        read_customers(path)


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
    path = written(tmp_path, "a.xlsx", xlsx(rows))
    accepted, reasons = accepted_and_reasons(path)
    assert accepted == [(3, 1, 2.5, 3, 4, 5, 1234), (5, 1.125, 1e-7, 1e22, 12345678.125, 7.5, 0)]
    assert reasons[6].startswith(
        f"Fresh: -5 {NOT}; Milk: blank {NOT}; Grocery: x {NOT}; Frozen: True {NOT}; Det"
    )
    assert list(reasons) == [6, 7]
    table, _ = read_customers(path)
    assert table.select(["id", "since", "paid"]).slice(0, 1).to_pylist() == [
        {"id": "7", "since": "2024-01-31", "paid": "True"}
    ]


def test_numbers_of_a_workbook_are_not_taken_for_thousands(tmp_path):
    accepted, _ = accepted_and_reasons(written(tmp_path, "a.xlsx", xlsx([NAMES, [1.234, 2.345, 3, 4, 5, 6]])))
    assert accepted == [(2, 1.234, 2.345, 3, 4, 5, 6)]


@pytest.mark.parametrize("name", ["a.csv", "standard input"])
def test_a_workbook_is_known_by_its_first_bytes(name, tmp_path):
    accepted, _ = accepted_and_reasons(written(tmp_path, name, xlsx([NAMES, [1, 2, 3, 4, 5, 6]])))
    assert accepted == [(2, 1, 2, 3, 4, 5, 6)]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\0Fresh,Milk", "it is not a whole Excel file"),
        (xlsx([NAMES])[:-30], "it is not a whole Excel file"),
        (xlsx([[], []]), "its sheet Customers is empty"),
        (locked(), "it is locked with a password: save it without one"),
        (xlsx([NAMES]), "it has a header but no rows"),
        (xlsx([NAMES[1:]]), "no column for Fresh; say, for example, --column Fresh='its name in the file'"),
    ],
    ids=["text", "cut", "empty", "locked", "header only", "a column missing"],
)
def test_a_workbook_that_cannot_be_read_is_refused(content, sentence, tmp_path):
    with pytest.raises(ReadError) as refusal:
        read_customers(written(tmp_path, "a.xlsx", content))
    assert str(refusal.value) == f"a.xlsx: {sentence}"


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
    file = open_customers(path, Settings(decimal=told))
    (accepted, rejected), said = (lambda its: (its[:2], its[2]))(file.read())
    if told:  # all numbers are read, whatever is told of the text
        numbers = [cell for cell in cells if not isinstance(cell, str)]
        assert [amount for amount in accepted["Fresh"].to_pylist() if amount in numbers] == numbers
    else:
        assert accepted["Fresh"].to_pylist() == list(amounts) and len(said) == notes
        assert len(rejected) == 0


def test_a_rejected_number_of_a_workbook_is_shown_as_it_was_written(tmp_path):
    rows = [NAMES, [-9656.5, 0.1, 3, 4, 5, 6], [1, 2, "x", 12345.25, 5, 6]]
    _, rejected = read_customers(written(tmp_path, "a.xlsx", xlsx(rows)))
    assert rejected["value"].to_pylist() == ["-9656.5", "x"]
    assert rejected["reason"].to_pylist()[0] == f"Fresh: -9656.5 {NOT}"
    assert rejected["record"].to_pylist() == ["-9656.5,0.1,3,4,5,6", "1,2,x,12345.25,5,6"]


def test_cells_with_errors_and_uncalculated_formulas_are_called_that(tmp_path):
    faults = ["#N/A", "#DIV/0!", "#REF!", "=B2*2"]
    rows = [["id", *NAMES], *(["a", Fault(its), 2, 3, 4, 5, 6] for its in faults), ["b", None, 2, 3, 4, 5, 6]]
    only = [None, *[Fault("#N/A")] * 6]
    accepted, reasons = accepted_and_reasons(written(tmp_path, "a.xlsx", xlsx([*rows, only])))
    called = [*faults[:3], "the uncalculated formula =B2*2", "blank"]
    assert [reasons[line] for line in range(2, 7)] == [f"Fresh: {its} {NOT}" for its in called]
    assert reasons[7].startswith(f"Fresh: #N/A {NOT}; Milk: #N/A {NOT}; ") and accepted == []


def test_errors_in_open_document_are_called_that(tmp_path):
    rows = [
        NAMES,
        [Fault("#DIV/0!"), 2, 3, 4, 5, 6],
        [1.234, 2, 3, None, Fault("#N/A"), 6],
        [1, 2, 3, 4, 5, 6],
    ]
    accepted, reasons = accepted_and_reasons(written(tmp_path, "a.ods", ods(rows)))
    assert reasons == {
        2: f"Fresh: #DIV/0! {NOT}",
        3: f"Frozen: blank {NOT}; Detergents and Paper: #N/A {NOT}",
    }
    assert accepted == [(4, 1, 2, 3, 4, 5, 6)]


@pytest.mark.parametrize("make", [xlsx, ods])
def test_percentages_are_no_amounts_but_stay_in_other_columns(make, tmp_path):
    rows = [
        ["discount", *NAMES],
        [Percent(0.5), 1, 2, 3, 4, 5, 6],
        [1, Percent(0.24), 2, 3, 4, 5, Percent(1.5)],
    ]
    path = written(tmp_path, "a.x", make(rows))
    accepted, reasons = accepted_and_reasons(path)
    assert accepted == [(2, 1, 2, 3, 4, 5, 6)]
    assert reasons == {3: f"Fresh: 24% {NOT}; Delicassen: 150% {NOT}"}
    assert read_customers(path)[0]["discount"].to_pylist() == ["0.5"]


@pytest.mark.parametrize(
    ("stale", "value", "fresh"),
    [(True, 0, None), (True, 3, 3), (False, 0, 0), (False, 3, 3)],
    ids=["never calculated", "calculated by the writer", "zero", "calculated"],
)
def test_a_formula_that_no_program_has_calculated_has_no_value(stale, value, fresh, tmp_path):
    rows = [NAMES, [Formula("SUM(B2:C2)", value), 2, 3, 4, 5, 6]]
    accepted, reasons = accepted_and_reasons(written(tmp_path, "a.xlsx", xlsx(rows, stale=stale)))
    assert accepted == ([] if fresh is None else [(2, fresh, 2, 3, 4, 5, 6)])
    assert list(reasons.values()) == [f"Fresh: the uncalculated formula =SUM(B2:C2) {NOT}"] * (fresh is None)


ONE = [NAMES, [1, 2, 3, 4, 5, 6]]
TWO = [NAMES, [7, 8, 9, 10, 11, 12]]
NOTES = [["Sales of 2013"], ["as sent"]]
FITS = "The sheet {} is read; {} has the categories too: say --sheet {} to read that one."


@pytest.mark.parametrize(
    ("content", "told", "amounts", "notes"),
    [
        (xlsx(ONE, {"Notes": NOTES}), None, ONE[1], []),
        (xlsx(ONE, {"2014 new": TWO}), None, ONE[1], [FITS.format("Customers", "2014 new", "'2014 new'")]),
        (xlsx(ONE, {"2014 new": TWO}), "2014 new", TWO[1], []),
        (xlsx(ONE, {"Seen": TWO}, ("Customers",)), None, TWO[1], [FITS.format("Seen", *["Customers"] * 2)]),
        (xlsx(NOTES, {"Data": TWO}, ("Data",)), "Data", TWO[1], []),
        (xlsx(ONE, {"Form": [NAMES]}), None, ONE[1], []),
    ],
)
def test_the_sheet_told_or_the_first_that_can_be_seen_is_read(content, told, amounts, notes, tmp_path):
    file = open_customers(written(tmp_path, "a.xlsx", content), Settings(sheet=told))
    accepted, _, said = file.read()
    assert [accepted[column].to_pylist() for column in SPEND_COLUMNS] == [[its] for its in amounts]
    assert said == notes


OTHER = "the sheet that is read, {}, holds no customers, but {} does; say --sheet {}"


@pytest.mark.parametrize(
    ("content", "told", "sentence"),
    [
        (xlsx(NOTES, {"Data": ONE}), None, OTHER.format("Customers", "Data", "Data")),
        (xlsx(NOTES, {"my 'Data'": ONE}), None, OTHER.format("Customers", *["my 'Data'"] * 2)),
        (xlsx(NOTES, {"Data": ONE}, ("Data",)), None, OTHER.format("Customers", "Data", "Data")),
        (xlsx([[]], {"Data": ONE}), None, OTHER.format("Customers", "Data", "Data")),
        (xlsx([NAMES], {"Data": ONE}), None, OTHER.format("Customers", "Data", "Data")),
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
def test_a_sheet_without_customers_is_named_and_the_one_with_them(content, told, sentence, tmp_path):
    with pytest.raises(ReadError) as refusal:
        (open_customers(written(tmp_path, "a", content), Settings(sheet=told))).read()
    assert str(refusal.value).partition(": ")[2] == sentence.replace(
        "--sheet my 'Data'", """--sheet 'my '"'"'Data'"'"''"""
    )


def test_the_sheet_can_be_told_on_the_command_line(tmp_path, customers):
    many = customers[NAMES].head(60).to_numpy().tolist()
    path = written(tmp_path, "mine.xlsx", xlsx(NOTES, {"The data": [NAMES, *many]}))
    for command in (("score", path), ("train", path, "-o", tmp_path / "mine")):
        words = [str(its) for its in command]
        refused = CliRunner().invoke(main, words)
        assert refused.stderr == f"mine.xlsx: {OTHER.format('Customers', 'The data', QUOTED)}\n"
        assert CliRunner().invoke(main, [*words, "--sheet", "The data"]).exit_code == 0
    own = read_file(path, sheet="The data")
    assert len(own.accepted) == 60
    assert export.command("report", own) == f"`python -m wholesale report mine.xlsx --sheet {QUOTED}`"


QUOTED = "'The data'"
