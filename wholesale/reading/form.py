"""How a file is written down: its separators, its columns, its numbers, its encoding."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from wholesale.amounts import CURRENCY_SIGNS, shown
from wholesale.reading.header import SCALE
from wholesale.reading.numerals import MARKS, NOTHING, UNKNOWN, Decimal, Evidence
from wholesale.reading.shape import EVEN, Shape
from wholesale.wording import counted, format_amount, listed

ENCODINGS = {"cp1252": "Windows-1252", "latin-1": "Latin-1", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}
DELIMITERS = ",;\t|"
SIGNS = {"point": ".", "comma": ","}


@dataclass(frozen=True)
class Settings:
    """What the user says of a file.

    Attributes
    ----------
    columns : mapping of str to str
        For a category, the file's own name of that column.
    decimal : str, optional
        ``"point"`` or ``"comma"``; by default it is decided from the file.
    sheet : str, optional
        Of a workbook; by default the first that is not hidden.
    blank : str, optional
        ``"zero"`` if an amount that is blank, or a dash, means 0; by default its record is rejected.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    decimal: str | None = None
    sheet: str | None = None
    blank: str | None = None


class Note(str):
    """What was decided in reading a file; as text, it ends with the command line's way to decide otherwise.

    For other surfaces, `reason` is the sentence up to there, and `setting` and `value` are what to set.
    """

    reason: str
    setting: str
    value: str

    def __new__(cls, reason: str, setting: str = "", value: str = "") -> "Note":
        note = super().__new__(cls, f"{reason}, say --{setting} {value}." if setting else reason)
        note.reason, note.setting, note.value = reason, setting, value
        return note


@dataclass(frozen=True)
class Form:
    """How one file is read; small enough to be sent to a worker.

    Attributes
    ----------
    names : tuple of str
        The columns in their order, the six categories under their own names.
    spend : tuple of int
        The positions of the six, in ``SPEND_COLUMNS`` order.
    heads : tuple of str
        What the file calls the six.
    decimal : Decimal
    evidence : Evidence
        What has been seen of the decimal sign.
    totals, means : tuple of int
        The lines of rows that are sums, or averages, of others.
    called : tuple of int
        The lines of customers that words call totals, averages or the like.
    ours : bool
        Whether this project wrote the file, so that guarded text is to be restored.
    zeros : bool
        Whether blanks among the amounts mean 0.
    shape : Shape
        What is known of records that are not as wide as the header.
    encoding, delimiter : str
        Of text files.
    start, line : int
        Byte of the text, and line, on which the first record may start.
    sheet : str
        Of a workbook, the one that is read.
    currencies : frozenset of str
        The signs seen so far.
    remarks : tuple of str
        Sentences on what was found when the file was opened.
    """

    names: tuple[str, ...]
    spend: tuple[int, ...]
    heads: tuple[str, ...] = ()
    decimal: Decimal = UNKNOWN
    evidence: Evidence = NOTHING
    totals: tuple[int, ...] = ()
    means: tuple[int, ...] = ()
    called: tuple[int, ...] = ()
    ours: bool = False
    zeros: bool = False
    shape: Shape = EVEN
    encoding: str = "utf-8"
    delimiter: str = ","
    start: int = 0
    line: int = 2
    sheet: str = ""
    currencies: frozenset[str] = frozenset()
    remarks: tuple[str, ...] = ()

    def rewritten(self, **changes: Any) -> "Form":
        """Give the same form but for some of its fields."""
        return replace(self, **changes)

    @property
    def notes(self) -> list[str]:
        """Say what was decided and could have been decided otherwise."""
        notes = [*self.remarks, *self.shape.notes(len(self.names))]
        if self.encoding in ENCODINGS:
            notes.append(f"The text is not UTF-8; it is read as {ENCODINGS[self.encoding]}.")
        first, *others = [sign for sign in CURRENCY_SIGNS if sign in self.currencies] or [""]
        if others:
            notes.append(
                f"Some amounts bear {first}, others {listed(others)}; they are read as they stand, as if in"
                " one currency."
            )
        if scaled := [head for head in self.heads if SCALE.search(re.sub("_", " ", head).casefold())]:
            notes.append(f"Amounts are read as they stand, although a column is called {shown(scaled[0])}.")
        if self.called:
            more = f", and {len(self.called) - 1} more" if self.called[1:] else ""
            notes.append(
                f"Read as a customer, but called a total, average or the like: line {self.called[0]}{more};"
                " delete what is no customer."
            )
        return notes + self._of_the_decimal_sign()

    def _of_the_decimal_sign(self) -> list[str]:
        evidence, decimal, notes = self.evidence._asdict(), self.decimal, list[str]()
        if not decimal.sign:
            return []
        taken, other = MARKS[decimal.sign], MARKS["," if decimal.sign == "." else "."]
        agree, against = evidence[taken], evidence[other]
        if agree and against:
            said = (
                f"Some amounts have a decimal point and some a decimal comma; those with the {taken} are read"
            )
            notes.append(Note(f"{said}, the others rejected; if that is wrong", "decimal", other))
        elif against:
            said = f"Rejected: {counted(against, 'amount')} with a decimal {other}"
            said += f", as the others have a decimal {taken}; if that is wrong"
            notes.append(Note(said, "decimal", other))
        for mark in map(MARKS.get, decimal.unclear):
            said = f"Rejected: {counted(evidence[f'{mark}_groups'], 'amount')} such as"
            said += f" {evidence[f'{mark}_example']}, as others have the other mark before three digits"
            said += "; to have all of them read"
            notes.append(Note(said, "decimal", taken))
        thousands, decimals = evidence[f"{other}_example"], evidence[f"{taken}_example"]
        mark = "." if other == "point" else ","
        grouped = f"{thousands} is read as {thousands.replace(mark, '')}"
        if thousands and not (agree or decimal.told):
            said = f"{grouped}, its {other} as a mark of thousands; if it is a decimal"
            notes.append(Note(said, "decimal", other))
        elif thousands and decimals and decimal.told:
            notes.append(f"{grouped}, but {decimals} with a decimal {taken}, as that was told.")
        groups = evidence[f"{taken}_groups"]
        if groups > agree > 0 and not decimal.told:
            said = f"{decimals} is read with a decimal {taken}, as {counted(agree, 'amount')} of"
            said += f" {format_amount(agree + groups)} can only be; if it marks thousands"
            notes.append(Note(said, "decimal", other))
        return notes

    @property
    def contradiction(self) -> str:
        """Say why the decimal sign cannot be decided on."""
        point, comma, *groups = self.evidence.counts.tolist()
        example = self.evidence.point_example or self.evidence.comma_example
        return (
            f"its decimal sign is not clear: {counted(point, 'amount')} can only have a point,"
            f" {format_amount(comma)} only a comma, and {format_amount(sum(groups))} such as {example}"
            " could be either"
        )


class Reconsider(Exception):
    """A later part of the file shows that it is written in another form: read it again from the start."""

    def __init__(self, form: Form) -> None:
        super().__init__(form)
        self.form = form
