"""One palette for the page and for every figure."""

from itertools import chain, cycle, repeat

import numpy as np

COLOURS = ("#3B8FD4", "#D9730D", "#12A37F", "#8453F0", "#C8699E", "#A08A00", "#E0566B", "#8A8F98")
"""Told apart by colour-blind readers in this order; at least 3:1 against white and the page's dark card."""

NEUTRAL = "#6E7683"
"""For segments of their own, once the palette is exhausted: a repeated colour would say "similar"."""

SAME, SIMILAR = 0.6, 0.4
"""Jaccard from which a pair of segments is called the same, or similar: this project's convention."""


def relation(overlap: float) -> str:
    """Put the Jaccard overlap of two segments (0…1) in words."""
    if overlap >= SAME:
        return "same"
    return "similar" if overlap >= SIMILAR else "no counterpart"


def segment_colours(overlaps: dict[str, np.ndarray]) -> dict[str, tuple[str, ...]]:
    """Colour every model's segments as the K-Means segments that they are like, others on their own."""
    fresh = chain(COLOURS[len(next(iter(overlaps.values()))) :], repeat(NEUTRAL))
    colours = {}
    for model, overlap in overlaps.items():
        alike = zip(cycle(COLOURS), overlap.diagonal() >= SIMILAR, strict=False)
        colours[model] = tuple(colour if same else next(fresh) for colour, same in alike)
    return colours
