"""The profile: one customer beside its K-Means segment, category by category."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from wholesale.amounts import Amount, parse_amounts
from wholesale.app.charts.svg import WIDTH, chart, figure, number, text, title
from wholesale.columns import LABELS, SPEND_COLUMNS, UNIT
from wholesale.palette import segment_colours
from wholesale.predictor import Predictor
from wholesale.wording import format_amount, rounded

LIMIT = 3.0
"""Standardized units to either side; what lies beyond is drawn at the edge with an arrow."""

ROW, TOP, BOTTOM = 36, 4, 38
LEFT, RIGHT = 96, WIDTH - 14


def profile(predictor: Predictor, spend: Mapping[str, Amount] | Sequence[Amount], segment: int) -> str:
    """Draw a customer against a K-Means segment in standardized units.

    Parameters
    ----------
    predictor : Predictor
    spend : mapping or sequence
        Six yearly amounts in m.u., as in `predict_segment`.
    segment : int
        1…k.

    Returns
    -------
    str
        A ``<figure>``: per category the customer, the segment's centre, and a band for the middle half
        of the segment's customers.
    """
    amounts = parse_amounts(spend)
    you, center = predictor.standardize(amounts), predictor.centers["kmeans"][segment - 1]
    members = predictor.standardize(predictor.amounts[predictor.segments["kmeans"] == segment])
    middle = np.percentile(members, [25, 75], axis=0)
    rows = (
        _row(predictor, i, float(amounts[i]), float(you[i]), float(center[i]), middle[:, i])
        for i in range(len(SPEND_COLUMNS))
    )
    height = TOP + ROW * len(SPEND_COLUMNS) + BOTTOM
    name, colour = (
        predictor.names["kmeans"][segment - 1],
        segment_colours(predictor.overlap)["kmeans"][segment - 1],
    )
    says = _finding(name, you, center, middle)
    drawing = chart(_axis(height) + "".join(rows), height=height, says=says, name="wc-profile")
    return f'<div style="--seg:{colour}">{_legend(name)}{figure(drawing, says)}</div>'


def _legend(name: str) -> str:
    return (
        '<p class="wc-legend"><span><i class="wc-key-you"></i>this customer</span>'
        f'<span><i class="wc-key-middle"></i>{escape(name)}: '
        "centre, and the middle half of its customers</span></p>"
    )


def _x(value: float) -> float:
    share = (min(max(value, -LIMIT), LIMIT) + LIMIT) / (2 * LIMIT)
    return LEFT + share * (RIGHT - LEFT)


def _axis(height: float) -> str:
    foot = height - BOTTOM
    lines = "".join(f"M{number(_x(v))} {TOP}V{foot}" for v in (-2, -1, 1, 2))
    named = "".join(
        text(_x(v), foot + 14, f"{v:+d}".replace("-", "−") if v else "0", "wc-soft", anchor="middle")
        for v in (-2, -1, 0, 1, 2)
    )
    about = text(
        (LEFT + RIGHT) / 2, foot + 30, "standard deviations from average", "wc-soft", anchor="middle"
    )
    return (
        f'<path class="wc-grid" d="{lines}"/><path class="wc-axis" d="M{number(_x(0))} {TOP}V{foot}"/>'
        f"{named}{about}"
    )


def _row(predictor: Predictor, i: int, amount: float, you: float, center: float, middle: np.ndarray) -> str:
    y = TOP + ROW * (i + 0.5)
    low, high = (_x(v) for v in middle)
    label = LABELS[SPEND_COLUMNS[i]]
    ends = [_amount(predictor, i, v) for v in (*middle, center)]
    told = (
        f"{label}: this customer {format_amount(amount)} {UNIT}; "
        f"centre {ends[2]}, middle half {ends[0]} to {ends[1]} {UNIT}"
    )
    wide = number(max(high - low, 1))
    return (
        f"<g>{title(told)}{_name(label, y)}"
        f'<rect class="wc-hit" x="0" y="{number(y - ROW / 2)}" width="{WIDTH}" height="{ROW}"/>'
        f'<rect class="wc-middle" x="{number(low)}" y="{number(y - 8)}" width="{wide}" height="16" rx="4"/>'
        f'<path class="wc-gap" d="M{number(_x(center))} {number(y)}H{number(_x(you))}"/>'
        f'<path class="wc-center" d="M{number(_x(center))} {number(y - 10)}v20"/>{_mark(you, y)}</g>'
    )


def _name(label: str, y: float) -> str:
    head, _, tail = label.partition(" and ")
    if not tail:
        return text(0, y + 4, label)
    return text(0, y - 3, head) + text(0, y + 12, f"and {tail}")


def _mark(you: float, y: float) -> str:
    x = _x(you)
    dot = f'<circle class="wc-you" cx="{number(x)}" cy="{number(y)}" r="5.5"/>'
    if abs(you) <= LIMIT:
        return dot
    side = 1 if you > 0 else -1
    arrow = f"M{number(x + 12 * side)} {number(y)}L{number(x + 7 * side)} {number(y - 4)}V{number(y + 4)}Z"
    return f'{dot}<path class="wc-arrow" d="{arrow}"/>'


def _amount(predictor: Predictor, i: int, value: float) -> str:
    amount = np.expm1(value * predictor.scale[i] + predictor.mean[i])
    return rounded(max(float(amount), 0.0))


def _finding(name: str, you: np.ndarray, center: np.ndarray, middle: np.ndarray) -> str:
    inside = int(((you >= middle[0]) & (you <= middle[1])).sum())
    away = you - center
    widest = int(np.abs(away).argmax())
    side = "above" if away[widest] > 0 else "below"
    return (
        f"In {inside} of {len(you)} categories this customer is in the middle half of {name}. "
        f"Furthest from its centre: {LABELS[SPEND_COLUMNS[widest]]}, "
        f"{abs(away[widest]):.1f} standard deviations {side}."
    )
