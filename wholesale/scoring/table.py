"""Answers beside the customers they are for, as columns of a table."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wholesale.columns import ANSWERS, MODELS, SPEND_COLUMNS
from wholesale.predict import Predictor, predict_segments
from wholesale.reading import ReadError

ROWS = 8192
"""Rows measured at a time: their intermediate results stay in a processor's cache."""


def score_table(predictor: Predictor, accepted: pa.Table) -> pa.Table:
    """Add the three models' answers to customers.

    Parameters
    ----------
    predictor : Predictor
    accepted : Table
        As :func:`wholesale.reading.read_customers` gives it.

    Returns
    -------
    Table
        Its columns in their order, without the line numbers, then those of
        :func:`wholesale.predict.predict_segments`. Answers that it holds already, because it was scored
        before, give way to the new ones.

    Raises
    ------
    ReadError
        If it has a column of its own that is named as an answer is.
    """
    kept = accepted.select(range(1, accepted.num_columns))
    replaced = _replaced(predictor, kept.column_names)
    kept = kept.select([i for i, name in enumerate(kept.column_names) if name not in replaced])
    answers = answer_columns(predictor, spend(accepted))
    return pa.table([*kept.columns, *answers.values()], [*kept.column_names, *answers])


def spend(accepted: pa.Table) -> np.ndarray:
    """Give the six amounts, shape (n, 6), a column's rows one after another in memory."""
    return np.array([accepted.column(column).to_numpy() for column in SPEND_COLUMNS]).T


def answer_columns(predictor: Predictor, amounts: np.ndarray) -> dict[str, pa.Array]:
    """Answer as `predict_segments` does, in Arrow's columns, null for NaN; amounts have shape (n, 6)."""
    slices = [amounts[i : i + ROWS] for i in range(0, max(len(amounts), 1), ROWS)]
    answers = [predict_segments(predictor, rows) for rows in slices]
    columns = {name: np.concatenate([each[name] for each in answers]) for name in answers[0]}
    types = {f"{model}_segment": pa.int64() for model in MODELS}
    arrays = {
        name: pa.array(values, types.get(name), from_pandas=not predictor.has_mixture)
        for name, values in columns.items()
        if not name.endswith("_name")
    }
    for model in MODELS:
        names = pa.array(predictor.names.get(model, ()), pa.string())
        arrays[f"{model}_name"] = names.take(pc.subtract(arrays[f"{model}_segment"], 1))
    return {name: arrays[name] for name in columns}


def _replaced(predictor: Predictor, names: list[str]) -> set[str]:
    """Name the answers that a table holds already, or refuse what only looks like one."""
    if set(ANSWERS) <= set(names):
        return {name for name in names if name in ANSWERS or re.fullmatch(r"gmm_p\d+", name)}
    probabilities = [f"gmm_p{i}" for i in range(1, predictor.n_segments + 1)]
    if taken := [name for name in names if name in (*ANSWERS, *probabilities)]:
        raise ReadError(f"its column {taken[0]} has the name of an answer: rename it")
    return set()
