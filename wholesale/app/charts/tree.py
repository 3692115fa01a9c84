"""Ward's tree of the customers on record, with the cut that makes its segments."""

import numpy as np

from wholesale.app.charts.svg import (
    LINE,
    WIDTH,
    Label,
    chart,
    draw_label,
    first_free,
    number,
    side_by_side,
    text,
    text_width,
    ticks,
    title,
    wrap,
)
from wholesale.palette import segment_colours
from wholesale.predictor import Predictor
from wholesale.wording import format_amount

DRAWN = 1000  # merges at most, the highest, so that the bytes stay bounded
TOLD = 20  # merges that say on hover what joined
LEFT, RIGHT, TOP, FOOT = 28, WIDTH - 4, 34, 250
BAR = 5


def dendrogram(predictor: Predictor) -> str:
    """Draw Ward's tree in its segments' colours.

    Parameters
    ----------
    predictor : Predictor

    Returns
    -------
    str
        An ``<svg>``: all merges (of more than 1,000 the highest), those above the cut in grey, the cut,
        and under each branch its segment's name and size.
    """
    linkage, n = predictor.linkage, len(predictor.amounts)
    x, height = positions(linkage)
    owner = owners(linkage, predictor.segments["ward"])
    top = float(height[-1]) or 1.0
    y = FOOT - height / top * (FOOT - TOP)
    cut = cut_height(linkage, predictor.n_segments)
    labels = _labels(predictor, x[:n])
    bottom = max(label.y + label.height / 2 for label in labels) + 4
    body = (
        _axis(top)
        + _branches(predictor, x, y, owner)
        + _cut(
            predictor.n_segments,
            FOOT - cut / top * (FOOT - TOP),
            x[linkage[owner[n:] == 0, :2].astype(int)].ravel(),
        )
        + _bars(predictor, x[:n], labels)
        + _hits(linkage, x, y)
    )
    return chart(body, height=bottom, says=_finding(predictor, linkage, cut), name="wc-tree")


