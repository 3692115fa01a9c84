"""Six amounts, checked: the one place that decides what counts as an amount."""

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from wholesale.columns import SPEND_COLUMNS

Amount = float | int | str
NOT_AN_AMOUNT = "is not an amount ≥ 0"
_MARKS = ",' \u00a0\u2009\u202f\u2019"  # comma, apostrophes, spaces: they group thousands
_GROUPED = re.compile(rf"[+-]?[1-9]\d{{0,2}}([{_MARKS}])\d{{3}}(?:\1\d{{3}})*(?:\.\d*)?")

_UNCLEAR = re.compile(r"[1-9]\d{0,2}\.\d{3}")
CURRENCY_SIGNS = "€$£"
CURRENCY = f"^[{CURRENCY_SIGNS}]|[{CURRENCY_SIGNS}]$"
"""A currency sign before or after an amount, as a pattern; it is not read."""


def parse_amount(column: str, value: Amount | None) -> float:
    """Read one yearly amount.

    Parameters
    ----------
    column : str
        The category, named in the error.
    value : float, int, str or None
        A finite number ≥ 0 in m.u., or its text. Text may group thousands by threes with spaces,
        apostrophes or commas (``"12 669"``, ``"12,669.50"``), and begin or end with a currency sign; the
        decimal sign is a point. Text such as ``"12.669"``, which many readers write for 12 669, is refused
        rather than guessed at.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        In one sentence that names the column, the value and the rule.
    """
    if isinstance(value, str) and _UNCLEAR.fullmatch(bare := _bare(value)):
        thousands, decimals = bare.replace(".", ""), f"{float(bare):.2f}"
        raise ValueError(f"{column}: {value.strip()} is not clear; write {thousands} or {decimals}")
    try:
        amount = _number(value)
    except (TypeError, ValueError, OverflowError):
        amount = math.nan
    if not (math.isfinite(amount) and amount >= 0):
        raise ValueError(f"{column}: {shown(value)} {NOT_AN_AMOUNT}")
    return amount + 0.0  # -0.0 is 0.0


def shown(value: object) -> str:
    """Write a refused value for a sentence, cut to 40 characters."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return "blank"
    try:
        text = str(value).strip()
    except ValueError:  # Python refuses to write integers of over 4,300 digits
        return "a number too long to show"
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _bare(text: str) -> str:
    return re.sub(CURRENCY, "", text.strip()).strip()


def _number(value: Amount | None) -> float:
    if value is None or isinstance(value, bool | np.bool_):
        raise TypeError("not a number")
    if isinstance(value, str):
        value = _bare(value)
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
    if not hasattr(spend, "keys"):  # neither a mapping nor a pandas Series
        if not isinstance(spend, list | tuple | np.ndarray) or len(spend) != len(SPEND_COLUMNS):
            raise ValueError(f"six amounts are needed, in the order {', '.join(SPEND_COLUMNS)}")
        return dict(zip(SPEND_COLUMNS, spend, strict=True))
    if missing := [column for column in SPEND_COLUMNS if column not in spend]:
        raise ValueError(f"missing: {', '.join(missing)}")
    if unknown := [str(key) for key in spend.keys() if key not in SPEND_COLUMNS]:  # noqa: SIM118
        raise ValueError(f"unknown: {', '.join(unknown)}")
    return {column: spend[column] for column in SPEND_COLUMNS}  # type: ignore[call-overload]


def check_amounts(amounts: np.ndarray) -> np.ndarray:
    """Check many customers' amounts.

    Parameters
    ----------
    amounts : ndarray of shape (n, 6) or DataFrame
        In m.u. per year, in ``SPEND_COLUMNS`` order; a DataFrame's columns are taken by name.

    Returns
    -------
    ndarray of shape (n, 6)
        The same, as floats.

    Raises
    ------
    ValueError
        In one sentence that names the first row (from 1) and amount at fault, or the wrong shape.
    """
    if hasattr(amounts, "columns"):
        if missing := [column for column in SPEND_COLUMNS if column not in amounts.columns]:
            raise ValueError(f"missing: {', '.join(missing)}")
        amounts = amounts[list(SPEND_COLUMNS)]
    amounts = _floats(amounts)
    if amounts.ndim != 2 or amounts.shape[1] != len(SPEND_COLUMNS):
        raise ValueError(f"amounts must have shape (n, 6), not {amounts.shape}")
    bad = np.argwhere(~(np.isfinite(amounts) & (amounts >= 0)))
    if len(bad):
        row, column = bad[0]
        raise ValueError(f"row {row + 1}, {SPEND_COLUMNS[column]}: {amounts[row, column]:g} {NOT_AN_AMOUNT}")
    return amounts


def _floats(amounts: object) -> np.ndarray:
    """Turn rows into a float matrix; text, None and the like are read, or refused, amount by amount."""
    try:
        array = np.asarray(amounts)
    except ValueError:  # rows of different lengths
        array = np.asarray(amounts, dtype=object)
    if array.dtype.kind in "iuf":
        return array.astype(float)
    rows = []
    for number, row in enumerate(array, start=1):
        try:
            rows.append(parse_amounts(row))
        except ValueError as error:
            raise ValueError(f"row {number}, {error}") from None
    return np.array(rows)
