import json
import math
import re
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.decomposition import PCA

from wholesale.app import charts
from wholesale.app.charts import customer, evidence
from wholesale.app.charts.customer import axis_words, layout
from wholesale.app.templates import render
from wholesale.bundle import train
from wholesale.columns import MODELS, WHOLESALE
from wholesale.criteria import CRITERIA
from wholesale.palette import segment_colours
from wholesale.predict import Predictor, predict_segment
from wholesale.predictor import cut_height, owners
from wholesale.wording import format_amount

ODD = "<b>& \"quoted\" 'name'"
VOTING = [criterion for criterion in CRITERIA if criterion.vote]
EDGES = {"zeros": np.zeros(6), "enormous": np.full(6, 1e9), "mixed": np.array([0.0, 1e9] * 3)}


@pytest.fixture(scope="module")
def pair(customers: pd.DataFrame) -> Predictor:
    """Sixty customers in two segments."""
    return train(customers.head(60), 2).predictor


@pytest.fixture(scope="module")
def crowd(predictor: Predictor) -> Predictor:
    """Three thousand customers in eight segments; only what charts read is true of them."""
    amounts = np.expm1(np.random.default_rng(3).normal(8, 1.5, size=(3000, 6)).clip(0))
    X = predictor.standardize(amounts)
    merges = linkage(X, "ward")
    labels = fcluster(merges, 8, "maxclust")
    alike = {
        "names": tuple(f"Segment with a long name, {i}" for i in range(1, 9)),
        "sizes": np.bincount(labels)[1:],
        "overlap": np.eye(8),
        "centers": np.array([X[labels == s].mean(axis=0) for s in range(1, 9)]),
        "segments": labels,
    }
    own = {"weights": np.full(8, 1 / 8), "linkage": merges, "amounts": amounts, "evidence": {}}
    return replace(predictor, **own, **{field: dict.fromkeys(MODELS, its) for field, its in alike.items()})


@pytest.fixture(scope="module")
def odd(predictor: Predictor) -> Predictor:
    """Segments whose names are not safe in HTML."""
    names = tuple(f"{ODD} {i}" for i in range(1, predictor.n_segments + 1))
    return replace(predictor, names=dict.fromkeys(predictor.names, names))


@pytest.fixture(params=["predictor", "pair", "crowd", "odd"])
def any_predictor(request: pytest.FixtureRequest) -> Predictor:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def cloud(predictor: Predictor) -> str:
    return customer.map_cloud(predictor)


@pytest.fixture(scope="module")
def tree(predictor: Predictor) -> str:
    return evidence.dendrogram(predictor)


@pytest.fixture(scope="module")
def curves(predictor: Predictor) -> str:
    return evidence.evidence_curves(predictor)


def drawings(predictor: Predictor, spend) -> dict[str, str]:
    segment = predict_segment(predictor, spend).kmeans.segment if predictor.n_segments < 8 else 8
    return {
        "cloud": customer.map_cloud(predictor),
        "map": customer.map_with_you(predictor, spend),
        "profile": customer.profile(predictor, spend, segment),
        "tree": evidence.dendrogram(predictor),
        "curves": evidence.evidence_curves(predictor),
    }


def parse(drawing: str) -> ElementTree.Element:
    return ElementTree.fromstring(re.sub("<style>.*?</style>", "", drawing, flags=re.DOTALL))


def says(drawing: str) -> str:
    return " ".join(e.get("aria-label", "") for e in parse(drawing).iter())


def tips(drawing: str) -> list[str]:
    return [e.get("data-tip") for e in parse(drawing).iter() if "data-tip" in e.attrib]


def points(cloud: str) -> list[list]:
    """What the page's script knows of the points: x, y, segment, number, total."""
    return json.loads(parse(cloud).get("data-points"))


def coordinates(element: ElementTree.Element) -> tuple[list[float], list[float]]:
    """All x and y of an element and what is in it; paths by their M, L, H, V (h0 and v20 aside)."""
    xs, ys = [], []
    for e in element.iter():
        xs += [float(e.get(key)) for key in ("x", "cx") if key in e.attrib]
        ys += [float(e.get(key)) for key in ("y", "cy") if key in e.attrib]
        for letter, numbers in re.findall(r"([MLHV])([^A-Za-z]*)", e.get("d", "")):
            values = [float(v) for v in numbers.split()]
            xs += values[:1] if letter in "MLH" else []
            ys += values[-1:] if letter in "MLV" else []
    return xs, ys


def lies_inside(element: ElementTree.Element, width: float, height: float) -> bool:
    xs, ys = coordinates(element)
    return min(xs) >= 0 and max(xs) <= width and min(ys) >= 0 and max(ys) <= height


