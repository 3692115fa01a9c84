"""Amounts written as text, whole columns at a time; and whether their decimal sign is a point or a comma."""

import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wholesale.amounts import CURRENCY, CURRENCY_CODES, CURRENCY_SIGNS, GRAMMARS, NOT_AN_AMOUNT, SPACES
from wholesale.columns import UNIT

_CURRENCIES = (*CURRENCY_SIGNS, *CURRENCY_CODES.split("|"), UNIT.upper())

EITHER = {mark: rf"^[+-]?[1-9][0-9]{{0,2}}{re.escape(mark)}[0-9]{{3}}$" for mark in ".,"}
"""By its mark, an amount that may have thousands or a decimal sign."""

MARKS = {".": "point", ",": "comma"}

FEW, ENOUGH = 0.01, 0.05
"""Shares of the amounts with a mark: fewer are rejected, as many decide for the file. Our convention."""


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
    point_example, comma_example : str
        The first of these.
    """

    point: int = 0
    comma: int = 0
    point_groups: int = 0
    comma_groups: int = 0
    point_example: str = ""
    comma_example: str = ""

    @property
    def counts(self) -> np.ndarray:
        """The four counts."""
        return np.array(self[:4], dtype=int)

    def plus(self, other: "Evidence") -> "Evidence":
        """Add what the part of the file that comes next says."""
        counts: list = [mine + its for mine, its in zip(self[:4], other[:4], strict=True)]
        return Evidence(*counts, *(mine or its for mine, its in zip(self[4:], other[4:], strict=True)))


@dataclass(frozen=True)
class Decimal:
    """The decimal sign of a file.

    Attributes
    ----------
    sign : str
        ``"."``, ``","``, or ``""`` where no amount seen so far has a mark that could be either.
    settled : bool
        Whether amounts that can be read in one way only decided, or the user.
    unclear : str
        The marks before three digits that are not read: too few amounts have them, and others the other one.
    doubtful : bool
        Whether what the amounts show contradicts itself.
    told : bool
        Whether the user has said it.
    """

    sign: str = ""
    settled: bool = False
    unclear: str = ""
    doubtful: bool = False
    told: bool = False

    @property
    def plain(self) -> str:
        """The sign with which plain numbers can be read as they stand, if there is one."""
        return self.sign if self.settled and self.sign not in self.unclear else ""


NOTHING = Evidence()
UNKNOWN = Decimal()


def decide(evidence: Evidence) -> Decimal:
    """Decide on the decimal sign.

    Amounts that make sense in one way only decide for all if they are enough; a majority they need not be,
    as of amounts with three decimals nine in ten look grouped. Else a mark that has three digits after it is
    taken to group thousands: few files give thousandths of a unit. What then speaks against the sign must be
    few, unless there is nothing that could be either, and so nothing that could be read wrong.
    """
    point, comma, point_groups, comma_groups = evidence.counts.tolist()
    marked = sum(evidence.counts.tolist())
    if not marked:
        return UNKNOWN
    settled, few = max(point, comma) >= ENOUGH * marked, FEW * marked
    sign = "." if (point >= comma if settled else point_groups < comma_groups) else ","
    groups = {".": point_groups, ",": comma_groups} if point_groups and comma_groups else {}
    unclear = "".join(mark for mark, count in groups.items() if count < few)
    against = comma if sign == "." else point
    either = point_groups + comma_groups
    return Decimal(sign, settled, unclear, bool((either and against >= few) or (groups and not unclear)))


def weigh(columns: list[pa.ChunkedArray], plain: str = "") -> Evidence:
    """Count what columns of text say about their decimal sign.

    Parameters
    ----------
    columns : list of ChunkedArray of str
    plain : str
        The decimal sign, if all of them are known to be plain numbers with it.
    """
    counts, firsts = np.zeros(4, dtype=int), {mark: list[tuple[int, str]]() for mark in ".,"}
    for column in columns:
        content = content_of(column)
        plain = "" if b" " in content or b"\t" in content else plain  # what stands around is still there
        rows = _fourth_last(column, plain) if plain else _marked(column)
        text = _bare(column.take(pa.array(rows)))
        if not plain:  # the mark may have been the currency's
            at = _marked(text)
            rows, text = rows[at], text.take(pa.array(at))
        either = [pc.match_substring_regex(text, EITHER[mark]).to_numpy() for mark in ".,"]
        clear = [pc.match_substring_regex(text, GRAMMARS[sign]).to_numpy() for sign in ".,"]
        clear = [np.count_nonzero(its & ~either[0] & ~either[1]) for its in clear]
        if plain:
            clear = [0, 0]
            clear[".,".index(plain)] = content.count(plain.encode()) - np.count_nonzero(either)
        counts += [*clear, *map(np.count_nonzero, either)]
        for mark, its in zip(".,", either, strict=True):
            firsts[mark] += [(rows[i], text[int(i)].as_py()) for i in np.flatnonzero(its)[:1]]
    return Evidence(*counts.tolist(), *(min(its)[1] if its else "" for its in firsts.values()))


def _marked(column: pa.ChunkedArray) -> np.ndarray:
    marked = pc.or_(pc.match_substring(column, "."), pc.match_substring(column, ","))
    return np.flatnonzero(pc.fill_null(marked, False))


def _fourth_last(column: pa.ChunkedArray, sign: str) -> np.ndarray:
    """Find the rows whose last character but three is a sign, as in what may have thousands."""
    text = column.combine_chunks()
    ends = np.frombuffer(text.buffers()[1], np.int32)[1 : len(text) + 1]
    return np.flatnonzero(np.frombuffer(text.buffers()[2], np.uint8)[np.maximum(ends - 4, 0)] == ord(sign))


def objection(text: str, decimal: Decimal) -> str:
    """Say what is wrong with a text that is not an amount of a file with some decimal sign."""
    bare = re.sub(CURRENCY, "", text.strip()).strip()
    for mark in decimal.unclear:
        if re.match(EITHER[mark], bare):
            return f"could be {bare.replace(mark, '')} or {bare.replace(mark, '.')}"
    other = {".": ",", ",": "."}.get(decimal.sign)
    if not other or not re.match(GRAMMARS[other], bare) or not re.search("[.,]", bare):
        return NOT_AN_AMOUNT
    if re.match(GRAMMARS[decimal.sign], bare):  # but it is negative, or beyond all numbers
        return NOT_AN_AMOUNT
    return f"has a decimal {MARKS[other]}, but the file a decimal {MARKS[decimal.sign]}"


def good(amounts: np.ndarray) -> np.ndarray:
    """Say which numbers are amounts: finite, and not negative."""
    return np.isfinite(amounts) & (amounts >= 0)


def _bare(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Take away what stands around amounts: white space, and a currency sign."""
    text = pc.utf8_trim_whitespace(column)
    content = content_of(text)
    if b'="' in content:
        text = pc.utf8_trim_whitespace(pc.replace_substring_regex(text, _FORMULA, r"\1"))
        content = content_of(text)
    # Most columns have neither a letter nor a sign beyond ASCII, and that is quickly seen.
    plain = b"$" not in content and not (np.frombuffer(content, np.uint8) > ord("9")).any()
    content = b"" if plain else content.upper()
    marked = any(currency.encode() in content for currency in _CURRENCIES)
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(text, CURRENCY, "")) if marked else text


