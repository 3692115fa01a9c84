"""What the records of a file show only together: its decimal sign, and which rows are sums of others."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from wholesale.columns import SPEND_COLUMNS
from wholesale.reading.numerals import NOTHING, Evidence

KEPT, STEPS = 4, 64
"""Rows kept of a part: a total of all others is the largest, and seldom stands there more than thrice; what
may be a total of all before it is at least as much as these together, and so seldom as well."""

ENDS = 8
"""Rows at either end of a table that may be called totals or averages."""

FINEST, SURE, SINGLE, CLOSE = 6, 1e-9, 1e-6, 0.005
"""Decimals told apart; shares by which floats may miss a number, and sums of single floats a total; and rows
that no word calls one."""

_WORDS = re.compile(
    r"\b(?:(?:sub)?tota(?:l|ls|le|li|al|ux|lt|les)|gesamt\w*|insgesamt|\w*summe|sum(?!\()|suma|soma|somma|somme"
    r"|summa|razem|ogółem|celkem|spolu|összesen|yhteensä|toplam|итого|всего|σύνολο|合计|总计|合計|総計|합계)\b"
)


_FIGURES = re.compile(
    r"\W*(average|avg|mean|median|min|max|(?:min|max)imum|std|count|\d\d%|anzahl|mittel|mittelwert|durchschnitt"
    r"|moyenne|promedio|media|média|mediana|gemiddelde|medelvärde|gennemsnit|średnia|среднее|平均|ø|stdev"
    r"|share|anteil|percent|prozent|budget|target|ziel|soll|vorjahr|(?:previous|last) year|units?|einheit)\W*"
)
"""In a cell of its own, as customers may have such names."""


class Row(NamedTuple):
    """A row: its line, its six amounts, whether a word calls it a total, and the sums of those before it."""

    line: int
    amounts: tuple[float, ...]
    word: bool
    before: tuple[float, ...] = ()
    rows: int = 0  # before it


@dataclass(frozen=True)
class Seen:
    """What a part of a file shows of the whole.

    Attributes
    ----------
    evidence : Evidence
        Of the decimal sign.
    rows : int
        Readable rows with an amount above zero, whether or not they are customers; known totals are none.
    sums : ndarray of shape (6,)
        Of all that was read in these rows.
    decimals : int
        The most that an amount has; ``FINEST + 1`` for more than are told apart.
    largest : tuple of Row
        That of the customers, and those as large.
    currencies : frozenset of str
        Signs of currency, those in the header included.
    steps : tuple of Row
        Customers with as much as all rows before or after them, called totals at either end, or outermost.
    """

    evidence: Evidence = NOTHING
    rows: int = 0
    sums: np.ndarray = field(default_factory=lambda: np.zeros(len(SPEND_COLUMNS)))
    decimals: int = 0
    largest: tuple[Row, ...] = ()
    currencies: frozenset[str] = frozenset()
    steps: tuple[Row, ...] = ()

    def plus(self, other: "Seen") -> "Seen":
        """Add what the part of the file that comes next shows."""
        rows = (*self.largest, *other.largest)
        most = max((sum(row.amounts) for row in rows), default=0)
        with np.errstate(over="ignore"):
            sums = self.sums + other.sums
            steps = [
                *self.steps,
                *(
                    its._replace(before=tuple((self.sums + its.before).tolist()), rows=self.rows + its.rows)
                    for its in other.steps
                ),
            ]
            whole, count = float(sums.sum()), self.rows + other.rows
        return Seen(
            self.evidence.plus(other.evidence),
            count,
            sums,
            max(self.decimals, other.decimals),
            tuple(row for row in rows if sum(row.amounts) == most)[:KEPT],
            self.currencies | other.currencies,
            tuple(row for row in steps if _is_step(row, whole, count))[:STEPS],
        )

    def slack(self, total: np.ndarray, rows: int, *, word: bool) -> np.ndarray:
        """Give by how much a total may miss the sum of rows, as each of them was rounded."""
        rounding = rows * 0.5 / 10**self.decimals if self.decimals <= FINEST else 0
        return np.minimum(rounding, total if word else CLOSE * total) + SINGLE * total

    def _add_up(self, others: np.ndarray, total: np.ndarray, rows: int, *, word: bool) -> bool:
        near = abs(others - total) <= self.slack(total, rows, word=word)
        return bool((near & np.isfinite(total)).all())  # what overflows is near to anything

    def totals(self) -> tuple[tuple[Row, ...], int]:
        """Find the row, or the same row repeated, that is the sum of all others.

        The second number says how often the others hold it: more than once if subtotals are among them.
        """
        alike = tuple(row for row in self.largest if row.amounts == self.largest[0].amounts)
        alike = tuple(row for row in alike if row.word) or alike
        if not alike or len(alike) == KEPT:
            return (), 0
        total, rows, word = np.array(alike[0].amounts), self.rows - len(alike), alike[0].word
        if np.count_nonzero(total) < 2 or rows < (1 if word else 3):
            return (), 0
        with np.errstate(over="ignore", invalid="ignore"):
            others = self.sums - len(alike) * total
            for times in (1, 2, 3):  # with subtotals, and with those of subtotals
                enough = rows >= 2 * times or times == 1
                if enough and self._add_up(others - (times - 1) * total, total, rows, word=word):
                    return alike, times
        return (), 0

    @property
    def called(self) -> tuple[int, ...]:
        """The lines of rows that words call totals, averages or the like."""
        return tuple(row.line for row in self.steps if row.word)

    @np.errstate(over="ignore", invalid="ignore")
    def step(self) -> Row | None:
        """Find a row that is the sum of all rows before it, or after it, though there are others."""
        for row in self.steps:
            total, before = np.array(row.amounts), np.array(row.before)
            after = self.sums - before - total, self.rows - row.rows - 1
            for others, rows in ((before, row.rows), after):
                enough = rows >= (1 if row.word else 3) and np.count_nonzero(total) > 1
                if enough and self._add_up(others, total, rows, word=row.word):
                    return row
        return None

    @np.errstate(over="ignore", invalid="ignore")
    def means(self) -> list[int]:
        """Find the lines of rows that are the average of all others, and called so or outermost."""
        n, rows = self.rows - 1, [(row, np.array(row.amounts)) for row in self.steps]
        most = max((sum(row.amounts) for row in self.largest), default=0)
        return [
            row.line
            for row, its in rows
            if (n > 1 if row.word else row.rows in (0, n) and n > ENDS)
            if most > (1 if row.word else 2) * its.sum()  # where all are alike, anyone is their average
            if self._add_up(self.sums - its, n * its, n, word=row.word) and np.count_nonzero(its) > 1
        ]

    def subtotals(self, total: Row | None, lines: np.ndarray, amounts: np.ndarray) -> list[int]:
        """Find the lines of rows that each are the sum of those since the last such row, or before the next.

        Empty if they do not add up to a total, or leave rows over that no word calls one; `amounts` has shape
        (n, 6).
        """
        fewest = 1 if total else 2  # without a total, one row and the same again are two alike
        for order in (1, -1):
            found, start, sums = [], 0, np.cumsum(amounts[::order], axis=0) - amounts[::order]
            for i, row in enumerate(amounts[::order]):
                before = sums[i] - sums[start]
                if i >= start + fewest and self._add_up(before, row, i - start, word=False):
                    found.append(i)
                    start = i + 1
            of_all = amounts[::order][found].sum(axis=0)
            wanted = np.array(total.amounts) if total else of_all
            over = set(lines[::order][start:].tolist()) - set(self.called)
            if not over and self._add_up(of_all, wanted, len(amounts), word=False):
                return sorted(lines[::order][found].tolist())
        return []


def _is_step(row: Row, whole: float, rows: int) -> bool:
    own, before = sum(row.amounts), sum(row.before)
    called = min(row.rows, rows - row.rows - 1) < (ENDS if row.word else 1)
    return called or own >= (1 - CLOSE) * min(before, whole - before - own)


def beside(line: int) -> str:
    """Say that a total is there, and rows that are no part of it."""
    return (
        f"line {line} is the sum of all rows before it or after it, but there are others; delete the rows of"
        " totals, averages and the like"
    )


def beyond(line: int) -> str:
    """Say that subtotals are there which cannot be told from customers."""
    return (
        f"line {line} is a total of rows with subtotals among them, and which these are cannot be told;"
        " delete the rows of totals and subtotals"
    )


@np.errstate(over="ignore", invalid="ignore")
def look(
    evidence: Evidence,
    amounts: Sequence[np.ndarray],
    currencies: frozenset[str],
    fine: np.ndarray,
    lines: np.ndarray,
    others: pa.Table,
) -> Seen:
    """Add up six columns; what was not read is NaN, and `fine` are the customers."""
    rows = sum(amounts[1:], amounts[0])
    sums = np.array([column.sum() for column in amounts])
    if not np.isfinite(sums).all():
        amounts = [np.where(np.isfinite(column), column, 0) for column in amounts]
        rows, sums = sum(amounts[1:], amounts[0]), np.array([column.sum() for column in amounts])
    before, full = np.cumsum(rows) - rows, rows > 0
    large = rows >= (1 - CLOSE) * np.minimum(before, rows.sum() - before - rows)
    ends, steps = np.minimum(np.arange(len(rows)), np.arange(len(rows))[::-1]) < ENDS, []
    outer = np.flatnonzero(full)[[0, -1]].tolist() if full.any() else []
    for i in np.flatnonzero(fine & full & (large | ends)).tolist():
        its, above = zip(*((float(each[i]), float(each[:i].sum())) for each in amounts), strict=True)
        row = Row(int(lines[i]), its, _named(others.slice(i, 1)), above, int(np.count_nonzero(full[:i])))
        steps += [row] if large[i] or row.word or i in outer else []
    rows_read = int(np.count_nonzero(full))
    return Seen(evidence, rows_read, sums, _decimals(amounts), (), currencies, tuple(steps[:STEPS]))


def largest(amounts: Sequence[np.ndarray], lines: np.ndarray, others: pa.Table) -> tuple[Row, ...]:
    """Find the largest row of customers, and those as large; `others` are the columns beside the six."""
    with np.errstate(over="ignore"):
        rows = sum(amounts[1:], amounts[0])
    places = np.flatnonzero(rows == rows.max(initial=0))[:KEPT].tolist()
    return tuple(
        Row(int(lines[i]), tuple(float(column[i]) for column in amounts), _named(others.slice(i, 1)))
        for i in places
    )


def _named(row: pa.Table) -> bool:
    texts = (column[0].as_py() for column in row.columns if pa.types.is_string(column.type))
    words = [text.casefold() for text in texts if text]
    return any(_WORDS.search(text) or _FIGURES.fullmatch(text) for text in words)


def _decimals(amounts: Sequence[np.ndarray]) -> int:
    """Count the decimals of numbers, beginning with as many as a few of them have."""
    few = _finer([column[:: max(len(column) // 16, 1)] for column in amounts], 0)
    return _finer(amounts, few) if few <= FINEST else few


def _finer(amounts: Sequence[np.ndarray], decimals: int) -> int:
    for column in amounts:
        while decimals <= FINEST:
            with np.errstate(over="ignore", invalid="ignore"):
                scaled = column * 10.0**decimals
                if not (abs(scaled - np.rint(scaled)) > SURE * abs(scaled)).any():
                    break
            decimals += 1
    return decimals
