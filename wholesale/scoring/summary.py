"""What there is to say of a scored file, in numbers and in words."""

from dataclasses import asdict, dataclass

from wholesale.columns import LABELS, MODELS, SPEND_COLUMNS
from wholesale.predict import Predictor
from wholesale.reading.sorting import blank_advice
from wholesale.scoring.drift import FAR, Drift, by_chance, drift
from wholesale.scoring.tally import Tally, on_record
from wholesale.wording import counted, listed

MANY_UNFAMILIAR = 0.05
"""From this share on, a file is said to be of another market; on record it is 1%. Our convention."""


@dataclass(frozen=True)
class Summary:
    """What there is to say of a scored file.

    Attributes
    ----------
    accepted, rejected, unfamiliar : int
        Customers.
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
    """

    accepted: int
    rejected: int
    unfamiliar: int
    segments: dict[str, list[tuple[str, int]]]
    drift: dict[str, Drift]
    faults: dict[str, int]
    examples: list[str]
    notes: list[str]
    on_record: int

    @property
    def other_market(self) -> bool:
        """Whether the customers are so unlike those on record that segments of their own are called for."""
        far = any(each.verdict == "far" for each in self.drift.values())
        return far or self.unfamiliar > max(MANY_UNFAMILIAR * self.accepted, 1)

    @property
    def verdict(self) -> str:
        """Say in a sentence or two whether these models are for these customers."""
        if not self.accepted:
            return "No customer could be scored."
        share = self.unfamiliar / self.accepted
        how_many = f"{share:.1%} of them are" if self.unfamiliar else "none of them is"
        unlike = f"{how_many} unlike 99% of those on record (1% would be usual)"
        shifted = [(LABELS[column], its) for column, its in self.drift.items() if its.verdict != "alike"]
        where = listed([f"{label} ({its.direction})" for label, its in shifted])
        if self.other_market:
            return (
                f"These customers are unlike the {self.on_record} that the segments were made from: {unlike}."
                f"{f' They differ in {where}.' if where else ''} Segments of their own would say more:"
                " python -m wholesale train."
            )
        if by_chance(self.accepted, self.on_record) > FAR:
            verb = "is" if self.accepted == 1 else "are"
            return (
                f"{counted(self.accepted, 'customer')} {verb} too few to tell whether the market is that of"
                f" the {self.on_record} on record; {_how_many(self.unfamiliar)} unlike 99% of those."
            )
        if where:
            return (
                f"These customers differ somewhat from the {self.on_record} on record in {where}; {unlike}."
            )
        return f"These customers spend as the {self.on_record} on record do; {unlike}."

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
                    for i, (name, customers) in enumerate(its, start=1)
                ]
                for model, its in self.segments.items()
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
        unfamiliar=total.unfamiliar,
        segments={
            model: list(zip(predictor.names[model], total.segments[model].tolist(), strict=True))
            for model in MODELS
        },
        drift=drift(record, total.spending, total.accepted) if total.accepted else {},
        faults={column: total.faults[column] for column in ("", *SPEND_COLUMNS) if total.faults[column]},
        examples=total.examples,
        notes=[*notes, *blank_advice(total.blanks, total.rejected)],
        on_record=record.shape[1],
    )


def _how_many(customers: int) -> str:
    return {0: "none is", 1: "1 is"}.get(customers, f"{customers} are")
