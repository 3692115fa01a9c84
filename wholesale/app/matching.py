"""What a file's columns are called, where the six categories are not found among them."""

import re
from collections.abc import Mapping
from pathlib import Path

from wholesale.app.answers import Refused, fault
from wholesale.columns import SPEND_COLUMNS
from wholesale.reading import ReadError, Settings, text
from wholesale.reading.form import DELIMITERS
from wholesale.reading.header import _nearest, match_columns, plain


class Unmatched(Refused):
    """The file lacks a category, or has two for one.

    Attributes
    ----------
    header : list of str
        The file's own names.
    guess : dict
        By category, the file's column that is most likely meant, or None.
    """

    def __init__(self, reason: str, header: list[str], guess: dict[str, str | None]) -> None:
        super().__init__(422, fault(reason))
        self.header, self.guess = header, guess


def check_header(source: Path, settings: Settings) -> None:
    """Refuse a file whose only fault may be its names, with what is needed to say which is which."""
    try:
        header = _header(source, settings)
    except (ReadError, UnicodeDecodeError):
        return
    if len(header) < len(SPEND_COLUMNS) or any("\0" in name for name in header):
        return
    try:
        match_columns(header, settings.columns)
    except ReadError as error:
        raise Unmatched(sentence(error, source), header, _guess(header, settings.columns)) from None


def _header(source: Path, settings: Settings) -> list[str]:
    with source.open("rb") as raw:
        encoding = text._encoding(raw.read(text.SAMPLE))
    with source.open("rb") as raw:
        sample = text.Utf8(raw, encoding).read(text.SAMPLE).decode(errors="replace")
    told = text._SEPARATOR_LINE.match(sample)
    sample = sample.removeprefix(told[0]) if told else sample
    return text._header(sample, told[1] if told else DELIMITERS, settings).fields


def _guess(header: list[str], columns: Mapping[str, str]) -> dict[str, str | None]:
    """Give each category the nearest name that no other category has."""
    free = {plain(name): name for name in header if plain(name)}
    guess: dict[str, str | None] = {}
    for column in SPEND_COLUMNS:
        told = plain(columns.get(column, column))
        guess[column] = free.pop(told, None)
    for column in (column for column, name in guess.items() if not name):
        near = _nearest(column, list(free.values()))
        guess[column] = free.pop(plain(near[0])) if near else None
    return guess


def sentence(error: ReadError, source: Path) -> str:
    """Write a sentence without the name that the file has here, and without options of the command line."""
    return re.sub(
        r"; say, for example, --.*", "", str(error).removeprefix(f"{source.name}: "), flags=re.DOTALL
    )
