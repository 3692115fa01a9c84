"""What a matrix and a number of segments must be before anything is fitted."""

from collections.abc import Iterable, Sequence

import numpy as np

MIN_CUSTOMERS = 10
"""Fewer are never cut; nor are so few that they lie on one plane of so many categories, see `fewest`."""

PER_SEGMENT = 5
"""Distinct customers per segment that a number of segments must leave on average to be weighed."""

NO_SPREAD = 1e-9
"""A column whose range is no more than this share of its largest value is the same for every customer."""


def fewest(categories: int) -> int:
    """Give the least number of customers that can be cut into segments: by so many categories, one more."""
    return max(MIN_CUSTOMERS, categories + 1)


def check_fit(X: np.ndarray, ks: Iterable[int] = (), labels: Sequence[str] = ()) -> np.ndarray:
    """Refuse in one sentence what cannot be cut into `ks` segments; give `X`, of such `labels`, as floats."""
    X = np.asarray(X, dtype=float)
    labels = labels or [f"column {i}" for i in range(1, X.shape[-1] + 1)]
    if X.ndim != 2:
        raise ValueError(f"a matrix of customers by columns is needed, not shape {X.shape}")
    if len(X) < (least := fewest(X.shape[1])):
        who = f"{len(X)} customer{' is' if len(X) == 1 else 's are'}"
        raise ValueError(f"{who} too few to segment; at least {least} are needed")
    if not np.isfinite(X).all():
        row, column = np.argwhere(~np.isfinite(X))[0]
        raise ValueError(f"customer {row + 1}, {labels[column]} is {X[row, column]}, not a finite number")
    constant = np.flatnonzero(np.ptp(X, axis=0) <= NO_SPREAD * np.abs(X).max(axis=0))
    if len(constant):
        raise ValueError(f"{labels[constant[0]]} is the same for every customer")
    distinct = len(np.unique(X, axis=0))
    for k in ks:
        if not 1 <= k < distinct:
            raise ValueError(f"{k} segments cannot be made of {distinct} distinct customers")
    return X