@pytest.mark.parametrize("spend", EDGES.values(), ids=EDGES)
def test_every_chart_is_xml_with_a_text_equivalent_and_stays_inside_its_frame(any_predictor, spend):
    for name, drawing in drawings(any_predictor, spend).items():
        if name == "curves" and not any_predictor.evidence:
            continue
        for chart in parse(drawing).iter("svg"):
            if name != "cloud":
                assert chart.get("role") == "img" and len(chart.get("aria-label")) > 40
                assert lies_inside(chart, *map(float, chart.get("viewBox").split()[2:])), name
        assert "nan" not in drawing.replace("aria", "") and "inf" not in drawing, name


def test_every_customer_on_record_is_marked_where_its_point_is(predictor):
    plan = layout(predictor)
    for amounts, point in zip(predictor.amounts, plan.points, strict=True):
        chart = parse(customer.map_with_you(predictor, amounts)).find(".//svg")
        you = chart.find("circle[@class='wc-you']")
        assert np.allclose([float(you.get("cx")), float(you.get("cy"))], point, atol=0.051)
        assert chart.find("path[@class='wc-arrow']") is None
        assert lies_inside(chart, charts.WIDTH, plan.height)


def test_the_map_shows_every_customer_in_its_segment_s_colour(any_predictor):
    cloud = customer.map_cloud(any_predictor)
    paths = list(parse(cloud).iter("path"))
    colours = segment_colours(any_predictor.overlap)["kmeans"]
    assert [path.get("stroke") for path in paths] == list(colours)
    counts, n = [path.get("d").count("M") for path in paths], len(any_predictor.amounts)
    assert sum(counts) == len(points(cloud)) == min(n, 500)
    assert n > 500 or counts == any_predictor.sizes["kmeans"].tolist()
    assert all(lies_inside(path, charts.WIDTH, layout(any_predictor).height) for path in paths)


def test_a_point_on_the_map_says_who_it_is(predictor, cloud):
    name = predictor.names["kmeans"][predictor.segments["kmeans"][85] - 1]
    total = format_amount(int(predictor.amounts[85].sum()))
    x, y, segment, number, said = points(cloud)[85]
    assert np.allclose([x, y], layout(predictor).points[85], atol=0.5)
    assert (json.loads(parse(cloud).get("data-names"))[segment], number, said) == (name, 86, total)
    assert parse(cloud).get("data-unit") == "m.u. a year"


def test_the_map_lies_along_the_principal_components(predictor):
    plan = layout(predictor)
    pca = PCA(2).fit(predictor.standardize(predictor.amounts))
    assert math.isclose(plan.share, pca.explained_variance_ratio_.sum())
    heaviest = np.abs(pca.components_).argmax(axis=1)
    axes = pca.components_ * np.sign(pca.components_[[0, 1], heaviest])[:, None]  # grows right or up
    scores = (predictor.standardize(predictor.amounts) - pca.mean_) @ axes.T
    steps = np.diff(plan.points, axis=0) / np.diff(scores, axis=0)
    assert np.allclose(steps, steps[0, 0] * np.array([1, -1]))  # one unit is as long across as up
    assert steps[0, 0] > 0


def test_names_on_the_map_keep_clear_of_each_other_and_charts_stay_small(any_predictor, predictor):
    labels = layout(any_predictor).labels
    assert len(labels) == any_predictor.n_segments
    assert not any(one.overlaps(other) for one, other in combinations(labels, 2))
    sizes = {k: len(v.encode()) for k, v in drawings(any_predictor, EDGES["enormous"]).items()}
    assert sizes["map"] <= 2000 and sizes["profile"] <= 6000
    assert sizes["tree"] <= (30_000 if any_predictor is predictor else 50_000)
    assert sizes["cloud"] <= (60_000 if any_predictor is predictor else 80_000)


def test_the_axes_are_named_by_their_weightiest_categories():
    for loadings, words in (
        ([0, 0.5, 0.6, 0, 0.55, 0], "more Grocery, Detergents and Paper, Milk"),
        ([0.8, 0, -0.6, 0, 0, 0], "more Fresh, less Grocery"),
        ([0.4] * 6, "more of everything"),
    ):
        assert axis_words(np.array(loadings), WHOLESALE.labels) == words


@pytest.mark.parametrize("spend", EDGES.values(), ids=EDGES)
def test_who_is_off_the_map_or_the_profile_is_said_to_be_with_arrows(predictor, spend):
    drawing = customer.map_with_you(predictor, spend)
    assert "wc-arrow" in drawing and "this customer, off the map" in drawing
    assert "lies off the map" in says(drawing)
    assert customer.profile(predictor, spend, 1).count("wc-arrow") == 6
    assert "wc-arrow" not in customer.profile(predictor, predictor.typical["kmeans"][0], 1)