def positions(linkage: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Place every node of a tree: leaves side by side so that no branches cross, merges midway.

    Parameters
    ----------
    linkage : ndarray of shape (n - 1, 4)

    Returns
    -------
    x, height : ndarray of shape (2n - 1,)
        Of the leaves, then of the merges; `x` in the chart's units, a leaf's height is 0.
    """
    n = len(linkage) + 1
    children = linkage[:, :2].astype(int)
    first, below = np.zeros(2 * n - 1), np.concatenate([np.ones(n), linkage[:, 3]])
    for node in range(2 * n - 2, n - 1, -1):  # from the root: the left child begins where its parent does
        left, right = children[node - n]
        first[left], first[right] = first[node], first[node] + below[left]
    x = LEFT + (first + 0.5) / n * (RIGHT - LEFT)
    for node, (left, right) in enumerate(children, start=n):
        x[node] = (x[left] + x[right]) / 2
    return x, np.concatenate([np.zeros(n), linkage[:, 2]])


def owners(linkage: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """Return the segment (1…k) in which each of the 2n - 1 nodes lies, 0 for a merge of several."""
    owner = np.concatenate([segments, np.zeros(len(linkage), dtype=int)])
    for node, (left, right) in enumerate(linkage[:, :2].astype(int), start=len(segments)):
        owner[node] = owner[left] if owner[left] == owner[right] else 0
    return owner


def cut_height(linkage: np.ndarray, n_segments: int) -> float:
    """Return the height midway between the last merge within a segment and the first across segments."""
    heights = np.concatenate([[0.0], linkage[:, 2], [linkage[-1, 2] * 1.05]])
    last = len(linkage) + 1 - n_segments
    return float(heights[last : last + 2].mean())


def _branches(predictor: Predictor, x: np.ndarray, y: np.ndarray, owner: np.ndarray) -> str:
    n = len(predictor.linkage) + 1
    paths: dict[int, list[str]] = {}
    for node in range(max(n, 2 * n - 1 - DRAWN), 2 * n - 1):
        left, right = predictor.linkage[node - n, :2].astype(int)
        paths.setdefault(int(owner[node]), []).append(_elbow(x, y, node, left, right))
    colours = ("var(--mut)", *segment_colours(predictor.overlap)["ward"])
    return "".join(
        f'<path class="wc-branch" stroke="{colours[segment]}" d="{"".join(steps)}"/>'
        for segment, steps in sorted(paths.items())
    )


def _elbow(x: np.ndarray, y: np.ndarray, node: int, left: int, right: int) -> str:
    return f"M{number(x[left])} {number(y[left])}V{number(y[node])}H{number(x[right])}V{number(y[right])}"


def _customers(count: int) -> str:
    return f"{format_amount(count)} customer{'s' if count > 1 else ''}"


def _axis(top: float) -> str:
    marks = []
    for tick in ticks(0, top, most=4):
        y = FOOT - tick / top * (FOOT - TOP)
        marks.append(f'<path class="wc-grid" d="M{LEFT} {number(y)}H{RIGHT}"/>')
        marks.append(text(LEFT - 5, y + 4, f"{tick:g}", "wc-soft", anchor="end"))
    return "".join(marks) + text(0, LINE - 3, "Height of a merge (Ward distance)", "wc-soft")


def _cut(n_segments: int, y: float, crossed: np.ndarray) -> str:
    """Draw the cut, and name it where no branch crosses the words (`crossed`: where branches do)."""
    words = f"cut: {n_segments} segment{'s' if n_segments > 1 else ''}"
    half = text_width(words) / 2
    places = np.arange(RIGHT - half, LEFT + half, -4)
    free = places[(np.abs(places[:, None] - crossed) > half + 3).all(axis=1)]
    line = f'<path class="wc-cut" d="M{LEFT} {number(y)}H{RIGHT}"/>'
    return line + text(free[0] if len(free) else places[0], y - 5, words, "wc-halo", anchor="middle")


def _labels(predictor: Predictor, leaves: np.ndarray) -> list[Label]:
    labels = []
    for segment, name in enumerate(predictor.names["ward"], start=1):
        members = leaves[predictor.segments["ward"] == segment]
        lines = (*wrap(name), _customers(len(members)))
        labels.append(Label(lines, float(members.mean()), FOOT + BAR + 14 + LINE * len(lines) / 2))
    return side_by_side(labels, 0, WIDTH) or _stacked(labels)


def _stacked(labels: list[Label]) -> list[Label]:
    taken: list[Label] = []
    for label in labels:
        rows = (Label(label.lines, label.x, label.y + LINE * row).within(0, WIDTH) for row in range(60))
        taken.append(first_free(rows, taken))
    return taken


def _bars(predictor: Predictor, leaves: np.ndarray, labels: list[Label]) -> str:
    half = (RIGHT - LEFT) / len(leaves) / 2
    drawn = []
    colours = segment_colours(predictor.overlap)["ward"]
    for segment, (label, colour) in enumerate(zip(labels, colours, strict=True), start=1):
        members = leaves[predictor.segments["ward"] == segment]
        left, wide = members.min() - half, np.ptp(members) + 2 * half
        top = label.y - label.height / 2
        foot = np.clip(label.x, members.min(), members.max())
        lead = f"M{number(foot)} {FOOT + 3 + BAR}L{number(label.x)} {number(top)}"
        drawn.append(
            f'<rect fill="{colour}" x="{number(left)}" y="{FOOT + 3}" width="{number(wide)}" height="{BAR}"/>'
            f'<path class="wc-lead" d="{lead}"/>'
        )
    return "".join(drawn) + "".join(draw_label(label, "wc-halo") for label in labels)


def _hits(linkage: np.ndarray, x: np.ndarray, y: np.ndarray) -> str:
    n = len(linkage) + 1
    below = np.concatenate([np.ones(n), linkage[:, 3]]).astype(int)
    drawn = []
    for node in range(2 * n - 2, max(n, 2 * n - 1 - TOLD) - 1, -1):  # the highest first, under the others
        left, right = linkage[node - n, :2].astype(int)
        few, many = sorted((int(below[left]), int(below[right])))
        told = f"{_customers(few)} joined {format_amount(many)} at height {linkage[node - n, 2]:.1f}"
        drawn.append(f'<path d="{_elbow(x, y, node, left, right)}">{title(told)}</path>')
    return f'<g class="wc-hits">{"".join(drawn)}</g>'


def _finding(predictor: Predictor, linkage: np.ndarray, cut: float) -> str:
    sizes = predictor.sizes["ward"]
    parts = ", ".join(
        f"{name} with {format_amount(int(size))}"
        for name, size in zip(predictor.names["ward"], sizes, strict=True)
    )
    return (
        f"Ward's tree of {_customers(len(linkage) + 1)}, cut at height {cut:.1f} into {len(sizes)}: {parts}. "
        f"The last merges are at heights {', '.join(f'{h:.1f}' for h in linkage[::-1][:3, 2])}."
    )
