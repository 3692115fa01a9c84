import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wholesale.amounts import check_amounts, good, parse_amount, parse_amounts
from wholesale.app.server.answers import answer
from wholesale.columns import ANSWERS, SPEND_COLUMNS, WHOLESALE
from wholesale.reading import Settings, open_customers, read_customers
from wholesale.reading.dialect import read_column, to_numbers
from wholesale.scoring.output import csv_header, to_csv
from wholesale.wording import SPACE, format_amount

GOOD = (12669, 9656, 7561, 214, 2674, 1338)


@given(st.floats(min_value=0, max_value=1e300))
def test_any_finite_amount_from_zero_up_is_itself(amount):
    assert parse_amount("Milk", amount) == amount
    assert parse_amount("Milk", f"{amount:.17e}") == amount
    assert parse_amount("Milk", format_amount(amount)) == amount


@given(st.integers(0, 10**12), st.sampled_from([" ", "'", "\u00a0", "\u2009", "\u202f", "\u2019"]))
def test_thousands_may_be_grouped_by_spaces_or_apostrophes(amount, mark):
    assert parse_amount("Milk", f"{amount:,}".replace(",", mark)) == amount
    assert parse_amount("Milk", f"{amount:,}".replace(",", mark) + ",25") == amount + 0.25


@given(st.integers(10**6, 10**12), st.sampled_from([",", "."]))
def test_thousands_grouped_twice_by_points_or_commas_are_clear(amount, mark):
    assert parse_amount("Milk", f"{amount:,}".replace(",", mark)) == amount


THOUSANDTHS = st.integers(1, 10**7).map(lambda n: n / 1000)
ANY = st.one_of(st.floats(1e-12, 1e308), THOUSANDTHS, st.integers(0, 10**15).map(float))
COMMA = Settings(decimal="comma")


def scored(amounts: list[float], folder: Path, categories: Sequence[str] = SPEND_COLUMNS) -> Path:
    """Write amounts as a scored file does, for some categories; of the others everybody buys for 1."""
    names, n = [*SPEND_COLUMNS, *ANSWERS], len(amounts)
    columns = [amounts if name in categories else [1.0] * n for name in SPEND_COLUMNS]
    path = folder / "scored.csv"
    table = pa.table([*map(pa.array, columns), *[pa.array(["1"] * n)] * len(ANSWERS)], names)
    path.write_bytes(csv_header(names) + to_csv(table))
    return path


@given(st.lists(ANY, min_size=1, max_size=20))
@example([1.615, 999.999, 1.001, 100.01])
@example([1.0, 1.0, 1e-12, 1e-12])
@example([1.0] * 9 + [1.5e308] + [1.0] * 9 + [1.38e307])
@example([1e16, 9999999999999998.0, 1e-12, 1e308, 123456.789])
def test_what_any_surface_writes_is_read_back_equal_by_every_surface(tmp_path_factory, predictor, amounts):
    path = scored(amounts, tmp_path_factory.getbasetemp(), ["Milk"])  # no row is the sum of the others
    shown = list(map(format_amount, amounts))
    example = [format_amount(amount).replace(SPACE, "") for amount in amounts]
    for texts in (shown, example):
        assert [parse_amount("Milk", text) for text in texts] == amounts
        assert to_numbers(read_column(pa.chunked_array([pa.array(texts)])), ".").tolist() == amounts
    assert [parse_amount("Milk", json.loads(json.dumps(amount))) for amount in amounts] == amounts
    assert read_customers(path)[0]["Milk"].to_pylist() == amounts
    body = json.dumps(dict(zip(SPEND_COLUMNS, (shown * 6)[:6], strict=True)))
    json.dumps(answer(predictor, body.encode()), allow_nan=False)  # nothing overflows


@pytest.mark.parametrize("amount", [1.615, 12.345, 100.001, 1e-12, 0.125, 1e308, 1234.567], ids=str)
def test_a_file_with_our_answers_is_read_by_decimal_points_without_a_guess(tmp_path, amount):
    path = scored([amount] * 3, tmp_path)
    assert read_customers(path)[0]["Fresh"].to_pylist() == [amount] * 3
    assert open_customers(path).notes == []
    assert open_customers(path, COMMA).dialect.decimal.sign == ","  # who says otherwise is believed


