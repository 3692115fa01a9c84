import math
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from wholesale.amounts import parse_amounts
from wholesale.columns import CHANNELS, REGIONS, SPEND_COLUMNS
from wholesale.explain import OVERSHOOT, explain
from wholesale.predict import load_predictor, predict_segment, predict_segments
from wholesale.wording import format_amount

SPEND = st.lists(st.floats(0, 1e9) | st.integers(0, 20), min_size=6, max_size=6)
FAR = [[0] * 6, [1e9] * 6, [0, 1e9, 0, 0, 1e9, 0], [1e300] * 6, [0] * 5 + [1e300], [0, 0, 1.7e308, 0, 5, 0]]
FAR += [[1.7e308] * 6]


def with_centres(predictor, centres):
    """Give a predictor other K-Means centres, as many as wanted."""
    k = len(centres)
    gaps = predictor.standardize(predictor.amounts)[:, None, :] - centres
    return replace(
        predictor,
        centers={**predictor.centers, "kmeans": np.asarray(centres, dtype=float)},
        names={**predictor.names, "kmeans": tuple(f"Segment {i + 1}" for i in range(k))},
        overlap={model: np.zeros((len(rows), k)) for model, rows in predictor.overlap.items()}
        | {"kmeans": np.eye(k)},
        segments={**predictor.segments, "kmeans": (gaps**2).sum(axis=2).argmin(axis=1) + 1},
    )


@pytest.fixture
def plain(predictor):
    """Where a standardized amount is its logarithm."""
    return replace(predictor, mean=np.zeros(6), scale=np.ones(6))


def apply(spend, change):
    changed = list(spend)
    changed[SPEND_COLUMNS.index(change.column)] = change.to
    return changed


def movement(predictor, change):
    scale = predictor.scale[SPEND_COLUMNS.index(change.column)]
    return abs(math.log1p(change.to) - math.log1p(change.amount)) / scale


def highest(predictor, spend):
    """The most that is taken for possible of each category."""
    return np.maximum(predictor.amounts.max(axis=0), np.asarray(spend, dtype=float))


def assert_change_holds(predictor, spend):
    change = explain(predictor, spend).change
    if change is None:  # a segment is convex: who stays in it at both ends never left it between them
        for end in (0, highest(predictor, spend)):
            ends = np.where(np.eye(6, dtype=bool), end, np.asarray(spend, dtype=float))
            own = predict_segment(predictor, spend).kmeans.segment
            assert (predict_segments(predictor, ends)["kmeans_segment"] == own).all()
    else:
        after = predict_segment(predictor, apply(spend, change)).kmeans
        assert (change.segment, change.name) == (after.segment, after.name)
        assert change.segment != predict_segment(predictor, spend).kmeans.segment
        assert change.amount == spend[SPEND_COLUMNS.index(change.column)]
        most = highest(predictor, spend)[SPEND_COLUMNS.index(change.column)]
        assert 0 <= change.to <= max(most + 1, most * 1.02), "but for rounding, as much as somebody spends"
    return change


def scan(predictor, spend, steps):
    """The customer, standardized, whom possible steps in one category make of it, and how far these moved."""
    x, most = (predictor.standardize(np.asarray(its, float)) for its in (spend, highest(predictor, spend)))
    rows = np.vstack([x + np.kron(np.eye(6), steps[:, None]), np.where(np.eye(6, dtype=bool), most, x)])
    allowed = ((rows >= -predictor.mean / predictor.scale - 1e-12) & (rows <= most + 1e-12)).all(axis=1)
    return x[None, :], rows[allowed], np.abs(rows - x).sum(axis=1)[allowed]


