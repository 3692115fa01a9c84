import sys
from copy import deepcopy
from functools import partial

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from scipy.cluster.hierarchy import fcluster, linkage

from wholesale import plots
from wholesale.columns import SPEND_COLUMNS, WHOLESALE
from wholesale.palette import COLOURS

matplotlib.use("Agg")

LABELS3 = np.array([1, 1, 1, 2, 2, 3, 3, 3, 3, 3])
NAMES = ["few", "many", "rest"]
COLOURS3 = COLOURS[:3]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


COUNTS = pd.DataFrame([[8, 2], [1, 9]], ["K-Means 1", "K-Means 2"], ["Horeca", "Retail"])
SCORES = pd.DataFrame({"K-Means": [0.3, 0.2, 0.1], "Ward": [0.1, 0.4, 0.2]}, [2, 3, 4])
HEIGHTS = pd.Series([9.0, 5.0, 4.0, 3.0], [2, 3, 4, 5])
CORRELATIONS = pd.DataFrame(np.linspace(-1, 1, 36).reshape(6, 6), list(SPEND_COLUMNS), list(SPEND_COLUMNS))
PLACES = pd.DataFrame({"first": np.arange(10.0), "second": np.arange(10.0) % 3})
EXPECTED = pd.DataFrame([[1.2, 1.0, 1.0], [1.4, 1.2, 1.1], [1.6, 1.4, 1.2]], columns=[2, 3, 4])
JUMPS = pd.Series([1.8, 1.25, 1.3], [2, 3, 4])
SILHOUETTES = np.array([0.1, 0.3, -0.2, 0.5, 0.4, 0.2, -0.1, -0.1, 0.0, 0.3])
PROFILES = pd.DataFrame(np.linspace(-1.5, 1.5, 18).reshape(3, 6), NAMES, list(SPEND_COLUMNS))
JACCARD = pd.DataFrame([[0.7, 0.1], [0.2, 0.3]], ["a", "b"], ["c", "d"])
SHARED = pd.DataFrame([[70, 5], [9, 20]], ["a", "b"], pd.Index(["c", "d"], name="K-Means"))

MEANS = pd.DataFrame([[0.0, 0.0], [5.0, 1.0]], columns=["first", "second"])
ROUND = np.array([np.eye(2), [[4.0, 0.0], [0.0, 1.0]]])
CLOUDS = pd.concat({"gaussian": EXPECTED, "copula": EXPECTED - 1}, names=["null", "cloud"])
CELLS = pd.DataFrame(
    np.linspace(-0.01, 1, 16).reshape(4, 4),
    pd.MultiIndex.from_product([["log", "root"], ["kept", "dropped"]]),
    pd.MultiIndex.from_product([["Ward", "K-Means"], [2, 3]]),
)
TOGETHER = (LABELS3[:, None] == LABELS3).astype(float)

HOW3 = {"names": NAMES, "colours": COLOURS3}
SPREAD = pd.DataFrame(np.random.default_rng(1).lognormal(7, 1, (10, 6)), range(1, 11), list(SPEND_COLUMNS))
TREE = linkage((np.array([0.0, 100.0, 250.0])[LABELS3 - 1] + np.arange(10) ** 1.1)[:, None], "ward")
"""Three groups far apart, of three, two and five customers."""

DRAWN = {
    "spread": partial(plots.plot_spread, SPREAD, unit="m.u."),
    "ranges": partial(plots.plot_ranges, SPREAD, 2 * SPREAD, unit="m.u.", names=("record", "own")),
    "bars": partial(plots.plot_bars, SPREAD.sum(), unit="m.u."),
    "mix": partial(plots.plot_mix, COUNTS, unit="customers", colours=COLOURS3[:2]),
    "correlations": partial(plots.plot_correlations, CORRELATIONS),
    "profiles": partial(plots.plot_profiles, PROFILES),
    "overlap": partial(plots.plot_overlap, SHARED, JACCARD, colours=COLOURS3[:2]),
    "cells": partial(plots.plot_cells, CELLS, unit="adjusted Rand"),
    "consensus": partial(plots.plot_consensus, TOGETHER, LABELS3, **HOW3),
    "criteria": partial(plots.plot_criteria, SCORES, unit="silhouette"),
    "heights": partial(plots.plot_heights, HEIGHTS, cut=3),
    "jumps": partial(plots.plot_jumps, JUMPS, EXPECTED),
    "silhouettes": partial(plots.plot_silhouettes, SILHOUETTES, LABELS3, colours=COLOURS3),
    "map": partial(plots.plot_map, PLACES),
    "components": partial(plots.plot_components, MEANS, ROUND, colours=COLOURS3[:2]),
    "nulls": partial(plots.plot_nulls, JUMPS, CLOUDS, unit="jump"),
    "dendrogram": partial(plots.plot_dendrogram, TREE, LABELS3, **HOW3),
}


