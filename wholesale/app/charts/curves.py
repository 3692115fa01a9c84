"""The criteria for the number of segments, one small panel each."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

import numpy as np

from wholesale.app.charts.criteria import PANELS, Curve, Panel
from wholesale.app.charts.svg import LINE, Label, chart, draw_label, first_free, number, text, ticks, title
from wholesale.predictor import Predictor
from wholesale.wording import SPACE, counted

WIDTH, HEIGHT = 320, 190
LEFT, RIGHT, TOP, FOOT = 46, WIDTH - 12, 42, 152


@dataclass(frozen=True, eq=False)
class Frame:
    """From k and a measure to the panel's units."""

    ks: np.ndarray
    low: float
    high: float

    def x(self, k: float) -> float:
        """Place a number of segments."""
        first, last = self.ks[0], self.ks[-1]
        return (
            (LEFT + RIGHT) / 2
            if first == last
            else LEFT + 8 + (k - first) / (last - first) * (RIGHT - LEFT - 16)
        )

    def y(self, value: float) -> float:
        """Place a value of the measure."""
        return FOOT - (value - self.low) / (self.high - self.low) * (FOOT - TOP)


def evidence_curves(predictor: Predictor) -> str:
    """Draw each criterion over the number of segments, k.

    Parameters
    ----------
    predictor : Predictor

    Returns
    -------
    str
        A ``<div>`` of panels: the k that each criterion votes for has a ring, the served k a line. Empty
        where no evidence was gathered.
    """
    counts = predictor.evidence.get("counts", {})
    ks = np.array(sorted(int(k) for k in counts))
    panels = [_panel(predictor, panel, ks) for panel in PANELS if _has(predictor, panel, ks)]
    if not panels:
        return ""
    sentences = " ".join(predictor.evidence.get("sentences", ()))
    says = escape(f"Criteria for the number of segments. {sentences}")
    grid = f'<div class="wc-curves" role="group" aria-label="{says}">{"".join(panels)}</div>'
    return f"<div>{_legend(predictor.n_segments)}{grid}</div>"


def _legend(served: int) -> str:
    return (
        '<p class="wc-legend"><span><i class="wc-key-ring"></i>the number a criterion prefers</span>'
        f'<span><i class="wc-key-served"></i>the {served} that are served</span></p>'
    )


def _values(predictor: Predictor, column: str, ks: np.ndarray) -> np.ndarray:
    found = [predictor.evidence["counts"][str(k)].get(column) for k in ks]
    return np.array([np.nan if value is None else value for value in found], dtype=float)


def _has(predictor: Predictor, panel: Panel, ks: np.ndarray) -> bool:
    return any(np.isfinite(_values(predictor, curve.column, ks)).any() for curve in panel.curves)


def _panel(predictor: Predictor, panel: Panel, ks: np.ndarray) -> str:
    values = [_values(predictor, curve.column, ks) for curve in panel.curves]
    errors = np.nan_to_num(_values(predictor, panel.error, ks))
    frame = _frame(ks, [*(v - errors for v in values), *(v + errors for v in values)], panel.line)
    head = text(0, LINE, panel.name, "wc-strong") + text(0, 2 * LINE, _votes(predictor, panel), "wc-soft")
    lines = [
        _curve(predictor, curve, v, frame, rank)
        for rank, (curve, v) in enumerate(zip(panel.curves, values, strict=True))
    ]
    body = head + _axes(frame, predictor.n_segments, panel.line) + _errors(frame, values[0], errors)
    body += "".join(lines) + _words(panel, values, frame)
    return chart(
        body, height=HEIGHT, width=WIDTH, says=_finding(predictor, panel, values, ks), name="wc-panel"
    )


def _votes(predictor: Predictor, panel: Panel) -> str:
    votes = predictor.evidence.get("votes", {})
    cast = [f"{curve.word} {votes[curve.vote]}".strip() for curve in panel.curves if curve.vote in votes]
    return f"{panel.rule}: {', '.join(cast)}" if cast else panel.rule


def _frame(ks: np.ndarray, values: list[np.ndarray], line: float | None) -> Frame:
    finite = np.concatenate([v[np.isfinite(v)] for v in values] + [[] if line is None else [line]])
    low, high = float(finite.min()), float(finite.max())
    room = 0.08 * (high - low) or abs(high) or 1.0
    return Frame(ks, low - room, high + room)