@given(SPEND, st.integers(2, 6))
def test_contributions_add_up_to_the_difference_of_the_two_nearest_squared_distances(spend, k):
    shipped = load_predictor()
    for predictor in (shipped, with_centres(shipped, np.random.default_rng(k).normal(size=(k, 6)))):
        gaps = predictor.standardize(np.array(spend, dtype=float)) - predictor.centers["kmeans"]
        squares, found = (gaps**2).sum(axis=1), explain(predictor, spend)
        own, following = np.sort(squares)[:2]
        total = math.fsum(reason.contribution for reason in found.reasons)
        assert total == pytest.approx(following - own, rel=1e-12, abs=1e-12 * following)
        assert squares[found.rival - 1] == pytest.approx(following)
        assert found.rival_name == predictor.names["kmeans"][found.rival - 1]


def test_a_reason_has_amount_and_typical_amount_and_speaks_for_the_nearer_centre(predictor, amounts):
    for segment in (1, 2, 3):
        members = amounts[predictor.segments["kmeans"] == segment]
        reasons = explain(predictor, members[0]).reasons
        assert [reason.column for reason in reasons] == list(SPEND_COLUMNS)
        assert [reason.amount for reason in reasons] == members[0].tolist()
        centers, rival = predictor.centers["kmeans"], explain(predictor, members[0]).rival
        for whose, centre in (("centre", segment), ("rival_centre", rival)):
            geometric = np.expm1(np.log1p(amounts[predictor.segments["kmeans"] == centre]).mean(axis=0))
            assert [getattr(reason, whose) for reason in reasons] == pytest.approx(geometric, rel=1e-9)
        to_own, to_rival = np.abs(predictor.standardize(members[0]) - centers[[segment - 1, rival - 1]])
        assert [reason.contribution > 0 for reason in reasons] == (to_own < to_rival).tolist()


@given(SPEND, st.integers(2, 6))
def test_any_change_is_confirmed_by_predicting_it(spend, k):
    assert_change_holds(load_predictor(), spend)
    assert_change_holds(with_centres(load_predictor(), np.random.default_rng(k).normal(size=(k, 6))), spend)


@pytest.mark.parametrize("k", [3, 6])
def test_the_smallest_change_to_each_other_segment_is_found_and_none_where_there_is_none(
    predictor, random_amounts, k
):
    if k == 6:
        predictor = with_centres(predictor, np.random.default_rng(k).normal(size=(k, 6)))
    centers, (steps, step), missing = predictor.centers["kmeans"], np.linspace(-6, 6, 2401, retstep=True), 0
    for spend in [*predictor.amounts[::11], *random_amounts[:1000:25]]:
        x, rows, moved = scan(predictor, spend, steps)
        own, *there = ((np.vstack([x, rows])[:, None] - centers) ** 2).sum(axis=2).argmin(axis=1)
        explanation = explain(predictor, spend)
        sizes = [movement(predictor, each) for each in explanation.changes]
        assert sizes == sorted(sizes) and next(iter(explanation.changes), None) == explanation.change
        for segment in {*range(k)} - {own}:
            scanned = moved[np.array(there) == segment].min(initial=np.inf)
            found = [each for each in explanation.changes if each.segment == segment + 1]
            for each, size in ((each, movement(predictor, each)) for each in found):
                assert predict_segment(predictor, apply(spend, each)).kmeans.segment == segment + 1
                assert each.to <= 1 + 1.02 * highest(predictor, spend)[SPEND_COLUMNS.index(each.column)]
                assert scanned - step - 1e-9 <= size <= scanned + OVERSHOOT + 1e-9 or size > 5.9
            missing += not found
            assert found or scanned == np.inf
    assert missing, "some have none"


def test_far_customers_get_a_change_that_holds_or_none_where_there_is_none(bundle, predictor):
    changes = [assert_change_holds(predictor, spend) for spend in FAR]
    assert {change is None for change in changes} == {True, False}
    for spend, change in zip(FAR, changes, strict=True):
        x, rows, moved = scan(predictor, spend, np.linspace(-700, 700, 140_001))
        scanned = moved[bundle.kmeans.predict(rows) != bundle.kmeans.predict(x)].min(initial=np.inf)
        size = math.inf if change is None else movement(predictor, change)
        assert size == pytest.approx(scanned, abs=0.02)


