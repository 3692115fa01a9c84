"""What there is to say of a scored file: counts, drift against the record, and a verdict in words.

Drift is the two-sample Kolmogorov-Smirnov distance D (Smirnov 1939), without its p-value, as any difference
at all is significant in a large file. It is exact although the file is never held whole: between two amounts
on record only one of the two shares moves, so the gap is largest at one of them.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache, partial

import numpy as np
import pyarrow as pa

from wholesale.columns import MODELS, Categories
from wholesale.criteria import fewest
from wholesale.predict import UNFAMILIAR, Predictor
from wholesale.reading import blank_advice
from wholesale.reading.totals import NOTHING, Seen
from wholesale.wording import counted, listed

LIKE, FAR = 0.1, 0.25  # up to the one, D is alike; beyond the other, much higher or lower (by convention)
MANY_UNFAMILIAR = 0.05  # beyond this share, and chance, another market; 1% is usual (by convention)
LEVEL = 0.05  # of chance, for all categories and the unfamiliar together: an equal part each (Bonferroni)
WHOLE = 1e6  # whole amounts on record are counted one by one, without sorting, up to this much
EXAMPLES = 3  # rejected rows that a summary quotes
UNKNOWN = "how familiar each is cannot be told, as there is no mixture"


@lru_cache(maxsize=1)
def on_record(predictor: Predictor) -> np.ndarray:
    """Give the amounts on record, shape (d, m), each row ascending; sorted once for all parts of a file."""
    return np.sort(predictor.amounts.T, axis=1).astype(float)


def spend(predictor: Predictor, table: pa.Table) -> np.ndarray:
    """Give the amounts, shape (n, d), a column's rows one after another in memory."""
    return np.array([table.column(column).to_numpy() for column in predictor.categories.columns]).T


def spend_up_to(record: np.ndarray, amounts: np.ndarray) -> np.ndarray:
    """Count who spends less than each amount of `record` (d, m), ascending, and who no more: (2, d, m)."""
    counts = []
    for ranked, column in zip(record, amounts.T, strict=True):
        if ranked[-1] < WHOLE and not (ranked % 1).any():  # ten times faster than to sort
            capped, whole = np.minimum(column, ranked[-1] + 1), ranked.astype(int)
            below = np.bincount(np.floor(capped).astype(int), minlength=whole[-1] + 1)
            above = np.bincount(np.ceil(capped).astype(int), minlength=whole[-1] + 1)
            counts.append([(np.cumsum(below) - below)[whole], np.cumsum(above)[whole]])
        else:
            column = np.sort(column)
            counts.append([column.searchsorted(ranked, "left"), column.searchsorted(ranked, "right")])
    return np.array(counts).swapaxes(0, 1)


@dataclass(frozen=True)
class Drift:
    """One category's drift: D; on which side of the median on record most are; how much, beside chance."""

    distance: float
    direction: str  # "higher" or "lower"
    verdict: str  # "alike", "different" or "far"

    @property
    def words(self) -> str:
        """``"as on record"``, or for example ``"somewhat higher"``; a D that may be chance is not clear."""
        if self.verdict == "alike":
            return "as on record" if self.distance <= LIKE else "no clear difference"
        return f"{'somewhat' if self.verdict == 'different' else 'much'} {self.direction}"


