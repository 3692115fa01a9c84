"""Counts of a part of a file, which add up to those of the whole."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from wholesale.predict import UNFAMILIAR, Predictor
from wholesale.reading.seen import Seen
from wholesale.reading.sorting import count_blanks
from wholesale.scoring.drift import Counts, count
from wholesale.scoring.table import spend

EXAMPLES = 3
"""Rejected rows that a summary quotes."""


@dataclass(frozen=True)
class Tally:
    """The counts of a part of a file.

    Attributes
    ----------
    accepted, rejected, unfamiliar : int
    segments : dict of ndarray of shape (k,)
        Customers in each segment, by model.
    spending : Counts
    extremes : ndarray of shape (2, 6)
        The lowest amounts, and the lowest of their negatives.
    faults : Counter
        Rejected rows by the column at fault; ``""`` for rows of totals, or with too few or too many fields.
    examples : list of str
        The first few rejected rows, each in a sentence.
    seen : Seen
        What was read shows of the whole file.
    blanks : int
        Rejected rows at fault only for their blanks.
    """

    accepted: int
    rejected: int
    unfamiliar: int
    segments: dict[str, np.ndarray]
    spending: Counts
    extremes: np.ndarray
    faults: Counter = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    seen: Seen = field(default_factory=Seen)
    blanks: int = 0

    @property
    def rows(self) -> int:
        """Accepted and rejected."""
        return self.accepted + self.rejected

    def plus(self, other: "Tally") -> "Tally":
        """Add the counts of the part of the file that comes next."""
        return Tally(
            accepted=self.accepted + other.accepted,
            rejected=self.rejected + other.rejected,
            unfamiliar=self.unfamiliar + other.unfamiliar,
            segments={model: self.segments[model] + other.segments[model] for model in self.segments},
            spending=self.spending.plus(other.spending),
            extremes=np.minimum(self.extremes, other.extremes),
            faults=self.faults + other.faults,
            examples=[*self.examples, *other.examples][:EXAMPLES],
            seen=self.seen.plus(other.seen),
            blanks=self.blanks + other.blanks,
        )


def on_record(predictor: Predictor) -> np.ndarray:
    """Give the amounts on record as `drift` wants them, shape (6, m), each row ascending."""
    return np.sort(predictor.amounts.T, axis=1).astype(float)


def tally(predictor: Predictor, scored: pa.Table, rejected: pa.Table) -> Tally:
    """Count a part of a file."""
    k = predictor.n_segments
    labels = {model: scored.column(f"{model}_segment").to_numpy() - 1 for model in predictor.models}
    first = rejected.slice(0, EXAMPLES).to_pylist()
    amounts = spend(scored)
    return Tally(
        accepted=len(scored),
        rejected=len(rejected),
        unfamiliar=int(np.count_nonzero(scored.column("familiarity").to_numpy() < UNFAMILIAR)),  # null: NaN
        segments={model: np.bincount(its, minlength=k) for model, its in labels.items()},
        spending=count(on_record(predictor), amounts),
        extremes=np.array([its.min(axis=0, initial=np.inf) for its in (amounts, -amounts)]),
        faults=Counter(rejected.column("column").to_pylist()),
        examples=[f"line {row['line']}: {row['reason']}" for row in first],
        blanks=count_blanks(rejected),
    )
