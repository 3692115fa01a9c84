"""What a matrix and a number of segments must be before anything is fitted."""

from collections.abc import Iterable

import numpy as np

MIN_CUSTOMERS = 10

PER_SEGMENT = 5
"""Distinct customers per segment that a number of segments must leave on average to be weighed."""

NO_SPREAD = 1e-9
"""A column whose range is no more than this share of its largest value is the same for every customer."""


def check_fit(X: np.ndarray, ks: Iterable[int] = ()) -> np.ndarray:
    """Refuse what cannot be clustered, before any fit.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_columns)
    ks : iterable of int
        The numbers of segments asked for.

    Returns
    -------
    ndarray
        `X` as floats.

    Raises
    ------
    ValueError
        In one sentence: not a table, fewer than 10 customers, a value that is not finite, a constant
        column, or a number of segments below 1 or not below the number of distinct customers.
    """
    X = np.asarray(X, dtype=float)
    if X.ndim != 2:
        raise ValueError(f"a matrix of customers by columns is needed, not shape {X.shape}")
    if len(X) < MIN_CUSTOMERS:
        who = f"{len(X)} customer{' is' if len(X) == 1 else 's are'}"
        raise ValueError(f"{who} too few to segment; at least {MIN_CUSTOMERS} are needed")
    if not np.isfinite(X).all():
        row, column = np.argwhere(~np.isfinite(X))[0]
        raise ValueError(f"customer {row + 1}, column {column + 1} is {X[row, column]}, not a finite number")
    constant = np.flatnonzero(np.ptp(X, axis=0) <= NO_SPREAD * np.abs(X).max(axis=0))
    if len(constant):
        raise ValueError(f"column {constant[0] + 1} is the same for every customer")
    distinct = len(np.unique(X, axis=0))
    for k in ks:
        if not 1 <= k < distinct:
            raise ValueError(f"{k} segments cannot be made of {distinct} distinct customers")
    return X
