"""Where the map's points and names lie: the customers' first two principal components."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from wholesale.app.charts.svg import WIDTH, Label, first_free, wrap
from wholesale.columns import LABELS
from wholesale.predictor import Predictor

EDGE, TOP, BOTTOM = 18, 34, 34  # around the points; the words for the axes stand above and below
LOW, HIGH = 180, 290  # height of the room for the points
WEIGHTY = 0.6  # of the largest loading: from there a category names the axis
OUTWARD = 0.4
MARK = "●"  # before a segment's name, in its colour


@dataclass(frozen=True, eq=False)
class Layout:
    """Where everything lies, in the chart's units; `share` (0…1) is that of the variation shown."""

    center: np.ndarray
    axes: np.ndarray
    share: float
    middle: np.ndarray
    scale: float
    height: float
    points: np.ndarray
    labels: tuple[Label, ...]

    def place(self, standardized: np.ndarray) -> np.ndarray:
        """Project customers of shape (n, 6) onto the map: shape (n, 2)."""
        offsets = ((standardized - self.center) @ self.axes.T - self.middle) * self.scale
        return np.array([WIDTH / 2, TOP + (self.height - TOP - BOTTOM) / 2]) + offsets * [1, -1]

    def clamp(self, point: np.ndarray) -> np.ndarray:
        """Move a point into the frame."""
        return np.clip(point, [EDGE, TOP - 4], [WIDTH - EDGE, self.height - BOTTOM + 4])


@lru_cache(maxsize=4)
def layout(predictor: Predictor) -> Layout:
    """Compute the principal components of a predictor's customers and lay out its map, once."""
    X = predictor.standardize(predictor.amounts)
    center = X.mean(axis=0)
    _, singular, axes = np.linalg.svd(X - center, full_matrices=False)
    axes = axes[:2] * np.sign(axes[:2][np.arange(2), np.abs(axes[:2]).argmax(axis=1)])[:, None]
    scores = (X - center) @ axes.T
    low, high = scores.min(axis=0), scores.max(axis=0)
    span = np.maximum(high - low, 1e-9)
    scale = float(min((WIDTH - 2 * EDGE) / span[0], HIGH / span[1]))
    height = TOP + BOTTOM + max(LOW, float(span[1]) * scale)
    share = float((singular[:2] ** 2).sum() / (singular**2).sum())
    bare = Layout(center, axes, share, (low + high) / 2, scale, height, scores, ())
    points = bare.place(X)
    labels = _segment_labels(predictor, points, height)
    return Layout(center, axes, share, bare.middle, scale, height, points, labels)


def axis_words(loadings: np.ndarray) -> str:
    """Say what grows along an axis, from its six loadings: its three weightiest categories."""
    weighty = np.abs(loadings) >= WEIGHTY * np.abs(loadings).max()
    if weighty.all() and (loadings > 0).all():
        return "more of everything"
    order = [i for i in np.argsort(-np.abs(loadings), kind="stable") if weighty[i]][:3]
    names = list(LABELS.values())
    more = ", ".join(names[i] for i in order if loadings[i] > 0)
    less = ", ".join(names[i] for i in order if loadings[i] < 0)
    return f"more {more}" + (f", less {less}" if less else "")


def _segment_labels(predictor: Predictor, points: np.ndarray, height: float) -> tuple[Label, ...]:
    labels: list[Label] = []
    for segment, name in enumerate(predictor.names["kmeans"], start=1):
        median = np.median(points[predictor.segments["kmeans"] == segment], axis=0)
        x, y = median + OUTWARD * (median - np.median(points, axis=0))  # clear of the borders with others
        labels.append(first_free(_around(Label(wrap(f"{MARK} {name}"), float(x), float(y)), height), labels))
    return tuple(labels)


def _around(label: Label, height: float) -> Iterator[Label]:
    top, bottom = TOP + label.height / 2, height - BOTTOM - label.height / 2
    for step in range(0, int(height), 3):
        for y in (label.y - step, label.y + step):
            if top <= y <= bottom:
                yield Label(label.lines, label.x, y).within(2, WIDTH - 2)
