"""What the models rest on: the criteria over the number of segments, k, and Ward's tree."""

from html import escape
from typing import NamedTuple, TypeVar

import numpy as np

from wholesale.app.charts import svg
from wholesale.app.charts.svg import LINE, WIDTH, Label, at, number
from wholesale.criteria import CRITERIA, Criterion
from wholesale.measure import cut_height, owners
from wholesale.palette import segment_colours
from wholesale.predictor import Predictor
from wholesale.wording import SPACE, counted, format_amount

PANEL = (46, 308, 42, 152)  # left, right, top and foot of the room for data
TREE = (28, WIDTH - 4, 34, 250)
ASIDE = 0.23  # of a step from k to k + 1, left free at either side
BAR = TREE[-1] + 3, 5  # where a bar under a branch begins, and its height
DRAWN = 1000  # merges at most, the highest, so that the bytes stay bounded
TOLD = 20  # merges that say on hover what joined

Values = TypeVar("Values", float, np.ndarray)


class Frame(NamedTuple):
    """Room for data, in a chart's units, and the values at its edges."""

    left: float
    right: float
    top: float
    foot: float
    first: float
    last: float
    low: float
    high: float

    def x(self, value: Values) -> Values:
        """Place what is drawn from left to right."""
        return self.left + (value - self.first) / (self.last - self.first) * (self.right - self.left)

    def y(self, value: Values) -> Values:
        """Place what is drawn upward."""
        return self.foot - (value - self.low) / (self.high - self.low) * (self.foot - self.top)

    def across(self, value: float, kind: str) -> str:
        """Draw a line across."""
        return f'<path class="{kind}" d="M{self.left} {number(self.y(value))}H{self.right}"/>'

    def grid(self, most: int) -> str:
        """Draw lines across at round values, and write these."""
        drawn = ""
        for tick in svg.ticks(self.low, self.high, most=most):
            written = f"{tick:,.6g}".replace(",", SPACE).replace("-", "−")
            drawn += self.across(tick, "wc-grid")
            drawn += svg.text(self.left - 5, self.y(tick) + 4, written, "wc-soft", anchor="end")
        return drawn


class Curve(NamedTuple):
    """One criterion: what is known of it, and its error, by k, and the k that it votes for, if any."""

    criterion: Criterion
    known: dict[int, float]
    errors: dict[int, float]
    vote: int | None

    def group(self, drawn: str) -> str:
        """Wrap what is drawn of it."""
        return f'<g class="wc-curve wc-curve-{self.criterion.curve.lower() or "alone"}">{drawn}</g>'


def evidence_curves(predictor: Predictor) -> str:
    """Draw a panel per criterion over k, its vote ringed, the served k a line; nothing without evidence."""
    counts = {int(k): row for k, row in predictor.evidence.get("counts", {}).items()}
    votes, panels = predictor.evidence.get("votes", {}), dict[str, list[Curve]]()
    for criterion in CRITERIA:
        column, vote = criterion.column, votes.get(criterion.vote)
        known = {k: row[column] for k, row in counts.items() if row.get(column) is not None}
        errors = {k: counts[k].get(criterion.error) or 0 for k in known}
        if criterion.panel and known:
            panels.setdefault(criterion.panel, []).append(Curve(criterion, known, errors, vote))
    if not panels:
        return ""
    says = " ".join(["Criteria for the number of segments.", *predictor.evidence.get("sentences", ())])
    ks, served = list(counts), predictor.n_segments
    drawn = "".join(_panel(name, curves, ks, served) for name, curves in panels.items())
    return (
        '<div><p class="wc-legend"><span><i class="wc-key-ring"></i>the number a criterion prefers</span>'
        f'<span><i class="wc-key-served"></i>the {served} that are served</span></p>'
        f'<div class="wc-curves" role="group" aria-label="{escape(says)}">{drawn}</div></div>'
    )