def _texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def _ticks(ax) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()]


def _places(points) -> list[list[float]]:
    return points.get_offsets().tolist()


def _links(ax) -> dict[str, int]:
    """Links of a dendrogram by colour."""
    return {to_hex(lines.get_color()[0]).upper(): len(lines.get_segments()) for lines in ax.collections}


def _colours(collections) -> list[str]:
    return [to_hex(each.get_facecolor()[0]).upper() for each in collections]


def _swatches(ax) -> list[str]:
    return _colours(each for each in ax.collections if isinstance(each, PathCollection))


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_every_plot_draws_on_the_axes_given_or_on_new_ones_and_leaves_its_input_alone(draw):
    before = deepcopy(draw.args)
    _, ax = plt.subplots()
    assert draw(ax=ax, title="The finding") is ax and ax.has_data()
    assert ax.get_title(loc="left") == "The finding" and len(plt.get_fignums()) == 1
    assert 7 <= draw().figure.get_figwidth() <= 11
    for now, then in zip(draw.args, before, strict=True):
        assert np.array_equal(now, then)


def test_every_public_plot_is_covered():
    assert {*DRAWN, "pairs"} == {name[5:] for name in dir(plots) if name.startswith("plot_")}


def test_components_are_ellipses_that_hold_half_and_nine_tenths_of_a_gaussian():
    lines = DRAWN["components"]().lines
    drawn = (((0, 0), (1, 1)), ((0, 0), (1, 1)), ((5, 1), (2, 1)), ((5, 1), (2, 1)))  # mean and scale
    standard = [(line.get_xydata() - its[0]) / its[1] for line, its in zip(lines, drawn, strict=True)]
    squares = np.square(standard).sum(axis=2)  # of chi-squared with 2 degrees of freedom
    assert np.allclose(squares, np.array([[1.38629], [4.60517]] * 2), atol=1e-4)
    assert [to_hex(line.get_color()).upper() for line in lines] == [*COLOURS3[:1] * 2, *COLOURS3[1:2] * 2]


def test_nulls_are_drawn_by_kind_as_ranges_beside_each_other_under_the_observed_values():
    ax = DRAWN["nulls"]()
    bars = {bar.get_label(): np.array(bar.get_segments()) for bar in ax.collections}
    assert [*bars] == ["gaussian clouds", "copula clouds"]
    assert np.allclose(bars["gaussian clouds"][0][:, 1], [1.22, 1.58])  # 5% and 95% of 1.2, 1.4, 1.6
    assert np.allclose(bars["copula clouds"][:, :, 1], bars["gaussian clouds"][:, :, 1] - 1)
    assert (bars["gaussian clouds"][:, :, 0] < bars["copula clouds"][:, :, 0]).all()
    assert ax.lines[0].get_xydata().tolist() == [[k, jump] for k, jump in JUMPS.items()]


def test_ranges_set_the_two_medians_of_each_category_beside_each_other():
    ax = DRAWN["ranges"]()
    record, own = (each.get_offsets()[:, 0] for each in ax.collections if isinstance(each, PathCollection))
    assert np.allclose(record, SPREAD.median()) and np.allclose(own, 2 * record)
    assert _texts(ax) == ["record", "own"] and ax.get_xscale() == "symlog"


def test_spread_draws_everybody_once_the_same_each_time_and_those_marked_as_numbered_lines():
    ax, again = DRAWN["spread"](), DRAWN["spread"](marked=(3, 7))
    rows = [points.get_offsets() for points in ax.collections if len(points.get_offsets()) == len(SPREAD)]
    assert np.allclose([row[:, 0] for row in rows], SPREAD.T)
    assert all(map(np.array_equal, rows, (points.get_offsets() for points in again.collections)))
    assert _ticks(ax) == [*WHOLESALE.labels] and ax.get_xlabel() == "m.u."
    assert [list(line.get_xdata()) for line in again.lines] == [list(SPREAD.loc[i]) for i in (3, 7)]
    assert _texts(again) == ["customer 3", "customer 7"]


def test_pairs_draws_every_pair_and_every_category():
    grid = plots.plot_pairs(SPREAD, title="The finding")
    drawn = [ax for ax in grid.axes.flat if ax is not None]
    assert len(drawn) == 15 + 6 and sum(len(ax.collections) for ax in drawn) == 15
    assert {ax.get_xscale() for ax in drawn} == {"log"} and grid.figure.get_suptitle() == "The finding"


def test_bars_are_as_long_as_the_values_and_say_so():
    values = pd.Series({"Fresh": 0.5, "Detergents_Paper": 0.25})
    ax = plots.plot_bars(values, unit="share", form="{:.0%}", reference=(0.4, "an equal share"))
    assert [bar.get_width() for bar in ax.patches] == [0.5, 0.25]
    assert _texts(ax) == ["50%", "25%", "an equal share"]
    assert _ticks(ax) == ["Fresh", "Detergents and Paper"]
    assert list(ax.lines[0].get_xdata()) == [0.4, 0.4]


