"""What a file's columns are called, where the six categories are not found among them."""

from collections.abc import Mapping

from wholesale.app.server.answers import Refused, fault
from wholesale.columns import SPEND_COLUMNS
from wholesale.reading import ReadError
from wholesale.reading.header import nearest, plain


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


def refusal(error: ReadError, columns: Mapping[str, str]) -> Refused:
    """Say why a file cannot be read; if its names are all that is at fault, with what is needed to mend it.

    Parameters
    ----------
    error : ReadError
    columns : mapping of str to str
        What was told of the names already.
    """
    if len(error.header) < len(SPEND_COLUMNS):
        return Refused(422, fault(error.reason))
    header = list(error.header)
    return Unmatched(error.reason, header, _guess(header, columns))


def _guess(header: list[str], columns: Mapping[str, str]) -> dict[str, str | None]:
    """Give each category the nearest name that no other category has."""
    free = {plain(name): name for name in header if plain(name)}
    guess: dict[str, str | None] = {}
    for column in SPEND_COLUMNS:
        told = plain(columns.get(column, column))
        guess[column] = free.pop(told, None)
    for column in (column for column, name in guess.items() if not name):
        near = nearest(column, list(free.values()))
        guess[column] = free.pop(plain(near[0])) if near else None
    return guess
