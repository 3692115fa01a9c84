"""Customers of a file, read to be fitted or reported on: one's own, or the shipped ones."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa

from wholesale.bundle import Source
from wholesale.columns import CODES, WHOLESALE, Categories
from wholesale.data import load_customers
from wholesale.manifest import SHIPPED
from wholesale.reading import Note, ReadError, Settings, open_customers
from wholesale.wording import listed, of_all

REPEATED = 0.05  # share of rows like another, from which on customers may be there twice; our convention


@dataclass(frozen=True, eq=False)
class Customers:
    """Customers read from a file; the index of `table` counts the accepted rows from 1."""

    table: pd.DataFrame  # Channel and Region, if they hold the shipped data's codes; amounts; names, if told
    file: str  # its name, without its folder
    accepted: pa.Table  # and rejected, as `wholesale.reading.read_customers` gives them
    rejected: pa.Table
    notes: list[str]  # on what was decided of the file
    settings: Settings  # what was said of it beforehand

    @property
    def amounts(self) -> pd.DataFrame:
        """The amounts alone."""
        return self.table[list(self.settings.categories.columns)]

    @property
    def source(self) -> Source:
        """What a manifest says of where the customers come from."""
        return Source(self.file, len(self.accepted), len(self.rejected))

    @property
    def left_out(self) -> list[str]:
        """A sentence for each of Channel and Region that the file has, but with other codes."""
        return [
            f"{column} is left out: it holds other codes than {listed([str(code) for code in codes])}."
            for column, codes in CODES.items()
            if column in self.accepted.column_names and column not in self.table
        ]


def read_shipped() -> Customers:
    """Read the customers of this project, checked, in the same form."""
    return replace(read_file(SHIPPED), table=load_customers())


def read_file(
    path: Path | str,
    columns: Mapping[str, str] | None = None,
    decimal: str | None = None,
    sheet: str | None = None,
    blank: str | None = None,
    categories: Categories = WHOLESALE,
) -> Customers:
    """Read customers of one's own from any file, by what `wholesale.reading.Settings` say of it.

    A `ReadError` says in one sentence that the file cannot be read, or none of its records is a customer.
    """
    settings, name = Settings(columns or {}, decimal, sheet, blank, categories), Path(path).name
    accepted, rejected, notes = open_customers(path, settings).read()
    if not len(accepted):
        (first,) = rejected.slice(0, 1).to_pylist()
        advice = [note for note in notes if isinstance(note, Note) and note.setting == "blank"]
        said = "; ".join([f"no record is a customer; line {first['line']}: {first['reason']}", *advice])
        raise ReadError(f"{name}: {said}")
    table = _table(accepted, categories)
    if (repeats := int(table[list(categories.columns)].duplicated().sum())) >= REPEATED * len(table):
        said = f"Rows that repeat all amounts of an earlier one: {of_all(repeats, len(table))}"
        notes.append(f"{said}; delete them if the customers are the same.")
    return Customers(table, name, accepted, rejected, notes, settings)


def _table(accepted: pa.Table, categories: Categories) -> pd.DataFrame:
    """Give codes as in the shipped data, amounts and names; of codes and names, only what is there once."""
    table = pd.DataFrame()
    for column, known in CODES.items():
        if accepted.column_names.count(column) == 1:
            codes = pd.to_numeric(accepted[column].to_pandas(), errors="coerce")
            if codes.isin(known).all():
                table[column] = codes.astype(int)
    for column in categories.columns:
        amounts = accepted[column].to_pandas()
        whole = (amounts.mod(1).eq(0) & amounts.lt(2**53)).all()
        table[column] = amounts.astype(int) if whole else amounts  # as the shipped ones, for the same hash
    if (called := categories.name) not in table and accepted.column_names.count(called) == 1:
        table[called] = [str(each) if each is not None else "" for each in accepted[called].to_pylist()]
    table.index = pd.RangeIndex(1, len(table) + 1, name="customer")
    return table