def test_the_map_s_text_counts_the_nearest_customers(predictor):
    plan = layout(predictor)
    nearest = np.linalg.norm(plan.points - plan.points[0], axis=1).argsort(kind="stable")[:20]
    counts = np.bincount(predictor.segments["kmeans"][nearest])
    name = predictor.names["kmeans"][counts.argmax() - 1]
    words = says(customer.map_with_you(predictor, predictor.amounts[0]))
    assert f"Of the 20 nearest to this customer on it, {counts.max()} are in {name}." in words
    assert f"Map of {len(predictor.amounts)} customers" in words


def test_names_are_escaped_and_nothing_is_fetched_or_run(odd, cloud):
    for name, drawing in drawings(odd, odd.amounts[0]).items():
        assert not re.search(r"<b>|<script|\bon\w+=|https?:|url\(", drawing), name
        assert set(re.findall(r'href="#([^"]*)"', drawing)) <= set(re.findall(r' id="([^"]*)"', cloud))
        assert "href" not in re.sub('href="#', "", drawing)
    assert all(ODD in name for name in json.loads(parse(customer.map_cloud(odd)).get("data-names")))


@pytest.mark.parametrize("segment", [1, 2, 3])
def test_the_profile_states_how_the_customer_differs_from_the_segment(predictor, segment):
    you = predictor.standardize(predictor.amounts[9])
    members = predictor.standardize(predictor.amounts[predictor.segments["kmeans"] == segment])
    low, high = np.percentile(members, [25, 75], axis=0)
    away = you - predictor.centers["kmeans"][segment - 1]
    widest = np.abs(away).argmax()
    words = says(customer.profile(predictor, predictor.amounts[9], segment))
    assert f"In {((low <= you) & (you <= high)).sum()} of 6 categories" in words
    side = "above" if away[widest] > 0 else "below"
    assert f"{WHOLESALE.labels[widest]}, {abs(away[widest]):.1f} standard deviations {side}" in words


def test_the_profile_says_amounts_in_monetary_units_and_marks_those_above_the_centre_right_of_it(predictor):
    you = predictor.amounts[0]
    center = np.expm1(predictor.centers["kmeans"][1] * predictor.scale + predictor.mean)
    groups = parse(customer.profile(predictor, you, 2)).find(".//svg").findall("g")
    for label, amount, middle, row in zip(WHOLESALE.labels, you, center, groups, strict=True):
        told = row.get("data-tip").replace("\u00a0", "")
        assert told.startswith(f"{label}: this customer {amount:.0f} m.u.; centre {middle:.0f}, ")
        at = float(re.match(r"M([\d.]+) ", row.find("path[@class='wc-center']").get("d"))[1])
        assert (float(row.find("circle").get("cx")) > at) == (amount > middle)


def test_the_tree_has_every_merge_of_a_small_bundle_and_the_highest_of_a_large_one(any_predictor):
    paths = parse(evidence.dendrogram(any_predictor)).findall("path[@class='wc-branch']")
    drawn = sum(path.get("d").count("M") for path in paths)
    assert drawn == min(len(any_predictor.linkage), 1000)
    colours = segment_colours(any_predictor.overlap)["ward"]
    assert {path.get("stroke") for path in paths} <= {"var(--mut)", *colours}
    above = next(path for path in paths if path.get("stroke") == "var(--mut)")
    assert above.get("d").count("M") == any_predictor.n_segments - 1


def test_branches_do_not_cross(any_predictor):
    merges = any_predictor.linkage
    n = len(merges) + 1
    x = evidence.positions(merges[:, :2].astype(int), np.append(np.ones(n), merges[:, 3]))
    assert np.allclose(np.sort(x[:n]), np.arange(n) + 0.5)
    low, high = x.copy(), x.copy()
    for node, (left, right) in enumerate(merges[:, :2].astype(int), start=n):
        low[node], high[node] = min(low[left], low[right]), max(high[left], high[right])
        assert math.isclose(high[node] - low[node], merges[node - n, 3] - 1)
        assert math.isclose(x[node], (x[left] + x[right]) / 2)


def test_the_cut_leaves_the_served_segments_and_each_node_belongs_to_that_of_its_leaves(any_predictor):
    merges, segments, k = any_predictor.linkage, any_predictor.segments["ward"], any_predictor.n_segments
    assert fcluster(merges, cut_height(merges, k), "distance").max() == k
    assert f"cut: {k} segments" in evidence.dendrogram(any_predictor)
    owner = owners(merges, segments)
    assert (owner[len(segments) :] == 0).sum() == k - 1
    assert np.array_equal(owner[: len(segments)], segments)


