"""What is said of customers and of their place among those on record; true for any file, nothing is HTML."""

import math

import numpy as np
from scipy.stats import betabinom

from wholesale.columns import LABELS, MODELS, SPEND_COLUMNS, UNIT
from wholesale.own import Own
from wholesale.predict import UNFAMILIAR
from wholesale.report.study import Scored
from wholesale.scoring.drift import FAR, LIKE, by_chance
from wholesale.wording import counted, format_amount, format_share, listed, rounded

FEW = 100
"""Below this many customers, every figure is said to be uncertain; our convention."""

EVEN = 0.05
"""So near to one half, a share above the median is neither higher nor lower."""

SMALL = 10
"""M.u. below which log(1 + amount) is far from the logarithm of the amount."""

SHOWN = 10
"""Rows of a list that are shown."""


def of_all(n: int, total: int) -> str:
    """Write a part with its share, e.g. ``"31 of 80 (39%)"``, ``"none of 80"``, ``"all 80"``."""
    if total == 1:
        return f"{n} of 1"
    if n in (0, total):
        return f"none of {format_amount(total)}" if n == 0 else f"all {format_amount(total)}"
    return f"{format_amount(n)} of {format_amount(total)} ({format_share(n / total)})"


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


def are(n: int, total: int) -> str:
    """Write a part with its share and a verb."""
    return f"{of_all(n, total)} {'is' if n == 1 or total == 1 else 'are'}"


def drift(own: Own, scored: Scored) -> str:
    """Say how far the customers are from those on record, and how far that can be trusted."""
    n, m = len(own.accepted), scored.summary.on_record
    if scored.on_record:
        return (
            f"These are the very customers that the models at hand were made from, all {format_amount(m)} of"
            " them. There is no drift, and nothing to be learned from its absence."
        )
    said = f"{_shifts(own, scored)} {_unfamiliar(scored.summary.unfamiliar, n, m)}"
    chance = by_chance(n, m)
    if chance <= LIKE:
        return said
    return (
        f"{said} With {counted(n, 'customer')}, chance alone takes a category's D up to about"
        f" {min(chance, 1):.2f} in 19 of 20 cases, so a smaller one is called no clear difference; that does"
        " not show that there is none."
    )


def difference(own: Own, scored: Scored, column: str) -> str:
    """Put one category's drift in words."""
    its = scored.summary.drift[column]
    if its.distance == 0:
        return "no difference"
    if its.verdict == "alike":
        large = by_chance(len(own.accepted), scored.summary.on_record) <= LIKE
        return "little difference" if large else "no clear difference"
    if abs(share_above(own, scored, column) - 0.5) < EVEN:
        return "differently spread" if its.verdict == "different" else "very differently spread"
    return f"{'somewhat' if its.verdict == 'different' else 'much'} {its.direction}"


def share_above(own: Own, scored: Scored, column: str) -> float:
    """Give the share (0…1) of the customers who spend more than the median on record, ties counted half."""
    median = np.median(scored.predictor.amounts[:, SPEND_COLUMNS.index(column)])
    its = own.amounts[column]
    return float((its > median).mean() + (its == median).mean() / 2)


def shipped(scored: Scored) -> str:
    """Say what the models at hand make of the customers."""
    summary = scored.summary
    largest = {model: max(its, key=lambda pair: pair[1]) for model, its in summary.segments.items()}
    said = "; ".join(
        f"{label} puts {of_all(largest[model][1], summary.accepted)} into *{largest[model][0]}*"
        for model, label in MODELS.items()
    )
    full = int((scored.answers["agreement"] == len(MODELS)).sum())
    return (
        f"The largest segments: {said}. The three models agree on {of_all(full, summary.accepted)}, by this"
        " project's convention: each other model's segment is at least similar to that of K-Means."
    )


def money(amount: float) -> str:
    """Write an amount with its unit."""
    return f"{rounded(amount)} {UNIT}"


def escaped(text: str) -> str:
    """Keep Markdown and HTML from reading a name as anything but a name."""
    safe = "".join(f"\\{sign}" if sign in r"\`*_{}[]()#+-!|~$:" else sign for sign in text)
    return safe.replace("&", "&amp;").replace("<", "&lt;")


def shifted(own: Own, scored: Scored) -> list[str]:
    """List the categories that differ from those on record, each with how."""
    drifts = scored.summary.drift
    return [
        f"{LABELS[column]} ({difference(own, scored, column)})"
        for column, its in drifts.items()
        if its.verdict != "alike"
    ]


def one_sided(scored: Scored) -> str:
    """Ask for the unit if all six amounts differ much on the same side."""
    sides = {its.direction for its in scored.summary.drift.values()}
    if len(sides) > 1 or any(its.verdict != "far" for its in scored.summary.drift.values()):
        return ""
    return f" All six amounts are much {sides.pop()}: are they a year's, and in the unit of those on record?"


def _shifts(own: Own, scored: Scored) -> str:
    record = f"the {format_amount(scored.summary.on_record)} on record"
    told = shifted(own, scored)
    if not told:
        return f"No category differs clearly from {record}."
    said = f"The customers differ from {record} in {listed(told)}."
    if all(its.verdict != "far" for its in scored.summary.drift.values()):
        return said
    return (
        f"{said} A D above {FAR}, and above what chance gives, is called much or very: this may be another"
        f" market, or another mix of customers, and segments made elsewhere may fit it badly."
        f"{one_sided(scored)}"
    )


def _unfamiliar(unfamiliar: int, n: int, on_record: int) -> str:
    """Judge their number by that of n like those on record, from whom the limit is only an estimate."""
    rank = math.ceil(UNFAMILIAR * on_record)
    usual = int(betabinom.ppf(0.975, n, rank, on_record + 1 - rank))
    within = f"up to {format_amount(usual)} would be nothing unusual" if usual else "none would be expected"
    said = f"{are(unfamiliar, n)} unlike 99% of the customers on record"
    return f"{said[0].upper()}{said[1:]}; among as many of the same kind, {within}."
