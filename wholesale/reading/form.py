"""How a file is written down: its separators, its columns, its numbers, its encoding."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from wholesale.reading.numerals import MARKS, NOTHING, UNKNOWN, Decimal, Evidence
from wholesale.wording import counted, format_amount

ENCODINGS = {"utf-8": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252", "latin-1": "Latin-1"}
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
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    decimal: str | None = None


@dataclass(frozen=True)
class Form:
    """How one file is read; small enough to be sent to a worker.

    Attributes
    ----------
    names : tuple of str
        The columns in their order, the six categories under their own names.
    spend : tuple of int
        The positions of the six, in ``SPEND_COLUMNS`` order.
    decimal : Decimal
    evidence : Evidence
        What has been seen of the decimal sign.
    totals : tuple of int
        The lines of rows that are sums of others.
    ours : bool
        Whether this project wrote the file, so that guarded text is to be restored.
    encoding, delimiter : str
        Of text files.
    start, line : int
        Byte of the text, and line, on which the first record may start.
    """

    names: tuple[str, ...]
    spend: tuple[int, ...]
    decimal: Decimal = UNKNOWN
    evidence: Evidence = NOTHING
    totals: tuple[int, ...] = ()
    ours: bool = False
    encoding: str = "utf-8"
    delimiter: str = ","
    start: int = 0
    line: int = 2

    def rewritten(self, **changes: Any) -> "Form":
        """Give the same form but for some of its fields."""
        return replace(self, **changes)

    @property
    def notes(self) -> list[str]:
        """Say what was decided and could have been decided otherwise."""
        notes = []
        if self.encoding not in ("utf-8", "utf-16"):
            notes.append(f"The text is not UTF-8; it is read as {ENCODINGS[self.encoding]}.")
        return notes + self._of_the_decimal_sign()

    def _of_the_decimal_sign(self) -> list[str]:
        evidence, decimal, notes = self.evidence, self.decimal, []
        if not decimal.sign:
            return []
        taken, other = MARKS[decimal.sign], MARKS["," if decimal.sign == "." else "."]
        way_out = f"if that is wrong, say --decimal {other}"
        agree, against = getattr(evidence, taken), getattr(evidence, other)
        if agree and against:
            notes.append(
                f"Some amounts have a decimal point and some a decimal comma; those with the {taken} are"
                f" read, the others rejected; {way_out}."
            )
        elif against:
            notes.append(
                f"{counted(against, 'amount')} with a decimal {other} rejected, as the file is read with a"
                f" decimal {taken}; {way_out}."
            )
        for mark in decimal.unclear:
            notes.append(
                f"{counted(getattr(evidence, f'{MARKS[mark]}_groups'), 'amount')} with a {MARKS[mark]} before"
                " three digits rejected, as others have the other mark there; to have them read, say"
                f" --decimal {taken}."
            )
        example = evidence.example
        mark = "." if "." in example else ","
        if example and mark != decimal.sign and not agree and not decimal.told:
            notes.append(
                f"{example} is read as {example.replace(mark, '')}, its {MARKS[mark]} as a mark of thousands;"
                f" if it is a decimal, say --decimal {MARKS[mark]}."
            )
        groups = getattr(evidence, f"{taken}_groups")
        if example and mark == decimal.sign and groups > agree and not decimal.told:
            notes.append(
                f"{example} is read with a decimal {taken}, as {counted(agree, 'amount')} of"
                f" {format_amount(agree + groups)} can only be; if it marks thousands, say --decimal {other}."
            )
        return notes

    @property
    def contradiction(self) -> str:
        """Say why the decimal sign cannot be decided on."""
        point, comma, *groups = self.evidence.counts.tolist()
        return (
            f"its decimal sign is not clear: {counted(point, 'amount')} can only have a point,"
            f" {format_amount(comma)} only a comma, and {format_amount(sum(groups))} such as"
            f" {self.evidence.example} could be either; say --decimal point or --decimal comma"
        )


class Reconsider(Exception):
    """A later part of the file shows that it is written in another form: read it again from the start."""

    def __init__(self, form: Form) -> None:
        super().__init__(form)
        self.form = form
