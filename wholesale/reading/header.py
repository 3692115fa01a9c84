"""Which column of a file is which category: without regard to case, spaces and underscores, or as told."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from wholesale.amounts import shown
from wholesale.columns import SPEND_COLUMNS

SPELLINGS = {"delicatessen": "delicassen"}
"""How a category is spelled outside the data set."""


class ReadError(ValueError):
    """The file cannot be read as customers; the message is the one sentence the user reads.

    Attributes
    ----------
    header : tuple of str
        The file's own names, if its only fault is that they are not matched; else empty.
    """

    def __init__(self, sentence: str, header: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.header = tuple(header)


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
        raise ReadError(_missing(missing, header, wanted), header)
    for column, positions in found.items():
        if len(positions) > 1:
            names = " and ".join(repr(header[i]) for i in positions[:2])
            raise ReadError(f"{column} could be {names}: rename one of them", header)
    chosen = [positions[0] for positions in found.values()]
    if len(set(chosen)) < len(chosen):
        sentence = "one column cannot be two categories: each --column must name another one"
        raise ReadError(sentence, header)
    return tuple(chosen)


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


def _missing(missing: list[str], header: Sequence[str], wanted: Mapping[str, str]) -> str:
    hints, options = [], []
    for column in missing:
        near = _nearest(wanted.get(column, column), header)
        hints.append(f"{column} (nearest: {', '.join(shown(name) for name in near)})" if near else column)
        example = next((name for name in near if name.isprintable()), "its name in the file")
        options.append(f'--column {column}="{example}"')
    told = [f"{shown(wanted[column])} is not in the file" for column in missing if column in wanted]
    return "; ".join([*told, f"no column for {', '.join(hints)}", f"say, for example, {' '.join(options)}"])


def _nearest(wanted: str, header: Sequence[str]) -> list[str]:
    """Give up to three names that hold the one wanted or are spelled like it; no other category's."""
    categories = {plain(column) for column in SPEND_COLUMNS}
    names = {plain(name): name for name in header if plain(name) and plain(name) not in categories}
    holding = [its for its in names if plain(wanted) in its]
    like = get_close_matches(plain(wanted), names, 3, 0.5)
    return [names[its] for its in dict.fromkeys([*holding, *like])][:3]
