"""The shipped table of 440 customers; its hash is all that has to be checked."""

import io

import pandas as pd

from wholesale.manifest import SHIPPED, SHIPPED_SHA256, sha256


class DataError(ValueError):
    """The shipped table is not there, or not what it was; the message is one sentence."""


def load_customers() -> pd.DataFrame:
    """Load the shipped customers.

    Returns
    -------
    DataFrame of shape (440, 8)
        Integer codes ``Channel`` and ``Region``, then yearly spending in m.u.; the index, named
        ``customer``, counts data rows from 1. A `DataError` says in one sentence what is wrong.
    """
    try:
        content = SHIPPED.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{SHIPPED.name} is not there") from None
    except OSError as error:
        raise DataError(f"{SHIPPED.name} cannot be read ({error.strerror})") from None
    if sha256(content) != SHIPPED_SHA256:
        raise DataError(f"{SHIPPED.name} differs from its recorded sha256: restore it with git")
    customers = pd.read_csv(io.BytesIO(content))
    customers.index = pd.RangeIndex(1, len(customers) + 1, name="customer")
    return customers