def _axes(frame: Frame, served: int, line: float | None) -> str:
    marks = []
    for tick in ticks(frame.low, frame.high, most=3):
        y = frame.y(tick)
        marks.append(f'<path class="wc-grid" d="M{LEFT} {number(y)}H{RIGHT}"/>')
        marks.append(text(LEFT - 6, y + 4, _tick(tick), "wc-soft", anchor="end"))
    for k in frame.ks:
        kind = "wc-strong" if k == served else "wc-soft"
        marks.append(text(frame.x(k), FOOT + 16, str(k), kind, anchor="middle"))
    marks.append(text((LEFT + RIGHT) / 2, FOOT + 32, "number of segments", "wc-soft", anchor="middle"))
    if frame.ks[0] <= served <= frame.ks[-1]:
        marks.append(f'<path class="wc-served" d="M{number(frame.x(served))} {TOP}V{FOOT + 3}"/>')
    if line is not None:
        marks.append(f'<path class="wc-cut" d="M{LEFT} {number(frame.y(line))}H{RIGHT}"/>')
    return "".join(marks)


def _errors(frame: Frame, values: np.ndarray, errors: np.ndarray) -> str:
    bars = "".join(
        f"M{number(frame.x(k))} {number(frame.y(v - e))}V{number(frame.y(v + e))}"
        for k, v, e in zip(frame.ks, values, errors, strict=True)
        if e > 0 and np.isfinite(v)
    )
    return f'<path class="wc-error-bar" d="{bars}"/>' if bars else ""


def _curve(predictor: Predictor, curve: Curve, values: np.ndarray, frame: Frame, rank: int) -> str:
    known = [(k, v) for k, v in zip(frame.ks, values, strict=True) if np.isfinite(v)]
    path = "L".join(f"{number(frame.x(k))} {number(frame.y(v))}" for k, v in known)
    voted = predictor.evidence.get("votes", {}).get(curve.vote)
    points = "".join(_point(curve, k, v, frame, k == voted) for k, v in known)
    return f'<g class="wc-curve wc-curve-{rank + 1}"><path d="M{path}"/>{points}</g>' if known else ""


def _point(curve: Curve, k: int, value: float, frame: Frame, voted: bool) -> str:
    x, y = number(frame.x(k)), number(frame.y(value))
    ring = f'<circle class="wc-ring" cx="{x}" cy="{y}" r="7"/>' if voted else ""
    name = curve.word or curve.vote[0].upper() + curve.vote[1:]
    told = f"{name}, {counted(int(k), 'segment')}: {_value(value)}"
    return f'{ring}<circle cx="{x}" cy="{y}" r="3">{title(told)}</circle>'


def _words(panel: Panel, values: list[np.ndarray], frame: Frame) -> str:
    """Name the curves of a panel at their last points, where there are several."""
    taken: list[Label] = []
    drawn = []
    for rank, (curve, v) in enumerate(zip(panel.curves, values, strict=True), start=1):
        known = np.flatnonzero(np.isfinite(v))
        if curve.word and len(known):
            label = first_free(_near_end(curve.word, frame.y(v[known[-1]])), taken)
            taken.append(label)
            drawn.append(f'<g class="wc-curve wc-curve-{rank}">{draw_label(label, "wc-halo")}</g>')
    return "".join(drawn)


def _near_end(word: str, y: float) -> Iterator[Label]:
    for step in range(11, FOOT, 4):
        for place in (y - step, y + step):
            if TOP <= place <= FOOT - 7:
                yield Label((word,), RIGHT, place).within(LEFT, RIGHT)


def _value(value: float) -> str:
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 20 else 2
    return f"{value:,.{digits}f}".replace(",", SPACE).replace("-", "−")


def _tick(value: float) -> str:
    return f"{value:,.6g}".replace(",", SPACE).replace("-", "−")


def _finding(predictor: Predictor, panel: Panel, values: list[np.ndarray], ks: np.ndarray) -> str:
    parts = []
    for curve, v in zip(panel.curves, values, strict=True):
        voted = predictor.evidence.get("votes", {}).get(curve.vote)
        series = ", ".join(f"{k}: {_value(x)}" for k, x in zip(ks, v, strict=True) if np.isfinite(x))
        prefers = f" prefers {counted(voted, 'segment')}" if voted else ""
        parts.append(f"{curve.word or panel.name}{prefers} ({series})")
    return f"{panel.name}, {panel.rule}: {'; '.join(parts)}. Served: {predictor.n_segments}."
