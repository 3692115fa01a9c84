"""The categories of a trade of one's own: told on the command line and checked, or proposed from a file."""

import csv
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from shlex import quote

import numpy as np

from wholesale.amounts import shown
from wholesale.columns import ANSWERS, Categories
from wholesale.reading import ReadError, Settings, open_customers
from wholesale.reading.header import plain
from wholesale.wording import listed

FEWEST, MOST, LONGEST = 2, 20, 60
OURS = "|".join([*ANSWERS, r"gmm_p\d+", "line", "column", "value", "reason", "customers", "total"])
RESERVED = re.compile(OURS, re.IGNORECASE)
"""Names of our own columns, which no category can have."""

NO_AMOUNT = re.compile(
    r"\b(id|no|nr|num|number|key|code|zip|post\w*|plz|phone|tel|fax|vat|tax|year|since|date|month|day|age|channel|region)\b",
    re.IGNORECASE,
)
"""What in a name tells an identifier, a code or a date."""

CODES = 20
"""Whole numbers of so few values are taken for codes, not for amounts."""


def read_categories(
    names: str, *, unit: str = "m.u.", name: str = "", groups: Iterable[str] = ()
) -> Categories:
    """Read what is said of one's own categories, or raise a ValueError that says in a sentence what is wrong.

    Parameters
    ----------
    names : str
        One line of CSV: the names of 2 to 20 columns.
    unit : str
        In which the amounts are.
    name : str
        The column of the customers' own names, if there is one.
    groups : iterable of str
        Each a name, ``=`` and one line of CSV with the categories in it, which no other group has.
    """
    columns = [_name(each, "category") for each in _fields(names)]
    if not FEWEST <= len(columns) <= MOST:
        raise ValueError(f"{FEWEST} to {MOST} categories are needed, not {len(columns)}")
    found: dict[str, str] = {}
    for column in columns:
        if RESERVED.fullmatch(column):
            raise ValueError(f"{column} cannot be a category: our own column is called that")
        if not plain(column):
            raise ValueError(f"{column} cannot be a category: nothing of its name is a letter or a digit")
        if plain(column) in found:
            raise ValueError(f"{found[plain(column)]} and {column} are the same name, or are given twice")
        found[plain(column)] = column
    labels = tuple(column.replace("_", " ") for column in columns)
    told = _groups(groups, columns)
    return Categories(tuple(columns), labels, _name(unit, "unit"), name=name.strip(), groups=told)


def _fields(line: str) -> list[str]:
    return next(csv.reader([line], skipinitialspace=True, strict=True), [])


def _name(text: str, what: str) -> str:
    name = unicodedata.normalize("NFC", text).strip()
    if not (1 <= len(name) <= LONGEST and name.isprintable()):
        raise ValueError(f"{shown(text)} cannot be a {what}: give 1 to {LONGEST} printable characters")
    if name[0] in "=+-@'":
        raise ValueError(f"{shown(name)} cannot be a {what}: spreadsheets run what begins with {name[0]}")
    return name


def _groups(told: Iterable[str], columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    groups: dict[str, tuple[str, ...]] = {}
    for each in told:
        name, sign, members = each.partition("=")
        if not (sign and name.strip() and members.strip()):
            raise ValueError(f'--group {each} is not of the form GROUP=NAMES, e.g. --group "Food=Fruit,Meat"')
        named = tuple(_name(member, "category") for member in _fields(members))
        if strange := [member for member in named if member not in columns]:
            raise ValueError(f"{shown(strange[0])} in --group {each} is none of the categories")
        twice = [member for member in named if any(member in other for other in groups.values())]
        if twice or len({*named}) < len(named) or name.strip() in groups:
            raise ValueError(f"--group {each}: {(twice or [*named, name])[0]} is in a group already")
        groups[_name(name, "group")] = named
    return groups


def proposed(path: Path, error: ReadError, settings: Settings) -> str:
    """Say which columns of a file could be categories, and how to say so; nothing if none could.

    Not proposed are columns with text or negative amounts, and what looks like an identifier, a code or a
    date: by its name (`NO_AMOUNT`), or as whole numbers that only rise, that have up to `CODES` values, or
    that are all from 1900 to 2100.
    """
    names = [name for name in error.header if plain(name) and not RESERVED.fullmatch(name)]
    names = [name for name in names if not NO_AMOUNT.search(name.replace("_", " "))]
    numeric = [name for name in names if _holds_amounts(path, name, settings)][:MOST]
    if len(numeric) < FEWEST:
        return ""
    line = quote(",".join(f'"{name}"' if "," in name else name for name in numeric))
    return f"if {listed(numeric)} are amounts, say --categories {line}"


def _holds_amounts(path: Path, name: str, settings: Settings) -> bool:
    one = Settings({}, settings.decimal, settings.sheet, "zero", Categories((name,), (name,)))
    try:
        accepted, rejected, _ = open_customers(path, one).read()
    except ReadError:
        return False
    if len(rejected) > len(accepted) or not len(accepted):
        return False
    amounts = accepted[name].to_numpy()
    if (amounts % 1).any():
        return True
    values = np.unique(amounts)
    rising, few = bool((np.diff(amounts) > 0).all()), len(values) <= min(CODES, len(amounts) / 2)
    return not (rising or few or (values[0] >= 1900 and values[-1] <= 2100))
