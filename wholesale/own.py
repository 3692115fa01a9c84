"""Customers to be fitted: one's own, read from a file, or the shipped ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from wholesale.columns import CHANNELS, REGIONS, SPEND_COLUMNS
from wholesale.data import load_customers
from wholesale.manifest import SHIPPED
from wholesale.provenance import Source
from wholesale.reading import Settings, open_customers, read_tables, whole

CODES = {"Channel": CHANNELS, "Region": REGIONS}


@dataclass(frozen=True, eq=False)
class Own:
    """Customers read from a file.

    Attributes
    ----------
    customers : DataFrame
        The six amounts, in m.u.; before them ``Channel`` and ``Region``, where the file has these columns
        with the shipped data's codes and nothing else. The index counts the accepted rows from 1.
    source : Source
    reasons : list of str
        For each rejected record its line, and what is wrong with it.
    notes : list of str
        Sentences on what was decided of the file.
    """

    customers: pd.DataFrame
    source: Source
    reasons: list[str]
    notes: list[str]


def shipped() -> Own:
    """Load the customers of this project, in the same form."""
    customers = load_customers()
    return Own(customers, Source(SHIPPED.name, len(customers)), [], [])


def read_own(path: Path, columns: Mapping[str, str] | None = None, decimal: str | None = None) -> Own:
    """Read customers of one's own.

    Parameters
    ----------
    path : Path
        Any file that :func:`wholesale.reading.open_customers` takes.
    columns : mapping of str to str, optional
        For a category, the file's own name of that column.
    decimal : {"point", "comma"}, optional

    Returns
    -------
    Own

    Raises
    ------
    ReadError
        In one sentence, if the file cannot be read as customers.
    """
    file = open_customers(path, Settings(columns or {}, decimal))
    notes, (accepted, rejected) = whole(file, lambda its: (its.notes, read_tables(its)))
    amounts = accepted.select(SPEND_COLUMNS).to_pandas()
    kept = {column: _codes(accepted, column) for column in CODES}
    notes += [
        f"{column} is left out: it holds other codes than {_list(CODES[column])}."
        for column, codes in kept.items()
        if codes is None and column in accepted.column_names
    ]
    known = {column: codes for column, codes in kept.items() if codes is not None}
    customers = pd.DataFrame({**known, **{column: _whole(amounts[column]) for column in amounts}})
    customers.index = pd.RangeIndex(1, len(customers) + 1, name="customer")
    faults = zip(rejected["line"].to_pylist(), rejected["reason"].to_pylist(), strict=True)
    reasons = [f"line {line}: {reason}" for line, reason in faults]
    return Own(customers, Source(path.name, len(accepted), len(rejected)), reasons, notes)


def _whole(amounts: pd.Series) -> pd.Series:
    """Give whole amounts as integers, as the shipped ones are: the same customers have the same hash."""
    return amounts.astype(int) if (amounts.mod(1).eq(0) & amounts.lt(2**53)).all() else amounts


def _codes(accepted: pa.Table, column: str) -> pd.Series | None:
    """Give a column's codes, if it is there once and has no others than the shipped data's."""
    if accepted.column_names.count(column) != 1:
        return None
    codes = pd.to_numeric(accepted[column].to_pandas(), errors="coerce")
    return codes.astype(int) if codes.isin(CODES[column]).all() else None


def _list(codes: Mapping[int, str]) -> str:
    *others, last = map(str, codes)
    return f"{', '.join(others)} and {last}"
