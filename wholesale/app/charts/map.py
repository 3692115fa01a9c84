"""The map: customers on record by their first two principal components, and one more among them."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from wholesale.amounts import Amount, parse_amounts
from wholesale.app.charts.components import BOTTOM, EDGE, MARK, TOP, Layout, axis_words, layout
from wholesale.app.charts.svg import (
    LINE,
    WIDTH,
    Label,
    chart,
    draw_label,
    figure,
    first_free,
    number,
    text,
    text_width,
    title,
)
from wholesale.columns import UNIT
from wholesale.palette import segment_colours
from wholesale.predictor import Predictor
from wholesale.wording import format_amount, format_share, rounded

DRAWN = 500  # points at most, so that the bytes stay bounded
NEAR = 20


def map_cloud(predictor: Predictor) -> str:
    """Draw the customers on record once, for every map on the page to show.

    Parameters
    ----------
    predictor : Predictor

    Returns
    -------
    str
        An ``<svg>`` that takes no room and holds two groups: ``wc-cloud``, a point per customer (of more
        than 500, every so many) with the segments' names and the words for the axes; and
        ``wc-cloud-hover``, what to say of each point.
    """
    plan, colours = layout(predictor), segment_colours(predictor.overlap)["kmeans"]
    n = len(predictor.amounts)
    drawn = np.unique(np.linspace(0, n - 1, min(n, DRAWN)).round().astype(int))
    dots: list[str] = []
    hover: list[str] = []
    for segment, colour in enumerate(colours, start=1):
        members = drawn[predictor.segments["kmeans"][drawn] == segment]
        path = "".join(f"M{number(x)} {number(y)}h0" for x, y in plan.points[members])
        dots.append(f'<path class="wc-dots" stroke="{colour}" d="{path}"/>')
        hover.extend(_hover(predictor, plan, i) for i in members)
    names = "".join(_segment_name(*pair) for pair in zip(plan.labels, colours, strict=True))
    return (
        '<svg class="wc-defs" width="0" height="0" aria-hidden="true"><defs>'
        f'<g id="wc-cloud">{"".join(dots)}{_axes(plan)}{names}</g>'
        f'<g id="wc-cloud-hover">{"".join(hover)}</g></defs></svg>'
    )


def map_with_you(predictor: Predictor, spend: Mapping[str, Amount] | Sequence[Amount]) -> str:
    """Draw the map with one customer marked; the customers on record come from `map_cloud`.

    Parameters
    ----------
    predictor : Predictor
    spend : mapping or sequence
        Six yearly amounts in m.u., as in `predict_segment`.

    Returns
    -------
    str
        A ``<figure>``.
    """
    plan = layout(predictor)
    point = plan.place(predictor.standardize(parse_amounts(spend))[None, :])[0]
    shown = plan.clamp(point)
    inside = bool(np.allclose(point, shown))
    # The stylesheet shows the second group under the pointer only: an update then paints in half the time.
    cloud = '<use href="#wc-cloud"/><use class="wc-hover" href="#wc-cloud-hover"/>'
    body = cloud + _marker(plan, point, shown, inside)
    says = f"{_about(predictor, plan)} {_neighbours(predictor, plan, point, inside)}"
    share, n = format_share(plan.share), len(predictor.amounts)
    caption = f"First two principal components: {share} of the variation. Colours: K-Means segments."
    caption += f" {DRAWN} of {format_amount(n)} customers drawn." if n > DRAWN else ""
    return figure(chart(body, height=plan.height, says=says, name="wc-map"), caption)


def _segment_name(label: Label, colour: str) -> str:
    return draw_label(label, "wc-halo wc-strong").replace(MARK, f'<tspan fill="{colour}">{MARK}</tspan>', 1)


def _hover(predictor: Predictor, plan: Layout, i: int) -> str:
    name = predictor.names["kmeans"][predictor.segments["kmeans"][i] - 1]
    total = rounded(float(predictor.amounts[i].sum()))
    x, y = plan.points[i]
    told = title(f"Customer {i + 1}: {name}, {total} {UNIT} a year")
    return f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4">{told}</circle>'


def _axes(plan: Layout) -> str:
    across, up = (axis_words(axis) for axis in plan.axes)
    return text(2, LINE - 3, f"↑ {up}", "wc-soft") + text(
        WIDTH - 2, plan.height - 5, f"{across} →", "wc-soft", anchor="end"
    )


def _marker(plan: Layout, point: np.ndarray, shown: np.ndarray, inside: bool) -> str:
    x, y = map(number, shown)
    cross = f"M{EDGE} {y}H{WIDTH - EDGE}M{x} {TOP - 10}V{number(plan.height - BOTTOM + 10)}"
    words = "this customer" if inside else "this customer, off the map"
    label = first_free(_beside(words, plan, shown), plan.labels)
    arrow = "" if inside else _arrow(point, shown)
    return (
        f'<path class="wc-cross" d="{cross}"/><circle class="wc-ring" cx="{x}" cy="{y}" r="9"/>'
        f'<circle class="wc-you" cx="{x}" cy="{y}" r="5">'
        f"{title(words)}</circle>{arrow}{draw_label(label, 'wc-halo')}"
    )


def _beside(words: str, plan: Layout, shown: np.ndarray) -> Iterator[Label]:
    aside = text_width(words) / 2 + 12
    for dx, dy in (
        (aside, -11),
        (-aside, -11),
        (aside, 12),
        (-aside, 12),
        (0, -17),
        (0, 18),
        (0, -34),
        (0, 36),
        (aside, 30),
        (-aside, 30),
        (aside, -30),
        (-aside, -30),
    ):
        label = Label((words,), shown[0] + dx, shown[1] + dy).within(2, WIDTH - 2)
        if TOP <= label.y <= plan.height - BOTTOM:
            yield label


def _arrow(point: np.ndarray, shown: np.ndarray) -> str:
    away = (point - shown) / np.linalg.norm(point - shown)
    across = away[::-1] * [1, -1]
    tip, base = shown + 17 * away, shown + 12 * away
    corners = (tip, base + 4 * across, base - 4 * across)
    path = "L".join(f"{number(x)} {number(y)}" for x, y in corners)
    return f'<path class="wc-arrow" d="M{path}Z"/>'


def _about(predictor: Predictor, plan: Layout) -> str:
    return (
        f"Map of {format_amount(len(predictor.amounts))} customers by their first two principal components, "
        f"{format_share(plan.share)} of the variation: {axis_words(plan.axes[0])} to the right, "
        f"{axis_words(plan.axes[1])} to the top."
    )


def _neighbours(predictor: Predictor, plan: Layout, point: np.ndarray, inside: bool) -> str:
    nearest = np.argsort(np.linalg.norm(plan.points - point, axis=1), kind="stable")[:NEAR]
    counts = np.bincount(predictor.segments["kmeans"][nearest], minlength=predictor.n_segments + 1)
    top = int(counts.argmax())
    off = "" if inside else "This customer lies off the map. "
    name = predictor.names["kmeans"][top - 1]
    return f"{off}Of the {len(nearest)} nearest to this customer on it, {counts[top]} are in {name}."
