"""How a file is written: its columns, its records, and its decimal sign, on which its amounts decide."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wholesale.amounts import (
    CURRENCY,
    CURRENCY_CODES,
    CURRENCY_SIGNS,
    GRAMMARS,
    NOT_AN_AMOUNT,
    SPACES,
    good,
    read_text,
)
from wholesale.columns import WHOLESALE, Categories

SIGNS = {"point": ".", "comma": ","}
NAMED = {".": "point", ",": "comma"}
OTHER = {".": ",", ",": "."}

# By its mark, an amount that may have thousands or a decimal sign.
EITHER = {mark: rf"^[+-]?[1-9][0-9]{{0,2}}{re.escape(mark)}[0-9]{{3}}$" for mark in ".,"}
FEW, ENOUGH = 0.01, 0.05  # shares of amounts with a mark: fewer are rejected, as many decide; our convention
# A column of a workbook's amounts: the number if a cell is one, and what is written in it.
MIXED = pa.struct({"number": pa.float64(), "text": pa.string()})
MONEY = {name: name for name in (*CURRENCY_SIGNS, *CURRENCY_CODES.split("|"))}
MONEY |= {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
"""What currencies are called on amounts and in names of columns, and one name of each."""
_BESIDE = r"(?i)^\W*{0}\W*[0-9]|[0-9]\W*{0}\W*$"
_FORMULA = '^="(.*)"$'  # how a spreadsheet is told to keep a text as it is; what it holds is read


class Marks(NamedTuple):
    """How many amounts can only have a decimal sign, how many could have it, and the first of these."""

    clear: int = 0
    either: int = 0
    example: str = ""

    def plus(self, other: "Marks") -> "Marks":
        return Marks(self.clear + other.clear, self.either + other.either, self.example or other.example)


UNMARKED = dict.fromkeys(OTHER, Marks())


class Decimal(NamedTuple):
    """The decimal sign of a file: ``""`` where no amount seen so far has a mark that could be either."""

    sign: str = ""
    unclear: str = ""  # marks before three digits that are not read: too few have them, others the other one
    doubtful: bool = False  # what the amounts show contradicts itself
    told: bool = False  # by the user, or by the file's being a scored one


class Shape(NamedTuple):
    """What is known of a file's uneven records; what its later parts show only makes this stricter."""

    note: str = ""  # on all of them
    spare: bool | None = None  # whether blanks beyond the header are dropped; None until a record has some
    every: int = 0  # how many of them every record has
    counts: frozenset[int] | None = None  # columns after those with amounts; None until one is short


UNKNOWN, EVEN = Decimal(), Shape()


@dataclass(frozen=True)
class Dialect:
    """How one file is read; small enough to be sent to a worker."""

    names: tuple[str, ...]  # of the columns in their order, the categories under their own names
    spend: tuple[int, ...]  # where the categories are, in their order
    heads: tuple[str, ...] = ()  # what the file calls them
    line: int = 2  # on which the first record may start
    encoding: str = "utf-8"
    delimiter: str = ","
    start: int = 0  # byte of the text, as UTF-8, on which the first record may start
    sheet: str = ""  # of a workbook
    decimal: Decimal = UNKNOWN
    shape: Shape = EVEN
    summaries: dict[int, str] = field(default_factory=dict)  # by line, rows of sums and averages
    ours: bool = False  # written by this project, so that guarded text is to be restored
    zeros: bool = False  # blanks among the amounts mean 0
    remarks: tuple[str, ...] = ()  # on what was found when the file was opened
    categories: Categories = WHOLESALE  # what was looked for


