"""The map: customers on record by their first two principal components, and one more among them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from wholesale.app.charts import svg
from wholesale.app.charts.svg import WIDTH, Label, at, number
from wholesale.columns import LABELS, UNIT
from wholesale.palette import segment_colours
from wholesale.predictor import Predictor
from wholesale.wording import format_amount, format_share, rounded

EDGE, TOP, BOTTOM = 18, 34, 34  # around the points; the words for the axes stand above and below
LOW, HIGH = 180, 290  # height of the room for the points
WEIGHTY = 0.6  # of the largest loading: from there a category names the axis
OUTWARD = 0.4
MARK = "●"  # before a segment's name, in its colour
DRAWN = 500  # points at most, so that the bytes stay bounded
NEAR = 20


@dataclass(frozen=True, eq=False)
class Layout:
    """Where everything lies, in the chart's units: a customer x, standardized, at ``x @ matrix + origin``."""

    axes: np.ndarray
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
    X = predictor.standardize(predictor.amounts)
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
    across, up = map(axis_words, axes)
    return Layout(axes, share, across, up, height, matrix, origin, points, labels)


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
        label = Label(svg.wrap(f"{MARK} {name}"), float(x), float(y)).within(2, WIDTH - 2)
        top, bottom = TOP + label.height / 2, height - BOTTOM - label.height / 2
        labels.append(svg.first_free(label.above_and_below(0, 3, top, bottom), labels))
    return tuple(labels)


def map_cloud(predictor: Predictor) -> str:
    """Draw the customers on record once, for every map on the page to show.

    An ``<svg>`` that takes no room holds two groups: ``wc-cloud``, a point per customer (of more than 500,
    every so many) with the segments' names and the words for the axes; and ``wc-cloud-hover``, what to say
    of each point.
    """
    plan, colours = layout(predictor), segment_colours(predictor.overlap)["kmeans"]
    n = len(predictor.amounts)
    drawn = np.unique(np.linspace(0, n - 1, min(n, DRAWN)).round().astype(int))
    dots, hover, names = "", "", ""
    for segment, (label, colour) in enumerate(zip(plan.labels, colours, strict=True), start=1):
        members = drawn[predictor.segments["kmeans"][drawn] == segment]
        path = "".join(f"M{at(*point)}h0" for point in plan.points[members])
        dots += f'<path class="wc-dots" stroke="{colour}" d="{path}"/>'
        name = svg.draw_label(label, "wc-halo wc-strong")
        names += name.replace(MARK, f'<tspan fill="{colour}">{MARK}</tspan>', 1)
        for i in members:
            (x, y), total = plan.points[i], rounded(float(predictor.amounts[i].sum()))
            about = f"Customer {i + 1}: {predictor.names['kmeans'][segment - 1]}, {total} {UNIT} a year"
            hover += f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4">{svg.title(about)}</circle>'
    axes = svg.text(2, svg.LINE - 3, f"↑ {plan.up}", "wc-soft")
    axes += svg.text(WIDTH - 2, plan.height - 5, f"{plan.across} →", "wc-soft", anchor="end")
    return (
        '<svg class="wc-defs" width="0" height="0" aria-hidden="true"><defs>'
        f'<g id="wc-cloud">{dots}{axes}{names}</g><g id="wc-cloud-hover">{hover}</g></defs></svg>'
    )


def map_with_you(predictor: Predictor, amounts: Sequence[float] | np.ndarray) -> str:
    """Draw the map with one customer (six amounts in m.u.) marked; those on record come from `map_cloud`."""
    plan = layout(predictor)
    point = predictor.standardize(np.asarray(amounts)) @ plan.matrix + plan.origin
    shown = np.clip(point, [EDGE, TOP - 4], [WIDTH - EDGE, plan.height - BOTTOM + 4])
    inside = bool(np.abs(point - shown).max() < 0.05)
    # The stylesheet shows the second group under the pointer only: an update then paints in half the time.
    cloud = '<use href="#wc-cloud"/><use class="wc-hover" href="#wc-cloud-hover"/>'
    share, n = format_share(plan.share), len(predictor.amounts)
    caption = f"First two principal components: {share} of the variation. Colours: K-Means segments."
    caption += f" {DRAWN} of {format_amount(n)} customers drawn." if n > DRAWN else ""
    nearest = np.argsort(((plan.points - point) ** 2).sum(axis=1), kind="stable")[:NEAR]
    counts = np.bincount(predictor.segments["kmeans"][nearest])
    says = (
        f"Map of {format_amount(n)} customers by their first two principal components, {share} of the "
        f"variation: {plan.across} to the right, {plan.up} to the top. "
        f"{'' if inside else 'This customer lies off the map. '}Of the {len(nearest)} nearest to this "
        f"customer on it, {counts.max()} are in {predictor.names['kmeans'][counts.argmax() - 1]}."
    )
    body = cloud + _marker(plan, point, shown, inside)
    return svg.figure(svg.chart(body, height=plan.height, says=says, name="wc-map"), caption)


def _marker(plan: Layout, point: np.ndarray, shown: np.ndarray, inside: bool) -> str:
    x, y = map(number, shown)
    cross = f"M{EDGE} {y}H{WIDTH - EDGE}M{x} {TOP - 10}V{number(plan.height - BOTTOM + 10)}"
    words, arrow = "this customer", ""
    if not inside:
        away = (point - shown) / np.linalg.norm(point - shown)
        tip, base, across = shown + 17 * away, shown + 12 * away, 4 * away[::-1] * [1, -1]
        corners = "L".join(at(*corner) for corner in (tip, base + across, base - across))
        words, arrow = "this customer, off the map", f'<path class="wc-arrow" d="M{corners}Z"/>'
    label = svg.first_free(_beside(words, plan, shown), plan.labels)
    return (
        f'<path class="wc-cross" d="{cross}"/><circle class="wc-ring" cx="{x}" cy="{y}" r="9"/>'
        f'<circle class="wc-you" cx="{x}" cy="{y}" r="5">'
        f"{svg.title(words)}</circle>{arrow}{svg.draw_label(label, 'wc-halo')}"
    )


def _beside(words: str, plan: Layout, shown: np.ndarray) -> Iterator[Label]:
    """Try the sides first, then above and below, then further off."""
    aside = svg.text_width(words) / 2 + 12
    near = ((1, -11), (-1, -11), (1, 12), (-1, 12), (0, -17), (0, 18), (0, -34), (0, 36))
    far = ((1, 30), (-1, 30), (1, -30), (-1, -30))
    for side, below in near + far:
        label = Label((words,), shown[0] + side * aside, shown[1] + below).within(2, WIDTH - 2)
        if TOP <= label.y <= plan.height - BOTTOM:
            yield label
