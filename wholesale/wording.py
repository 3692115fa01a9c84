"""Numbers and lists as they are written for people, alike on the page, in reports and on a terminal."""

from collections.abc import Sequence

SPACE = "\u00a0"
"""Groups thousands; it does not break."""


NUMBERS = {2: "two", 3: "three"}


def format_amount(amount: float) -> str:
    """Write an amount with its thousands grouped, e.g. ``"12 669"`` or ``"0.5"``; never rounded.

    :func:`wholesale.amounts.parse_amount` reads it back.
    """
    return f"{amount:,}".removesuffix(".0").replace(",", SPACE)


def rounded(amount: float) -> str:
    """Write an amount as a whole number, a small one with two digits, e.g. ``"12 670"`` or ``"0.37"``."""
    if amount >= 10:
        return format_amount(round(amount))
    return format_amount(round(amount, 2) if amount >= 0.1 else float(f"{amount:.2g}"))


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
