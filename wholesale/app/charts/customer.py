"""Where a customer lies among those on record (the map) and beside its K-Means segment (the profile)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from markupsafe import Markup

from wholesale.app.charts import LETTER, WIDTH, Label, at, first_free, wrap
from wholesale.app.templates import number, render
from wholesale.predictor import Predictor
from wholesale.wording import rounded, shortened

EDGE, TOP, BOTTOM = 18, 34, 34  # around the map's points; the words for the axes stand above and below
LOW, HIGH = 180, 290  # height of the room for the points
WEIGHTY = 0.6  # of the largest loading: from there a category names the axis
OUTWARD = 0.4
MARK = "●"  # before a segment's name, in its colour
DRAWN = 500  # points at most, so that the bytes stay bounded
NEAR = 20
LIMIT = 3.0  # standardized units to either side of a profile; what lies beyond is drawn there with an arrow
LEFT, RIGHT = 96, WIDTH - 14
BESIDE = 14  # letters in a line of a label beside the profile


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the map has everything: a customer x, standardized, at ``x @ matrix + origin``."""

    share: float  # of the variation shown, 0…1
    across: str
    up: str
    height: float
    matrix: np.ndarray
    origin: np.ndarray
    points: np.ndarray
    labels: tuple[Label, ...]


@lru_cache(maxsize=4)
def layout(predictor: Predictor) -> Layout:
    """Compute the principal components of a predictor's customers and lay out its map, once."""
    X = predictor.on_record
    center = X.mean(axis=0)
    _, singular, axes = np.linalg.svd(X - center, full_matrices=False)
    axes = axes[:2] * np.sign(axes[:2][np.arange(2), np.abs(axes[:2]).argmax(axis=1)])[:, None]
    scores = (X - center) @ axes.T
    low, high = scores.min(axis=0), scores.max(axis=0)
    span = np.maximum(high - low, 1e-9)
    scale = min((WIDTH - 2 * EDGE) / span[0], HIGH / span[1]) * np.array([1, -1])
    height = TOP + BOTTOM + max(LOW, float(-span[1] * scale[1]))
    matrix = axes.T * scale
    middle = np.array([WIDTH / 2, TOP + (height - TOP - BOTTOM) / 2])
    origin = middle - center @ matrix - (low + high) / 2 * scale
    points = X @ matrix + origin
    share = float((singular[:2] ** 2).sum() / (singular**2).sum())
    labels = _segment_labels(predictor, points, height)
    across, up = (axis_words(axis, predictor.categories.labels) for axis in axes)
    return Layout(share, across, up, height, matrix, origin, points, labels)


def axis_words(loadings: np.ndarray, labels: Sequence[str]) -> str:
    """Say what grows along an axis, from its loadings: its three weightiest categories."""
    weighty = np.abs(loadings) >= WEIGHTY * np.abs(loadings).max()
    if weighty.all() and (loadings > 0).all():
        return "more of everything"
    order = [i for i in np.argsort(-np.abs(loadings), kind="stable") if weighty[i]][:3]
    more = ", ".join(labels[i] for i in order if loadings[i] > 0)
    less = ", ".join(labels[i] for i in order if loadings[i] < 0)
    return f"more {more}" + (f", less {less}" if less else "")


def _segment_labels(predictor: Predictor, points: np.ndarray, height: float) -> tuple[Label, ...]:
    labels: list[Label] = []
    for segment, name in enumerate(predictor.names["kmeans"], start=1):
        median = np.median(points[predictor.segments["kmeans"] == segment], axis=0)
        x, y = median + OUTWARD * (median - np.median(points, axis=0))  # clear of the borders with others
        label = Label(wrap(f"{MARK} {name}"), float(x), float(y)).within(2, WIDTH - 2)
        top, bottom = TOP + label.height / 2, height - BOTTOM - label.height / 2
        labels.append(first_free(label.above_and_below(0, 3, top, bottom), labels))
    return tuple(labels)


def map_cloud(predictor: Predictor) -> Markup:
    """Draw the customers on record once, for every map on the page; of more than `DRAWN`, every so many."""
    plan, n = layout(predictor), len(predictor.amounts)
    drawn = np.unique(np.linspace(0, n - 1, min(n, DRAWN)).round().astype(int))
    members = [drawn[predictor.segments["kmeans"][drawn] == s + 1] for s in range(predictor.n_segments)]
    paths = ["".join(f"M{at(*point)}h0" for point in plan.points[rows]) for rows in members]
    own, totals = predictor.segments["kmeans"] - 1, predictor.amounts.sum(axis=1).tolist()
    places = plan.points.round().astype(int).tolist()
    points = [[*places[i], int(own[i]), i + 1, rounded(totals[i])] for i in drawn.tolist()]
    return render("cloud.html", predictor=predictor, plan=plan, paths=paths, points=points, mark=MARK)


