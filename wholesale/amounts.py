"""Six amounts, checked: the one place that decides what counts as an amount."""

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from wholesale.columns import SPEND_COLUMNS

Amount = float | int | str
NOT_AN_AMOUNT = "is not an amount ≥ 0"
_MARKS = ",' \u00a0\u2009\u202f\u2019"  # comma, apostrophes, spaces: they group thousands
_GROUPED = re.compile(rf"[+-]?\d{{1,3}}([{_MARKS}])\d{{3}}(?:\1\d{{3}})*(?:\.\d*)?")


def parse_amount(column: str, value: Amount | None) -> float:
    """Read one yearly amount.

    Parameters
    ----------
    column : str
        The category, named in the error.
    value : float, int, str or None
        A finite number ≥ 0 in m.u., or its text. Text may group thousands by threes with spaces,
        apostrophes or commas (``"12 669"``, ``"12,669.50"``); the decimal sign is a point.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        In one sentence that names the column, the value and the rule.
    """
    try:
        amount = _number(value)
    except (TypeError, ValueError, OverflowError):
        amount = math.nan
    if not (math.isfinite(amount) and amount >= 0):
        raise ValueError(f"{column}: {_shown(value)} {NOT_AN_AMOUNT}")
    return amount + 0.0  # -0.0 is 0.0


def _shown(value: object) -> str:
    if value is None or (isinstance(value, str) and not value.strip()):
        return "blank"
    try:
        text = str(value).strip()
    except ValueError:  # Python refuses to write integers of over 4,300 digits
        return "a number too long to show"
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _number(value: Amount | None) -> float:
    if value is None or isinstance(value, bool | np.bool_):
        raise TypeError("not a number")
    if isinstance(value, str):
        value = value.strip()
        if _GROUPED.fullmatch(value):
            value = re.sub(f"[{_MARKS}]", "", value)
        if "_" in value:  # float("1_000") is Python's, not a person's
            raise ValueError("not a number")
    return float(value)


def parse_amounts(spend: Mapping[str, Amount] | Sequence[Amount]) -> np.ndarray:
    """Read one customer's six amounts.

    Parameters
    ----------
    spend : mapping or sequence
        A mapping from the names in ``SPEND_COLUMNS``, or six values in that order.

    Returns
    -------
    ndarray of shape (6,)
        Amounts in m.u. per year.

    Raises
    ------
    ValueError
        Naming every amount at fault, or every missing or unknown column, in one sentence.
    """
    amounts, errors = [], []
    for column, value in _by_column(spend).items():
        try:
            amounts.append(parse_amount(column, value))
        except ValueError as error:
            errors.append(str(error))
    if errors:
        raise ValueError("; ".join(errors))
    return np.array(amounts)


def _by_column(spend: Mapping[str, Amount] | Sequence[Amount]) -> dict[str, Amount]:
    if not isinstance(spend, Mapping):
        values = list(spend)
        if isinstance(spend, str) or len(values) != len(SPEND_COLUMNS):
            raise ValueError(f"six amounts are needed, in the order {', '.join(SPEND_COLUMNS)}")
        return dict(zip(SPEND_COLUMNS, values, strict=True))
    if missing := [column for column in SPEND_COLUMNS if column not in spend]:
        raise ValueError(f"missing: {', '.join(missing)}")
    if unknown := [str(key) for key in spend if key not in SPEND_COLUMNS]:
        raise ValueError(f"unknown: {', '.join(unknown)}")
    return {column: spend[column] for column in SPEND_COLUMNS}


def check_amounts(amounts: np.ndarray) -> np.ndarray:
    """Check many customers' amounts.

    Parameters
    ----------
    amounts : ndarray of shape (n, 6)
        In m.u. per year, in ``SPEND_COLUMNS`` order.

    Returns
    -------
    ndarray of shape (n, 6)
        The same, as floats.

    Raises
    ------
    ValueError
        In one sentence that names the first row (from 1) and amount at fault, or the wrong shape.
    """
    amounts = np.asarray(amounts, dtype=float)
    if amounts.ndim != 2 or amounts.shape[1] != len(SPEND_COLUMNS):
        raise ValueError(f"amounts must have shape (n, 6), not {amounts.shape}")
    bad = np.argwhere(~(np.isfinite(amounts) & (amounts >= 0)))
    if len(bad):
        row, column = bad[0]
        raise ValueError(f"row {row + 1}, {SPEND_COLUMNS[column]}: {amounts[row, column]:g} {NOT_AN_AMOUNT}")
    return amounts
