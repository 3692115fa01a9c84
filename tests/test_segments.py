import re
from collections import Counter
from dataclasses import replace
from itertools import chain, combinations, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from second_wholesaler import SAMPLE

from wholesale import segments
from wholesale.bundle import train
from wholesale.columns import SPEND_COLUMNS, WHOLESALE
from wholesale.customers import read_file
from wholesale.manifest import MODELS_FOLDER
from wholesale.models import fit_gmm, fit_kmeans, fit_ward
from wholesale.segments import match_segments, name_models, name_segments, overlap, profile_segments


def _profiles(*rows):
    standardized = pd.DataFrame(rows, index=range(1, len(rows) + 1), columns=list(SPEND_COLUMNS))
    return pd.concat({"standardized": standardized}, axis=1)


@given(st.lists(st.integers(0, 3), min_size=8, max_size=60), st.permutations([0, 1, 2, 3]))
def test_matching_undoes_any_renumbering(labels, permutation):
    reference = np.array([0, 1, 2, 3, *labels])
    renumbered = np.array(permutation)[reference]
    assert match_segments(reference, renumbered).tolist() == reference.tolist()


def test_matching_shares_as_many_customers_as_any_assignment_can():
    reference = np.array([1, 1, 1, 1, 2, 2, 2, 3, 3])
    labels = np.array([7, 7, 5, 5, 5, 5, 5, 9, 7])
    assert match_segments(reference, labels).tolist() == [1, 1, 2, 2, 2, 2, 2, 3, 1]


def test_of_matches_that_share_as_many_the_more_alike_is_taken():
    reference, labels = np.repeat([[0, 0, 1], [0, 1, 0]], [14, 1, 13], axis=1)  # 14 + 0 or 13 + 1 are shared
    matched = [overlap(reference, its).trace() for its in (labels, 1 - labels)]
    renumbered = match_segments(reference, labels)
    assert overlap(reference, renumbered).trace() == max(matched)
    assert match_segments(reference, 1 - labels).tolist() == renumbered.tolist()


def test_partitions_of_different_sizes_are_not_matched():
    with pytest.raises(ValueError, match="cannot match 2 segments to 3"):
        match_segments(np.array([1, 2, 3]), np.array([1, 1, 2]))


def test_overlap_is_the_jaccard_index():
    reference, labels = np.array([1, 1, 2, 2]), np.array([1, 1, 1, 2])
    np.testing.assert_allclose(overlap(reference, labels), [[2 / 3, 1 / 4], [0, 1 / 2]])


def test_segments_are_ordered_by_decreasing_size_then_by_their_first_customer():
    assert segments.size_order(np.array([0, 1, 1, 1, 2, 2])).tolist() == [1, 2, 0]
    assert segments.size_order(np.array([2, 0, 1, 1, 0, 2, 3])).tolist() == [2, 0, 1, 3]


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_a_renumbered_mixture_predicts_the_same_under_new_numbers(X, covariance_type):
    gmm = fit_gmm(X, 3, covariance_type, restarts=1)
    before, order = gmm.predict_proba(X), np.array([2, 0, 1])
    np.testing.assert_allclose(segments.renumber(gmm, order).predict_proba(X), before[:, order])


def test_renumbered_kmeans_and_ward_keep_their_partitions(X):
    order = np.array([2, 0, 1])
    for model in (fit_kmeans(X, 3), fit_ward(X, 3)):
        before = model.labels_.copy()
        segments.renumber(model, order)
        assert (order[model.labels_] == before).all()
        if hasattr(model, "predict"):
            assert (model.predict(X) == model.labels_).all()


def test_the_bundle_is_numbered_by_size_and_by_match(bundle, X):
    sizes = np.bincount(bundle.kmeans.labels_)
    assert list(sizes) == sorted(sizes, reverse=True)
    for labels in (bundle.gmm.predict(X), bundle.ward.labels_):
        assert segments.match_order(bundle.kmeans.labels_, labels).tolist() == [0, 1, 2]


def test_profiles_are_medians_in_money_and_means_in_deviations(customers, bundle, X):
    profiles = profile_segments(customers, bundle.labels["kmeans"])
    first = bundle.labels["kmeans"] == 1
    assert profiles.loc[1, ("customers", "size")] == first.sum()
    assert profiles["customers", "share"].sum() == pytest.approx(1)
    assert profiles.loc[1, ("typical", "Milk")] == np.median(customers["Milk"][first])
    np.testing.assert_allclose(profiles["standardized"].loc[1], X[first].mean(axis=0))


@pytest.mark.parametrize(
    ("profile", "name"),
    [
        ([0.5] * 6, "High all round"),
        ([-0.5] * 6, "Low all round"),
        ([0.1] * 6, "Average"),
        ([1, 0.9, 0.9, 1, 0.9, 0.2], "Fresh"),
        ([-0.9, -1, -1, -0.2, -1, -0.9], "Few staples"),
        ([0, 1, 1, 0, 1, 0], "Staples"),
        ([1, -1, -1, 1, -1, 0], "Fresh, few staples"),
        ([-1, 1, 1, -1, 1, -0.9], "Staples, little fresh"),
        ([-1, 1, 1, -1, 1, -1.1], "Staples, little deli"),
        ([-0.2, -0.3, -0.3, -0.2, -0.3, 1], "Deli, few staples"),
        ([-0.3, 0.24, 0.24, -0.18, 0.24, -0.3], "Little deli"),
        ([0.25, 0, 0, 0.25, 0, -0.24], "Fresh"),
    ],
)
def test_a_name_says_what_is_most_above_and_most_below_the_average(profile, name):
    assert name_segments(_profiles(profile)) == {1: name}


