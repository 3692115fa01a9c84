"""Which column is which category, and what is advised where that is not clear."""

import shlex

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_files import HEADER, NAMES, csv_text, outcome, refusal, written, xlsx

from wholesale.reading import ReadError, Settings
from wholesale.reading.header import match_columns, nearest, plain

SPELLED = 'Fresh| fresh |FRESH|Fresh*|Fresh:|(Fresh)|Fresh (€)|Fresh [$]|"Fresh"|_fresh_|Fresh\u00a0'
OTHERS = "Fresh %|% Fresh|# Fresh|Fresh (%)|Fresh ‰|Fresh +/-|Fresh ±|∆ Fresh|№ Fresh|share of Fresh"
OTHERS += "|Fresh share|Fresh, percent|number of Fresh"


def refused(header, columns=None) -> str:
    with pytest.raises(ReadError) as error:
        match_columns(header, Settings(columns or {}))
    return str(error.value)


@pytest.mark.parametrize("name", OTHERS.split("|"))
@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
def test_a_share_or_a_count_is_not_the_amount_nor_advised(name, kind, tmp_path):
    names = [name, *NAMES[1:]]
    path = tmp_path / f"a.{kind}"
    if kind == "parquet":
        pq.write_table(pa.table({each: [1] for each in names}), path)
    else:
        text = csv_text("1;2;3;4;5;6", header=";".join(names))
        path.write_bytes(text if kind == "csv" else xlsx([names, [1, 2, 3, 4, 5, 6]]))
    sentence = "no column for Fresh; say, for example, --column Fresh='its name in the file'"
    assert refusal(path) == f"{path.name}: {sentence}"
    assert match_columns([name, *NAMES], Settings()) == (1, 2, 3, 4, 5, 6)
    assert match_columns(names, Settings({"Fresh": name})) == (0, 1, 2, 3, 4, 5)


def test_other_marks_do_not_count():
    for name in SPELLED.split("|"):
        assert plain(name) == "fresh"
    for joined in (" ", " & ", "/", " and ", ""):
        assert Settings().plain(f"Detergents{joined}Paper") == plain("Detergents_Paper")


@pytest.mark.parametrize(
    ("category", "near", "far"),
    [
        (
            "Fresh",
            "Fresh food|fresh_2013|FreshProducts|total fresh|frsh|fersh|Fresh [kEUR]|Fresh 2012",
            "Refreshments|Freight|Fees|Fish|Region|French|share of Fresh|Fresh %|Ø Fresh|avg Fresh|log(Fresh)"
            "|Fresh budget|Fresh qty|Fresh (prev)|Menge Fresh",
        ),
        ("Milk", "milks|Milk products|skimmed milk", "Silk|Mail|Mint|Buttermilks"),
        ("Grocery", "Groceries|Groc|grocery_total", "Country|Category|Group|Gross"),
        ("Detergents_Paper", "Detergent|Paper|detergents_paper_2013", "Deposit|Department|Date"),
        ("Delicassen", "Deli|Delikatessen|Delicatessens", "Delivery|Discount|Deliveries"),
    ],
)
def test_only_what_is_really_near_is_advised(category, near, far):
    other = "Milk" if category != "Milk" else "Fresh"
    for name in near.split("|"):
        assert nearest(category, ["id", name, other], Settings()) == [name]
    for name in far.split("|"):
        assert nearest(category, [name], Settings()) == []


@pytest.mark.parametrize(
    ("header", "columns", "advice"),
    [
        (["fresh milk", *NAMES[2:], "x"], {}, ["Fresh=fresh milk", "Milk=its name in the file"]),
        (["Fresh food", "Milk food", *NAMES[2:]], {}, ["Fresh=Fresh food", "Milk=Milk food"]),
        (["Fresh food", "x", *NAMES[2:]], {"Milk": "Fresh food"}, ["Fresh=its name in the file"]),
        (["Fresh", "Milk $HOME", *NAMES[2:]], {}, ["Milk=Milk $HOME"]),
        (["Fresh", 'Milk "raw" `x` it\'s', *NAMES[2:]], {}, ['Milk=Milk "raw" `x` it\'s']),
        (["Fresh", "Milk\nfat", *NAMES[2:]], {}, ["Milk=its name in the file"]),
    ],
)
def test_advice_is_taken_by_a_shell_and_names_no_column_twice(header, columns, advice):
    words = shlex.split(refused(header, columns).partition("say, for example, ")[2])
    assert words == [word for its in advice for word in ("--column", its)]


@pytest.mark.parametrize(
    ("header", "begins"),
    [
        ("Customers|2013", "its first line has none of the 6 categories (Customers, 2013); if that is"),
        ("Fresh food sales|2013", "its first line has none of the 6 categories (Fresh food sales, 2013); if"),
        ("Sales|milk products||", "its first line has none of the 6 categories (Sales, milk"),
        ("Sales of|Fresh||", "its first line has only Fresh of the 6 categories (Sales of, Fresh, "),
        ("fresh x|milk x|grocery x|d", "no column for Fresh (nearest: fresh x), Milk (nearest: milk x), "),
    ],
)  # fmt: skip
def test_one_near_name_does_not_hide_that_the_first_line_may_be_a_title(header, begins):
    assert refused(header.split("|")).startswith(begins)


