import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wholesale.amounts import check_amounts, parse_amount, parse_amounts
from wholesale.columns import SPEND_COLUMNS

GOOD = (12669, 9656, 7561, 214, 2674, 1338)


@given(st.floats(min_value=0, max_value=1e300))
def test_any_finite_amount_from_zero_up_is_itself(amount):
    assert parse_amount("Milk", amount) == amount
    assert parse_amount("Milk", f"{amount:.17e}") == amount


@given(st.integers(0, 10**12), st.sampled_from([",", " ", "'", "\u00a0", "\u2009", "\u202f", "\u2019"]))
def test_thousands_may_be_grouped_by_spaces_apostrophes_or_commas(amount, mark):
    assert parse_amount("Milk", f"{amount:,}".replace(",", mark)) == amount


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-5, "-5"),
        ("-5", "-5"),
        ("abc", "abc"),
        ("", "blank"),
        ("  ", "blank"),
        (None, "blank"),
        (math.nan, "nan"),
        ("nan", "nan"),
        (math.inf, "inf"),
        ("1e999", "1e999"),
        ("12,5", "12,5"),
        ("0,500", "0,500"),
        ("1 23", "1 23"),
        ("1,234 567", "1,234 567"),
        ("1_000", "1_000"),
        (True, "True"),
        ([1], "[1]"),
        ("5\n6", r"'5\n6'"),
        ("1" * 10_000, "1" * 39 + "…"),
        (10**400, "1" + "0" * 38 + "…"),
        (10**5000, "a number too long to show"),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, str) else type(value).__name__,
)
def test_anything_else_is_refused_in_one_sentence_with_column_value_and_rule(value, shown):
    with pytest.raises(ValueError) as refusal:
        parse_amount("Milk", value)
    assert str(refusal.value) == f"Milk: {shown} is not an amount ≥ 0"


@pytest.mark.parametrize(
    ("text", "choices"),
    [("12.669", "12669 or 12.67"), ("1.500", "1500 or 1.50"), (" 999.999 ", "999999 or 1000.00")],
)
def test_a_point_before_three_digits_is_not_guessed_at(text, choices):
    with pytest.raises(ValueError) as refusal:
        parse_amount("Milk", text)
    assert str(refusal.value) == f"Milk: {text.strip()} is not clear; write {choices}"


@pytest.mark.parametrize(
    ("text", "amount"), [("0.125", 0.125), ("1234.567", 1234.567), ("12 669.500", 12669.5)]
)
def test_other_decimals_are_clear(text, amount):
    assert parse_amount("Milk", text) == amount


def test_a_mapping_in_any_order_and_a_sequence_give_the_same_amounts():
    shuffled = dict(reversed(list(zip(SPEND_COLUMNS, GOOD, strict=True))))
    assert parse_amounts(shuffled).tolist() == parse_amounts(GOOD).tolist() == list(GOOD)
    assert parse_amounts(np.array(GOOD)).tolist() == list(GOOD)


def test_a_pandas_row_is_read_by_its_names(customers):
    row = customers.loc[1, list(reversed(SPEND_COLUMNS))]
    assert parse_amounts(row).tolist() == list(GOOD)


def test_a_data_frame_is_read_by_its_names(customers):
    spend = customers[list(reversed(SPEND_COLUMNS))]
    assert (check_amounts(spend) == customers[list(SPEND_COLUMNS)].to_numpy()).all()
    with pytest.raises(ValueError, match=r"^missing: Fresh$"):
        check_amounts(spend.drop(columns="Fresh"))


def test_rows_of_text_are_read_or_named():
    assert check_amounts([["1", "2", "3", "4", "5", "1 000"]]).tolist() == [[1, 2, 3, 4, 5, 1000]]
    with pytest.raises(ValueError, match=r"^row 2, Grocery: x is not an amount ≥ 0$"):
        check_amounts([["1"] * 6, ["1", "2", "x", "4", "5", "6"]])
    with pytest.raises(ValueError, match=r"^row 1, Fresh: True is not an amount ≥ 0; Milk"):
        check_amounts([[True] * 6])
    with pytest.raises(ValueError, match=r"^row 2, six amounts are needed"):
        check_amounts([[1] * 6, [1] * 5])


def test_every_amount_at_fault_is_named():
    with pytest.raises(ValueError, match=r"^Milk: -5 is not an amount ≥ 0; Frozen: x is not an amount ≥ 0$"):
        parse_amounts((1, -5, 1, "x", 1, 1))


@pytest.mark.parametrize(
    ("spend", "sentence"),
    [
        ((1, 2, 3), "six amounts are needed"),
        ("123456", "six amounts are needed"),
        (b"123456", "six amounts are needed"),
        (None, "six amounts are needed"),
        (123456, "six amounts are needed"),
        ({1, 2, 3, 4, 5, 6}, "six amounts are needed"),
        ({"Fresh": 1}, "missing: Milk, Grocery, Frozen, Detergents_Paper, Delicassen"),
        ({**dict(zip(SPEND_COLUMNS, GOOD, strict=True)), "Wine": 1}, "unknown: Wine"),
    ],
)
def test_other_than_the_six_columns_is_refused(spend, sentence):
    with pytest.raises(ValueError, match=sentence):
        parse_amounts(spend)
