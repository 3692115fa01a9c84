"""What there is to say of a scored file, in numbers and in words."""

from dataclasses import asdict, dataclass, field

import numpy as np

from wholesale.checks import MIN_CUSTOMERS
from wholesale.columns import LABELS, MODELS, SPEND_COLUMNS
from wholesale.predict import Predictor
from wholesale.reading.sorting import blank_advice
from wholesale.scoring.drift import EACH, FAR, Drift, by_chance, drift, unfamiliar_by_chance
from wholesale.scoring.tally import Tally, on_record
from wholesale.wording import counted, listed

MANY_UNFAMILIAR = 0.05
"""Beyond this share, and what chance gives, a file is of another market; 1% is usual. Our convention."""

UNKNOWN = "how familiar each is cannot be told, as there is no mixture"
"""Of customers scored by models that have no Gaussian mixture."""


@dataclass(frozen=True)
class Summary:
    """What there is to say of a scored file.

    Attributes
    ----------
    accepted, rejected, unfamiliar : int
        Customers; ``unfamiliar`` is None where there is no mixture to tell.
    segments : dict of list of tuple
        By model, each segment's name and customers, in segment order.
    drift : dict of Drift
        By category; empty without customers.
    faults : dict of str to int
        Rejected rows by the column at fault.
    examples, notes : list of str
        Rejected rows; and what was decided in reading the file.
    on_record : int
        Customers that the segments were made from.
    constant : list of str
        Categories whose amount is the same for every customer.
    """

    accepted: int
    rejected: int
    unfamiliar: int | None
    segments: dict[str, list[tuple[str, int]]]
    drift: dict[str, Drift]
    faults: dict[str, int]
    examples: list[str]
    notes: list[str]
    on_record: int
    constant: list[str] = field(default_factory=list)

    @property
    def other_market(self) -> bool:
        """Whether the customers are so unlike those on record that segments of their own are called for."""
        if any(each.verdict == "far" for each in self.drift.values()):
            return True
        unfamiliar = self.unfamiliar or 0
        many = unfamiliar > MANY_UNFAMILIAR * self.accepted
        return many and unfamiliar_by_chance(unfamiliar, self.accepted, self.on_record) < EACH

    @property
    def verdict(self) -> str:
        """Say in a sentence or two whether these models are for these customers."""
        if not self.accepted:
            return "No customer could be scored."
        share = (self.unfamiliar or 0) / self.accepted
        how_many = f"{share:.1%} of them are" if self.unfamiliar else "none of them is"
        unlike = f"{how_many} unlike 99% of those on record (1% would be usual)"
        if self.unfamiliar is None:
            unlike = UNKNOWN
        shifted = [(LABELS[column], its) for column, its in self.drift.items() if its.verdict != "alike"]
        where = listed([f"{label} ({its.direction})" for label, its in shifted])
        if self.other_market:
            differ = f"they differ in {where}{', though ' if self.unfamiliar == 0 else '; '}" if where else ""
            return (
                f"Taken together, these customers are unlike the {self.on_record} that the segments were made"
                f" from: {differ}{unlike}. {self._own_segments()}"
            )
        if by_chance(self.accepted, self.on_record) > FAR:
            verb = "is" if self.accepted == 1 else "are"
            return (
                f"{counted(self.accepted, 'customer')} {verb} too few to tell whether the market is that of"
                f" the {self.on_record} on record; {_how_many(self.unfamiliar)}."
            )
        if where:
            return (
                f"These customers differ somewhat from the {self.on_record} on record in {where}; {unlike}."
            )
        return f"These customers spend as the {self.on_record} on record do; {unlike}."

    def _own_segments(self) -> str:
        """Advise segments of their own, or say why there can be none: what `train` would refuse."""
        if self.accepted < MIN_CUSTOMERS:
            return f"For segments of their own they are too few: {MIN_CUSTOMERS} are needed."
        if self.constant:
            return f"For segments of their own they are too alike: all have the same {listed(self.constant)}."
        return "Segments of their own would say more: python -m wholesale train."

    def as_dict(self) -> dict:
        """Give it all as what JSON knows."""
        return {
            "accepted": self.accepted,
            "rejected": self.rejected,
            "rejected_by_column": self.faults,
            "rejected_examples": self.examples,
            "segments": {
                model: [
                    {"segment": i, "name": name, "customers": customers}
                    for i, (name, customers) in enumerate(self.segments[model], start=1)
                ]
                if model in self.segments
                else None
                for model in MODELS
            },
            "unfamiliar": self.unfamiliar,
            "drift": {column: asdict(each) for column, each in self.drift.items()},
            "other_market": self.other_market,
            "verdict": self.verdict,
            "notes": self.notes,
        }


def summarize(predictor: Predictor, total: Tally, notes: list[str]) -> Summary:
    """Put the counts of a whole file into a summary."""
    record = on_record(predictor)
    return Summary(
        accepted=total.accepted,
        rejected=total.rejected,
        unfamiliar=total.unfamiliar if predictor.has_mixture else None,
        segments={
            model: list(zip(predictor.names[model], its.tolist(), strict=True))
            for model, its in total.segments.items()
        },
        drift=drift(record, total.spending, total.accepted) if total.accepted else {},
        faults={column: total.faults[column] for column in ("", *SPEND_COLUMNS) if total.faults[column]},
        examples=total.examples,
        notes=[*notes, *blank_advice(total.blanks, total.rejected)],
        on_record=record.shape[1],
        constant=[LABELS[SPEND_COLUMNS[i]] for i in np.flatnonzero(total.extremes.sum(axis=0) == 0)],
    )


def _how_many(customers: int | None) -> str:
    if customers is None:
        return UNKNOWN
    return f"{ {0: 'none is', 1: '1 is'}.get(customers, f'{customers} are') } unlike 99% of those"
