import math
from functools import reduce

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_files import by_hand

from wholesale.reading.dialect import Decimal, Evidence, decide, good, read_column, to_numbers, weigh

MARKS = ",.' \u00a0\u2009\u202f\u2019"
SIGNS = "1 12 234 0 000 - + e E- nan inf _ 0x ٣ €"
PIECES = [*SIGNS.split(), "\t", "\x1c", "\0", "$ ", *MARKS]
LIKE_AMOUNTS = st.lists(st.sampled_from(PIECES), max_size=7).map("".join)


def column(*texts: str) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(texts, pa.string())])


def weighed(columns: list[pa.ChunkedArray]) -> Evidence:
    return weigh(map(read_column, columns))


def numbers(texts: list[str], sign: str) -> list[float]:
    """Read texts; NaN for what is not an amount."""
    read = to_numbers(read_column(column(*texts)), sign)
    return (np.where(good(read), read, math.nan) + 0.0).tolist()  # -0.0 is 0.0


@settings(max_examples=150)
@given(st.lists(st.one_of(LIKE_AMOUNTS, st.text(max_size=8), st.floats().map(repr)), max_size=30))
def test_columns_are_read_as_single_amounts_are(texts):
    assert list(map(repr, numbers(texts, "."))) == [repr(by_hand(text)) for text in texts]


@settings(max_examples=100)
@given(st.lists(LIKE_AMOUNTS, max_size=30))
def test_a_decimal_comma_is_a_decimal_point_with_the_two_signs_swapped(texts):
    swapped = [text.translate({ord(","): ".", ord("."): ","}) for text in texts]
    assert list(map(repr, numbers(texts, ","))) == list(map(repr, numbers(swapped, ".")))


def test_a_currency_sign_before_or_after_an_amount_is_not_read():
    texts = ["€ 11210", "$1,234.50", "12\u00a0€", "£5", "€\t1", "€", "€-5", "5 € net", "1 $ 2"]
    assert list(map(repr, numbers(texts, "."))) == ["11210.0", "1234.5", "12.0", "5.0", "1.0", *["nan"] * 4]
    assert list(map(repr, map(by_hand, texts))) == list(map(repr, numbers(texts, ".")))


def test_the_marks_of_a_currency_say_nothing_of_the_decimal_sign():
    assert weighed([column("1234 m.u.", "12 m.u.", "m.u. 7")]) == Evidence()
    assert decide(weighed([column("1.234 m.u.", "12 m.u.")])) == decide(weighed([column("1.234", "12")]))
    assert weighed([column("1.5 m.u.", "12 m.u.")]) == Evidence(point=1)


def test_blanks_and_nothing_are_no_numbers():
    assert all(math.isnan(number) for number in to_numbers(read_column(column("", " ", None)), "."))


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
    assert decide(weighed([column(*texts)])) == decimal


AMOUNTS = "12.669|1.5|0.500|7.|1.5e3|12.66|999.999|1000.125| 12.669 |12,669|1,5|€3.125|8|1.234.567|x|"


@settings(max_examples=100)
@given(st.lists(st.sampled_from(AMOUNTS.split("|")), max_size=8))
def test_what_an_amount_says_of_the_decimal_sign_does_not_depend_on_the_others(texts):
    alone = (weighed([column(text)]) for text in texts)
    assert weighed([column(*texts)]) == reduce(Evidence.plus, alone, Evidence())
