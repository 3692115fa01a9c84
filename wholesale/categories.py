"""The categories of a trade of one's own: told on the command line and checked, or proposed from a file."""

import csv
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from shlex import quote

import numpy as np

from wholesale.amounts import shown
from wholesale.columns import ANSWERS, Categories
from wholesale.reading import ReadError, Settings, open_customers
from wholesale.reading.header import plain
from wholesale.wording import csv_of, listed

FEWEST, MOST, LONGEST = 2, 20, 60
OURS = "|".join([*ANSWERS, r"gmm_p\d+", "line", "column", "value", "reason", "customers", "total"])
RESERVED = re.compile(OURS, re.IGNORECASE)  # our own columns, after which no category can be called
NO_AMOUNT = re.compile(  # what in a name tells an identifier, a code or a date
    r"\b(id|no|nr|num|number|key|code|zip|post\w*|plz|phone|tel|fax|vat|tax|year|since|date|month|day|age|channel|region)\b",
    re.IGNORECASE,
)
CODES = 20  # whole numbers of so few values are taken for codes, not for amounts


def read_categories(
    names: str, unit: str | None = None, name: str | None = None, groups: Iterable[str] | None = None
) -> Categories:
    """Read what ``train`` is told of one's own categories, or raise a ValueError that says what is wrong."""
    columns, found = _names(names), dict[str, str]()
    if not FEWEST <= len(columns) <= MOST:
        raise ValueError(f"{FEWEST} to {MOST} categories are needed, not {len(columns)}")
    for column in columns:
        if RESERVED.fullmatch(column):
            raise ValueError(f"{column} cannot be a category: our own column is called that")
        if not (bare := plain(column)):
            raise ValueError(f"{column} cannot be a category: nothing of its name is a letter or a digit")
        if bare in found:
            raise ValueError(f"{found[bare]} and {column} are the same name, or are given twice")
        found[bare] = column
    if name in columns:
        raise ValueError(f"{name} cannot be both a category and what --id says")
    labels = tuple(column.replace("_", " ") for column in columns)
    told = _groups(groups or (), columns)
    return Categories(columns, labels, _name(unit or "m.u.", "unit"), name=name or None, groups=told)


def _names(line: str) -> tuple[str, ...]:
    try:
        fields = next(csv.reader([line], skipinitialspace=True, strict=True), [])
    except csv.Error as error:
        raise ValueError(f"{shown(line)} is no line of CSV ({error})") from None
    return tuple(_name(each, "category") for each in fields)


def _name(text: str, what: str) -> str:
    name = unicodedata.normalize("NFC", text).strip()
    if not (1 <= len(name) <= LONGEST and name.isprintable()):
        raise ValueError(f"{shown(text)} cannot be a {what}: give 1 to {LONGEST} printable characters")
    if name[0] in "=+-@'":
        raise ValueError(f"{shown(name)} cannot be a {what}: spreadsheets run what begins with {name[0]}")
    return name


def _groups(told: Iterable[str], columns: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    groups, free = dict[str, tuple[str, ...]](), [*columns]
    for each in told:
        head, _, tail = each.partition("=")
        if not (head.strip() and tail.strip()):
            raise ValueError(f'--group {each} is not of the form GROUP=NAMES, e.g. --group "Food=Fruit,Meat"')
        group, members = _name(head, "group"), _names(tail)
        if group in (*groups, *columns):
            raise ValueError(f"--group {each}: {group} is a category, or a group already")
        for member in members:
            if member not in columns:
                raise ValueError(f"{shown(member)} in --group {each} is none of the categories")
            if member not in free:
                raise ValueError(f"--group {each}: {member} is in a group already")
            free.remove(member)
        groups[group] = members
    return groups


def propose(path: Path, error: ReadError, settings: Settings) -> None:
    """Let an error say which columns of the file could be categories, and how to say so.

    Not proposed are columns with text or negative amounts, and what looks like an identifier, a code or a
    date: by its name (`NO_AMOUNT`), or as whole numbers that only rise, that have up to `CODES` values, or
    that are all from 1900 to 2100.
    """
    names = [name for name in error.header if plain(name) and not RESERVED.fullmatch(name)]
    names = [name for name in names if not NO_AMOUNT.search(name.replace("_", " "))]
    numeric = [name for name in names if _holds_amounts(path, name, settings)][:MOST]
    if len(numeric) >= FEWEST:
        said = f"if {listed(numeric)} are amounts, say --categories {quote(csv_of([numeric]).strip())}"
        error.option = f"{error.option}; {said}" if error.option else said


def _holds_amounts(path: Path, name: str, settings: Settings) -> bool:
    one = Settings({}, settings.decimal, settings.sheet, "zero", Categories((name,), (name,)))
    try:
        accepted, rejected, _ = open_customers(path, one).read()
    except ReadError:
        return False
    amounts = accepted[name].to_numpy()
    if not len(amounts) or len(rejected) > len(amounts):
        return False
    if (amounts % 1).any():
        return True
    values = np.unique(amounts)
    rising, few = bool((np.diff(amounts) > 0).all()), len(values) <= min(CODES, len(amounts) / 2)
    return not (rising or few or (values[0] >= 1900 and values[-1] <= 2100))
