"""What is said of a file of customers and of their spending; true for any file, nothing is HTML."""

import numpy as np

from wholesale.columns import LABELS, SPEND_COLUMNS, UNIT
from wholesale.own import Own
from wholesale.wording import counted, format_amount, format_share, listed, of_all, rounded

FEW = 100
"""Below this many customers, every figure is said to be uncertain; our convention."""

SMALL = 10
"""M.u. below which log(1 + amount) is far from the logarithm of the amount."""

SHOWN = 10
"""Rows of a list that are shown."""


def reading(own: Own) -> str:
    """Say what came of reading the file."""
    accepted, rejected = len(own.accepted), len(own.rejected)
    total = accepted + rejected
    came = "Every one of them is a customer; none was rejected." if total > 1 else "It is a customer."
    if rejected:
        came = f"Read as customers: {of_all(accepted, total)}. Rejected: {of_all(rejected, total)}."
    small = (
        f"With {counted(accepted, 'customer')}, every figure below is uncertain: another year, or a few"
        " others, could change it."
    )
    holds = f"**{escaped(own.file)}** holds {counted(total, 'record')}."
    said = [holds, came, *map(escaped, own.notes)]
    return " ".join([*said, small] if accepted < FEW else said)


def rejects(own: Own) -> str:
    """Say where the rejected records are at fault."""
    rejected = own.rejected
    if not len(rejected):
        return "There is nothing to mend: no record was rejected."
    columns = rejected["column"].to_pylist()
    faults = [
        (LABELS.get(name, "the form of the record"), columns.count(name)) for name in ("", *SPEND_COLUMNS)
    ]
    where = listed([f"{label} ({format_amount(n)})" for label, n in faults if n])
    shown = f" The first {SHOWN} are shown." if len(rejected) > SHOWN else ""
    them = "it" if len(rejected) == 1 else "them"
    return f"At fault, going by the first fault of each: {where}.{shown} Nothing below includes {them}."


def spending(own: Own) -> str:
    """Say how much they spend and where zeros and constants are."""
    amounts = own.amounts
    totals = np.sort(amounts.sum(axis=1))
    if len(totals) == 1:
        return f"The customer spends {money(totals[0])} a year in all."
    tenth = max(1, len(totals) // 10)
    who = "largest customer brings" if tenth == 1 else f"largest {format_amount(tenth)} bring"
    said = f"Half of the customers spend {money(float(np.median(totals)))} a year or more in all"
    if totals.any():
        said += f"; the {who} {format_share(totals[-tenth:].sum() / totals.sum())} of all spending"
    zeros = {LABELS[str(column)]: int(n) for column, n in (amounts == 0).sum().items() if n}
    none = listed([f"{label} ({format_amount(n)})" for label, n in zeros.items()])
    small = [LABELS[str(column)] for column, its in amounts.median().items() if its < SMALL]
    constant = [LABELS[str(column)] for column in amounts if amounts[column].nunique() == 1]
    said += f". Zeros: {none}." if none else ". Nobody's amount is zero."
    said += f" The same for everybody: {listed(constant)}." if constant else ""
    if not small:
        return said
    return (
        f"{said} Half of the customers or more spend under {SMALL} m.u. on {listed(small)}: there the"
        " logarithm hardly acts, and in a smaller unit the segments would be others."
    )


def money(amount: float) -> str:
    """Write an amount with its unit."""
    return f"{rounded(amount)} {UNIT}"


def escaped(text: str) -> str:
    """Keep Markdown and HTML from reading a name as anything but a name."""
    safe = "".join(f"\\{sign}" if sign in r"\`*_{}[]()#+-!|~$:" else sign for sign in text)
    return safe.replace("&", "&amp;").replace("<", "&lt;")
