"""Numbers and lists as they are written for people, alike on the page, in reports and on a terminal."""

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence

SPACE = "\u00a0"  # groups thousands; it does not break
_LONG = 1e16  # from here on, amounts are written with an exponent
NUMBERS = {2: "two", 3: "three"}


def format_amount(amount: float) -> str:
    """Write an amount with its thousands grouped, e.g. ``"12 669"`` or ``"0.5"``; never rounded.

    :func:`wholesale.amounts.parse_amount` reads it back: 1.615, which some read as a number of thousands, is
    written ``"1.6150"``.
    """
    amount = float(amount) if abs(amount) >= _LONG else amount  # not an integer of 300 digits
    text = f"{amount:,}".removesuffix(".0").replace(",", SPACE)
    return f"{text}0" if re.fullmatch(r"[1-9][0-9]{0,2}\.[0-9]{3}", text) else text


def rounded(amount: float) -> str:
    """Write an amount as a whole number, a small one with two digits, e.g. ``"12 670"`` or ``"0.37"``."""
    size = abs(amount)
    if math.isinf(size):
        return "more than 1e+308"  # a sum of amounts that each can be written
    if 10 <= size < _LONG:
        return format_amount(round(amount))
    return format_amount(round(amount, 2) if 0.1 <= size < 10 else float(f"{amount:.2g}"))


def format_share(share: float) -> str:
    """Write a share (0…1) as a whole percentage that claims no certainty, e.g. ``"<1%"`` or ``"98%"``."""
    if 0 < share < 0.005:
        return "<1%"
    if 0.995 <= share < 1:
        return ">99%"
    return f"{share:.0%}"


def counted(n: int, thing: str) -> str:
    """Write a count with its noun, e.g. ``"1 customer"`` or ``"5 000 customers"``."""
    return f"{format_amount(n)} {thing if n == 1 else f'{thing}s'}"


def listed(words: Sequence[str]) -> str:
    """Write ``"a, b and c"``; nothing for no words."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def of_all(n: int, total: int) -> str:
    """Write a part with its share, e.g. ``"31 of 80 (39%)"``, ``"none of 80"``, ``"all 80"``."""
    if total == 1:
        return f"{n} of 1"
    if n in (0, total):
        return f"none of {format_amount(total)}" if n == 0 else f"all {format_amount(total)}"
    return f"{format_amount(n)} of {format_amount(total)} ({format_share(n / total)})"


def are(n: int, total: int) -> str:
    """Write a part with its share and a verb."""
    return f"{of_all(n, total)} {'is' if n == 1 or total == 1 else 'are'}"


def few(noun: str) -> bool:
    """Tell whether there can be few of something, rather than little: whether it is a plural."""
    return noun.endswith("s") and not noun.endswith("ss")


def lacking(noun: str) -> str:
    """Write that there is not much of something, e.g. ``"few staples"`` or ``"little deli"``."""
    return f"{'few' if few(noun) else 'little'} {noun}"


def shortened(text: str, most: int) -> str:
    """Cut a text to so many letters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def csv_of(rows: Iterable[Iterable[object]], end: str = "\n") -> str:
    """Write rows as lines of CSV; fields that have one of the signs of `end` are quoted."""
    text = io.StringIO()
    csv.writer(text, lineterminator=end).writerows(rows)
    return text.getvalue()
