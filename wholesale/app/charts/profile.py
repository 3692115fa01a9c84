"""The profile: one customer beside its K-Means segment, category by category."""

from collections.abc import Sequence
from functools import cache, lru_cache
from html import escape

import numpy as np

from wholesale.app.charts import svg
from wholesale.app.charts.svg import WIDTH, at, number
from wholesale.columns import LABELS, UNIT
from wholesale.palette import segment_colours
from wholesale.predictor import Predictor
from wholesale.wording import format_amount, rounded

LIMIT = 3.0
"""Standardized units to either side; what lies beyond is drawn at the edge with an arrow."""

ROW, TOP = 36, 4
LEFT, RIGHT, FOOT = 96, WIDTH - 14, TOP + ROW * len(LABELS)


def profile(predictor: Predictor, amounts: Sequence[float] | np.ndarray, segment: int) -> str:
    """Draw a customer (six amounts in m.u.) against a K-Means segment (1…k), in standardized units.

    A ``<figure>`` shows per category the customer, the segment's centre, and a band for the middle half of
    the segment's customers.
    """
    you = predictor.standardize(np.asarray(amounts))
    ends, written = _typical(predictor, segment)
    rows = ""
    for i, (label, amount) in enumerate(zip(LABELS.values(), amounts, strict=True)):
        low, high, center = written[i]
        told = (
            f"{label}: this customer {format_amount(float(amount))} {UNIT}; "
            f"centre {center}, middle half {low} to {high} {UNIT}"
        )
        rows += f"<g>{svg.title(told)}{_row(TOP + ROW * (i + 0.5), label, float(you[i]), ends[i])}</g>"
    name = predictor.names["kmeans"][segment - 1]
    colour = segment_colours(predictor.overlap)["kmeans"][segment - 1]
    says = _finding(name, you, ends)
    drawing = svg.chart(_axis() + rows, height=FOOT + 38, says=says, name="wc-profile")
    return (
        f'<div style="--seg:{colour}"><p class="wc-legend">'
        '<span><i class="wc-key-you"></i>this customer</span>'
        f'<span><i class="wc-key-middle"></i>{escape(name)}: '
        f"centre, and the middle half of its customers</span></p>{svg.figure(drawing, says)}</div>"
    )


@lru_cache(maxsize=32)
def _typical(predictor: Predictor, segment: int) -> tuple[list[list[float]], list[list[str]]]:
    """Per category, a segment's lower and upper quartile and centre: standardized, and written in m.u."""
    members = predictor.standardize(predictor.amounts[predictor.segments["kmeans"] == segment])
    center = predictor.centers["kmeans"][segment - 1]
    ends = np.array([*np.percentile(members, [25, 75], axis=0), center])
    amounts = np.expm1(ends * predictor.scale + predictor.mean).clip(0)
    return ends.T.tolist(), [[rounded(amount) for amount in row] for row in amounts.T.tolist()]


def _x(value: float) -> float:
    share = (min(max(value, -LIMIT), LIMIT) + LIMIT) / (2 * LIMIT)
    return LEFT + share * (RIGHT - LEFT)


@cache
def _axis() -> str:
    lines = "".join(f"M{number(_x(v))} {TOP}V{FOOT}" for v in (-2, -1, 1, 2))
    named = "".join(
        svg.text(_x(v), FOOT + 14, f"{v:+d}".replace("-", "−") if v else "0", "wc-soft", anchor="middle")
        for v in (-2, -1, 0, 1, 2)
    )
    about = "standard deviations from average"
    named += svg.text((LEFT + RIGHT) / 2, FOOT + 30, about, "wc-soft", anchor="middle")
    zero = f'<path class="wc-axis" d="M{number(_x(0))} {TOP}V{FOOT}"/>'
    return f'<path class="wc-grid" d="{lines}"/>{zero}{named}'


def _row(y: float, label: str, you: float, ends: list[float]) -> str:
    x, (low, high, center) = _x(you), map(_x, ends)
    head, _, tail = label.partition(" and ")
    name = svg.text(0, y + 4, label)
    if tail:
        name = svg.text(0, y - 3, head) + svg.text(0, y + 12, f"and {tail}")
    side, beyond = 1 if you > 0 else -1, ""
    if abs(you) > LIMIT:
        tip, base = at(x + 12 * side, y), at(x + 7 * side, y - 4)
        beyond = f'<path class="wc-arrow" d="M{tip}L{base}V{number(y + 4)}Z"/>'
    return (
        f'{name}<rect class="wc-hit" x="0" y="{number(y - ROW / 2)}" width="{WIDTH}" height="{ROW}"/>'
        f'<rect class="wc-middle" x="{number(low)}" y="{number(y - 8)}" '
        f'width="{number(max(high - low, 1))}" height="16" rx="4"/>'
        f'<path class="wc-gap" d="M{at(center, y)}H{number(x)}"/>'
        f'<path class="wc-center" d="M{at(center, y - 10)}v20"/>'
        f'<circle class="wc-you" cx="{number(x)}" cy="{number(y)}" r="5.5"/>{beyond}'
    )


def _finding(name: str, you: np.ndarray, ends: list[list[float]]) -> str:
    low, high, center = np.transpose(ends)
    inside = int(((you >= low) & (you <= high)).sum())
    away = you - center
    widest = int(np.abs(away).argmax())
    side = "above" if away[widest] > 0 else "below"
    return (
        f"In {inside} of {len(you)} categories this customer is in the middle half of {name}. "
        f"Furthest from its centre: {list(LABELS.values())[widest]}, "
        f"{abs(away[widest]):.1f} standard deviations {side}."
    )
