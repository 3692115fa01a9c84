"""Amounts written as text, whole columns at a time; and whether their decimal sign is a point or a comma."""

import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_SPACES = " '\u00a0\u2009\u202f\u2019"  # they group thousands wherever they stand
_EXPONENT = r"(?:[eE][+-]?\d{1,3})?"


def _grammar(decimal: str, other: str) -> str:
    """Give the pattern of an amount: plain digits, or groups of three by one and the same mark."""
    point, marks = re.escape(decimal), [re.escape(mark) for mark in other + _SPACES]
    groups = "|".join(rf"(?:{mark}\d{{3}})+" for mark in marks)
    plain = rf"(?:\d+(?:{point}\d*)?|{point}\d+){_EXPONENT}"
    return rf"^[+-]?(?:{plain}|[1-9]\d{{0,2}}(?:{groups})(?:{point}\d*)?)$"


GRAMMARS = {".": _grammar(".", ","), ",": _grammar(",", ".")}
"""By the decimal sign."""


class Evidence(NamedTuple):
    """How many amounts settle the decimal sign, and how many could be either.

    Attributes
    ----------
    point, comma : int
        Amounts that are one only with a decimal point, or only with a decimal comma.
    point_groups, comma_groups : int
        Amounts such as ``1.234`` or ``1,234``: a thousand and more, or one and a bit.
    example : str
        One of the latter.
    """

    point: int = 0
    comma: int = 0
    point_groups: int = 0
    comma_groups: int = 0
    example: str = ""

    def plus(self, other: "Evidence") -> "Evidence":
        """Add up."""
        point, comma = self.point + other.point, self.comma + other.comma
        groups = (self.point_groups + other.point_groups, self.comma_groups + other.comma_groups)
        return Evidence(point, comma, *groups, self.example or other.example)


@dataclass(frozen=True)
class Decimal:
    """The decimal sign of a file.

    Attributes
    ----------
    sign : str
        ``"."``, ``","``, or ``""`` where no amount seen so far has a mark that could be either.
    settled : bool
        Whether nothing that comes later can change it.
    """

    sign: str = ""
    settled: bool = False


NOTHING = Evidence()
UNKNOWN = Decimal()


def decide(evidence: Evidence) -> Decimal:
    """Decide on the decimal sign.

    One amount that makes sense in one way only decides for all. Where each could be either, a mark that
    always has three digits after it is taken to group thousands: few files give thousandths of a unit.
    """
    if evidence.point or evidence.comma:
        return Decimal("." if evidence.point >= evidence.comma else ",", settled=True)
    if evidence.point_groups or evidence.comma_groups:
        return Decimal("," if evidence.point_groups >= evidence.comma_groups else ".")
    return UNKNOWN


def weigh(texts: list[pa.ChunkedArray]) -> Evidence:
    """Count what columns of text say about their decimal sign."""
    total = NOTHING
    for column in texts:
        marked = pc.filter(column, pc.match_substring_regex(column, "[.,]"))
        if len(marked) == 0:
            continue
        trimmed = pc.utf8_trim_whitespace(marked)
        point, comma = (pc.match_substring_regex(trimmed, GRAMMARS[sign]) for sign in ".,")
        either = pc.filter(trimmed, pc.and_(point, comma))
        groups = _count(pc.match_substring(either, "."))
        counts = (_count(pc.and_not(point, comma)), _count(pc.and_not(comma, point)))
        example = either[0].as_py() if len(either) else ""
        total = total.plus(Evidence(*counts, groups, len(either) - groups, example))
    return total


def _count(mask: pa.ChunkedArray) -> int:
    return pc.sum(mask).as_py() or 0


def to_numbers(column: pa.ChunkedArray, sign: str) -> np.ndarray:
    """Read a column of text.

    Parameters
    ----------
    column : ChunkedArray of str
    sign : str
        The decimal sign, ``"."`` or ``","``.

    Returns
    -------
    ndarray of shape (n,)
        NaN for what is not an amount of any sign; sign and size are not checked here.
    """
    text = pc.utf8_trim_whitespace(column)
    good = pc.match_substring_regex(text, GRAMMARS[sign])
    other = "," if sign == "." else "."
    bare = pc.replace_substring_regex(text, rf"^\+|[{re.escape(other + _SPACES)}]", "")
    bare = pc.replace_substring(bare, sign, ".") if sign == "," else bare
    bare = pc.if_else(good, bare, "nan")
    try:
        return pc.cast(bare, pa.float64()).to_numpy()
    except pa.ArrowInvalid:  # 1e400 and the like: Python says infinity, Arrow refuses
        return np.array([float(number) for number in bare.to_pylist()])
