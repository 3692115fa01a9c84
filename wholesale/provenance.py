"""What a bundle says of its making: the customers, versions, date, seed."""

import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np
import pandas as pd

from wholesale import models
from wholesale.evidence.saved import customers_hash
from wholesale.schema import LIBRARIES

LARGEST = 10_000
"""Customers that are fitted at most. Ward's memory grows with their square: measured, 0.8 GB for so many."""


@dataclass(frozen=True)
class Source:
    """Where the customers come from: the file's name, and how many of its rows were accepted and rejected."""

    file: str
    accepted: int
    rejected: int = 0


def drawn(customers: pd.DataFrame, random_state: int) -> pd.DataFrame:
    """Draw `LARGEST` of the customers at random, in their order, if there are more."""
    if len(customers) <= LARGEST:
        return customers
    chosen = np.random.default_rng(random_state).choice(len(customers), LARGEST, replace=False)
    return customers.iloc[np.sort(chosen)]


def provenance(
    customers: pd.DataFrame, source: Source | None, n_segments: int, random_state: int, *, drawn_from: int
) -> dict:
    """Say what made a bundle.

    Parameters
    ----------
    customers : DataFrame
        Those that were fitted.
    source : Source, optional
    n_segments, random_state : int
    drawn_from : int
        How many customers these were drawn from; as many where all were fitted.

    Returns
    -------
    dict
        The manifest, but for the metrics and the files. ``displayed`` lists which of Channel and Region the
        customers came with.
    """
    return {
        "trained": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "versions": {library: version(library) for library in LIBRARIES},
        "source": asdict(source) if source else {},
        "customers": len(customers),
        "drawn_from": drawn_from,
        "customers_sha256": customers_hash(customers),
        "displayed": [column for column in ("Channel", "Region") if column in customers],
        "seed": random_state,
        "parameters": {
            "n_segments": n_segments,
            "gmm": {
                "init_params": models.INIT_PARAMS,
                "restarts": models.RESTARTS,
                "tol": models.TOL,
                "max_eigenvalue_ratio": models.MAX_EIGENVALUE_RATIO,
            },
        },
    }
