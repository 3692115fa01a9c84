"""What is said of customers' place among those on record; true for any file, nothing is HTML."""

from bisect import bisect_left

import numpy as np

from wholesale.columns import LABELS, SPEND_COLUMNS
from wholesale.own import Own
from wholesale.report.study import Scored
from wholesale.scoring.drift import FAR, LIKE, by_chance, unfamiliar_by_chance
from wholesale.scoring.summary import UNKNOWN
from wholesale.wording import NUMBERS, are, counted, format_amount, listed, of_all

EVEN = 0.05
"""So near to one half, a share above the median is neither higher nor lower."""


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
        f"{said} With {counted(n, 'customer')}, chance alone takes the largest D up to about"
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
    return its.words


def share_above(own: Own, scored: Scored, column: str) -> float:
    """Give the share (0…1) of the customers who spend more than the median on record, ties counted half."""
    median = np.median(scored.predictor.amounts[:, SPEND_COLUMNS.index(column)])
    its = own.amounts[column]
    return float((its > median).mean() + (its == median).mean() / 2)


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


def shipped(scored: Scored) -> str:
    """Say what the models at hand make of the customers."""
    summary = scored.summary
    models = scored.predictor.models
    largest = {model: max(its, key=lambda pair: pair[1]) for model, its in summary.segments.items()}
    said = "; ".join(
        f"{label} puts {of_all(largest[model][1], summary.accepted)} into *{largest[model][0]}*"
        for model, label in models.items()
    )
    full = int((scored.answers["agreement"] == len(models)).sum())
    return (
        f"The largest segments: {said}. The {NUMBERS[len(models)]} models agree on"
        f" {of_all(full, summary.accepted)}, by this project's convention: each other model's segment is at"
        " least similar to that of K-Means."
    )


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


def _unfamiliar(unfamiliar: int | None, n: int, on_record: int) -> str:
    """Judge their number by that of n like those on record, from whom the limit is only an estimate."""
    if unfamiliar is None:
        return f"{UNKNOWN[0].upper()}{UNKNOWN[1:]}."
    fewest, most = (
        bisect_left(range(n), share, key=lambda c: 1 - unfamiliar_by_chance(c + 1, n, on_record))
        for share in (0.025, 0.975)
    )
    if fewest:
        within = f"{format_amount(fewest)} to {format_amount(most)} would be nothing unusual"
    else:
        within = f"up to {format_amount(most)} would be nothing unusual" if most else "none would be expected"
    said = f"{are(unfamiliar, n)} unlike 99% of the customers on record"
    few = " So few are unusual too: were only ordinary customers chosen?" if unfamiliar < fewest else ""
    return f"{said[0].upper()}{said[1:]}; among as many of the same kind, {within}.{few}"
