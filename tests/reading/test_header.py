"""Which column is which category, and what is advised where that is not clear."""

import shlex

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_files import HEADER, csv_text, written, xlsx

from wholesale.columns import SPEND_COLUMNS
from wholesale.reading import ReadError, Settings, open_customers, read_customers
from wholesale.reading.header import match_columns, nearest, plain

SIX = list(SPEND_COLUMNS)
SPELLED = 'Fresh| fresh |FRESH|Fresh*|Fresh:|(Fresh)|Fresh (€)|Fresh [$]|"Fresh"|_fresh_|Fresh\u00a0'
OTHERS = (
    "Fresh %|% Fresh|# Fresh|Fresh (%)|Fresh ‰|Fresh +/-|Fresh ±|∆ Fresh|№ Fresh|share of Fresh|Fresh share"
)


def refused(header, columns=None) -> str:
    with pytest.raises(ReadError) as refusal:
        match_columns(header, Settings(columns or {}))
    return str(refusal.value)


@pytest.mark.parametrize("name", [*OTHERS.split("|"), "Fresh, percent", "number of Fresh"])
@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
def test_a_share_or_a_count_is_not_the_amount_nor_advised(name, kind, tmp_path):
    names = [name, *SIX[1:]]
    path = tmp_path / f"a.{kind}"
    if kind == "parquet":
        pq.write_table(pa.table({each: [1] for each in names}), path)
    else:
        text = csv_text("1;2;3;4;5;6", header=";".join(names))
        path.write_bytes(text if kind == "csv" else xlsx([names, [1, 2, 3, 4, 5, 6]]))
    with pytest.raises(ReadError) as refusal:
        open_customers(path)
    sentence = "no column for Fresh; say, for example, --column Fresh='its name in the file'"
    assert str(refusal.value) == f"{path.name}: {sentence}"
    assert match_columns([name, *SIX], Settings()) == (1, 2, 3, 4, 5, 6)
    assert match_columns(names, Settings({"Fresh": name})) == (0, 1, 2, 3, 4, 5)


def test_other_marks_do_not_count():
    for name in SPELLED.split("|"):
        assert plain(name) == "fresh"
    for joined in (" ", " & ", "/", " and ", ""):
        assert Settings().plain(f"Detergents{joined}Paper") == plain("Detergents_Paper")


@pytest.mark.parametrize(
    ("category", "near", "far"),
    [
        ("Fresh", "Fresh food|fresh_2013|FreshProducts|total fresh|frsh|fersh|Fresh [kEUR]|Fresh 2012", ""),
        (
            "Fresh",
            "",
            "Refreshments|Freight|Fees|Fish|Region|French|share of Fresh|Fresh %|Ø Fresh|avg Fresh",
        ),
        ("Fresh", "", "log(Fresh)|Fresh budget|Fresh qty|Fresh (prev)|Menge Fresh"),
        ("Milk", "milks|Milk products|skimmed milk", "Silk|Mail|Mint|Buttermilks"),
        ("Grocery", "Groceries|Groc|grocery_total", "Country|Category|Group|Gross"),
        ("Detergents_Paper", "Detergent|Paper|detergents_paper_2013", "Deposit|Department|Date"),
        ("Delicassen", "Deli|Delikatessen|Delicatessens", "Delivery|Discount|Deliveries"),
    ],
)
def test_only_what_is_really_near_is_advised(category, near, far):
    for name in filter(None, near.split("|")):
        assert nearest(category, ["id", name, "Milk" if category != "Milk" else "Fresh"], Settings()) == [
            name
        ]
    assert nearest(category, far.split("|"), Settings()) == []


@pytest.mark.parametrize(
    ("header", "columns", "advice"),
    [
        (["fresh milk", *SIX[2:], "x"], {}, ["Fresh=fresh milk", "Milk=its name in the file"]),
        (["Fresh food", "Milk food", *SIX[2:]], {}, ["Fresh=Fresh food", "Milk=Milk food"]),
        (["Fresh food", "x", *SIX[2:]], {"Milk": "Fresh food"}, ["Fresh=its name in the file"]),
        (["Fresh", "Milk $HOME", *SIX[2:]], {}, ["Milk=Milk $HOME"]),
        (["Fresh", 'Milk "raw" `x` it\'s', *SIX[2:]], {}, ['Milk=Milk "raw" `x` it\'s']),
        (["Fresh", "Milk\nfat", *SIX[2:]], {}, ["Milk=its name in the file"]),
    ],
)
def test_advice_is_taken_by_a_shell_and_names_no_column_twice(header, columns, advice):
    words = shlex.split(refused(header, columns).partition("say, for example, ")[2])
    assert words == [word for its in advice for word in ("--column", its)]


NONE, ONLY = (
    "its first line has none of the 6 categories ({}",
    "its first line has only {} of the 6 categories ({}",
)


@pytest.mark.parametrize(
    ("header", "begins"),
    [
        ("Customers|2013", NONE.format("Customers, 2013); if that is a title")),
        ("Fresh food sales|2013", NONE.format("Fresh food sales, 2013); if")),
        ("Sales|milk products||", NONE.format("Sales, milk")),
        ("Sales of|Fresh||", ONLY.format("Fresh", "Sales of, Fresh, ")),
        ("fresh x|milk x|grocery x|d", "no column for Fresh (nearest: fresh x), Milk (nearest: milk x), "),
    ],
)
def test_one_near_name_does_not_hide_that_the_first_line_may_be_a_title(header, begins):
    assert refused(header.split("|")).startswith(begins)


