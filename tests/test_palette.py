import re

import numpy as np
import pytest

from wholesale.manifest import ROOT
from wholesale.palette import COLOURS, NEUTRAL, relation, segment_colours

STYLE = ROOT / "share/jupyter/voila/templates/wholesale/static/wholesale.css"
CARD = re.search(r"--card: light-dark\((#\w+), (#\w+)\)", STYLE.read_text(encoding="utf-8"))
BACKGROUNDS = CARD.groups()
# Machado, Oliveira and Fernandes (2009), full dichromacy, linear RGB.
DICHROMATS = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
               [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
               [-0.011820, 0.042940, 0.968881]],
}  # fmt: skip


def _linear(colour):
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def _luminance(colour):
    return _linear(colour) @ [0.2126, 0.7152, 0.0722]


def _lab(linear):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    f = np.cbrt(np.clip(xyz / [0.9505, 1, 1.089], 0.008856, None))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("colour", [*COLOURS, NEUTRAL])
@pytest.mark.parametrize("background", BACKGROUNDS)
def test_every_colour_stands_out_from_paper_and_page(colour, background):
    high, low = sorted([_luminance(colour), _luminance(background)], reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 3


@pytest.mark.parametrize("sight", DICHROMATS)
def test_the_first_four_colours_differ_for_colour_blind_readers(sight):
    seen = [_lab(np.clip(np.array(DICHROMATS[sight]) @ _linear(colour), 0, 1)) for colour in COLOURS[:4]]
    gaps = [np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i]]
    assert min(gaps) > 15


def test_similar_segments_share_a_colour_and_others_get_their_own():
    gmm = np.array([[0.7, 0.1, 0.0], [0.0, 0.4, 0.3], [0.1, 0.0, 0.39]])
    colours = segment_colours({"kmeans": np.eye(3), "gmm": gmm})
    assert colours["kmeans"] == COLOURS[:3]
    assert colours["gmm"] == (COLOURS[0], COLOURS[1], COLOURS[3])


@pytest.mark.parametrize("k", [2, 5, 8])
def test_a_segment_of_its_own_never_wears_the_colour_of_a_kmeans_segment(k):
    colours = segment_colours({"kmeans": np.eye(k), "gmm": np.zeros((k, k)), "ward": np.zeros((k, k))})
    assert len(set(colours["kmeans"])) == k
    assert not set(colours["kmeans"]) & {*colours["gmm"], *colours["ward"]}


@pytest.mark.parametrize(
    ("overlap", "word"),
    [(1, "same"), (0.6, "same"), (0.59, "similar"), (0.4, "similar"), (0.39, "no counterpart")],
)
def test_the_convention_for_pairs(overlap, word):
    assert relation(overlap) == word