def _panel(name: str, curves: list[Curve], ks: list[int], served: int) -> str:
    rule, line = curves[0].criterion.rule, curves[0].criterion.line
    shown = [] if line is None else [line]
    for curve in curves:
        shown += [value + sign * curve.errors[k] for k, value in curve.known.items() for sign in (-1, 1)]
    low, high = min(shown), max(shown)
    room = 0.08 * (high - low) or abs(high) or 1.0
    frame = Frame(*PANEL, min(ks) - ASIDE, max(ks) + ASIDE, low - room, high + room)
    cast = ", ".join(f"{curve.criterion.curve} {curve.vote}".strip() for curve in curves if curve.vote)
    body = svg.text(0, LINE, name, "wc-strong")
    body += svg.text(0, 2 * LINE, f"{rule}: {cast}" if cast else rule, "wc-soft") + frame.grid(3)
    for k in ks:
        kind = "wc-strong" if k == served else "wc-soft"
        body += svg.text(frame.x(k), frame.foot + 16, str(k), kind, anchor="middle")
    middle = (frame.left + frame.right) / 2
    body += svg.text(middle, frame.foot + 32, "number of segments", "wc-soft", anchor="middle")
    if served in ks:
        body += f'<path class="wc-served" d="M{number(frame.x(served))} {frame.top}V{frame.foot + 3}"/>'
    if line is not None:
        body += frame.across(line, "wc-cut")
    body += "".join(_curve(curve, frame) for curve in curves)
    taken: list[Label] = []
    for curve in curves:
        if curve.criterion.curve:
            end = Label((curve.criterion.curve,), frame.right, frame.y(curve.known[max(curve.known)]))
            places = end.within(frame.left, frame.right).above_and_below(11, 4, frame.top, frame.foot - 7)
            taken.append(svg.first_free(places, taken))
            body += curve.group(svg.draw_label(taken[-1], "wc-halo"))
    says = f"{name}, {rule}: {'; '.join(_series(curve, name) for curve in curves)}. Served: {served}."
    return svg.chart(body, height=190, width=320, says=says, name="wc-panel")


def _curve(curve: Curve, frame: Frame) -> str:
    name = curve.criterion.curve or curve.criterion.vote[0].upper() + curve.criterion.vote[1:]
    bars, points = "", ""
    for k, value in curve.known.items():
        x, error = number(frame.x(k)), curve.errors[k]
        if error:
            ends = number(frame.y(value - error)), number(frame.y(value + error))
            bars += f'<path class="wc-error-bar" d="M{x} {ends[0]}V{ends[1]}"/>'
        spot = f'cx="{x}" cy="{number(frame.y(value))}"'
        told = svg.title(f"{name}, {counted(k, 'segment')}: {curve.criterion.write(value)}")
        points += f'<circle class="wc-ring" {spot} r="7"/>' if k == curve.vote else ""
        points += f'<circle {spot} r="3">{told}</circle>'
    path = "L".join(at(frame.x(k), frame.y(value)) for k, value in curve.known.items())
    return curve.group(f'{bars}<path d="M{path}"/>{points}')


def _series(curve: Curve, panel: str) -> str:
    values = ", ".join(f"{k}: {curve.criterion.write(value)}" for k, value in curve.known.items())
    prefers = f" prefers {counted(curve.vote, 'segment')}" if curve.vote else ""
    return f"{curve.criterion.curve or panel}{prefers} ({values})"


def dendrogram(predictor: Predictor) -> str:
    """Draw Ward's tree (of more than 1,000 merges the highest) in its segments' colours, with its cut.

    Merges above the cut are grey; under each branch stand its segment's name and size.
    """
    linkage, n, k = predictor.linkage, len(predictor.amounts), predictor.n_segments
    frame = Frame(*TREE, 0, n, 0, float(linkage[-1, 2]) or 1.0)
    x, y = frame.x(positions(linkage)), frame.y(np.concatenate([np.zeros(n), linkage[:, 2]]))
    owner, cut = owners(linkage, predictor.segments["ward"]), cut_height(linkage, k)
    elbows = _elbows(linkage, x, y)
    colours = ("var(--mut)", *segment_colours(predictor.overlap)["ward"])
    members = [x[:n][predictor.segments["ward"] == segment + 1] for segment in range(k)]
    labels = _segment_labels(predictor.names["ward"], members)
    body = frame.grid(4) + svg.text(0, LINE - 3, "Height of a merge (Ward distance)", "wc-soft")
    for segment, colour in enumerate(colours):
        path = "".join(elbow for node, elbow in elbows.items() if owner[node] == segment)
        body += f'<path class="wc-branch" stroke="{colour}" d="{path}"/>' if path else ""
    crossed = x[linkage[owner[n:] == 0, :2].astype(int)].ravel()
    body += _cut(frame, cut, f"cut: {counted(k, 'segment')}", crossed)
    half = frame.x(0.5) - frame.left
    for leaves, label, colour in zip(members, labels, colours[1:], strict=True):
        body += _bar(leaves, half, label, colour)
    body += "".join(svg.draw_label(label, "wc-halo") for label in labels) + _hits(linkage, elbows)
    named = zip(predictor.names["ward"], map(len, members), strict=True)
    segments = ", ".join(f"{name} with {format_amount(size)}" for name, size in named)
    says = f"Ward's tree of {counted(n, 'customer')}, cut at height {cut:.1f} into {k}: {segments}. "
    says += f"The last merges are at heights {', '.join(f'{height:.1f}' for height in linkage[::-1][:3, 2])}."
    bottom = max(label.y + label.height / 2 for label in labels) + 4
    return svg.chart(body, height=bottom, says=says, name="wc-tree")


