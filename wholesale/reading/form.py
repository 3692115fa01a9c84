"""How a file is written down: its separators, its columns, its numbers, its encoding."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from wholesale.reading.numerals import NOTHING, UNKNOWN, Decimal, Evidence
from wholesale.reading.shape import EVEN, Shape

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
    blank : str, optional
        ``"zero"`` if an amount that is blank, or a dash, means 0; by default its record is rejected.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    decimal: str | None = None
    blank: str | None = None


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
    """

    names: tuple[str, ...]
    spend: tuple[int, ...]
    decimal: Decimal = UNKNOWN
    evidence: Evidence = NOTHING
    ours: bool = False
    zeros: bool = False
    shape: Shape = EVEN
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
        notes = self.shape.notes(len(self.names))
        if self.encoding in ENCODINGS:
            notes.append(f"The text is not UTF-8; it is read as {ENCODINGS[self.encoding]}.")
        if self.evidence.point and self.evidence.comma:
            taken, other = ("point", "comma") if self.decimal.sign == "." else ("comma", "point")
            notes.append(
                f"Some amounts have a decimal point and some a decimal comma; those with the {taken} are"
                f" read, the others rejected; if that is wrong, say --decimal {other}."
            )
        example, grouped = self.evidence.example, not self.evidence.point and not self.evidence.comma
        if example and grouped:
            mark, option = (".", "point") if "." in example else (",", "comma")
            if self.decimal.sign != mark:
                notes.append(
                    f"{example} is read as {example.replace(mark, '')}, its {option} as a mark of thousands;"
                    f" if it is a decimal, say --decimal {option}."
                )
        return notes


class Reconsider(Exception):
    """A later part of the file shows that it is written in another form: read it again from the start."""

    def __init__(self, form: Form) -> None:
        super().__init__(form)
        self.form = form
