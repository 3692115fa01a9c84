import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from made_files import NOT, outcome

from wholesale.amounts import check_amounts, good, parse_amount, parse_amounts
from wholesale.app.server.answers import answer
from wholesale.columns import ANSWERS, SPEND_COLUMNS, WHOLESALE
from wholesale.reading import Settings, open_customers
from wholesale.reading.dialect import read_column, to_numbers
from wholesale.scoring.output import csv_header, to_csv
from wholesale.wording import SPACE, format_amount

GOOD = (12669, 9656, 7561, 214, 2674, 1338)


def in_a_file(*texts: str, sign: str) -> list[float]:
    """Read texts as a column of a file with a decimal sign; what is no number is left out."""
    read = to_numbers(read_column(pa.chunked_array([pa.array(texts, pa.string())])), sign)
    return read[good(read)].tolist()


@given(st.floats(min_value=0, max_value=1e300))
def test_any_finite_amount_from_zero_up_is_itself(amount):
    for value in (amount, f"{amount:.17e}", format_amount(amount)):
        assert parse_amount("Milk", value) == amount


@given(st.integers(0, 10**12), st.sampled_from(",. '\u00a0\u2009\u202f\u2019"))
def test_thousands_may_be_grouped_by_one_mark(amount, mark):
    assume(mark not in ",." or amount >= 10**6)  # else it may be a decimal sign
    text, decimal = f"{amount:,}".replace(",", mark), "." if mark == "," else ","
    assert parse_amount("Milk", text) == amount
    assert parse_amount("Milk", f"{text}{decimal}25") == amount + 0.25


THOUSANDTHS = st.integers(1, 10**7).map(lambda n: n / 1000)
ANY = st.one_of(st.floats(1e-12, 1e308), THOUSANDTHS, st.integers(0, 10**15).map(float))


def scored(amounts: list[float], folder: Path) -> Path:
    """Write amounts of Milk as a scored file does; of the others everybody buys for 1, so none is a sum."""
    columns = [amounts if name == "Milk" else [1.0] * len(amounts) for name in SPEND_COLUMNS]
    answers = [["1"] * len(amounts)] * len(ANSWERS)
    names = [*SPEND_COLUMNS, *ANSWERS]
    path = folder / "scored.csv"
    path.write_bytes(csv_header(names) + to_csv(pa.table(list(map(pa.array, [*columns, *answers])), names)))
    return path


def read_back(path) -> list[float]:
    return outcome(path).accepted["Milk"].to_pylist()


@given(st.lists(ANY, min_size=1, max_size=20))
@example([1.615, 999.999, 1.001, 100.01])
@example([1.0, 1.0, 1e-12, 1e-12])
@example([1.0] * 9 + [1.5e308] + [1.0] * 9 + [1.38e307])
@example([1e16, 9999999999999998.0, 1e-12, 1e308, 123456.789])
def test_what_any_surface_writes_is_read_back_equal_by_every_surface(tmp_path_factory, predictor, amounts):
    shown = list(map(format_amount, amounts))
    for texts in (shown, [text.replace(SPACE, "") for text in shown]):
        assert [parse_amount("Milk", text) for text in texts] == in_a_file(*texts, sign=".") == amounts
    assert [parse_amount("Milk", json.loads(json.dumps(amount))) for amount in amounts] == amounts
    assert read_back(scored(amounts, tmp_path_factory.getbasetemp())) == amounts
    body = json.dumps(dict(zip(SPEND_COLUMNS, (shown * 6)[:6], strict=True)))
    json.dumps(answer(predictor, body.encode()), allow_nan=False)  # nothing overflows


@pytest.mark.parametrize("amount", [1.615, 12.345, 100.001, 1e-12, 0.125, 1e308, 1234.567], ids=str)
def test_a_file_with_our_answers_is_read_by_decimal_points_without_a_guess(tmp_path, amount):
    path = scored([amount] * 3, tmp_path)
    assert read_back(path) == [amount] * 3 and open_customers(path).notes == []
    told = open_customers(path, Settings(decimal="comma"))
    assert told.dialect.decimal.sign == ","  # who says otherwise is believed


def test_what_another_program_made_of_our_answers_is_read_by_its_evidence(tmp_path):
    path = scored([1234.5] * 3, tmp_path)
    path.write_text(path.read_text().replace(",", ";").replace(".", ","))
    assert read_back(path) == [1234.5] * 3


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1,5", 1.5), ("0,125", 0.125), ("1.234.567", 1234567), ("1.234.567,8", 1234567.8),
     ("12.669,5", 12669.5), ("500 EUR", 500), ("EUR 500", 500), ("500eur", 500), ("¥500", 500),
     ("€ 11210", 11210), ("$1,234.50", 1234.5), ("12\u00a0€", 12), ("£5", 5), ("€\t1", 1),
     ("12 669 m.u.", 12669), ("CHF 1'234.50", 1234.5), ("1.234e3", 1234), (",5", 0.5), ("+5", 5),
     ("1234,567", 1234.567), ("0.125", 0.125), ("1234.567", 1234.567), ("12 669.500", 12669.5)],
)  # fmt: skip
def test_one_grammar_reads_text_alone_and_in_files(text, amount):
    assert parse_amount("Milk", text) == amount
    assert {*in_a_file(text, sign="."), *in_a_file(text, sign=",")} == {amount}