def _things(name):
    """What a name says, read from its words: each group with +1 or -1, as its reader would take it."""
    if name.lower().startswith(("high all round", "low all round")):
        return dict.fromkeys(("staples", "fresh", "deli"), 1 if name[0] == "H" else -1)
    parts = (part.split() for part in name.lower().split(" (")[0].split(", "))
    signs = {words[-1]: words[0] for words in parts if words[0] not in ("more", "less")}
    return {group: -1 if first in ("few", "little") else 1 for group, first in signs.items()}


def _reverse(ours, theirs):
    said, there = _things(ours), _things(theirs)
    return any(said[group] == -there[group] for group in said.keys() & there.keys())


def _contradictions(names, labels):
    """Pairs of two models' segments that share most of either's customers, and say the reverse."""
    found = []
    for one, other in combinations(names, 2):
        for (i, ours), (j, theirs) in product(enumerate(names[one], 1), enumerate(names[other], 1)):
            a, b = labels[one] == i, labels[other] == j
            if _reverse(ours, theirs) and (a & b).sum() > min(a.sum(), b.sum()) / 2:
                found.append((one, ours, other, theirs))
    return found


PROFILES = st.lists(st.lists(st.floats(-3, 3), min_size=6, max_size=6), min_size=1, max_size=8)


@given(PROFILES)
def test_names_say_at_most_two_things_and_are_unique_within_a_model(rows):
    names = name_segments(_profiles(*rows)).values()
    assert len(set(names)) == len(rows)
    assert all(len(name.split(", ")) <= 2 for name in names)


@settings(max_examples=40)
@given(st.data(), st.integers(0, 2**32 - 1))
def test_names_of_models_never_contradict_say_at_most_two_things_and_are_unique(data, seed):
    profiles = {model: _profiles(*data.draw(PROFILES)) for model in ("one", "two", "three")}
    chance = np.random.default_rng(seed)
    labels = {model: _labels(chance, len(its)) for model, its in profiles.items()}
    names = name_models(profiles, labels)
    assert not _contradictions(names, labels)
    for model, its in names.items():
        assert len(set(its)) == len(its) == len(profiles[model])
        assert all(len(name.split(", ")) <= 2 for name in its)


def _labels(chance, segments):
    """Cut thirty customers, in their order, into so many segments."""
    return np.sort([*range(1, segments + 1), *chance.integers(1, segments + 1, 30 - segments)])


MORE = ("more", "less")


@pytest.mark.parametrize(
    ("one", "other", "names"),
    [
        ([0, 1, 1, 0, 3, 0], [0, 1, 1, 0, 1, 0], ["Staples, more Detergents and Paper", "Staples"]),
        ([0, 1, 1, 0, 3, 0], [0, 1, 1, 0, -1, 0], [f"Staples, {its} Detergents and Paper" for its in MORE]),
        ([1, -1, -1, 1, -1, 0], [1, -1, -1, 3, -1, 0], ["Fresh, few staples", "Fresh, more Frozen"]),
        # less than its namesake and more than the average customer is neither, nor the reverse
        ([0.1, 1, 1, 0.1, 1, 0], [0.2, 1, 1, -0.2, 1, 0], ["Staples, more Frozen", "Staples, less Frozen"]),
        ([0, 1, 1, -0.4, 2, 0], [0, 1, 1, -0.2, 1, 0], ["Staples, more Detergents and Paper", "Staples"]),
        # nor is it Fresh, or what the one word deli stands for, where that is in the name
        (
            [-2, 0, 0, 1, 0, 0],
            [-0.2, 0, 0, -0.9, 0, 0],
            ["Little fresh, more Frozen", "Little fresh, less Frozen"],
        ),
        ([0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 2], ["Deli", "Deli (2)"]),
        ([0.1] * 6, [0.1] * 6, ["Average", "Average (2)"]),
    ],
)
def test_equal_names_get_the_category_in_which_they_differ_most_if_it_holds_beside_the_average(
    one, other, names
):
    assert [*name_segments(_profiles(one, other)).values()] == names


@settings(max_examples=40)
@given(st.lists(st.lists(st.integers(-3, 3), min_size=6, max_size=6), min_size=2, max_size=8))
def test_more_and_less_hold_beside_the_average_customer_and_name_nothing_twice(rows):
    for categories in (
        WHOLESALE,
        replace(WHOLESALE, groups={}),
        replace(WHOLESALE, groups={"fish": ("Milk",)}),
    ):
        profiles = _profiles(*rows)
        for segment, name in name_segments(profiles, categories).items():
            if found := re.fullmatch(r"(.+), (more|less) (.+?)( \(\d+\))?", name):
                first, which, label, _ = found.groups()
                level = profiles["standardized"].rename(columns=categories.label).loc[segment, label]
                assert level >= 0 if which == "more" else level <= 0, name
                assert label.lower() not in first.lower()
                assert ("fish" in first.lower(), label) != (True, "Milk")