def test_the_tree_says_its_sizes_and_largest_merges_at_their_heights(predictor, tree):
    for name, size in zip(predictor.names["ward"], predictor.sizes["ward"], strict=True):
        assert f"{name} with {size}" in says(tree)
        assert f">{size} customers</text>" in tree
    below = np.concatenate([np.ones(len(predictor.amounts)), predictor.linkage[:, 3]])
    few, many = sorted(below[predictor.linkage[-1, :2].astype(int)].astype(int))
    told, hits = tips(tree), parse(tree).findall(".//g[@class='wc-hits']/path")
    assert len(told) == 20
    assert told[0] == f"{few} customers joined {many} at height {predictor.linkage[-1, 2]:.1f}"
    for path, height in zip(hits, predictor.linkage[::-1][:20, 2], strict=True):
        lifted = height / predictor.linkage[-1, 2] * (evidence.TREE[3] - evidence.TREE[2])
        assert math.isclose(min(coordinates(path)[1]), evidence.TREE[3] - lifted, abs_tol=0.051)


def test_each_criterion_that_votes_has_a_panel_that_tells_its_vote(predictor, curves):
    assert {criterion.vote for criterion in VOTING} == set(predictor.evidence["votes"])
    assert [criterion for criterion in CRITERIA if criterion.panel] == VOTING
    panels = len({criterion.panel for criterion in VOTING})
    assert len(parse(curves).findall(".//svg")) == curves.count('class="wc-served"') == panels
    for criterion in VOTING:
        vote = predictor.evidence["votes"][criterion.vote]
        assert f"{criterion.curve or criterion.panel} prefers {vote} segments (" in says(curves)
    assert curves.count('class="wc-ring"') == len(predictor.evidence["votes"])
    assert all(sentence in says(curves) for sentence in predictor.evidence["sentences"])


def test_every_known_measure_is_a_point_that_says_its_value(predictor, curves):
    counts = predictor.evidence["counts"]
    known = sum(row[criterion.column] is not None for row in counts.values() for criterion in VOTING)
    assert len(tips(curves)) == known
    assert f"K-Means, 2 segments: {counts['2']['kmeans_silhouette']:.3f}" in tips(curves)


def test_without_evidence_there_are_no_curves_and_one_measure_at_one_k_is_still_drawn(predictor):
    for found in ({}, {"counts": {}}, {"counts": {"2": {"gap": None}}}):
        assert evidence.evidence_curves(replace(predictor, evidence=found)).strip() == ""
    some = replace(predictor, evidence={"counts": {"2": {"gmm_bic": 5.0}}})
    drawing = evidence.evidence_curves(some)
    (chart,) = parse(drawing).findall(".//svg")
    assert lies_inside(chart, *map(float, chart.get("viewBox").split()[2:]))
    assert "wc-ring" not in drawing


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_few_and_inside(low, span):
    chosen = charts.ticks(low, low + span, most=4)
    assert len(chosen) <= 5
    assert all(low - span * 1e-3 <= tick <= low + span * 1.001 for tick in chosen)


PLACED = st.tuples(st.text("abc ", min_size=1, max_size=12), st.floats(0, 360))


@given(st.lists(PLACED, min_size=1, max_size=6))
def test_labels_side_by_side_do_not_overlap_or_there_is_no_room(placed):
    moved = charts.side_by_side([charts.Label((words,), x, 0) for words, x in placed], 0, 360)
    assert not any(one.overlaps(other) for one, other in combinations(moved, 2))
    assert all(m.x - m.width / 2 >= -1e-6 and m.x + m.width / 2 <= 360 + 1e-6 for m in moved)
    assert moved or sum(len(words) * charts.LETTER + 4 for words, _ in placed) > 360


def test_every_class_of_a_chart_has_a_rule_and_every_colour_a_substitute_off_the_page(predictor):
    style = render("charts.css")
    drawn = "".join(drawings(predictor, predictor.amounts[0]).values())
    used = {name for names in re.findall(r'class="([^"]+)"', drawn) for name in names.split()}
    # The others are only named, or are the page's own.
    only_named = "curve-alone curve-k-means map note on-screen open panel points profile term tree"
    assert {each for each in used if f".{each}" not in style} == {f"wc-{each}" for each in only_named.split()}
    assert all("," in variable for variable in re.findall(r"var\((--(?!seg)[^)]*)", style))
