"""Amounts written as text, whole columns at a time; and whether their decimal sign is a point or a comma."""

import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wholesale.amounts import CURRENCY, CURRENCY_SIGNS

_SPACES = " '\u00a0\u2009\u202f\u2019"  # they group thousands wherever they stand
_EXPONENT = r"(?:[eE][+-]?\d+)?"


def _grammar(decimal: str, other: str) -> str:
    """Give the pattern of an amount: plain digits, or groups of three by one and the same mark."""
    point, marks = re.escape(decimal), [re.escape(mark) for mark in other + _SPACES]
    groups = "|".join(rf"(?:{mark}\d{{3}})+" for mark in marks)
    plain = rf"(?:\d+(?:{point}\d*)?|{point}\d+){_EXPONENT}"
    return rf"^[+-]?(?:{plain}|[1-9]\d{{0,2}}(?:{groups})(?:{point}\d*)?)$"


GRAMMARS = {".": _grammar(".", ","), ",": _grammar(",", ".")}
"""By the decimal sign."""


_ANY = re.compile("|".join(GRAMMARS.values()))
_FORMULA = '^="(.*)"$'
"""How a spreadsheet is told to keep a text as it is; what it holds is read."""


def is_amount(text: str) -> bool:
    """Say whether a text is an amount with one decimal sign or the other."""
    bare = re.sub(CURRENCY, "", re.sub(_FORMULA, r"\1", text.strip()).strip()).strip()
    return bool(_ANY.match(bare))


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


def weigh(columns: list[pa.ChunkedArray], *, first: bool = False) -> Evidence:
    """Count what columns of text say about their decimal sign.

    Parameters
    ----------
    columns : list of ChunkedArray of str
    first : bool
        Count only the first row that settles it or, if none does, the first that could be either.
    """
    counts = np.zeros((len(columns[0]) if columns else 0, 4), dtype=int)
    examples = []
    for column in columns:
        marked = pc.or_(pc.match_substring(column, "."), pc.match_substring(column, ","))
        rows = np.flatnonzero(pc.fill_null(marked, False))
        if len(rows) == 0:
            continue
        text = _bare(column.take(pa.array(rows)))
        point, comma = (pc.match_substring_regex(text, GRAMMARS[sign]).to_numpy() for sign in ".,")
        dotted, either = pc.match_substring(text, ".").to_numpy(), point & comma
        counts[rows] += np.array([point & ~comma, comma & ~point, either & dotted, either & ~dotted]).T
        examples += [(rows[i], text[int(i)].as_py()) for i in np.flatnonzero(either)[:1]]
    if first:
        settling = counts[:, :2].any(axis=1)
        counts = counts[settling if settling.any() else counts.any(axis=1)][:1]
    _, example = min(examples, default=(0, ""))
    point, comma, point_groups, comma_groups = counts.sum(axis=0).tolist()
    return Evidence(point, comma, point_groups, comma_groups, example)


def good(amounts: np.ndarray) -> np.ndarray:
    """Say which numbers are amounts: finite, and not negative."""
    return np.isfinite(amounts) & (amounts >= 0)


def _bare(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Take away what stands around amounts: white space, and a currency sign."""
    text = pc.utf8_trim_whitespace(column)
    content = _content(text)
    if b'="' in content:
        text = pc.utf8_trim_whitespace(pc.replace_substring_regex(text, _FORMULA, r"\1"))
    marked = any(sign.encode() in content for sign in CURRENCY_SIGNS)
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(text, CURRENCY, "")) if marked else text


def _content(text: pa.ChunkedArray) -> bytes:
    return b"".join(chunk.buffers()[2] or b"" for chunk in text.chunks)


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
    text = _bare(column)
    read = pc.match_substring_regex(text, GRAMMARS[sign])
    content = _content(text)
    for mark in ("," if sign == "." else ".") + _SPACES:
        if mark.encode() in content:
            text = pc.replace_substring(text, mark, "")
    text = pc.replace_substring(text, sign, ".") if sign == "," else text
    return pc.cast(pc.if_else(read, text, "nan"), pa.float64()).to_numpy()