def test_what_another_program_made_of_our_answers_is_read_by_its_evidence(tmp_path):
    path = scored([1234.5] * 3, tmp_path)
    path.write_text(path.read_text().replace(",", ";").replace(".", ","))
    assert read_customers(path)[0]["Fresh"].to_pylist() == [1234.5] * 3


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1,5", 1.5), ("0,125", 0.125), ("1.234.567", 1234567), ("1.234.567,8", 1234567.8),
     ("12.669,5", 12669.5), ("500 EUR", 500), ("EUR 500", 500), ("500eur", 500), ("¥500", 500),
     ("12 669 m.u.", 12669),
     ("CHF 1'234.50", 1234.5), ("1.234e3", 1234), (",5", 0.5), ("1234,567", 1234.567), ("+5", 5),
     ("0.125", 0.125), ("1234.567", 1234.567), ("12 669.500", 12669.5)],
)  # fmt: skip
def test_one_grammar_reads_text_alone_and_in_files(text, amount):
    assert parse_amount("Milk", text) == amount
    readings = {float(to_numbers(read_column(pa.chunked_array([[text]])), sign)[0]) for sign in ".,"}
    assert {reading for reading in readings if not math.isnan(reading)} == {amount}


@pytest.mark.parametrize(
    "text",
    ["12669\t9656",
     "12669\t9656\t7561\t214\t2674\t1338", "126\t699", "126\n699", "126;699", "12 6699", "12  669",
     "12 669 9 656", "1 234,567 8", "١٢", "१२", "\uff11\uff12", "12.٣", "5 TSD", "5 Mio", "EUR",
     "5 EUR net", "12.669.5",     "1,5,5", "1e", "0x10", "1e400", b"12"],
    ids=ascii,
)  # fmt: skip
def test_what_is_not_one_amount_is_refused_alone_and_in_files(text):
    with pytest.raises(ValueError, match=r"^Detergents and Paper: .* is not an amount ≥ 0$"):
        parse_amount("Detergents and Paper", text)
    column = pa.chunked_array([[text if isinstance(text, str) else text.decode()]])
    if isinstance(text, str):
        assert not any(good(to_numbers(read_column(column), sign)).any() for sign in ".,")


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
    assert str(refusal.value) == f"Milk: {shown} is not an amount ≥ 0"


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


def test_a_data_frame_is_read_by_its_names(customers):
    spend = customers[list(reversed(SPEND_COLUMNS))]
    assert (check_amounts(spend, WHOLESALE) == customers[list(SPEND_COLUMNS)].to_numpy()).all()
    with pytest.raises(ValueError, match=r"^missing: Fresh$"):
        check_amounts(spend.drop(columns="Fresh"), WHOLESALE)


def test_rows_of_text_are_read_or_named():
    assert check_amounts([["1", "2", "3", "4", "5", "1 000"]], WHOLESALE).tolist() == [[1, 2, 3, 4, 5, 1000]]
    for rows, sentence in (
        ([["1"] * 6, ["1", "2", "x", "4", "5", "6"]], "^row 2, Grocery: x is not an amount ≥ 0$"),
        ([[True] * 6], "^row 1, Fresh: True is not an amount ≥ 0; Milk"),
        ([[1] * 6, [1] * 5], "^row 2, 6 amounts are needed"),
    ):
        with pytest.raises(ValueError, match=sentence):
            check_amounts(rows, WHOLESALE)


def test_every_amount_at_fault_is_named():
    with pytest.raises(ValueError, match=r"^Milk: -5 is not an amount ≥ 0; Frozen: x is not an amount ≥ 0$"):
        parse_amounts((1, -5, 1, "x", 1, 1), WHOLESALE)


@pytest.mark.parametrize(
    ("spend", "sentence"),
    [(its, "6 amounts are needed") for its in ((1, 2, 3), "123456", b"123456", None, 123456, {*range(6)})]
    + [
        ({"Fresh": 1}, "missing: Milk, Grocery, Frozen, Detergents_Paper, Delicassen"),
        ({**dict(zip(SPEND_COLUMNS, GOOD, strict=True)), "Wine": 1}, "unknown: Wine"),
    ],
)
def test_other_than_the_six_columns_is_refused(spend, sentence):
    with pytest.raises(ValueError, match=sentence):
        parse_amounts(spend, WHOLESALE)
