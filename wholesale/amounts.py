"""Amounts, checked: the one place that decides what counts as an amount."""

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from wholesale.columns import Categories
from wholesale.wording import format_amount, shortened

Amount = float | int | str
NOT_AN_AMOUNT = "is not an amount ≥ 0"
SPACES = " '\u00a0\u2009\u202f\u2019"  # they group thousands wherever they stand
CURRENCY_SIGNS = "€$£¥"
CURRENCY_CODES = "EUR|USD|GBP|CHF|JPY|CNY|INR|CAD|AUD|NZD|BRL|MXN|DKK|NOK|SEK|PLN|CZK|HUF|RON|TRY|ZAR"
_MONEY = f"(?:[{CURRENCY_SIGNS}]|(?i:{CURRENCY_CODES}|m\\.u\\.))"
CURRENCY = f"^{_MONEY}|{_MONEY}$"  # a currency's sign or code, or the unit, around an amount; it is not read


def _grammar(decimal: str, other: str) -> str:
    """Give the pattern of an amount: plain digits, or groups of three by one and the same mark."""
    point, marks = re.escape(decimal), [re.escape(mark) for mark in other + SPACES]
    groups = "|".join(rf"(?:{mark}[0-9]{{3}})+" for mark in marks)
    plain = rf"(?:[0-9]+(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"
    return rf"^[+-]?(?:{plain}|[1-9][0-9]{{0,2}}(?:{groups})(?:{point}[0-9]*)?)$"


GRAMMARS = {".": _grammar(".", ","), ",": _grammar(",", ".")}
"""What is an amount in text, by the decimal sign; the page, the API and files all read by it."""


def parse_amount(label: str, value: Amount | None) -> float:
    """Read one amount, a finite number ≥ 0 or its text; else a ValueError that begins with the label.

    Text may have a decimal point or comma, group thousands by threes with one mark (``"12 669"``,
    ``"1.234.567"``, ``"12,669.50"``), and begin or end with a currency. Text such as ``"12.669"`` or
    ``"12,669"``, which some read as a number of thousands, is refused rather than guessed at.
    """
    if isinstance(value, float) and 0 <= value < math.inf:  # as most are
        return float(value) + 0.0
    numbers = [read_text(value, sign) for sign in GRAMMARS] if isinstance(value, str) else [_number(value)]
    meanings = {number + 0.0 for number in numbers if math.isfinite(number) and number >= 0}  # -0.0 is 0.0
    if len(meanings) > 1:  # its only mark may be of thousands or of decimals
        thousands, decimals = max(meanings), min(meanings)
        choices = f"{thousands:.0f} or {format_amount(decimals)}"
        raise ValueError(f"{label}: {shown(value)} is not clear; write {choices}")
    if not meanings:
        raise ValueError(refusal(label, shown(value)))
    return meanings.pop()


def refusal(label: str, value: str, why: str = NOT_AN_AMOUNT) -> str:
    """Say what is wrong with what stands for a category; `value` is as `shown` writes it."""
    return f"{label}: {value} {why}"


def read_text(text: str, sign: str) -> float:
    """Read text whose decimal sign is known; NaN for what is not an amount, whose size is not checked."""
    text = re.sub(CURRENCY, "", text.strip()).strip()
    if not re.fullmatch(GRAMMARS[sign], text):
        return math.nan
    return float(re.sub(f"[{SPACES}{',' if sign == '.' else '.'}]", "", text).replace(sign, "."))


def good(amounts: np.ndarray) -> np.ndarray:
    """Say which numbers are amounts: finite, and not negative."""
    return np.isfinite(amounts) & (amounts >= 0)


def _number(value: object) -> float:
    if isinstance(value, bool | np.bool_ | bytes | bytearray):
        return math.nan
    try:
        return float(value)  # type: ignore[arg-type]  # what it cannot take is what is asked
    except (TypeError, ValueError, OverflowError):
        return math.nan


def shown(value: object) -> str:
    """Write a refused value for a sentence, cut to 40 characters."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return "blank"
    try:
        text = str(value).strip()
    except ValueError:  # Python refuses to write integers of over 4,300 digits
        return "a number too long to show"
    return shortened(text if text.isprintable() else ascii(text), 40)


def parse_amounts(spend: Mapping[str, Amount] | Sequence[Amount], categories: Categories) -> np.ndarray:
    """Read one customer's amounts, by name or in order; a ValueError names all that are at fault."""
    amounts, errors = [], []
    for column, value in _by_column(spend, categories.columns).items():
        try:
            amounts.append(parse_amount(categories.label(column), value))
        except ValueError as error:
            errors.append(str(error))
    if errors:
        raise ValueError("; ".join(errors))
    return np.array(amounts)


def _by_column(spend: Mapping[str, Amount] | Sequence[Amount], columns: Sequence[str]) -> dict[str, Amount]:
    if not hasattr(spend, "keys"):  # neither a mapping nor a pandas Series
        if not isinstance(spend, list | tuple | np.ndarray) or len(spend) != len(columns):
            raise ValueError(f"{len(columns)} amounts are needed, in the order {', '.join(columns)}")
        return dict(zip(columns, spend, strict=True))
    if missing := [column for column in columns if column not in spend]:
        raise ValueError(f"missing: {', '.join(missing)}")
    if unknown := [str(key) for key in spend.keys() if key not in columns]:  # noqa: SIM118
        raise ValueError(f"unknown: {', '.join(unknown)}")
    return {column: spend[column] for column in columns}  # type: ignore[call-overload]


def check_amounts(amounts: np.ndarray, categories: Categories) -> np.ndarray:
    """Give many customers' amounts (n, d), a DataFrame's by name, as floats; a ValueError names a fault."""
    columns = categories.columns
    if hasattr(amounts, "columns"):
        if missing := [column for column in columns if column not in amounts.columns]:
            raise ValueError(f"missing: {', '.join(missing)}")
        amounts = amounts[list(columns)]
    amounts = _floats(amounts, categories)
    if amounts.ndim != 2 or amounts.shape[1] != len(columns):
        raise ValueError(f"amounts must have shape (n, {len(columns)}), not {amounts.shape}")
    bad = np.argwhere(~good(amounts))
    if len(bad):
        row, column = bad[0]
        raise ValueError(f"row {row + 1}, {refusal(categories.labels[column], f'{amounts[row, column]:g}')}")
    return amounts


def _floats(amounts: object, categories: Categories) -> np.ndarray:
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
            rows.append(parse_amounts(row, categories))
        except ValueError as error:
            raise ValueError(f"row {number}, {error}") from None
    return np.array(rows)
