"""Counts of a part of a file, which add up to those of the whole."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from wholesale.columns import MODELS
from wholesale.predict import UNFAMILIAR, Predictor
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
    faults : Counter
        Rejected rows by the column at fault; ``""`` for rows with too few or too many fields.
    examples : list of str
        The first few rejected rows, each in a sentence.
    blanks : int
        Rejected rows at fault only for their blanks.
    """

    accepted: int
    rejected: int
    unfamiliar: int
    segments: dict[str, np.ndarray]
    spending: Counts
    faults: Counter = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
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
            segments={model: self.segments[model] + other.segments[model] for model in MODELS},
            spending=self.spending.plus(other.spending),
            faults=self.faults + other.faults,
            examples=[*self.examples, *other.examples][:EXAMPLES],
            blanks=self.blanks + other.blanks,
        )


def on_record(predictor: Predictor) -> np.ndarray:
    """Give the amounts on record as `drift` wants them, shape (6, m), each row ascending."""
    return np.sort(predictor.amounts.T, axis=1).astype(float)


def tally(predictor: Predictor, scored: pa.Table, rejected: pa.Table) -> Tally:
    """Count a part of a file."""
    k = predictor.n_segments
    labels = {model: scored.column(f"{model}_segment").to_numpy() - 1 for model in MODELS}
    first = rejected.slice(0, EXAMPLES).to_pylist()
    return Tally(
        accepted=len(scored),
        rejected=len(rejected),
        unfamiliar=int(np.count_nonzero(scored.column("familiarity").to_numpy() < UNFAMILIAR)),
        segments={model: np.bincount(labels[model], minlength=k) for model in MODELS},
        spending=count(on_record(predictor), spend(scored)),
        faults=Counter(rejected.column("column").to_pylist()),
        examples=[f"line {row['line']}: {row['reason']}" for row in first],
        blanks=count_blanks(rejected),
    )
