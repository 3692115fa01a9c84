"""Columns of amounts are read as single amounts are, and show the decimal sign."""

import math
from functools import reduce

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_files import by_hand

from wholesale.amounts import good
from wholesale.reading.dialect import UNMARKED, Decimal, Marks, decide, read_column, to_numbers, weigh

SIGNS = "1 12 234 0 000 - + e E- nan inf _ 0x ٣ €"
PIECES = [*SIGNS.split(), "\t", "\x1c", "\0", "$ ", *",.' \u00a0\u2009\u202f\u2019"]
LIKE_AMOUNTS = st.lists(st.sampled_from(PIECES), max_size=7).map("".join)


def column(*texts: str | None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(texts, pa.string())])


def weighed(*texts: str) -> dict[str, Marks]:
    return weigh([read_column(column(*texts))])


def numbers(texts: list[str], sign: str) -> list[str]:
    """Read texts and write them as Python does; nan for what is not an amount."""
    read = to_numbers(read_column(column(*texts)), sign)
    return list(map(repr, (np.where(good(read), read, math.nan) + 0.0).tolist()))  # -0.0 is 0.0


@settings(max_examples=150)
@given(st.lists(st.one_of(LIKE_AMOUNTS, st.text(max_size=8), st.floats().map(repr)), max_size=30))
def test_columns_are_read_as_single_amounts_are(texts):
    assert numbers(texts, ".") == [repr(by_hand(text)) for text in texts]


@settings(max_examples=100)
@given(st.lists(LIKE_AMOUNTS, max_size=30))
def test_a_decimal_comma_is_a_decimal_point_with_the_two_signs_swapped(texts):
    swapped = [text.translate({ord(","): ".", ord("."): ","}) for text in texts]
    assert numbers(texts, ",") == numbers(swapped, ".")


def test_blanks_and_nothing_are_no_numbers():
    assert numbers(["", " ", None], ".") == ["nan"] * 3


def test_the_marks_of_a_currency_say_nothing_of_the_decimal_sign():
    assert weighed("1234 m.u.", "12 m.u.", "m.u. 7") == UNMARKED
    assert decide(weighed("1.234 m.u.", "12 m.u.")) == decide(weighed("1.234", "12"))
    assert weighed("1.5 m.u.", "12 m.u.") == {".": Marks(clear=1), ",": Marks()}


@pytest.mark.parametrize(
    ("texts", "decimal"),
    [
        (["1", "200", "x", "", "1.2.3", "1,2,3"], Decimal()),
        (["1.234", "12.345.678"], Decimal(",")),
        (["1.234"], Decimal(",")),
        (["1,234"], Decimal(".")),
        (["0.123"], Decimal(".")),
        (["1234,567"], Decimal(",")),
        (["1 234,567"], Decimal(",")),
        (["1.234"] * 9 + ["1.5"], Decimal(".")),
        (["1,5", "1,5", "1.5"], Decimal(",")),
        (["1.5", "1,5"], Decimal(".")),
        (["1.234", "1,234", "5,678"], Decimal(".", doubtful=True)),
    ],
    ids=str,
)
def test_the_decimal_sign_is_what_most_amounts_show(texts, decimal):
    assert decide(weighed(*texts)) == decimal


AMOUNTS = "12.669|1.5|0.500|7.|1.5e3|12.66|999.999|1000.125| 12.669 |12,669|1,5|€3.125|8|1.234.567|x|"


@settings(max_examples=100)
@given(st.lists(st.sampled_from(AMOUNTS.split("|")), max_size=8))
def test_what_an_amount_says_of_the_decimal_sign_does_not_depend_on_the_others(texts):
    for sign, marks in weighed(*texts).items():
        assert marks == reduce(Marks.plus, (weighed(text)[sign] for text in texts), Marks())