@pytest.mark.parametrize(
    "text",
    ["12669\t9656", "12669\t9656\t7561\t214\t2674\t1338", "126\t699", "126\n699", "126;699", "12 6699",
     "12  669", "12 669 9 656", "1 234,567 8", "١٢", "१२", "\uff11\uff12", "12.٣", "5 TSD", "5 Mio", "EUR",
     "5 EUR net", "€", "€-5", "5 € net", "1 $ 2", "12.669.5", "1,5,5", "1e", "0x10", "1e400", "", " ", b"12"],
    ids=ascii,
)  # fmt: skip
def test_what_is_not_one_amount_is_refused_alone_and_in_files(text):
    with pytest.raises(ValueError, match=r"^Detergents and Paper: .* is not an amount ≥ 0$"):
        parse_amount("Detergents and Paper", text)
    if isinstance(text, str):
        assert not in_a_file(text, sign=".") and not in_a_file(text, sign=",")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-5, "-5"), ("-5", "-5"), ("abc", "abc"), ("", "blank"), ("  ", "blank"), (None, "blank"),
        (math.nan, "nan"), ("nan", "nan"), (math.inf, "inf"), ("1e999", "1e999"), ("1 23", "1 23"),
        ("1,234 567", "1,234 567"), ("1_000", "1_000"), (True, "True"), ([1], "[1]"), ("5\n6", r"'5\n6'"),
        ("1" * 10_000, "1" * 39 + "…"), (10**400, "1" + "0" * 38 + "…"),
        (10**5000, "a number too long to show"),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, str) else type(value).__name__,
)  # fmt: skip
def test_anything_else_is_refused_in_one_sentence_with_column_value_and_rule(value, shown):
    with pytest.raises(ValueError) as refusal:
        parse_amount("Milk", value)
    assert str(refusal.value) == f"Milk: {shown} {NOT}"


@pytest.mark.parametrize(
    ("text", "choices"),
    [("12.669", "12669 or 12.6690"), ("12,669", "12669 or 12.6690"), ("1.500", "1500 or 1.5"),
     (" 999,999 ", "999999 or 999.9990"), ("1,234 €", "1234 or 1.2340"), ("+1.000", "1000 or 1")],
)  # fmt: skip
def test_a_mark_before_three_digits_is_not_guessed_at(text, choices):
    with pytest.raises(ValueError) as refusal:
        parse_amount("Milk", text)
    assert str(refusal.value) == f"Milk: {text.strip()} is not clear; write {choices}"
    for choice in choices.split(" or "):
        parse_amount("Milk", choice)


def test_a_mapping_in_any_order_a_pandas_row_and_a_sequence_give_the_same_amounts(customers):
    shuffled = dict(reversed(list(zip(SPEND_COLUMNS, GOOD, strict=True))))
    row = customers.loc[1, list(shuffled)]
    for each in (shuffled, row, GOOD, np.array(GOOD)):
        assert parse_amounts(each, WHOLESALE).tolist() == list(GOOD)


def test_rows_of_text_and_a_data_frame_by_its_names_are_read(customers):
    spend = customers[list(reversed(SPEND_COLUMNS))]
    assert (check_amounts(spend, WHOLESALE) == customers[list(SPEND_COLUMNS)].to_numpy()).all()
    assert check_amounts([["1", "2", "3", "4", "5", "1 000"]], WHOLESALE).tolist() == [[1, 2, 3, 4, 5, 1000]]
    with pytest.raises(ValueError, match=r"^missing: Fresh$"):
        check_amounts(spend.drop(columns="Fresh"), WHOLESALE)


SIX = "6 amounts are needed, in the order Fresh, Milk, Grocery, Frozen, Detergents_Paper, Delicassen"
TRUE = "; ".join(f"{label}: True {NOT}" for label in WHOLESALE.labels)


@pytest.mark.parametrize(
    ("read", "spend", "sentence"),
    [
        *((parse_amounts, each, SIX) for each in ((1, 2, 3), "123456", b"123456", None, 123456, {*range(6)})),
        (parse_amounts, {"Fresh": 1}, "missing: Milk, Grocery, Frozen, Detergents_Paper, Delicassen"),
        (parse_amounts, {**dict.fromkeys(SPEND_COLUMNS, 1), "Wine": 1}, "unknown: Wine"),
        (parse_amounts, (1, -5, 1, "x", 1, 1), f"Milk: -5 {NOT}; Frozen: x {NOT}"),
        (check_amounts, [[1] * 6, [1] * 5], f"row 2, {SIX}"),
        (check_amounts, [["1"] * 6, ["1", "2", "x", *"456"]], f"row 2, Grocery: x {NOT}"),
        (check_amounts, [[True] * 6], f"row 1, {TRUE}"),
    ],
)  # fmt: skip
def test_whatever_else_is_refused_and_every_fault_named(read, spend, sentence):
    with pytest.raises(ValueError) as refusal:
        read(spend, WHOLESALE)
    assert str(refusal.value) == sentence
