"""What the models rest on: the criteria over the number of segments, k, and Ward's tree: where all lies."""

from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup

from wholesale.app.charts import LINE, WIDTH, Label, at, first_free, side_by_side, ticks, wrap
from wholesale.app.templates import number, render
from wholesale.criteria import CRITERIA, Criterion
from wholesale.predictor import Predictor, cut_height, owners
from wholesale.wording import SPACE, counted

PANEL = (46, 308, 42, 152)  # left, right, top and foot of the room for data
TREE = (28, WIDTH - 4, 34, 250)
ASIDE = 0.23  # of a step from k to k + 1, left free at either side
BAR = TREE[-1] + 8  # where a bar under a branch ends
DRAWN = 1000  # merges at most, the highest, so that the bytes stay bounded
TOLD = 20  # merges that say on hover what joined


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

    def x(self, value: Any) -> Any:
        return self.left + (value - self.first) / (self.last - self.first) * (self.right - self.left)

    def y(self, value: Any) -> Any:
        return self.foot - (value - self.low) / (self.high - self.low) * (self.foot - self.top)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        marks = ticks(self.low, self.high, most=most)
        return [(self.y(v), f"{v:,.6g}".replace(",", SPACE).replace("-", "−")) for v in marks]


class Curve(NamedTuple):
    """One criterion: what is known of it, and its error, by k, and the k that it votes for, if any."""

    criterion: Criterion
    known: dict[int, float]
    errors: dict[int, float]
    vote: int | None


def evidence_curves(predictor: Predictor) -> Markup:
    """Draw a panel per criterion over k, its vote ringed, the served k a line; nothing without evidence."""
    counts = {int(k): row for k, row in predictor.evidence.get("counts", {}).items()}
    votes, panels = predictor.evidence.get("votes", {}), dict[str, list[Curve]]()
    for criterion in CRITERIA:
        column = criterion.column
        known = {k: row[column] for k, row in counts.items() if row.get(column) is not None}
        errors = {k: counts[k].get(criterion.error) or 0 for k in known}
        if criterion.panel and known:
            curve = Curve(criterion, known, errors, votes.get(criterion.vote))
            panels.setdefault(criterion.panel, []).append(curve)
    return render(
        "curves.html",
        panels=[_panel(name, curves, list(counts)) for name, curves in panels.items()],
        served=predictor.n_segments,
        says=" ".join(["Criteria for the number of segments.", *predictor.evidence.get("sentences", ())]),
    )


def _panel(name: str, curves: list[Curve], ks: list[int]) -> dict[str, Any]:
    line = curves[0].criterion.line
    shown = [] if line is None else [line]
    for curve in curves:
        shown += [value + sign * curve.errors[k] for k, value in curve.known.items() for sign in (-1, 1)]
    low, high = min(shown), max(shown)
    room = 0.08 * (high - low) or abs(high) or 1.0
    frame = Frame(*PANEL, min(ks) - ASIDE, max(ks) + ASIDE, low - room, high + room)
    labels: list[Label] = []
    for curve in curves:
        end = Label((curve.criterion.curve,), frame.right, frame.y(curve.known[max(curve.known)]))
        places = end.within(frame.left, frame.right).above_and_below(11, 4, frame.top, frame.foot - 7)
        labels.append(first_free(places, labels))
    return {"name": name, "ks": ks, "line": line, "frame": frame, "curves": curves, "labels": labels}


def dendrogram(predictor: Predictor) -> Markup:
    """Draw Ward's tree (its highest `DRAWN` merges), its cut, and its segments' names and sizes."""
    linkage, n, k = predictor.linkage, len(predictor.amounts), predictor.n_segments
    children, below = linkage[:, :2].astype(int), np.concatenate([np.ones(n), linkage[:, 3]])
    frame = Frame(*TREE, 0, n, 0, float(linkage[-1, 2]) or 1.0)
    x, y = frame.x(positions(children, below)), frame.y(np.concatenate([np.zeros(n), linkage[:, 2]]))
    owner, cut = owners(linkage, predictor.segments["ward"]), cut_height(linkage, k)
    elbows = {}
    for node in range(max(n, 2 * n - 1 - DRAWN), 2 * n - 1):
        left, right = children[node - n]
        elbows[node] = f"M{at(x[left], y[left])}V{number(y[node])}H{number(x[right])}V{number(y[right])}"
    names, colours = predictor.names["ward"], predictor.colours["ward"]
    leaves = [x[:n][predictor.segments["ward"] == segment + 1] for segment in range(k)]
    labels = _segment_labels(names, leaves)
    half, bars = frame.x(0.5) - frame.left, []
    for colour, spots, label in zip(colours, leaves, labels, strict=True):
        lead = f"M{at(np.clip(label.x, spots.min(), spots.max()), BAR)}L{at(label.x, label.top)}"
        bars.append((colour, spots.min() - half, np.ptp(spots) + 2 * half, lead))
    hits = []
    for node in sorted(elbows, reverse=True)[:TOLD]:
        few, many = sorted(below[children[node - n]].astype(int).tolist())
        hits.append((elbows[node], few, many, linkage[node - n, 2]))
    return render(
        "tree.html",
        names=names,
        sizes=list(map(len, leaves)),
        frame=frame,
        branches=[
            (colour, "".join(elbow for node, elbow in elbows.items() if owner[node] == segment))
            for segment, colour in enumerate(("var(--mut)", *colours))
        ],
        cut=cut,
        cut_label=_cut_label(frame, cut, k, x[children[owner[n:] == 0]].ravel()),
        bars=bars,
        labels=labels,
        hits=hits,
        last=linkage[::-1][:3, 2].tolist(),
        height=max(label.y + label.height / 2 for label in labels) + 4,
    )


def positions(children: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Place 2n - 1 nodes: leaves so that no branches cross, merges midway; `below` counts their leaves."""
    n = len(children) + 1
    first = np.zeros(2 * n - 1)
    for node in range(2 * n - 2, n - 1, -1):  # from the root: the left child begins where its parent does
        left, right = children[node - n]
        first[left], first[right] = first[node], first[node] + below[left]
    x = first + 0.5
    for node, (left, right) in enumerate(children, start=n):
        x[node] = (x[left] + x[right]) / 2
    return x


def _cut_label(frame: Frame, height: float, k: int, crossed: np.ndarray) -> Label:
    """Name the cut where no branch crosses the words (`crossed`: where branches do)."""
    label = Label((f"cut: {counted(k, 'segment')}",), 0, float(frame.y(height)) - 5)
    half = label.width / 2
    places = (label._replace(x=x) for x in np.arange(frame.right - half, frame.left + half, -4))
    return first_free(places, [Label(("",), x, label.y) for x in crossed])


def _segment_labels(names: tuple[str, ...], leaves: list[np.ndarray]) -> list[Label]:
    """Put names and sizes beside each other or, if there is no room, each in the first free row below."""
    labels, stacked = [], list[Label]()
    for name, spots in zip(names, leaves, strict=True):
        lines = (*wrap(name), counted(len(spots), "customer"))
        labels.append(Label(lines, float(spots.mean()), BAR + 11 + LINE * len(lines) / 2).within(0, WIDTH))
        rows = (labels[-1]._replace(y=labels[-1].y + LINE * row) for row in range(60))
        stacked.append(first_free(rows, stacked))
    return side_by_side(labels, 0, WIDTH) or stacked