def positions(linkage: np.ndarray) -> np.ndarray:
    """Place the 2n - 1 nodes from left (0) to right (n): leaves so that no branches cross, merges midway."""
    n = len(linkage) + 1
    children = linkage[:, :2].astype(int)
    first, below = np.zeros(2 * n - 1), np.concatenate([np.ones(n), linkage[:, 3]])
    for node in range(2 * n - 2, n - 1, -1):  # from the root: the left child begins where its parent does
        left, right = children[node - n]
        first[left], first[right] = first[node], first[node] + below[left]
    x = first + 0.5
    for node, (left, right) in enumerate(children, start=n):
        x[node] = (x[left] + x[right]) / 2
    return x


def _elbows(linkage: np.ndarray, x: np.ndarray, y: np.ndarray) -> dict[int, str]:
    """Draw the highest merges, by node."""
    n, drawn = len(linkage) + 1, {}
    for node in range(max(n, 2 * n - 1 - DRAWN), 2 * n - 1):
        left, right = linkage[node - n, :2].astype(int)
        drawn[node] = f"M{at(x[left], y[left])}V{number(y[node])}H{number(x[right])}V{number(y[right])}"
    return drawn


def _cut(frame: Frame, height: float, words: str, crossed: np.ndarray) -> str:
    """Draw the cut, and name it where no branch crosses the words (`crossed`: where branches do)."""
    half = svg.text_width(words) / 2
    middles = np.arange(frame.right - half, frame.left + half, -4)
    free = middles[(np.abs(middles[:, None] - crossed) > half + 3).all(axis=1)]
    named = svg.text([*free, *middles][0], frame.y(height) - 5, words, "wc-halo", anchor="middle")
    return frame.across(height, "wc-cut") + named


def _segment_labels(names: tuple[str, ...], members: list[np.ndarray]) -> list[Label]:
    """Put names and sizes beside each other or, if there is no room, each in the first free row below."""
    labels, stacked = [], list[Label]()
    for name, leaves in zip(names, members, strict=True):
        lines = (*svg.wrap(name), counted(len(leaves), "customer"))
        labels.append(Label(lines, float(leaves.mean()), sum(BAR) + 11 + LINE * len(lines) / 2))
    for label in labels:
        rows = (Label(label.lines, label.x, label.y + LINE * row).within(0, WIDTH) for row in range(60))
        stacked.append(svg.first_free(rows, stacked))
    return svg.side_by_side(labels, 0, WIDTH) or stacked


def _bar(leaves: np.ndarray, half: float, label: Label, colour: str) -> str:
    """Draw a bar under a segment's leaves, each `half` to either side, and a line from it to the label."""
    (top, height), low, high = BAR, leaves.min(), leaves.max()
    wide = f'x="{number(low - half)}" width="{number(high - low + 2 * half)}"'
    lead = f"M{at(np.clip(label.x, low, high), top + height)}L{at(label.x, label.y - label.height / 2)}"
    return f'<rect fill="{colour}" y="{top}" height="{height}" {wide}/><path class="wc-lead" d="{lead}"/>'


def _hits(linkage: np.ndarray, elbows: dict[int, str]) -> str:
    """Say what joined in the highest merges, these first, under the others."""
    n, drawn = len(linkage) + 1, ""
    below = np.concatenate([np.ones(n), linkage[:, 3]]).astype(int)
    for node in sorted(elbows, reverse=True)[:TOLD]:
        left, right, height, _ = linkage[node - n]
        few, many = sorted(below[[int(left), int(right)]].tolist())
        told = svg.title(f"{counted(few, 'customer')} joined {format_amount(many)} at height {height:.1f}")
        drawn += f'<path d="{elbows[node]}">{told}</path>'
    return f'<g class="wc-hits">{drawn}</g>'
