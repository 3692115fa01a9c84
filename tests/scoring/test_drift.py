import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import betabinom, ks_2samp

from wholesale.columns import SPEND_COLUMNS, WHOLESALE
from wholesale.predict import predict_segments
from wholesale.scoring import summary
from wholesale.scoring.summary import FAR, LIKE, Drift, Summary, by_chance, drift, on_record, spend_up_to

whole = st.integers(0, 20).map(float)
nearly = st.integers(1, 20).map(lambda n: n + 1e-9) | st.integers(1, 20).map(lambda n: n - 1e-9)
extreme = st.sampled_from([0.0, 1e-9, 1e6 - 1, 1e6, 1e9, 1e300])
amount = st.one_of(whole, st.floats(0, 20, allow_subnormal=False), nearly, extreme)
SIDES = ("left", "right")


@pytest.fixture
def measure(predictor):
    """Measure the drift of amounts against those on record."""
    record = on_record(predictor)
    return lambda amounts: drift(SPEND_COLUMNS, record, spend_up_to(record, amounts), len(amounts))


def _table(values):
    return st.integers(1, 30).flatmap(lambda rows: arrays(float, (rows, 6), elements=values))


@pytest.mark.filterwarnings("ignore:divide by zero")  # of its p-value
@settings(max_examples=30)
@given(st.one_of(_table(whole), _table(amount)), _table(amount))
def test_d_is_that_of_scipy(record, amounts):
    ranked, columns = np.sort(record.T, axis=1), np.sort(amounts.T, axis=1)
    counts = spend_up_to(ranked, amounts)
    assert np.array_equal(counts, [list(map(np.searchsorted, columns, ranked, [s] * 6)) for s in SIDES])
    measured = drift(SPEND_COLUMNS, ranked, counts, len(amounts))
    for i, column in enumerate(SPEND_COLUMNS):
        expected = ks_2samp(record[:, i], amounts[:, i], method="asymp").statistic
        assert measured[column].distance == pytest.approx(expected, abs=1e-12)


@settings(max_examples=30)
@given(st.one_of(_table(whole), _table(amount)), _table(amount), st.integers(0, 30))
def test_the_counts_of_parts_add_up(record, amounts, cut):
    ranked = np.sort(record.T, axis=1)
    parts = spend_up_to(ranked, amounts[:cut]) + spend_up_to(ranked, amounts[cut:])
    assert np.array_equal(parts, spend_up_to(ranked, amounts))


def test_those_on_record_are_alike_and_ten_times_as_much_or_as_little_is_far(measure, predictor):
    assert not any(each.distance for each in measure(predictor.amounts).values())
    for factor, found in ((10, ("far", "higher")), (0.1, ("far", "lower"))):
        drifts = measure(predictor.amounts * factor).values()
        assert {(each.verdict, each.direction) for each in drifts} == {found}


@pytest.mark.parametrize(
    ("customers_below", "verdict"),
    [(500, "alike"), (600, "alike"), (601, "different"), (750, "different"), (751, "far")],
)
def test_a_verdict_turns_at_its_limits(customers_below, verdict):
    """Half of a large record is at 1 and half at 3; so is the file, but for the customers moved below."""
    record = np.tile(np.repeat([1.0, 3.0], 5000), (6, 1))
    amounts = np.tile(np.where(np.arange(1000) < customers_below, 1.0, 3.0)[:, None], (1, 6))
    measured = drift(SPEND_COLUMNS, record, spend_up_to(record, amounts), 1000)["Fresh"]
    assert measured.distance == pytest.approx(abs(customers_below / 1000 - 0.5))
    assert (LIKE, FAR) == (0.1, 0.25)
    assert measured.verdict == verdict


def test_few_customers_are_alike_as_far_as_chance_goes(measure, predictor):
    fresh = np.sort(predictor.amounts, axis=0)[::22] * [1.5, 1, 1, 1, 1, 1]
    measured = measure(fresh)["Fresh"]
    assert LIKE < measured.distance <= by_chance(20, 440, 6)
    assert (measured.verdict, measured.words) == ("alike", "no clear difference")


def test_six_categories_together_exceed_what_chance_gives_in_less_than_one_file_in_twenty():
    rng = np.random.default_rng(0)
    gaps = [ks_2samp(rng.random(200), rng.random(440), method="asymp").statistic for _ in range(300 * 6)]
    assert 0.01 < np.mean(np.reshape(gaps, (300, 6)).max(axis=1) > by_chance(200, 440, 6)) < 0.06


@pytest.mark.parametrize(("n", "m"), [(1, 440), (39, 440), (800, 440), (50_000, 440), (60, 60), (10, 10)])
def test_how_many_are_unfamiliar_by_chance_is_the_beta_binomial(n, m):
    """The limit is the share of a market below a low rank of those on record, which is Beta-distributed."""
    rank = -(-m // 100)
    for least in {0, 1, n // 100, n // 20, n}:
        expected = betabinom.sf(least - 1, n, rank, m + 1 - rank)
        assert summary.unfamiliar_by_chance(least, n, m) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def _largest(record, drawn):
    """Give the largest D of draws, told by how often each customer on record was drawn, shape (draws, m)."""
    n, m = drawn[0].sum(), len(record)
    gaps = []
    for its in record.T:
        order = np.argsort(its)
        last = np.append(np.diff(its[order]) > 0, True)  # of equal amounts
        gaps.append(np.abs(drawn[:, order].cumsum(axis=1) / n - np.arange(1, m + 1) / m)[:, last])
    return np.max([its.max(axis=1) for its in gaps], axis=0)


@pytest.mark.parametrize("again", [False, True], ids=["without replacement", "with replacement"])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 10, 20, 39, 40, 50, 100, 439])
def test_random_draws_of_those_on_record_are_seldom_said_to_differ(measure, predictor, n, again):
    rng, amounts, m = np.random.default_rng(n), predictor.amounts, 440
    draws = [rng.choice(m, n, replace=again) for _ in range(2000)]
    largest = _largest(amounts, np.array([np.bincount(its, minlength=m) for its in draws]))
    measured = measure(amounts[draws[0]]).values()
    assert largest[0] == pytest.approx(max(each.distance for each in measured))
    # of the 440, 5 are unlike 99% when a mixture judges them that did not see them
    unlike = np.argsort(predict_segments(predictor, amounts)["familiarity"])[:5]
    drifts = [Drift(its, "higher", summary.drift_verdict(its, by_chance(n, m, 6))) for its in largest]
    told = [
        Summary(n, 0, int(np.isin(its, unlike).sum()), {}, {"Fresh": each}, {}, [], [], m, WHOLESALE)
        for its, each in zip(draws, drifts, strict=True)
    ]
    assert np.mean([its.other_market for its in told]) <= 0.05
    assert np.mean(["differ" in its.verdict for its in told]) <= 0.05


@pytest.mark.parametrize("factor", [3, 1 / 3])
def test_fifty_customers_of_another_market_are_found(measure, predictor, factor):
    rng = np.random.default_rng(0)
    for _ in range(20):
        drawn = predictor.amounts[rng.choice(440, 50, replace=False)] * factor
        assert any(each.verdict == "far" for each in measure(drawn).values())