def drift(columns: Iterable[str], record: np.ndarray, spending: np.ndarray, n: int) -> dict[str, Drift]:
    """Measure the drift of each category from `spend_up_to` of `n` customers, at least one."""
    d, m = record.shape
    gaps = np.abs(spending / n - spend_up_to(record, record.T) / m).max(axis=(0, 2))
    below = spending[:, :, m // 2].mean(axis=0) / n
    chance = by_chance(n, m, d)
    return {
        column: Drift(float(gap), "lower" if share > 0.5 else "higher", drift_verdict(gap, chance))
        for column, gap, share in zip(columns, gaps, below, strict=True)
    }


def drift_verdict(distance: float, chance: float) -> str:
    """Say whether a D is alike, different or far, where chance gives so much."""
    if distance <= max(LIKE, chance):
        return "alike"
    return "different" if distance <= FAR else "far"


def by_chance(n: int, m: int, categories: int) -> float:
    """Give the D that samples of one population seldom exceed in any category (Smirnov 1948)."""
    return math.sqrt(math.log(2 * (categories + 1) / LEVEL) / 2 * (1 / n + 1 / m))


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


def usually_unfamiliar(n: int, on_record: int) -> tuple[int, int]:
    """Give the fewest and the most that are unfamiliar among `n` of the same kind, in 19 of 20 cases."""
    by_chance = partial(bisect_left, range(n), key=lambda c: 1 - unfamiliar_by_chance(c + 1, n, on_record))
    return by_chance(0.025), by_chance(0.975)


def _log_choices(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


@dataclass(frozen=True)
class Counts:
    """The counts of a part of a file, which add up to those of the whole."""

    accepted: int = 0
    rejected: int = 0
    unfamiliar: int = 0
    segments: np.ndarray = field(default_factory=lambda: np.array(0))  # customers, a row for each model
    spending: np.ndarray = field(default_factory=lambda: np.array(0))  # as `spend_up_to` counts
    lowest: np.ndarray = field(default_factory=lambda: np.array(np.inf))  # (2, d): amounts, and negatives
    faults: Counter = field(default_factory=Counter)  # rejected rows by the column at fault; "" for others
    examples: list[str] = field(default_factory=list)
    seen: Seen = NOTHING

    @property
    def rows(self) -> int:
        return self.accepted + self.rejected

    def __add__(self, other: "Counts") -> "Counts":
        """Add the counts of the part of the file that comes next."""
        total = {name: each + getattr(other, name) for name, each in vars(self).items()}
        lowest = np.minimum(self.lowest, other.lowest)
        return Counts(**total | {"lowest": lowest, "examples": total["examples"][:EXAMPLES]})

    def named(self, file: str) -> "Counts":
        """Say of which file the examples are."""
        return replace(self, examples=[f"{file}, {example}" for example in self.examples])


def count(predictor: Predictor, scored: pa.Table, rejected: pa.Table, seen: Seen = NOTHING) -> Counts:
    amounts, k = spend(predictor, scored), predictor.n_segments
    labels = [scored.column(f"{model}_segment").to_numpy() - 1 for model in predictor.models]
    return Counts(
        accepted=len(scored),
        rejected=len(rejected),
        unfamiliar=int(np.count_nonzero(scored.column("familiarity").to_numpy() < UNFAMILIAR)),  # null: NaN
        segments=np.array([np.bincount(segments, minlength=k) for segments in labels]),
        spending=spend_up_to(on_record(predictor), amounts),
        lowest=np.array([amounts.min(axis=0, initial=np.inf), -amounts.max(axis=0, initial=-np.inf)]),
        faults=Counter(rejected.column("column").to_pylist()),
        examples=[f"line {row['line']}: {row['reason']}" for row in rejected.slice(0, EXAMPLES).to_pylist()],
        seen=seen,
    )


@dataclass(frozen=True)
class Summary:
    """What there is to say of a scored file."""

    accepted: int
    rejected: int
    unfamiliar: int | None  # None where there is no mixture to tell
    segments: dict[str, list[tuple[str, int]]]  # by model, names and customers
    drift: dict[str, Drift]  # empty without customers
    faults: dict[str, int]  # rejected rows by the column at fault
    examples: list[str]  # of rejected rows
    notes: list[str]  # on what was decided in reading the file
    on_record: int  # customers that the segments were made from
    categories: Categories
    constant: list[str] = field(default_factory=list)  # categories with one amount for every customer

    @property
    def other_market(self) -> bool:
        """Whether the customers are so unlike those on record that segments of their own are called for."""
        if any(each.verdict == "far" for each in self.drift.values()):
            return True
        n, unfamiliar, each = self.accepted, self.unfamiliar or 0, LEVEL / (len(self.categories.columns) + 1)
        many = unfamiliar > MANY_UNFAMILIAR * n
        return many and unfamiliar_by_chance(unfamiliar, n, self.on_record) < each

    @property
    def verdict(self) -> str:
        """Say in a sentence or two whether these models are for these customers."""
        n, record, unfamiliar = self.accepted, f"the {self.on_record}", self.unfamiliar
        if not n:
            return "No customer could be scored."
        few = not self.other_market and by_chance(n, self.on_record, len(self.categories.columns)) > FAR
        if unfamiliar is None:
            unlike = UNKNOWN
        elif few:
            unlike = f"{unfamiliar or 'none'} {'are' if unfamiliar > 1 else 'is'} unlike 99% of those"
        else:
            many = f"{unfamiliar / n:.1%} of them are" if unfamiliar else "none of them is"
            low, high = (each / n for each in usually_unfamiliar(n, self.on_record))
            usual = f"{low:.1%} to {high:.1%}" if low >= 0.0005 else f"up to {high:.1%}" if high else "none"
            usual = "1%" if f"{low:.0%}" == f"{high:.0%}" == "1%" else usual
            unlike = f"{many} unlike 99% of those on record ({usual} would be usual)"
        label, drifts = self.categories.label, [*self.drift.items()]
        shifts = listed([f"{label(name)} ({d.direction})" for name, d in drifts if d.verdict != "alike"])
        if few:
            who = f"{counted(n, 'customer')} {'is' if n == 1 else 'are'}"
            return f"{who} too few to tell whether the market is that of {record} on record; {unlike}."
        if self.other_market:
            said = f"Taken together, these customers are unlike {record} that the segments were made from:"
            differ = f" they differ in {shifts}{', though' if unfamiliar == 0 else ';'}" if shifts else ""
            return f"{said}{differ} {unlike}. {self._advice()}"
        if shifts:
            return f"These customers differ somewhat from {record} on record in {shifts}; {unlike}."
        return f"These customers spend as {record} on record do; {unlike}."

    def _advice(self) -> str:
        """Advise segments of their own, or say why there can be none: what `train` would refuse."""
        if self.accepted < (least := fewest(len(self.categories.columns))):
            return f"For segments of their own they are too few: {least} are needed."
        if self.constant:
            return f"For segments of their own they are too alike: all have the same {listed(self.constant)}."
        return "Segments of their own would say more: python -m wholesale train."

    def as_dict(self) -> dict:
        """Give it all as what JSON knows."""
        segments = {
            model: [{"segment": i, "name": name, "customers": n} for i, (name, n) in enumerate(sizes, 1)]
            for model, sizes in self.segments.items()
        }
        return {
            "accepted": self.accepted,
            "rejected": self.rejected,
            "rejected_by_column": self.faults,
            "rejected_examples": self.examples,
            "segments": {model: segments.get(model) for model in MODELS},
            "unfamiliar": self.unfamiliar,
            "drift": {column: asdict(each) for column, each in self.drift.items()},
            "other_market": self.other_market,
            "verdict": self.verdict,
            "notes": self.notes,
        }


def summarize(predictor: Predictor, total: Counts, notes: list[str]) -> Summary:
    record, columns = on_record(predictor), predictor.categories.columns
    return Summary(
        accepted=total.accepted,
        rejected=total.rejected,
        unfamiliar=total.unfamiliar if predictor.has_mixture else None,
        segments={
            model: list(zip(predictor.names[model], customers, strict=True))
            for model, customers in zip(predictor.models, total.segments.tolist(), strict=True)
        },
        drift=drift(columns, record, total.spending, total.accepted) if total.accepted else {},
        faults={column: total.faults[column] for column in ("", *columns) if total.faults[column]},
        examples=total.examples,
        notes=[*notes, *blank_advice(total.seen.blanks, total.rejected)],
        on_record=record.shape[1],
        categories=predictor.categories,
        constant=[predictor.categories.labels[i] for i in np.flatnonzero(total.lowest.sum(axis=0) == 0)],
    )