def map_with_you(predictor: Predictor, amounts: np.ndarray, pinned: np.ndarray | None = None) -> Markup:
    """Draw the map with one customer marked, and a pinned one; those on record come from `map_cloud`."""
    plan, both = layout(predictor), np.array([amounts] if pinned is None else [amounts, pinned])
    points = predictor.standardize(both) @ plan.matrix + plan.origin
    (shown, arrow), *others = (_shown(plan, point) for point in points)
    nearest = np.argsort(((plan.points - points[0]) ** 2).sum(axis=1), kind="stable")[:NEAR]
    counts = np.bincount(predictor.segments["kmeans"][nearest])
    said = "this customer, off the map" if arrow else "this customer"
    return render(
        "map.html",
        plan=plan,
        n=len(predictor.amounts),
        drawn=DRAWN,
        said=said,
        arrow=arrow,
        spot=shown.tolist(),
        others=others,
        label=first_free(_beside(said, plan, shown), plan.labels),
        near=len(nearest),
        most=int(counts.max()),
        name=predictor.names["kmeans"][counts.argmax() - 1],
    )


def _shown(plan: Layout, point: np.ndarray) -> tuple[np.ndarray, str]:
    """Give the place on the map nearest to a point, and an arrow from there if the point is off it."""
    shown = np.clip(point, [EDGE, TOP - 4], [WIDTH - EDGE, plan.height - BOTTOM + 4])
    if np.abs(point - shown).max() < 0.05:
        return shown, ""
    away = (point - shown) / np.linalg.norm(point - shown)
    tip, base, across = shown + 17 * away, shown + 12 * away, 4 * away[::-1] * [1, -1]
    return shown, "L".join(at(*corner) for corner in (tip, base + across, base - across))


def _beside(said: str, plan: Layout, shown: np.ndarray) -> Iterator[Label]:
    """Try the sides first, then above and below, then further off."""
    aside = len(said) * LETTER / 2 + 12
    near = ((1, -11), (-1, -11), (1, 12), (-1, 12), (0, -17), (0, 18), (0, -34), (0, 36))
    far = ((1, 30), (-1, 30), (1, -30), (-1, -30))
    for side, below in near + far:
        label = Label((said,), shown[0] + side * aside, shown[1] + below).within(2, WIDTH - 2)
        if TOP <= label.y <= plan.height - BOTTOM:
            yield label


def profile(
    predictor: Predictor, amounts: np.ndarray, segment: int, pinned: np.ndarray | None = None
) -> Markup:
    """Draw one customer, and one that is pinned, beside a K-Means segment's (1…k) centre and middle half."""
    you = predictor.standardize(amounts)
    (low, high, center), typical = _typical(predictor, segment)
    away = you - center
    widest = int(np.abs(away).argmax())
    return render(
        "profile.html",
        unit=predictor.categories.unit,
        name=predictor.names["kmeans"][segment - 1],
        colour=predictor.colours["kmeans"][segment - 1],
        inside=int(((you >= low) & (you <= high)).sum()),
        widest=predictor.categories.labels[widest],
        away=float(away[widest]),
        rows=list(zip(amounts.tolist(), _placed(you), typical, strict=True)),
        pinned=[] if pinned is None else _placed(predictor.standardize(pinned)),
        limit=LIMIT,
        grid=GRID,
    )


@lru_cache(maxsize=32)
def _typical(predictor: Predictor, segment: int) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    """Give a segment's quartiles and centre; and by category its name, in lines, their places and amounts."""
    members = predictor.on_record[predictor.segments["kmeans"] == segment]
    ends = np.array([*np.percentile(members, [25, 75], axis=0), predictor.centers["kmeans"][segment - 1]])
    amounts, rows = predictor.amounts_at(ends), []
    for label, places, said in zip(
        predictor.categories.labels, _across(ends).T.tolist(), amounts.T.tolist(), strict=True
    ):
        low, high, center = places
        band = number(low), number(max(high - low, 1)), number(center)
        head, tail, *_ = (*wrap(label, BESIDE), "")
        rows.append((label, shortened(head, BESIDE), shortened(tail, BESIDE), *band, *map(rounded, said)))
    return ends, rows


def _placed(values: np.ndarray) -> list[tuple[float, str]]:
    """Give standardized values with their places across the profile."""
    return list(zip(values.tolist(), map(number, _across(values)), strict=True))


def _across(values: np.ndarray) -> np.ndarray:
    """Place standardized values across the profile."""
    return LEFT + (values.clip(-LIMIT, LIMIT) + LIMIT) / (2 * LIMIT) * (RIGHT - LEFT)


GRID = list(zip(("−2", "−1", "0", "+1", "+2"), map(number, _across(np.arange(-2, 3))), strict=True))