MIXED = "Some amounts bear {}, others {}; they are read as they stand, as if in one currency."


@pytest.mark.parametrize(
    ("rows", "header", "notes"),
    [
        (["€1,$2,3,4,5,6"], HEADER, [MIXED.format("€", "$")]),
        (["€1,2,3,4,5,6", "2 $,2,3,4,5,6"], HEADER, [MIXED.format("€", "$")]),
        (["€1,2,3,4,5,6", *["1,2,3,4,5,6"] * 300_000, "£1,2,3,4,5,6"], HEADER, [MIXED.format("€", "£")]),
        (
            ["1,2,3,4,5,6"],
            "Fresh (€),Milk $,Grocery,Frozen,Detergents_Paper,Delicassen",
            [MIXED.format("€", "$")],
        ),
        (["€1,$2,£3,4,5,6"], HEADER, [MIXED.format("€", "$ and £")]),
        (["€1,2 €,3,4,5,6"], HEADER.replace("Fresh", "Fresh (€)"), []),
        (["1,2,3,4,5,6,$ or €"], f"{HEADER},note", []),
    ],
    ids=["a row", "a column", "late", "header", "three", "one", "elsewhere"],
)
@pytest.mark.parametrize("told", [None, "point"])
def test_different_currency_signs_are_said(rows, header, notes, told, tmp_path):
    path = written(tmp_path, "a.csv", csv_text(*rows, header=header))
    accepted, _, said = open_customers(path, Settings(decimal=told)).read()
    assert said == notes and len(accepted) == len(rows)


@pytest.mark.parametrize(
    "second",
    ["Milk,Fresh,Grocery,Frozen,Detergents_Paper,Delicassen,id", "id," + HEADER, HEADER.upper()[::-1]],
    ids=["two changed", "one moved", "another word"],
)
@pytest.mark.parametrize("make", ["csv", "xlsx"])
def test_a_second_header_in_another_order_is_refused(second, make, tmp_path):
    lines = [f"{HEADER},id", "1,2,3,4,5,6,7", f"{HEADER},id", "1,2,3,4,5,6,8", second, "9,8,7,6,5,4,3"]
    cells = [[int(its) if its.isdigit() else its for its in line.split(",")] for line in lines]
    path = written(tmp_path, "a", "\n".join(lines).encode() if make == "csv" else xlsx(cells))
    if "id" not in second:
        assert read_customers(path)[1]["line"].to_pylist() == [3, 5]
        return
    with pytest.raises(ReadError) as refusal:
        read_customers(path)
    sentence = "line 5 names the columns again, in another order; make two files of it"
    assert str(refusal.value) == f"a: {sentence}"


FOREIGN = "frisch,milch,kolonial,tk,drogerie,feinkost"


@pytest.mark.parametrize(
    ("first", "columns", "second"),
    [
        (f"id,{HEADER}".replace("Fresh", "frisch"), {"Fresh": "frisch"}, [0, 2, 1, 3, 4, 5, 6]),
        (f"id,{FOREIGN}", dict(zip(SIX, FOREIGN.split(","), strict=True)), [0, 2, 1, 3, 4, 5, 6]),
        (f"area,{HEADER}", {}, [1, 2, 3, 0, 4, 5, 6]),
        (f"area,{HEADER}", {}, [0, 0, 1, 2, 3, 4, 5]),
    ],
    ids=["one mapped", "all mapped", "another column among them", "one left out"],
)
def test_a_second_header_in_another_order_is_refused_whatever_its_names(first, columns, second, tmp_path):
    names = first.split(",")
    again = ",".join(names[i] for i in second)
    path = written(tmp_path, "a.csv", csv_text("0,1,2,3,4,5,6", again, "7,6,5,4,3,2,1", header=first))
    with pytest.raises(ReadError, match="line 3 names the columns again, in another order"):
        read_customers(path, columns)


def test_the_same_header_again_is_a_rejected_record_where_a_name_is_there_twice(tmp_path):
    header = f"{HEADER},{HEADER.lower()}"
    row = "1,2,3,4,5,6,9,9,9,9,9,9"
    accepted, rejected = read_customers(written(tmp_path, "a.csv", csv_text(row, header, row, header=header)))
    assert (len(accepted), rejected["line"].to_pylist()) == (2, [3])


THOUSANDS = "(1000 EUR)|[kEUR]|in thousands|TEUR|(T€)|('000)|(1,000 $)"
OF_NO_SCALE = "Fresh 2012|Fresh (m.u.)|Fresh k|Fresh EUR|Fresh from Milestown|10000"


def notes_on(name, tmp_path) -> list[str]:
    path = written(tmp_path, "a.csv", csv_text("1;2;3;4;5;6", header=";".join([name, *SIX[1:]])))
    return open_customers(path, Settings({"Fresh": name})).notes


def test_amounts_called_thousands_are_said_and_other_names_say_nothing_of_a_scale(tmp_path):
    for name in [
        *(f"Fresh {scale}" for scale in THOUSANDS.split("|")),
        "fresh_keur",
        "Frisch in Tsd. Euro",
        "Fresh, Mio. €",
    ]:
        note = f"Amounts are read as they stand, although a column is called {name}."
        assert notes_on(name, tmp_path) == [note]
    for name in OF_NO_SCALE.split("|"):
        assert notes_on(name, tmp_path) == []
