"""What the records of a file show only together: above all, which rows are sums or averages of others."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from wholesale.reading.dialect import UNMARKED, Marks

TOTAL, MEAN = "the sum of other rows, not a customer", "the average of other rows, not a customer"
BESIDE = (
    "line {} is the sum of all rows before it or after it, but there are others; delete the rows of totals,"
    " averages and the like"
)
BEYOND = (
    "line {} is a total of rows with subtotals among them, and which these are cannot be told; delete the"
    " rows of totals and subtotals"
)
KEPT, STEPS = 4, 64
"""Rows kept of a part: a total of all others is the largest, and seldom stands there more than thrice; what
may be a total of all before it is at least as much as these together, and so seldom as well."""

ENDS = 8  # rows at either end of a table that may be called totals or averages
FINEST, SURE, SINGLE, CLOSE = 6, 1e-9, 1e-6, 0.005
"""Decimals told apart; shares by which floats may miss a number, and sums of single floats a total; and rows
that no word calls one."""

_CALLED = re.compile(  # a word in a cell, or all of it where customers may have such names
    r"\b(?:(?:sub)?tota(?:l|ls|le|li|al|ux|lt|les)|gesamt\w*|insgesamt|\w*summe|sum(?!\()|suma|soma|somma|somme"
    r"|summa|razem|ogółem|celkem|spolu|összesen|yhteensä|toplam|итого|всего|σύνολο|合计|总计|合計|総計|합계)\b"
    r"|\A\W*(average|avg|mean|median|min|max|(?:min|max)imum|std|count|\d\d%|anzahl|mittel|mittelwert"
    r"|durchschnitt|moyenne|promedio|media|média|mediana|gemiddelde|medelvärde|gennemsnit|średnia|среднее|平均|ø|einheit"
    r"|stdev|share|anteil|percent|prozent|budget|target|ziel|soll|vorjahr|(?:previous|last) year|units?)\W*\Z"
)
unbounded = np.errstate(over="ignore", invalid="ignore")


class Row(NamedTuple):
    """A row: its line, its amounts, whether a word calls it a total; the sums of the rows before it."""

    line: int
    amounts: tuple[float, ...]
    word: bool
    before: tuple[float, ...] = ()
    rows: int = 0  # before it


@dataclass(frozen=True)
class Seen:
    """What a part of a file shows of the whole."""

    marks: Mapping[str, Marks] = field(default_factory=lambda: UNMARKED)  # of each decimal sign
    currencies: frozenset[str] = frozenset()  # signs on amounts
    blanks: int = 0  # records that would be customers if blanks and dashes were 0
    rows: int = 0  # with an amount above zero, whether or not they are customers; known totals are none
    sums: np.ndarray = field(default_factory=lambda: np.zeros(1))  # of all read in these
    decimals: int = 0  # the most that an amount has; ``FINEST + 1`` for more than are told apart
    largest: tuple[Row, ...] = ()  # that of the customers, and those as large
    steps: tuple[Row, ...] = ()
    """Customers with as much as all rows before or after them, called totals at either end, or outermost."""

    @unbounded
    def __add__(self, other: "Seen") -> "Seen":
        """Add what the part of the file that comes next shows."""
        rows = (*self.largest, *other.largest)
        most = max((sum(row.amounts) for row in rows), default=0)
        sums, count = self.sums + other.sums, self.rows + other.rows
        later = (
            row._replace(before=tuple((self.sums + row.before).tolist()), rows=self.rows + row.rows)
            for row in other.steps
        )
        steps = [row for row in (*self.steps, *later) if _is_step(row, float(sums.sum()), count)]
        return Seen(
            {sign: marks.plus(other.marks[sign]) for sign, marks in self.marks.items()},
            self.currencies | other.currencies,
            self.blanks + other.blanks,
            count,
            sums,
            max(self.decimals, other.decimals),
            tuple(row for row in rows if sum(row.amounts) == most)[:KEPT],
            tuple(steps[:STEPS]),
        )

    @unbounded
    def _add_up(self, others: np.ndarray, total: np.ndarray, rows: int, *, word: bool) -> bool:
        """Say whether a total is the sum of so many rows, each of which was rounded."""
        rounding = rows * 0.5 / 10**self.decimals if self.decimals <= FINEST else 0
        slack = np.minimum(rounding, total if word else CLOSE * total) + SINGLE * total
        return bool(((abs(others - total) <= slack) & np.isfinite(total)).all())  # inf is near to anything

    def _is_sum(self, row: Row, others: np.ndarray, rows: int, fewest: int = 3) -> bool:
        """Say so of enough rows, of more than one category."""
        enough = rows >= (1 if row.word else fewest) and sum(map(bool, row.amounts)) > 1
        return enough and self._add_up(others, np.array(row.amounts), rows, word=row.word)

    @unbounded
    def totals(self, fewest: int = 3) -> tuple[list[Row], int, Row | None]:
        """Find the row, perhaps repeated, that is the sum of the others, and how often these hold it.

        Without one, find a row that is the sum of all rows before it, or after it, though there are others;
        these are at least `fewest` if no word calls it a total.
        """
        alike = [row for row in self.largest if row.amounts == self.largest[0].amounts]
        alike = [row for row in alike if row.word] or alike
        if alike and len(alike) < KEPT:
            total, rows = np.array(alike[0].amounts), self.rows - len(alike)
            for times in (1, 2, 3):  # with subtotals, and with those of subtotals
                others = self.sums - (len(alike) + times - 1) * total
                if (times == 1 or rows >= 2 * times) and self._is_sum(alike[0], others, rows):
                    return alike, times, None
        for row in self.steps:
            before, later = np.array(row.before), self.rows - row.rows - 1
            after = self.sums - before - row.amounts
            if self._is_sum(row, before, row.rows, fewest) or self._is_sum(row, after, later, fewest):
                return [], 0, row
        return [], 0, None

    @property
    def option(self) -> str:
        """What may help where the rows do not add up."""
        return "or, if a blank means 0, say --blank zero" if self.blanks else ""

    @property
    def called(self) -> tuple[int, ...]:
        """The lines of rows that words call totals, averages or the like."""
        return tuple(row.line for row in self.steps if row.word)

    @unbounded
    def means(self) -> list[int]:
        """Find the lines of rows that are the average of all others, and called so or outermost."""
        n, found = self.rows - 1, []
        most = sum(self.largest[0].amounts) if self.largest else 0
        for row in self.steps:
            amounts = np.array(row.amounts)
            possible = n > 1 if row.word else row.rows in (0, n) and n > ENDS
            unlike = most > (1 if row.word else 2) * amounts.sum()  # else anyone is their average
            others = possible and unlike and np.count_nonzero(amounts) > 1
            if others and self._add_up(self.sums - amounts, n * amounts, n, word=row.word):
                found.append(row.line)
        return found

    def subtotals(self, total: Row | None, lines: np.ndarray, amounts: np.ndarray) -> list[int]:
        """Find rows that are each the sum of those since the last such one, or before the next."""
        fewest = 1 if total else 2  # without a total, one row and the same again are two alike
        for order in (1, -1):
            ordered, at, start = amounts[::order], list[int](), 0
            sums = np.cumsum(ordered, axis=0) - ordered
            for i, row in enumerate(ordered):
                if i >= start + fewest and self._add_up(sums[i] - sums[start], row, i - start, word=False):
                    at.append(i)
                    start = i + 1
            of_all = ordered[at].sum(axis=0)
            wanted = np.array(total.amounts) if total else of_all
            over = set(lines[::order][start:].tolist()) - set(self.called)
            if not over and self._add_up(of_all, wanted, len(amounts), word=False):
                return sorted(lines[::order][at].tolist())
        return []


NOTHING = Seen()


def _is_step(row: Row, whole: float, rows: int) -> bool:
    here, before = sum(row.amounts), sum(row.before)
    called = min(row.rows, rows - row.rows - 1) < (ENDS if row.word else 1)
    return called or here >= (1 - CLOSE) * min(before, whole - before - here)


@unbounded
def look(amounts: np.ndarray, fine: np.ndarray, lines: np.ndarray, others: pa.Table) -> Seen:
    """Add up amounts (d, n); what was not read is NaN, and `fine` are the customers."""
    rows = amounts.sum(axis=0)
    if not np.isfinite(rows).all():
        amounts = np.where(np.isfinite(amounts), amounts, 0)
        rows = amounts.sum(axis=0)
    before, full = np.cumsum(rows) - rows, rows > 0
    places, texts = np.flatnonzero(full), [each for each in others.columns if pa.types.is_string(each.type)]

    def row(i: int) -> Row:
        here, past = amounts[:, i].tolist(), amounts[:, :i].sum(axis=1).tolist()
        return Row(int(lines[i]), (*here,), _called(texts, i), (*past,), int(np.searchsorted(places, i)))

    most = np.flatnonzero(fine & (rows == rows[fine].max(initial=0)))[:KEPT]
    large = rows >= (1 - CLOSE) * np.minimum(before, rows.sum() - before - rows)
    outermost, ends = {*places[:1], *places[-1:]}, {*places[:ENDS], *places[-ENDS:]}
    step = {*np.flatnonzero(full & large), *outermost, *(i for i in ends if _called(texts, i))}
    few = _decimals(amounts[:, :: max(len(lines) // 16, 1)], 0)  # nearly always as many as all of them have
    sums, decimals, largest = amounts.sum(axis=1), _decimals(amounts, few), tuple(map(row, most))
    steps = tuple(row(i) for i in sorted(step) if fine[i])[:STEPS]
    return Seen(rows=len(places), sums=sums, decimals=decimals, largest=largest, steps=steps)


def _called(texts: Sequence[pa.ChunkedArray], i: int) -> bool:
    """Say whether a word in a row calls it a total, an average or the like."""
    said = [text.casefold() for column in texts if (text := column[int(i)].as_py())]
    return any(map(_CALLED.search, said))


@unbounded
def _decimals(amounts: np.ndarray, least: int) -> int:
    """Count the decimals of amounts (d, n), if these are more than some."""
    for column in amounts:
        while least <= FINEST:
            scaled = column * 10.0**least
            if not (abs(scaled - np.rint(scaled)) > SURE * abs(scaled)).any():
                break
            least += 1
    return least
