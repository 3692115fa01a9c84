"""Which column of a file is which category: without regard to case, spaces and underscores, or as told."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import combinations
from shlex import quote

from wholesale.amounts import CURRENCY_CODES, shown
from wholesale.columns import WHOLESALE, Categories

MARKS = "%‰#№+±<>∆∑√"  # that count in a name
ANOTHER = re.compile(  # what in a name tells that something other than an amount is meant
    rf"[{MARKS}ø]|\b(share|percent\w*|pct|proportion|ratio|number|count|rank|growth|change|average|avg|mean|log|ln"
    r"|quantity|qty|returns?|budget|plan|target|forecast|prev|previous|last year|vorjahr|menge|anteil)\b"
)
_CODES = CURRENCY_CODES.casefold()
SCALE = re.compile(  # what in a name tells that amounts are in thousands or millions
    rf"1[ ,.']?000\b|'000|(?<![0-9])(?<![0-9][ ,.'])000s?\b|\b[ktm] ?(?:[€$£]|euro?|(?:{_CODES})\b)"
    rf"|(?:[€$£]|\b(?:euro?|{_CODES})) ?(?:[ktm]|mn|mil)\b(?!\.u)"
    r"|\b(?:tsd|tausend|thousands?|milliers|miles|migliaia|mio|mn|mill?ion\w*|millones|tys|mln|тыс|млн)\b"
)


@dataclass(frozen=True)
class Settings:
    """What the user says of a file."""

    columns: Mapping[str, str] = field(default_factory=dict)  # for a category, the file's name of that column
    decimal: str | None = None  # "point" or "comma"; by default it is decided from the file
    sheet: str | None = None  # of a workbook; by default the first that is not hidden
    blank: str | None = None  # "zero" if a blank, or a dash, means 0; by default its record is rejected
    categories: Categories = WHOLESALE  # what is looked for

    def plain(self, name: str) -> str:
        """Write a name without what does not count, and as the category that it is another spelling of."""
        bare = plain(name)
        return self.categories.spellings.get(bare, bare)


class ReadError(ValueError):
    """The file cannot be read as customers; as text, the one sentence that the user reads.

    It consists of `file`, the file's name once that is known; `reason`; and `option`, what to say on the
    command line. `header` are the file's own names, if its only fault is that they are not matched.
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


def match_columns(header: Sequence[str], settings: Settings) -> tuple[int, ...]:
    columns, names = settings.categories.columns, [*map(settings.plain, header)]
    categories = {settings.plain(column): column for column in columns}
    if strange := [name for name in settings.columns if settings.plain(name) not in categories]:
        raise ReadError(f"{shown(strange[0])} is not a category: choose from {', '.join(columns)}")
    wanted = {categories[settings.plain(category)]: name for category, name in settings.columns.items()}
    found = {column: _positions(wanted.get(column, column), header, names, settings) for column in columns}
    if missing := [column for column, positions in found.items() if not positions]:
        raise _missing(missing, header, wanted, settings)
    for column, positions in found.items():
        if len(positions) > 1:
            first, second = (header[i] for i in positions[:2])
            reason = f"{column} could be {first!r} and {second!r}: rename one of them"
            raise ReadError(reason, header=() if first == second else header)
    for one, other in combinations(columns, 2):
        if found[one] == found[other]:
            reason = f"{shown(header[found[one][0]])} cannot be both {one} and {other}"
            raise ReadError(reason, header=header, option="each --column must name another one")
    return tuple(positions[0] for positions in found.values())


def plain(name: str) -> str:
    """Write a name without what does not count: case, spaces, underscores and most other marks."""
    return re.sub(rf"[^\w{MARKS}]+|_+", "", name.casefold())


def _positions(wanted: str, header: Sequence[str], names: list[str], settings: Settings) -> list[int]:
    """Where a name is: as it stands if it is there once, else by what counts of it, as in `names`."""
    if header.count(wanted) == 1:
        return [header.index(wanted)]
    bare = settings.plain(wanted)
    return [i for i, name in enumerate(names) if bare and name == bare]


def _missing(
    missing: list[str], header: Sequence[str], wanted: Mapping[str, str], settings: Settings
) -> ReadError:
    hints, options, likely = [], [], []
    free = [name for name in header if settings.plain(name) not in map(settings.plain, wanted.values())]
    for column in missing:
        near = nearest(wanted.get(column, column), free, settings)
        hints.append(f"{column} (nearest: {', '.join(map(shown, near))})" if near else column)
        example = next((name for name in near if name.isprintable()), "its name in the file")
        options.append(f"--column {column}={quote(example)}")
        likely += options[-1:] if near else []
        free = [name for name in free if name != example]
    told = [f"{shown(wanted[column])} is not in the file" for column in missing if column in wanted]
    found = [column for column in settings.categories.columns if column not in missing]
    if len(found) + len(likely) <= 2:
        has = f"only {' and '.join(found)}" if found else "none"
        total = len(found + missing)
        told.append(f"its first line has {has} of the {total} categories ({shown(', '.join(header))})")
        option = f"if that is a title, delete it; else say, for example, {[*likely, *options][0]}"
    else:
        told.append(f"no column for {', '.join(hints)}")
        option = f"say, for example, {' '.join(options)}"
    return ReadError("; ".join(told), header=header, option=option)


def nearest(wanted: str, header: Sequence[str], settings: Settings) -> list[str]:
    """Give up to three names that have the words wanted, or nearly their letters; no other category's."""
    goal, words = settings.plain(wanted), _words(wanted)
    categories = {settings.plain(column) for column in settings.categories.columns}
    names = {settings.plain(name): name for name in header if not ANOTHER.search(name.casefold())}
    names = {bare: name for bare, name in names.items() if bare and bare not in categories}
    said = {bare: _words(name) for bare, name in names.items()}
    stem = goal[: max(5, len(goal) - 1)]  # of groceries, too
    near = [
        bare
        for bare, each in said.items()
        if words in each or each in words or bare.startswith(stem) or goal.startswith(bare.ljust(4))
    ]
    alike = [bare for bare in get_close_matches(goal, names, 3, 0.76) if bare[0] == goal[0]]
    return [names[bare] for bare in dict.fromkeys([*near, *alike])][:3]


def _words(name: str) -> str:
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).casefold()
    return re.sub(r"[\W_]+", " ", f" {apart} ")