def test_mix_divides_every_bar_in_proportion_and_writes_the_counts():
    ax = DRAWN["mix"]()
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([0.8, 0.1, 0.2, 0.9])
    assert {"8", "2", "1", "9", "Horeca", "Retail"} == set(_texts(ax))
    assert _swatches(ax) == list(COLOURS3[:2])


def test_correlations_writes_each_pair_once():
    first, *others = _texts(DRAWN["correlations"]())
    assert len(others) == 14 and first == f"{CORRELATIONS.loc['Milk', 'Fresh']:+.2f}".replace("-", "−")


def test_profiles_writes_means_without_a_negative_zero_and_typical_amounts_beside_their_colours():
    ax = plots.plot_profiles(PROFILES, typical=PROFILES.abs() * 10_000, colours=COLOURS3)
    assert _texts(ax)[0] == "−1.5\n15\u00a0000" and "in m.u. per year" in ax.get_xlabel()
    assert (_swatches(ax), _ticks(ax)) == (list(COLOURS3), NAMES)
    assert _texts(plots.plot_profiles(PROFILES * 0 - 0.01))[0] == "+0.0"


def test_profiles_sets_models_apart():
    ax = plots.plot_profiles(pd.concat({"K-Means": PROFILES, "Ward": PROFILES}))
    assert _texts(ax)[-2:] == ["K-Means", "Ward"] and list(ax.lines[0].get_ydata()) == [3, 3]


def test_overlap_writes_counts_and_sets_similar_pairs_in_bold():
    ax = DRAWN["overlap"]()
    assert _texts(ax) == ["70 · 0.70", "5 · 0.10", "9 · 0.20", "20 · 0.30"]
    assert [text.get_fontweight() for text in ax.texts] == ["bold", "normal", "normal", "normal"]
    assert _swatches(ax) == list(COLOURS3[:2])


@pytest.mark.parametrize(("lowest", "best"), [(False, [2, 3]), (True, [4, 2])])
def test_criteria_names_each_line_and_rings_its_best(lowest, best):
    ax = DRAWN["criteria"](lowest=lowest)
    assert [list(line.get_ydata()) for line in ax.lines] == [list(SCORES["K-Means"]), list(SCORES["Ward"])]
    assert _texts(ax) == ["K-Means", "Ward"]
    assert [_places(ring)[0][0] for ring in ax.collections] == best


def test_heights_draws_every_merge_and_opens_those_the_cut_undoes():
    ax = DRAWN["heights"]()
    kept, undone = ax.collections[-2:]
    assert (_places(kept), _places(undone)) == ([[4, 4.0], [5, 3.0]], [[2, 9.0], [3, 5.0]])
    assert _colours([undone]) == ["#FFFFFF"] and "the cut keeps 3 segments" in _texts(ax)


def test_jumps_are_drawn_over_the_range_of_data_without_segments():
    ax = DRAWN["jumps"]()
    bars, medians, dots = ax.collections
    assert bars.get_segments()[0].tolist() == [[2, pytest.approx(1.22)], [2, pytest.approx(1.58)]]
    assert _places(medians) == [[2, 1.4], [3, 1.2], [4, 1.1]]
    assert dots.get_offsets()[:, 1].tolist() == JUMPS.tolist() and _texts(ax) == ["1.80", "1.25", "1.30"]


def test_silhouettes_draws_every_customer_in_its_segment_and_counts_those_below_zero():
    ax = DRAWN["silhouettes"]()
    assert _colours(ax.collections) == list(COLOURS3)
    assert _ticks(ax) == ["1: 3\n1 below 0", "2: 2\n0 below 0", "3: 5\n2 below 0"]
    assert ax.lines[0].get_xdata()[0] == pytest.approx(SILHOUETTES.mean())


def test_map_draws_every_segment_in_its_colour_with_its_own_marker():
    ax = plots.plot_map(PLACES, LABELS3, **HOW3)
    assert [len(points.get_offsets()) for points in ax.collections] == [3, 2, 5]
    assert (_colours(ax.collections), _texts(ax)) == (list(COLOURS3), NAMES)
    assert len({points.get_paths()[0].vertices.tobytes() for points in ax.collections}) == 3
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("first", "second")


def test_map_names_every_arrow_and_moves_colliding_names_apart():
    arrows = pd.DataFrame([[0.5, 0.01], [0.5, -0.01]], ["Fresh", "Frozen"])
    ax = plots.plot_map(PLACES, arrows=arrows)
    named = {text.get_text(): text.get_position()[1] for text in ax.texts if text.get_text()}
    assert set(named) == {"Fresh", "Frozen"} and abs(named["Fresh"] - named["Frozen"]) >= 0.36