def content_of(text: pa.ChunkedArray) -> bytes:
    """Give the bytes of a column of text, one after another."""
    return b"".join(chunk.buffers()[2] or b"" for chunk in text.chunks)


def currencies(columns: list[pa.ChunkedArray]) -> frozenset[str]:
    """Give the currency signs that amounts begin or end with."""
    contents = [content_of(column) for column in columns]
    return frozenset(
        sign
        for sign in CURRENCY_SIGNS
        for column, content in zip(columns, contents, strict=True)
        if sign.encode() in content
        and pc.any(pc.match_substring_regex(column, rf"^\s*[{sign}]|[{sign}]\s*$")).as_py()
    )


def to_numbers(column: pa.ChunkedArray, sign: str, unclear: str = "") -> np.ndarray:
    """Read a column of text.

    Parameters
    ----------
    column : ChunkedArray of str
    sign : str
        The decimal sign, ``"."`` or ``","``.
    unclear : str
        The marks before three digits that are not read.

    Returns
    -------
    ndarray of shape (n,)
        NaN for what is not an amount of any sign; sign and size are not checked here.
    """
    text = _bare(column)
    read = pc.match_substring_regex(text, GRAMMARS[sign])
    for mark in unclear:
        read = pc.and_not(read, pc.match_substring_regex(text, EITHER[mark]))
    content = content_of(text)
    for mark in ("," if sign == "." else ".") + SPACES:
        if mark.encode() in content:
            text = pc.replace_substring(text, mark, "")
    text = pc.replace_substring(text, sign, ".") if sign == "," else text
    return pc.cast(pc.if_else(read, text, "nan"), pa.float64()).to_numpy()