def test_none_is_said_where_only_an_amount_below_zero_or_too_large_for_a_number_would_flip(predictor):
    below = -predictor.mean[0] / predictor.scale[0] - 1
    centres = np.zeros((2, 6))
    assert explain(with_centres(predictor, centres), [100] * 6).change is None  # the centres are one
    centres[1, 0] = 2 * below  # half way lies below an amount of zero
    assert explain(with_centres(predictor, centres), predictor.amounts[0]).change is None
    centres[1, 0] = 2 * (below + 1.1)
    assert explain(with_centres(predictor, centres), predictor.amounts[0]).change is not None
    centres[1] = np.eye(6)[3] * 2000 / predictor.scale[3]
    assert explain(with_centres(predictor, centres), [100] * 6).change is None


def test_zero_can_be_the_change_and_a_tie_there_is_one_where_the_other_segment_wins_it(predictor, plain):
    centres = np.zeros((2, 6))
    centres[1, 0] = 2 * (-predictor.mean[0] / predictor.scale[0] + 1e-3)
    change = assert_change_holds(with_centres(predictor, centres), [5, 1, 1, 1, 1, 1])
    assert (change.column, change.to) == ("Fresh", 0)
    centres[:, 0] = -3, 3
    change = assert_change_holds(with_centres(plain, centres), [5, 0, 0, 0, 0, 0])
    assert (change.column, change.to, change.segment) == ("Fresh", 0, 1)
    assert explain(with_centres(plain, -centres), [5, 0, 0, 0, 0, 0]).change is None  # there it does not


def test_where_rounding_hides_which_centre_is_nearer_the_predicted_segment_is_explained(plain):
    centres = np.array([[1, 1 + 2**-52, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0]])
    blurred = with_centres(plain, centres)
    assert predict_segment(blurred, [0] * 6).kmeans.segment == 1  # though the second is a hair nearer
    assert explain(blurred, [0] * 6).rival == 2
    assert explain(blurred, [0] * 6).reasons[1].contribution < 0


@pytest.mark.parametrize("amount", [0, 7, 1000, 123456.5, 1e9])
def test_a_customer_exactly_on_a_tie_needs_a_hair_of_movement(plain, amount):
    halves = with_centres(plain, np.array([[9.0, 1, 2, 2, 2, 2], [1, 9.0, 2, 2, 2, 2]]))
    scores = predict_segment(halves, [amount] * 6).kmeans.scores
    change = assert_change_holds(halves, [amount] * 6)
    assert scores[0] == scores[1] and change.segment == 2
    assert movement(halves, change) <= OVERSHOOT + 1e-9


@pytest.mark.parametrize("pair", [(0, 1), (0, 2), (1, 2)])
def test_a_customer_half_way_between_two_centres_changes_by_a_hair(predictor, pair):
    middle = predictor.centers["kmeans"][list(pair)].mean(axis=0)
    spend = np.expm1(middle * predictor.scale + predictor.mean).tolist()
    change = assert_change_holds(predictor, spend)
    assert movement(predictor, change) <= OVERSHOOT + 1e-9
    assert abs(math.fsum(reason.contribution for reason in explain(predictor, spend).reasons)) < 1e-12
    assert {change.segment, predict_segment(predictor, spend).kmeans.segment} == {i + 1 for i in pair}


def test_a_change_is_in_whole_units_unless_small_and_no_further_than_one_past_the_tie(predictor, amounts):
    all_changes = [(spend, assert_change_holds(predictor, spend)) for spend in amounts]
    found = [(spend, change) for spend, change in all_changes if change]
    assert len(found) > 400
    changes = [change for _, change in found]
    small = [change.to for change in changes if not change.to.is_integer()]
    assert small and max(small) <= 100 and all(to == round(to, 2) for to in small)
    for spend, change in found:
        short = replace(change, to=change.to - math.copysign(1.001, change.to - change.amount))
        own = predict_segment(predictor, spend).kmeans.segment
        assert short.to < 0 or predict_segment(predictor, apply(spend, short)).kmeans.segment == own


