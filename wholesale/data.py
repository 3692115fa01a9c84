"""The shipped table of 440 customers and its schema."""

import io
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from wholesale.amounts import shown
from wholesale.columns import CHANNELS, REGIONS, SPEND_COLUMNS
from wholesale.manifest import SHIPPED, SHIPPED_SHA256, sha256

SHIPPED_ROWS = 440
LARGEST = 2**53
"""Whole numbers up to here are exact as floats."""


def _whole(values: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    return numbers.between(0, LARGEST) & numbers.mod(1).eq(0)


def _column(check: Callable[[pd.Series], pd.Series], rule: str) -> pa.Column:
    """Describe a column without a dtype, so that a bad cell is named rather than its whole column."""
    return pa.Column(None, pa.Check(check, error=rule, ignore_na=False), nullable=True)


SCHEMA = pa.DataFrameSchema(
    {
        "Channel": _column(lambda codes: codes.isin(CHANNELS), "1 (Horeca) or 2 (Retail)"),
        "Region": _column(lambda codes: codes.isin(REGIONS), "1 (Lisbon), 2 (Oporto) or 3 (other)"),
        **{column: _column(_whole, "a whole amount ≥ 0") for column in SPEND_COLUMNS},
    }
)


class DataError(ValueError):
    """The table is not what it should be; the message is one sentence."""


def load_customers(path: Path | str | None = None) -> pd.DataFrame:
    """Load the shipped customers, or a file of the same form.

    Parameters
    ----------
    path : path, optional
        A CSV with the shipped file's eight columns. Row count and sha256 are checked for the shipped
        file only.

    Returns
    -------
    DataFrame of shape (n_customers, 8)
        Integer codes ``Channel`` and ``Region``, then yearly spending in m.u.; the index, named
        ``customer``, counts data rows from 1.

    Raises
    ------
    DataError
        In one sentence that says what is wrong.
    """
    file = SHIPPED if path is None else Path(path)
    try:
        if path is None:
            _check_shipped(file)
        customers = pd.read_csv(io.BytesIO(file.read_bytes()))
    except FileNotFoundError:
        raise DataError(f"{file.name} is not there") from None
    except OSError as error:
        raise DataError(f"{file.name} cannot be read ({error.strerror})") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError):
        raise DataError(f"{file.name} is not a CSV table") from None
    if not isinstance(customers.index, pd.RangeIndex):
        raise DataError(f"{file.name}: the rows have more fields than the header")
    customers.index = pd.RangeIndex(1, len(customers) + 1, name="customer")
    _check_schema(customers, file.name)
    if path is None and len(customers) != SHIPPED_ROWS:
        raise DataError(f"{file.name} has {len(customers)} rows, not {SHIPPED_ROWS}")
    return customers.astype(int)


def _check_shipped(file: Path) -> None:
    if sha256(file.read_bytes()) != SHIPPED_SHA256:
        raise DataError(f"{file.name} differs from its recorded sha256: restore it with git")


def _check_schema(customers: pd.DataFrame, name: str) -> None:
    if list(customers.columns) != list(SCHEMA.columns):
        raise DataError(f"{name}: the columns must be {', '.join(SCHEMA.columns)}, in that order")
    if customers.empty:
        raise DataError(f"{name} has no rows")
    try:
        SCHEMA.validate(customers, lazy=True)
    except pa.errors.SchemaErrors as errors:
        bad = errors.failure_cases.iloc[0]
        more = len(errors.failure_cases) - 1
        raise DataError(
            f"{name}: row {bad['index']}, {bad['column']}: {shown(bad['failure_case'])} is not {bad['check']}"
            + (f" (and {more} more)" if more else "")
        ) from None
