"""What the records of a file show only together: its decimal sign, and which rows are sums of others."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from wholesale.columns import SPEND_COLUMNS
from wholesale.reading.numerals import NOTHING, Evidence

KEPT = 4
"""Rows kept of a part: a total of all others is the largest, and seldom stands there more than thrice."""

FINEST, SURE, CLOSE = 6, 1e-9, 0.005
"""Decimals told apart; shares of a total by which floats may miss it, and rows that no word calls one."""

_WORDS = re.compile(
    r"\b(?:(?:sub)?tota(?:l|ls|le|li|al|ux|lt|les)|gesamt\w*|insgesamt|\w*summe|sum|suma|soma|somma|somme|summa"
    r"|razem|ogółem|celkem|spolu|összesen|yhteensä|toplam|итого|всего|σύνολο|合计|总计|合計|総計|합계)\b"
)


class Row(NamedTuple):
    """A large row: its line, its six amounts, and whether a word beside them calls it a total."""

    line: int
    amounts: tuple[float, ...]
    word: bool


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
    """

    evidence: Evidence = NOTHING
    rows: int = 0
    sums: np.ndarray = field(default_factory=lambda: np.zeros(len(SPEND_COLUMNS)))
    decimals: int = 0
    largest: tuple[Row, ...] = ()
    currencies: frozenset[str] = frozenset()

    def plus(self, other: "Seen") -> "Seen":
        """Add what the part of the file that comes next shows."""
        rows = (*self.largest, *other.largest)
        most = max((sum(row.amounts) for row in rows), default=0)
        with np.errstate(over="ignore"):
            sums = self.sums + other.sums
        return Seen(
            self.evidence.plus(other.evidence),
            self.rows + other.rows,
            sums,
            max(self.decimals, other.decimals),
            tuple(row for row in rows if sum(row.amounts) == most)[:KEPT],
            self.currencies | other.currencies,
        )

    def slack(self, total: np.ndarray, rows: int, *, word: bool) -> np.ndarray:
        """Give by how much a total may miss the sum of rows, as each of them was rounded."""
        rounding = rows * 0.5 / 10**self.decimals if self.decimals <= FINEST else 0
        return np.minimum(rounding, total if word else CLOSE * total) + SURE * total

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
            others, slack = self.sums - len(alike) * total, self.slack(total, rows, word=word)
            for times in (1, 2, 3):  # with subtotals, and with those of subtotals
                if (rows >= 2 * times or times == 1) and (abs(others - times * total) <= slack).all():
                    return alike, times
        return (), 0

    def subtotals(self, total: Row, lines: np.ndarray, amounts: np.ndarray) -> list[int]:
        """Find the lines of rows that each are the sum of those since the last such row, or before the next.

        Empty if they do not add up to the total, or leave rows over; `amounts` has shape (n, 6).
        """
        for order in (1, -1):
            found, start, sums = [], 0, np.cumsum(amounts[::order], axis=0) - amounts[::order]
            for i, row in enumerate(amounts[::order]):
                before = sums[i] - sums[start]
                if i > start and (abs(row - before) <= self.slack(row, i - start, word=False)).all():
                    found.append(i)
                    start = i + 1
            of_all = amounts[::order][found].sum(axis=0)
            whole = self.slack(np.array(total.amounts), len(amounts), word=False)
            if start == len(amounts) and (abs(of_all - total.amounts) <= whole).all():
                return sorted(lines[::order][found].tolist())
        return []


def beyond(line: int) -> str:
    """Say that subtotals are there which cannot be told from customers."""
    return (
        f"line {line} is a total of rows with subtotals among them, and which these are cannot be told;"
        " delete the rows of totals and subtotals"
    )


def look(evidence: Evidence, amounts: Sequence[np.ndarray], currencies: frozenset[str]) -> Seen:
    """Add up six columns of numbers; what was not read is NaN."""
    with np.errstate(over="ignore", invalid="ignore"):
        rows = sum(amounts[1:], amounts[0])
        sums = np.array([column.sum() for column in amounts])
        if not np.isfinite(sums).all():
            amounts = [np.where(np.isfinite(column), column, 0) for column in amounts]
            rows, sums = sum(amounts[1:], amounts[0]), np.array([column.sum() for column in amounts])
    rows_read = int(np.count_nonzero(rows > 0))
    return Seen(evidence, rows_read, sums, _decimals(amounts), currencies=currencies)


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
    return any(_WORDS.search(text.casefold()) for text in texts if text)


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
