"""Which column of a file is which category: without regard to case, spaces and underscores, or as told."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from shlex import quote

from wholesale.amounts import shown
from wholesale.columns import SPEND_COLUMNS

SPELLINGS = {"delicatessen": "delicassen"}
SPELLINGS |= {f"detergents{joined}paper": "detergentspaper" for joined in ("and", "+")}
"""How a category is spelled outside the data set."""

MARKS = "%‰#№+±<>∆∑√"
ANOTHER = re.compile(
    rf"[{MARKS}ø]|\b(share|percent\w*|pct|proportion|ratio|number|count|rank|growth|change|average|avg|mean|log|ln"
    r"|quantity|qty|returns?|budget|plan|target|forecast|prev|previous|last year|vorjahr|menge|anteil)\b"
)
"""Marks that count in a name; and what tells that something other than an amount is meant."""


SCALE = re.compile(
    r"1[ ,.']?000\b|'000|\b[ktm] ?(?:[€$£]|eur|usd|gbp|chf)"
    r"|\b(?:tsd|tausend|thousands?|milliers|miles|migliaia|mio|mn|mill?ion\w*|millones)\b"
)
"""What in a name tells that amounts are in thousands or millions."""


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
    """Write a name without what does not count: case, spaces, underscores and most other marks."""
    bare = re.sub(rf"[^\w{MARKS}]+|_+", "", name.casefold())
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
    hints, options, likely, placeholder = [], [], [], "its name in the file"
    free = [name for name in header if plain(name) not in map(plain, wanted.values())]
    for column in missing:
        near = nearest(wanted.get(column, column), free)
        hints.append(f"{column} (nearest: {', '.join(map(shown, near))})" if near else column)
        example = next((name for name in near if name.isprintable()), placeholder)
        options.append(f"--column {column}={quote(example)}")
        likely += options[-1:] if near else []
        free = [name for name in free if name != example]
    told = [f"{shown(wanted[column])} is not in the file" for column in missing if column in wanted]
    found = [column for column in SPEND_COLUMNS if column not in missing]
    if len(found) + len(likely) <= 2:
        has = f"only {' and '.join(found)}" if found else "none"
        first = f"its first line has {has} of the six categories ({shown(', '.join(header))})"
        option = f"if that is a title, delete it; else say, for example, {[*likely, *options][0]}"
        return ReadError("; ".join([*told, first]), header=header, option=option)
    reason = "; ".join([*told, f"no column for {', '.join(hints)}"])
    return ReadError(reason, header=header, option=f"say, for example, {' '.join(options)}")


def nearest(wanted: str, header: Sequence[str]) -> list[str]:
    """Give up to three names that have the words wanted, or nearly their letters; no other category's."""
    goal, words, categories = plain(wanted), _words(wanted), {plain(column) for column in SPEND_COLUMNS}
    names = {plain(name): name for name in header if not ANOTHER.search(name.casefold())}
    names = {its: name for its, name in names.items() if its and its not in categories}
    stem = goal[: max(5, len(goal) - 1)]  # of groceries, too
    near = [
        its
        for its, name in names.items()
        if words in _words(name)
        or _words(name) in words
        or its.startswith(stem)
        or goal.startswith(its.ljust(4))
    ]
    alike = [its for its in get_close_matches(goal, names, 3, 0.76) if its[0] == goal[0]]
    return [names[its] for its in dict.fromkeys([*near, *alike])][:3]


def _words(name: str) -> str:
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).casefold()
    return re.sub(r"[\W_]+", " ", f" {apart} ")