@pytest.mark.parametrize(
    ("rows", "header", "signs"),
    [
        (["€1,$2,3,4,5,6"], HEADER, "€, others $"),
        (["€1,2,3,4,5,6", "2 $,2,3,4,5,6"], HEADER, "€, others $"),
        (["€1,2,3,4,5,6", *["1,2,3,4,5,6"] * 300_000, "£1,2,3,4,5,6"], HEADER, "€, others £"),
        (["1,2,3,4,5,6"], HEADER.replace("Fresh,Milk", "Fresh (€),Milk $"), "€, others $"),
        (["€1,$2,£3,4,5,6"], HEADER, "€, others $ and £"),
        (["€1,2 €,3,4,5,6"], HEADER.replace("Fresh", "Fresh (€)"), ""),
        (["1,2,3,4,5,6,$ or €"], f"{HEADER},note", ""),
        (["EUR 100,2,3,4,5,6", "JPY\u00a0150,2,3,4,5,6"], HEADER, "€, others ¥"),
        (["100 chf,2,3,4,5,6", "1.50 sek ,2,3,4,5,6"], HEADER, "CHF, others SEK"),
        (["€1,2 EUR,3,4,5,6", "EUR 1,2,3,4,5,6"], HEADER, ""),
        (["$1,2 USD,£3,4 GBP,5,6"], HEADER, "$, others £"),
        (["1,2,3,4,5,6"], HEADER.replace("Fresh,Milk", "Fresh_EUR,Milk [$]"), "€, others $"),
        (["1,2,3,4,5,6,JPY 1"], f"{HEADER.replace('Fresh', 'Fresh EUR')},note", ""),
    ],
    ids=[
        *("a row", "a column", "late", "header", "three", "one", "elsewhere"),
        *("codes", "small", "one by sign and code", "signs and codes", "header and code", "a code elsewhere"),
    ],
)
@pytest.mark.parametrize("told", [None, "point"])
def test_different_currencies_are_said(rows, header, signs, told, tmp_path):
    path, first = written(tmp_path, "a.csv", csv_text(*rows, header=header)), header.split(",")[0]
    found = outcome(path, decimal=told, columns={"Fresh": first})
    said = f"Some amounts bear {signs}; they are read as they stand, as if in one currency."
    assert found.notes == [said] * bool(signs) and len(found.accepted) == len(rows)


FOREIGN = "frisch,milch,kolonial,tk,drogerie,feinkost"


@pytest.mark.parametrize(
    ("first", "columns", "second"),
    [
        (f"id,{HEADER}", {}, [0, 2, 1, 3, 4, 5, 6]),
        (f"{HEADER},id", {}, [6, 0, 1, 2, 3, 4, 5]),
        (f"id,{HEADER}".replace("Fresh", "frisch"), {"Fresh": "frisch"}, [0, 2, 1, 3, 4, 5, 6]),
        (f"id,{FOREIGN}", dict(zip(NAMES, FOREIGN.split(","), strict=True)), [0, 2, 1, 3, 4, 5, 6]),
        (f"area,{HEADER}", {}, [1, 2, 3, 0, 4, 5, 6]),
        (f"area,{HEADER}", {}, [0, 0, 1, 2, 3, 4, 5]),
    ],
    ids=["two changed", "one moved", "one mapped", "all mapped", "another column among them", "one left out"],
)
@pytest.mark.parametrize("make", ["csv", "xlsx"])
def test_a_second_header_in_another_order_is_refused_whatever_its_names(
    first, columns, second, make, tmp_path
):
    names = first.split(",")
    rows = [names, [*range(1, 8)], names, [*range(1, 8)], [names[i] for i in second], [*range(7, 0, -1)]]
    text = "\n".join(",".join(map(str, row)) for row in rows)
    path = written(tmp_path, "a", text if make == "csv" else xlsx(rows))
    sentence = "line 5 names the columns again, in another order; make two files of it"
    assert refusal(path, columns=columns) == f"a: {sentence}"


@pytest.mark.parametrize("more", ["id", HEADER.lower()], ids=["a column", "names that are there twice"])
def test_the_same_header_again_or_other_words_are_a_rejected_record(more, tmp_path):
    header, row = f"{HEADER},{more}", "1,2,3,4,5,6,9" + ",9" * more.count(",")
    content = csv_text(row, header, row, header.upper()[::-1], header=header)
    found = outcome(written(tmp_path, "a.csv", content))
    assert ([*found.amounts], [*found.reasons]) == ([2, 4], [3, 5])


SCALED = "Fresh (1000 EUR)|Fresh [kEUR]|Fresh in thousands|Fresh TEUR|Fresh (T€)|Fresh ('000)"
SCALED += "|Fresh (1,000 $)|fresh_keur|Frisch in Tsd. Euro|Fresh, Mio. €"
SCALED += "|Fresh ($000)|Fresh ($k)|Fresh (000s)|Fresh 000|Fresh €k|Fresh EURk|Fresh (£m)|Fresh $M|Fresh USDm"
SCALED += "|Fresh R$ mil|Fresh (tys. zł)|Fresh, тыс. руб.|Fresh mln zł|fresh_tsek|Fresh EURmn|Fresh (kEuros)"  # noqa: RUF001
UNSCALED = "Fresh 2012|Fresh (m.u.)|Fresh k|Fresh EUR|Fresh from Milestown|10000|Fresh $ m.u.|Fresh 10 000"
UNSCALED += "|Fresh (kronor)|Fresh $ milk|Fresh (€)|Fresh, 5000|Fresh t|Fresh USD mean"


@pytest.mark.parametrize("name", [*SCALED.split("|"), *UNSCALED.split("|")])
def test_amounts_called_thousands_are_said_and_other_names_say_nothing_of_a_scale(name, tmp_path):
    path = written(tmp_path, "a.csv", csv_text("1;2;3;4;5;6", header=";".join([name, *NAMES[1:]])))
    said = f"Amounts are read as they stand, although a column is called {name}."
    assert outcome(path, columns={"Fresh": name}).notes == [said] * (name in SCALED.split("|"))