def test_dendrogram_colours_links_below_a_cut_between_the_merges_it_separates():
    ax = DRAWN["dendrogram"]()
    links = _links(ax)
    assert [links[colour] for colour in COLOURS3] == [2, 1, 4] and sum(links.values()) == len(TREE)
    assert "3 rest\n5 customers" in _texts(ax)
    dashed = next(line for line in ax.lines if line.get_linestyle() == "--")
    assert TREE[-3, 2] < dashed.get_ydata()[0] < TREE[-2, 2]


def test_the_points_of_marked_customers_are_seen_on_the_bars_and_dots_of_the_rest():
    """Customer 86's was as dark as the bar behind it, and hidden."""
    ax = DRAWN["spread"](marked=(1, 2))
    assert len({line.get_marker() for line in ax.lines}) == 2
    for line in ax.lines:
        assert line.get_markeredgecolor() == "white" and line.get_color() == plots.INK
        assert line.get_zorder() > max(each.get_zorder() for each in ax.collections)
    assert to_hex(ax.collections[-2].get_color()[0]).upper() == plots.GREY


def test_cells_are_written_in_hundredths_under_the_first_level_of_their_columns():
    ax = DRAWN["cells"]()
    assert _texts(ax)[:3] == ["-1", "6", "12"] and _texts(ax)[-3:] == ["100", "Ward", "K-Means"]
    assert _ticks(ax) == ["log, kept", "log, dropped", "root, kept", "root, dropped"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["2", "3", "2", "3"]
    assert [text.get_position()[0] for text in ax.texts[-2:]] == [1, 3]


def test_a_consensus_has_the_customers_of_a_segment_side_by_side():
    ax = plots.plot_consensus(TOGETHER[::-1, ::-1], LABELS3[::-1], **HOW3)
    sizes = np.bincount(LABELS3)[1:]
    blocks = np.repeat(np.arange(3), sizes)
    assert (ax.images[0].get_array() == (blocks[:, None] == blocks)).all() and _ticks(ax) == list(NAMES)
    assert ax.get_yticks().tolist() == (sizes.cumsum() - sizes / 2).tolist()


def test_truncated_dendrogram_shows_the_last_merges_only():
    ax = DRAWN["dendrogram"](leaves=4)
    leaves = [label.get_text() for label in ax.get_xticklabels()]
    assert sum(_links(ax).values()) == 3 and len(leaves) == 4 and "(3)" in leaves
    assert ax.get_xlabel() == "at each leaf: customers in the branch"


@pytest.mark.parametrize("n", [12, 60])
def test_the_leaves_of_the_top_of_a_tree_add_up_to_all_customers(n):
    tree = linkage(np.random.default_rng(n).lognormal(size=(n, 3)), "ward")
    how = {"names": ["", ""], "colours": COLOURS3[:2], "leaves": 12}
    ax = plots.plot_dendrogram(tree, fcluster(tree, 2, "maxclust"), **how)
    leaves = [int(label.get_text().strip("()")) for label in ax.get_xticklabels()]
    assert len(leaves) == 12 and sum(leaves) == n and 1 in leaves


def test_names_at_the_ends_of_lines_keep_clear_of_each_other():
    scores = pd.DataFrame({"a": [1.0, 0.5], "b": [0.2, 0.502], "c": [0.1, 0.501]}, index=[2, 3])
    ax = plots.plot_criteria(scores, unit="")
    heights = sorted(text.xy[1] for text in ax.texts)
    assert heights[0] == 0.5 and np.diff(heights).min() >= 0.07 * np.ptp(ax.get_ylim())


def test_a_narrow_last_branchs_long_name_ends_at_the_edge_of_the_tree():
    labels = np.r_[np.ones(95, int), np.full(5, 2)]  # the five are farther apart, so SciPy draws them last
    tree = linkage(np.r_[np.arange(95.0), 9000 + 500 * np.arange(5)][:, None], "ward")
    ax = plots.plot_dendrogram(tree, labels, names=["a", "a name that is far too long"], colours=COLOURS3[:2])
    ax.figure.draw_without_rendering()
    assert [text.get_window_extent().x1 <= ax.get_window_extent().x1 for text in ax.texts[1:]] == [True, True]


def test_a_chain_longer_than_python_recurses_is_drawn():
    n = 1503
    nodes = np.r_[0, n + np.arange(n - 2)]
    chain = np.column_stack([nodes, np.arange(1, n), np.arange(1, n), np.arange(2, n + 1)]).astype(float)
    ax = plots.plot_dendrogram(chain, np.r_[np.ones(n - 1, int), 2], names=NAMES[:2], colours=COLOURS3[:2])
    assert sum(_links(ax).values()) == 1502 and sys.getrecursionlimit() < 1502
