"""How far the customers of a file are from those the segments were made from, category by category.

The measure is the two-sample Kolmogorov-Smirnov distance D (Smirnov 1939): the largest gap between the two
shares of customers who spend no more than some amount. Its p-value is left out, as any difference at all
is significant in a large file. D is exact although the file is never held whole: between two amounts on
record only one of the two shares moves, so the gap is largest at one of them.

In a small file chance alone makes a difference. It is held by each category's D, and by the number of
unfamiliar customers, each at its part of one level (Bonferroni), whatever the dependence between them.
"""

import math
from dataclasses import dataclass

import numpy as np

from wholesale.columns import SPEND_COLUMNS
from wholesale.predict import UNFAMILIAR

LIKE, FAR = 0.1, 0.25
"""Up to the one, D is called alike; beyond the other, much higher or lower. Our convention."""

LEVEL = 0.05
"""How often a file of the same market may be said to differ, by all that is held against it together."""

EACH = LEVEL / (len(SPEND_COLUMNS) + 1)
"""Of the level, the part of each category, and of the number of unfamiliar customers."""

MOST = 1e6
"""Whole amounts on record are counted one by one, without sorting, up to this many m.u."""


@dataclass(frozen=True)
class Counts:
    """How many customers spend less than each amount on record, or no more; both of shape (6, m)."""

    less: np.ndarray
    upto: np.ndarray

    def plus(self, other: "Counts") -> "Counts":
        """Add those of another part of the file."""
        return Counts(self.less + other.less, self.upto + other.upto)


@dataclass(frozen=True)
class Drift:
    """One category's drift.

    Attributes
    ----------
    distance : float
        Kolmogorov-Smirnov D, 0…1.
    direction : str
        ``"higher"`` or ``"lower"``: on which side of the median on record most customers of the file are.
    verdict : str
        ``"alike"``, ``"different"`` or ``"far"``.
    """

    distance: float
    direction: str
    verdict: str

    @property
    def words(self) -> str:
        """``"as on record"``, or for example ``"somewhat higher"``; a D that may be chance is not clear."""
        if self.verdict == "alike":
            return "as on record" if self.distance <= LIKE else "no clear difference"
        return f"{'somewhat' if self.verdict == 'different' else 'much'} {self.direction}"


def count(record: np.ndarray, amounts: np.ndarray) -> Counts:
    """Count a part of a file.

    Parameters
    ----------
    record : ndarray of shape (6, m)
        The amounts on record, each row ascending.
    amounts : ndarray of shape (n, 6)
    """
    pairs = [_count(its, mine) for its, mine in zip(record, amounts.T, strict=True)]
    return Counts(np.array([less for less, _ in pairs]), np.array([upto for _, upto in pairs]))


def drift(record: np.ndarray, counts: Counts, customers: int) -> dict[str, Drift]:
    """Measure the drift of each category.

    Parameters
    ----------
    record : ndarray of shape (6, m)
        The amounts on record, each row ascending.
    counts : Counts
    customers : int
        How many were counted; at least one.
    """
    own = count(record, record.T)
    m = record.shape[1]
    gaps = np.maximum(
        np.abs(counts.less / customers - own.less / m), np.abs(counts.upto / customers - own.upto / m)
    )
    middle = (counts.less[:, m // 2] + counts.upto[:, m // 2]) / 2
    chance = by_chance(customers, m)
    return {
        column: Drift(float(gap), _direction(below / customers), _verdict(gap, chance))
        for column, gap, below in zip(SPEND_COLUMNS, gaps.max(axis=1), middle, strict=True)
    }


def by_chance(n: int, m: int) -> float:
    """Give the D that samples of one population seldom exceed in any category (Smirnov 1948)."""
    return math.sqrt(math.log(2 / EACH) / 2 * (1 / n + 1 / m))


def unfamiliar_by_chance(least: int, n: int, m: int) -> float:
    """Give how likely at least so many of `n` customers of the same market are unfamiliar.

    The limit is itself an estimate: a low rank among the `m` on record. Among the lowest of all `n` and `m`
    together, then, are fewer than that rank of those on record: a sum of hypergeometric terms.
    """
    rank = math.ceil(UNFAMILIAR * m)
    lowest = rank + least - 1
    return sum(
        math.exp(_log_choices(m, i) + _log_choices(n, lowest - i) - _log_choices(n + m, lowest))
        for i in range(max(lowest - n, 0), rank)
    )


def _log_choices(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _direction(below: float) -> str:
    return "lower" if below > 0.5 else "higher"


def _verdict(distance: float, chance: float) -> str:
    if distance <= max(LIKE, chance):
        return "alike"
    return "different" if distance <= FAR else "far"


def _count(its: np.ndarray, mine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count one category: by sorting, or ten times faster where the amounts on record are whole."""
    if its[-1] < MOST and not (its % 1).any():
        capped, whole = np.minimum(mine, its[-1] + 1), its.astype(int)
        below, above = (
            np.bincount(each.astype(int), minlength=whole[-1] + 1)
            for each in (np.floor(capped), np.ceil(capped))
        )
        return (np.cumsum(below) - below)[whole], np.cumsum(above)[whole]
    ranked = np.sort(mine)
    return np.searchsorted(ranked, its, side="left"), np.searchsorted(ranked, its, side="right")