class Reconsider(Exception):
    """A later part of the file shows that it is written in another dialect: read it again from the start."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.dialect = dialect


def is_amount(text: str) -> bool:
    """Say whether a text is an amount with one decimal sign or the other."""
    text = re.sub(_FORMULA, r"\1", text.strip())
    return not all(math.isnan(read_text(text, sign)) for sign in GRAMMARS)


def decide(marks: Mapping[str, Marks]) -> Decimal:
    """Decide on the decimal sign.

    Amounts that make sense in one way only decide for all if they are enough; a majority they need not be,
    as of amounts with three decimals nine in ten look grouped. Else a mark that has three digits after it is
    taken to group thousands: few files give thousandths of a unit. What then speaks against the sign must be
    few, unless there is nothing that could be either, and so nothing that could be read wrong.
    """
    point, comma = marks["."], marks[","]
    either = point.either + comma.either
    marked = point.clear + comma.clear + either
    if not marked:
        return UNKNOWN
    settled, few = max(point.clear, comma.clear) >= ENOUGH * marked, FEW * marked
    sign = "." if (point.clear >= comma.clear if settled else point.either < comma.either) else ","
    both, against = point.either and comma.either, marks[OTHER[sign]].clear
    unclear = "".join(sign for sign in marks if both and marks[sign].either < few)
    return Decimal(sign, unclear, bool((either and against >= few) or (both and not unclear)))


class Column(NamedTuple):
    """A column of amounts, as far as it is read without a grammar."""

    numbers: np.ndarray  # NaN for what is none yet
    text: pa.ChunkedArray | None = None  # what of it is text, as it is written
    sign: str = ""  # of its decimals, if that reads all of it
    bare: pa.ChunkedArray | None = None  # the text without white space and currency around it


def weigh(columns: Iterable[Column]) -> dict[str, Marks]:
    """Count what is said about the decimal sign by columns with text."""
    clear, either, firsts = Counter[str](), Counter[str](), {sign: list[tuple[int, str]]() for sign in OTHER}
    for _, _, read, text in columns:
        content = content_of(text) if text else b""
        if text is None or (b"." not in content and b"," not in content):
            continue
        # Only what has a mark as its last character but three may have thousands.
        fourth_last = np.frombuffer(content, np.uint8)[np.maximum(_ends(text) - 4, 0)]
        rows = np.flatnonzero((fourth_last == ord(".")) | (fourth_last == ord(",")))
        some = text.take(pa.array(rows))
        found = {sign: np.flatnonzero(_matches(some, EITHER[sign])) for sign in OTHER}
        if read:  # each amount has that sign at most once, and the other one is nowhere
            signed = {sign: content.count(sign.encode()) for sign in OTHER}
        else:
            marked = _matches(text, "[.,]")
            signed = {sign: int((marked & _matches(text, GRAMMARS[sign])).sum()) for sign in OTHER}
        for sign, places in found.items():
            clear[sign] += max(signed[sign] - sum(map(len, found.values())), 0)
            either[sign] += len(places)
            firsts[sign] += [(int(rows[i]), some[int(i)].as_py()) for i in places[:1]]
    return {sign: Marks(clear[sign], either[sign], min(firsts[sign], default=(0, ""))[1]) for sign in OTHER}


def _matches(text: pa.ChunkedArray, pattern: str) -> np.ndarray:
    return pc.fill_null(pc.match_substring_regex(text, pattern), False).to_numpy()


def objection(text: str, decimal: Decimal) -> str:
    """Say what is wrong with a text that is not an amount of a file with some decimal sign."""
    bare = re.sub(CURRENCY, "", text.strip()).strip()
    for mark in decimal.unclear:
        if re.match(EITHER[mark], bare):
            return f"could be {bare.replace(mark, '')} or {bare.replace(mark, '.')}"
    sign, other = decimal.sign, OTHER.get(decimal.sign, "")
    foreign = other and re.match(GRAMMARS[other], bare) and re.search("[.,]", bare)
    if foreign and not re.match(GRAMMARS[sign], bare):  # else it is negative, or beyond all numbers
        return f"has a decimal {NAMED[other]}, but the file a decimal {NAMED[sign]}"
    return NOT_AN_AMOUNT


def to_numbers(column: Column, sign: str, unclear: str = "") -> np.ndarray:
    """Read a column: NaN for what is not an amount of any sign, or has an unclear mark."""
    text = column.bare
    if text is None or (column.sign == sign and not unclear):
        return column.numbers
    read = pc.match_substring_regex(text, GRAMMARS[sign])
    for mark in unclear:
        read = pc.and_not(read, pc.match_substring_regex(text, EITHER[mark]))
    content = content_of(text)
    for mark in OTHER[sign] + SPACES:
        if mark.encode() in content:
            text = pc.replace_substring(text, mark, "")
    text = pc.replace_substring(text, sign, ".") if sign == "," else text
    numbers = pc.cast(pc.if_else(read, text, "nan"), pa.float64()).to_numpy()
    return numbers if column.sign else np.where(np.isnan(column.numbers), numbers, column.numbers)


def read_column(column: pa.ChunkedArray) -> Column:
    """Read what of a column needs no grammar: numbers, and text that all is plain, twenty times faster."""
    if column.type == MIXED:
        number, text = column.flatten()
        text = pc.if_else(pc.is_null(number), text, "")
        return Column(number.to_numpy(), text, bare=_bare(text))
    if not pa.types.is_string(column.type):
        if column.type == pa.float32() or pa.types.is_decimal(column.type):
            column = pc.cast(column, pa.string())  # as it is written: 0.1, not 0.10000000149011612
        return Column(pc.fill_null(pc.cast(column, pa.float64(), safe=False), math.nan).to_numpy())
    text, content = column, content_of(column)
    sign = "," if b"," in content else "." if b"." in content else ""
    if sign == ",":
        places = pa.py_buffer(np.concatenate([[0], _ends(column)]).astype(np.int32))
        points = pa.py_buffer(content.replace(b",", b"."))
        column = pa.chunked_array([pa.StringArray.from_buffers(len(column), places, points)])
    with suppress(pa.ArrowInvalid):
        numbers = pc.cast(column, pa.float64()).to_numpy()
        if good(numbers).all() and not (sign == "," and b"." in content):
            return Column(numbers, text, sign, bare=text) if sign else Column(numbers)
    return Column(np.full(len(text), math.nan), text, bare=_bare(text))


def _bare(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Take away what stands around amounts: white space, and a currency sign."""
    text = pc.utf8_trim_whitespace(column)
    if b'="' in content_of(text):
        text = pc.utf8_trim_whitespace(pc.replace_substring_regex(text, _FORMULA, r"\1"))
    if not re.search(rb"[$A-Za-z\x80-\xff]", content_of(text)):
        return text
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(text, CURRENCY, ""))


def currencies(columns: Iterable[Column]) -> frozenset[str]:
    """Give the names, of `MONEY`, of currencies whose sign or code stands before or after amounts."""
    contents = [(text, content_of(text).upper()) for _, text, read, _ in columns if text and not read]
    return frozenset(
        name
        for text, content in contents
        for said, name in MONEY.items()
        if said.encode() in content and _matches(text, _BESIDE.format(re.escape(said))).any()
    )


def content_of(text: pa.ChunkedArray) -> bytes:
    """Give the bytes of a column of text, one after another."""
    pieces = [(chunk.buffers()[2], offsets_of(chunk)) for chunk in text.chunks if len(chunk)]
    return b"".join(memoryview(content)[ends[0] : ends[-1]] for content, ends in pieces if content)


def _ends(text: pa.ChunkedArray) -> np.ndarray:
    """Give where in the bytes of a column each cell ends."""
    return np.cumsum(pc.fill_null(pc.binary_length(text), 0).to_numpy(), dtype=np.int64)


def offsets_of(text: pa.StringArray) -> np.ndarray:
    """Give where each cell begins among the bytes, and where the last one ends."""
    return np.frombuffer(text.buffers()[1], np.int32)[text.offset : text.offset + len(text) + 1]
