"""Which column of a file is which category: without regard to case, spaces and underscores, or as told."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches

from wholesale.amounts import shown
from wholesale.columns import SPEND_COLUMNS

SPELLINGS = {"delicatessen": "delicassen"}
"""How a category is spelled outside the data set."""


class ReadError(ValueError):
    """The file cannot be read as customers; the message is the one sentence the user reads.

    Attributes
    ----------
    reason : str
        The sentence without the two parts that follow.
    header : tuple of str
        The file's own names, if its only fault is that they are not matched; else empty.
    option : str
        What to say on the command line.
    file : str
        The file's name, once it is known which file it is.
    """

    def __init__(self, reason: str, *, header: Sequence[str] = (), option: str = "") -> None:
        super().__init__(reason)
        self.reason, self.header, self.option, self.file = reason, tuple(header), option, ""

    def __str__(self) -> str:
        told = f"{self.reason}; {self.option}" if self.option else self.reason
        return f"{self.file}: {told}" if self.file else told


@contextmanager
def naming(file: str) -> Iterator[None]:
    """Say of which file what is wrong is said."""
    try:
        yield
    except ReadError as error:
        error.file = file
        raise


def match_columns(header: Sequence[str], columns: Mapping[str, str]) -> tuple[int, ...]:
    """Find the six categories in a file's header.

    Parameters
    ----------
    header : sequence of str
        The names in the file.
    columns : mapping of str to str
        For a category, the file's own name, where the two differ by more than case, spaces and underscores.

    Returns
    -------
    tuple of int
        Six positions in `header`, counted from 0, in ``SPEND_COLUMNS`` order.

    Raises
    ------
    ReadError
        If a category has no column, or several, in one sentence with the option that mends it.
    """
    wanted = _by_category(columns)
    found = {column: _positions(header, wanted.get(column, column)) for column in SPEND_COLUMNS}
    if missing := [column for column, positions in found.items() if not positions]:
        raise _missing(missing, header, wanted)
    for column, positions in found.items():
        if len(positions) > 1:
            names = [header[i] for i in positions[:2]]
            told = " and ".join(map(repr, names))
            mappable = () if names[0] == names[1] else header
            raise ReadError(f"{column} could be {told}: rename one of them", header=mappable)
    chosen = {column: positions[0] for column, positions in found.items()}
    for column, i in chosen.items():
        if both := [other for other, its in chosen.items() if its == i and other != column]:
            reason = f"{shown(header[i])} cannot be both {column} and {both[0]}"
            raise ReadError(reason, header=header, option="each --column must name another one")
    return tuple(chosen.values())


def plain(name: str) -> str:
    """Write a name without what does not count: case, spaces, underscores and other marks."""
    bare = re.sub(r"[\W_]+", "", name.casefold())
    return SPELLINGS.get(bare, bare)


def _by_category(columns: Mapping[str, str]) -> dict[str, str]:
    categories = {plain(column): column for column in SPEND_COLUMNS}
    for name in columns:
        if plain(name) not in categories:
            raise ReadError(f"{shown(name)} is not a category: choose from {', '.join(SPEND_COLUMNS)}")
    return {categories[plain(name)]: its for name, its in columns.items()}


def _positions(header: Sequence[str], name: str) -> list[int]:
    """Where a name is: as it stands if it is there, else by what counts of it."""
    exact = [i for i, its in enumerate(header) if its == name]
    alike = [i for i, its in enumerate(header) if plain(its) and plain(its) == plain(name)]
    return exact if len(exact) == 1 else alike


def _missing(missing: list[str], header: Sequence[str], wanted: Mapping[str, str]) -> ReadError:
    hints, options = [], []
    for column in missing:
        near = nearest(wanted.get(column, column), header)
        hints.append(f"{column} (nearest: {', '.join(shown(name) for name in near)})" if near else column)
        example = next((name for name in near if name.isprintable()), "its name in the file")
        options.append(f'--column {column}="{example}"')
    told = [f"{shown(wanted[column])} is not in the file" for column in missing if column in wanted]
    if hints == list(SPEND_COLUMNS):
        reason = f"its first line has none of the six categories ({shown(', '.join(header))})"
        option = 'if that is a title, delete it; else say, for example, --column Fresh="its name in the file"'
        return ReadError(reason, header=header, option=option)
    reason = "; ".join([*told, f"no column for {', '.join(hints)}"])
    return ReadError(reason, header=header, option=f"say, for example, {' '.join(options)}")


def nearest(wanted: str, header: Sequence[str]) -> list[str]:
    """Give up to three names that hold the one wanted or are spelled like it; no other category's."""
    categories = {plain(column) for column in SPEND_COLUMNS}
    names = {plain(name): name for name in header if plain(name) and plain(name) not in categories}
    holding = [its for its in names if plain(wanted) in its]
    like = get_close_matches(plain(wanted), names, 3, 0.5)
    return [names[its] for its in dict.fromkeys([*holding, *like])][:3]