def test_the_similar_customers_are_scikit_learns_nearest_neighbours(bundle, predictor, customers, amounts):
    X = bundle.standardizer.transform(customers[list(SPEND_COLUMNS)])
    strangers = np.vstack([np.zeros((1, 6)), np.full((1, 6), 1e9), amounts[:30] * 1.1])
    Z = bundle.standardizer.transform(pd.DataFrame(strangers, columns=list(SPEND_COLUMNS)))
    distances, indices = NearestNeighbors(n_neighbors=5).fit(X).kneighbors(Z)
    for spend, far, rows in zip(strangers, distances, indices, strict=True):
        alike = explain(predictor, spend).alike
        assert [one.customer for one in alike] == (rows + 1).tolist()
        assert [one.distance for one in alike] == pytest.approx(far, rel=1e-9)


def test_a_similar_customer_is_shown_as_on_record_and_an_unknown_code_as_it_is(predictor, customers, amounts):
    for one in (one for spend in amounts[::10] * 1.01 for one in explain(predictor, spend).alike):
        row = customers.iloc[one.customer - 1]
        assert one.amounts == tuple(row[list(SPEND_COLUMNS)])
        assert (one.channel, one.region) == (CHANNELS[row["Channel"]], REGIONS[row["Region"]])
        assert one.segment == predictor.segments["kmeans"][one.customer - 1]
        assert one.name == predictor.names["kmeans"][one.segment - 1]
    odd = replace(predictor, channel=predictor.channel + 7, region=predictor.region * 0)
    one = explain(odd, [1000] * 6).alike[0]
    assert one.channel in ("Channel 8", "Channel 9") and one.region == "Region 0"


def test_who_has_the_same_amounts_is_named_and_not_merely_alike_and_ties_go_by_number(predictor, amounts):
    doubled = amounts.copy()
    doubled[[4, 200]] = doubled[0]
    twins = replace(predictor, amounts=doubled)
    assert explain(twins, amounts[0]).same == (1, 5, 201) and explain(predictor, amounts[40]).same == (41,)
    assert explain(predictor, amounts[0] + 0.5).same == ()
    alike = [one.customer for one in explain(twins, amounts[0]).alike]
    assert len(alike) == 5 and not {1, 5, 201} & {*alike}
    assert [one.customer for one in explain(twins, amounts[0] + 1).alike[:3]] == [1, 5, 201]


def test_there_are_fewer_similar_customers_where_few_are_on_record(predictor, amounts):
    few = replace(predictor, amounts=amounts[:3], densities=predictor.densities[:3])
    assert len(explain(few, amounts[0]).alike) == 2
    assert len(explain(few, [1] * 6).alike) == 3


def test_an_explanation_is_the_same_by_name_by_order_and_from_text(predictor, amounts):
    by_order = explain(predictor, amounts[0])
    by_name = dict(zip(SPEND_COLUMNS, amounts[0].tolist(), strict=True))
    assert explain(predictor, by_name) == by_order
    assert explain(predictor, {name: format_amount(amount) for name, amount in by_name.items()}) == by_order


@pytest.mark.parametrize(
    "spend", [[1, -5, 1, "", 1, "x"], [1, 2], {"Fresh": 1}, [1, None, 1, 1, math.inf, math.nan]]
)
def test_bad_amounts_are_refused_alike_where_they_are_parsed_predicted_and_explained(predictor, spend):
    refusals = []
    parse = partial(parse_amounts, categories=predictor.categories)
    for take in (parse, partial(predict_segment, predictor), partial(explain, predictor)):
        with pytest.raises(ValueError) as refusal:
            take(spend)
        refusals.append(str(refusal.value))
    assert len(set(refusals)) == 1


def test_a_centre_that_is_zero_but_for_rounding_is_zero(predictor):
    zero = -predictor.mean / predictor.scale
    assert (predictor.amounts_at(np.nextafter(zero, [[-9], [9]])) == 0).all()
    assert predictor.amounts_at(predictor.on_record) == pytest.approx(predictor.amounts)
