"""The geometry that the charts share: labels that keep clear of each other, and ticks of an axis."""

import math
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from wholesale.app.templates import number

WIDTH = 360  # of a chart, in its own units; near the card's width on the page and on a phone
LINE, LETTER = 15, 7.25  # height of a line of text, of size 12.5, and width of a letter in a wide face


class Label(NamedTuple):
    """Lines of text in a box around (`x`, `y`), in the chart's units."""

    lines: tuple[str, ...]
    x: float
    y: float

    @property
    def width(self) -> float:
        return max(map(len, self.lines)) * LETTER  # estimated

    @property
    def height(self) -> float:
        return LINE * len(self.lines)

    @property
    def top(self) -> float:
        return self.y - self.height / 2

    def within(self, left: float, right: float) -> "Label":
        """Move the label sideways until it lies between `left` and `right`."""
        half = self.width / 2
        return self._replace(x=max(min(self.x, right - half), left + half))

    def above_and_below(self, start: int, step: int, top: float, bottom: float) -> Iterator["Label"]:
        """Move the label up and down, ever further, its middle between `top` and `bottom`."""
        places = (self.y + sign * away for away in range(start, int(bottom), step) for sign in (-1, 1))
        return (self._replace(y=y) for y in places if top <= y <= bottom)

    def overlaps(self, other: "Label") -> bool:
        beside = abs(self.x - other.x) * 2 >= self.width + other.width
        above = abs(self.y - other.y) * 2 >= self.height + other.height
        return not (beside or above)


def first_free(candidates: Iterable[Label], taken: Collection[Label]) -> Label:
    """Return the first candidate that overlaps no label in `taken`, or else the first."""
    tried: list[Label] = []
    for label in candidates:
        if not any(map(label.overlaps, taken)):
            return label
        tried.append(label)
    return tried[0]


def side_by_side(labels: list[Label], left: float, right: float, *, gap: float = 4) -> list[Label]:
    """Move labels sideways, no further than needed, until none overlap; empty if there is no room."""
    order = sorted(range(len(labels)), key=lambda i: labels[i].x)
    moved, edge = [*labels], left - gap
    for i in order:
        moved[i] = moved[i]._replace(x=max(moved[i].x, edge + gap + moved[i].width / 2))
        edge = moved[i].x + moved[i].width / 2
    edge = right + gap
    for i in reversed(order):
        moved[i] = moved[i]._replace(x=min(moved[i].x, edge - gap - moved[i].width / 2))
        edge = moved[i].x - moved[i].width / 2
    return moved if edge >= left - 1e-6 else []


def wrap(name: str, most: int = 18) -> tuple[str, ...]:
    """Break a name longer than `most` letters into two lines, at the space nearest its middle."""
    spaces = [i for i, letter in enumerate(name) if letter == " "]
    if len(name) <= most or not spaces:
        return (name,)
    middle = min(spaces, key=lambda i: abs(i - len(name) / 2))
    return name[:middle], name[middle + 1 :]


def at(x: float, y: float) -> str:
    return f"{number(x)} {number(y)}"


def ticks(low: float, high: float, *, most: int) -> list[float]:
    """Choose at most `most` + 1 round numbers from `low` to `high`, evenly spaced."""
    power = 10 ** math.floor(math.log10((high - low) / most))
    step = next(power * s for s in (1, 2, 5, 10) if power * s * most >= high - low)
    return [i * step for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]