HIGH, STAPLES, DELI = [0.4] * 6, [-0.3, 0.9, 0.9, -0.3, 0.9, 0], [0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("one", "other", "shared", "names"),
    [
        (HIGH, STAPLES, 6, ("High all round", "Staples")),
        ([0.26] * 6, STAPLES, 6, ("Staples", "Staples, little fresh")),
        (HIGH, STAPLES, 5, ("High all round", "Staples, little fresh")),  # half is no majority
        (HIGH, [-0.3, 0.9, 0.9, -0.3, 0.9, -0.29], 6, ("High all round", "Staples")),
        ([1, 0, 0, 1, 0, -0.5], [-0.5, 0, 0, -0.5, 0, -0.3], 6, ("Fresh, little deli", "Little deli")),
        ([1, 0, 0, 1, 0, 0], [-0.5, 0, 0, -0.5, 0, 0], 6, ("Fresh", "Average")),
        ([1, -1, -1, 1, -1, 0], [1, 0, 0, 1, 0, 0], 10, ("Fresh, few staples", "Fresh")),
    ],
)
def test_the_weaker_of_two_names_that_say_the_reverse_of_mostly_the_same_customers_gives_way(
    one, other, shared, names
):
    profiles = {"one": _profiles(one, DELI), "other": _profiles(other, DELI)}
    customer = np.arange(40)
    theirs = (customer < shared) | (customer >= 28 + shared)  # twelve, `shared` of them of the ten
    labels = {"one": np.where(customer < 10, 1, 2), "other": np.where(theirs, 1, 2)}
    assert tuple(its[0] for its in name_models(profiles, labels).values()) == names


@pytest.mark.parametrize("order", [("a", "b", "c"), ("c", "b", "a"), ("b", "a", "c")])
def test_the_strongest_claim_goes_first_whichever_model_comes_first(order):
    fresh = {"a": 0.3, "b": -0.4, "c": 0.5}
    profiles = {model: _profiles([fresh[model], 0, 0, fresh[model], 0, 0]) for model in order}
    names = name_models(profiles, dict.fromkeys(order, np.ones(9)))
    assert names == {"a": ["Fresh"], "b": ["Average"], "c": ["Fresh"]}


def test_no_two_shipped_names_contradict_each_other_on_mostly_the_same_customers(customers, bundle):
    assert not _contradictions(bundle.names, bundle.labels)
    profiles = {model: profile_segments(customers, labels) for model, labels in bundle.labels.items()}
    assert {model: tuple(its) for model, its in name_models(profiles, bundle.labels).items()} == bundle.names
    alone = {model: [*name_segments(its).values()] for model, its in profiles.items()}
    assert _contradictions(alone, bundle.labels) == [
        ("kmeans", "High all round", model, "Staples, little fresh") for model in ("gmm", "ward")
    ]


def test_the_model_card_says_on_how_many_customers_two_names_still_say_the_reverse(bundle):
    named = [np.array(bundle.names[model])[labels - 1] for model, labels in bundle.labels.items()]
    answers = [
        [pair for pair in combinations(names, 2) if _reverse(*pair)] for names in zip(*named, strict=True)
    ]
    card = (MODELS_FOLDER / "README.md").read_text()
    assert f"On {sum(map(bool, answers))} of the\n440 two names still say the reverse" in card
    [(pair, _)] = Counter(chain.from_iterable(answers)).most_common(1)
    assert pair == ("High all round", "Fresh, few staples")
    assert "most often *{}* beside *{}*".format(*pair) in card


def test_names_of_another_wholesaler_s_customers_do_not_contradict_each_other():
    other = train(table := read_file(SAMPLE, {"Delicassen": "Deli"}).table)
    profiles = {model: profile_segments(table, its) for model, its in other.labels.items()}
    alone = {model: [*name_segments(its).values()] for model, its in profiles.items()}
    assert _contradictions(alone, other.labels) and not _contradictions(other.names, other.labels)


def test_another_seed_gives_the_same_names_and_segments(customers, bundle):
    again = train(customers, random_state=99)
    assert again.names == bundle.names
    assert not set(bundle.names["kmeans"]) & {*bundle.names["gmm"], *bundle.names["ward"]}
    assert all((again.labels[model] == labels).all() for model, labels in bundle.labels.items())


def test_channel_and_region_change_no_model(customers, bundle):
    shuffled = customers.copy()
    for column in ("Channel", "Region"):
        shuffled[column] = shuffled[column].sample(frac=1, random_state=0).to_numpy()
    assert not shuffled.equals(customers)
    again = train(shuffled)
    assert again.names == bundle.names
    for field in ("mean", "scale", "weights", "precisions_cholesky", "densities", "linkage"):
        ours, theirs = (getattr(its.predictor, field) for its in (again, bundle))
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)
