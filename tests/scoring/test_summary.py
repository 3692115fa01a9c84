import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from wholesale.bundle import train
from wholesale.columns import SPEND_COLUMNS, WHOLESALE
from wholesale.scoring import score_table
from wholesale.scoring.summary import MANY_UNFAMILIAR, UNKNOWN, Counts, Drift, Summary, count, summarize

UNLIKE = "Taken together, these customers are unlike the 440 that the segments were made from"
TRAIN = "Segments of their own would say more: python -m wholesale train."
SEGMENTS = {"kmeans": [("Few", 1)], "gmm": [("Few", 1)], "ward": [("Few", 1)]}


def _summary(accepted, unfamiliar=0, **verdicts):
    drift = {column: Drift(0.2, "higher", verdicts.get(column, "alike")) for column in SPEND_COLUMNS}
    return Summary(accepted, 0, unfamiliar, SEGMENTS, drift if accepted else {}, {}, [], [], 440, WHOLESALE)


TOO_FEW = "too few to tell whether the market is that of the 440 on record;"
UNUSUAL = "unlike 99% of those on record"
USUAL = f"{UNUSUAL} (0.2% to 2.5% would be usual)"
OWN = "For segments of their own they are too"


@pytest.mark.parametrize(
    ("summary", "sentence"),
    [
        (_summary(0), "No customer could be scored."),
        (_summary(1), f"1 customer is {TOO_FEW} none is unlike 99% of those."),
        (_summary(1, 1), f"1 customer is {TOO_FEW} 1 is unlike 99% of those."),
        (_summary(20, 1), f"20 customers are {TOO_FEW} 1 is unlike 99% of those."),
        (_summary(20, 2), f"20 customers are {TOO_FEW} 2 are unlike 99% of those."),
        (_summary(20, None), f"20 customers are {TOO_FEW} {UNKNOWN}."),
        (_summary(1000, 10), f"These customers spend as the 440 on record do; 1.0% of them are {USUAL}."),
        (_summary(1000), f"These customers spend as the 440 on record do; none of them is {USUAL}."),
        (_summary(1000, None), f"These customers spend as the 440 on record do; {UNKNOWN}."),
        (
            _summary(1000, 10, Milk="different"),
            "These customers differ somewhat from the 440 on record in Milk (higher); 1.0% of them are"
            f" {USUAL}.",
        ),
        (
            _summary(1000, 10, Milk="far", Fresh="different", Grocery="different"),
            f"{UNLIKE}: they differ in Fresh (higher), Milk (higher) and Grocery (higher); 1.0% of them are"
            f" {USUAL}. {TRAIN}",
        ),
        (
            _summary(1000, Milk="far"),
            f"{UNLIKE}: they differ in Milk (higher), though none of them is {USUAL}. {TRAIN}",
        ),
        (
            _summary(1000, None, Milk="far"),
            f"{UNLIKE}: they differ in Milk (higher); {UNKNOWN}. {TRAIN}",
        ),
        (_summary(1000, 51), f"{UNLIKE}: 5.1% of them are {USUAL}. {TRAIN}"),
        (_summary(10, 10), f"{UNLIKE}: 100.0% of them are {UNUSUAL} (up to 10.0% would be usual). {TRAIN}"),
        (
            _summary(2, 2),
            f"{UNLIKE}: 100.0% of them are {UNUSUAL} (none would be usual). {OWN} few: 10 are needed.",
        ),
        (
            _summary(9, 9),
            f"{UNLIKE}: 100.0% of them are {UNUSUAL} (up to 11.1% would be usual). {OWN} few: 10 are needed.",
        ),
        (
            replace(_summary(50, Milk="far"), constant=["Milk", "Detergents and Paper"]),
            f"{UNLIKE}: they differ in Milk (higher), though none of them is {UNUSUAL} (up to 6.0% would be"
            f" usual). {OWN} alike: all have"
            " the same Milk and Detergents and Paper.",
        ),
    ],
)
def test_the_verdict_is_a_sentence_whatever_the_number(summary, sentence):
    assert summary.verdict == sentence


@pytest.mark.parametrize(
    ("on_record", "n", "usual", "ends"),
    [
        (101, 1000, "0.2% to 5.6%", (0.002, 0.056)),
        (60, 1000, "up to 6.1%", (0, 0.061)),
        (100, 10_000, "up to 3.6%", (0, 0.036)),
        (440, 1000, "0.2% to 2.5%", (0.002, 0.025)),
        (3000, 10_000, "1%", (0.0063, 0.0144)),
    ],
)
def test_how_many_unfamiliar_are_usual_depends_on_how_many_are_on_record(on_record, n, usual, ends):
    """The limit is the lowest familiarity on record, or a low one, so of few customers a chance one."""
    said = replace(_summary(n, n // 100), on_record=on_record).verdict
    assert f"1.0% of them are {UNUSUAL} ({usual} would be usual)" in said
    rng = np.random.default_rng(0)
    limits = np.sort(rng.random((4000, on_record)), axis=1)[:, -(-on_record // 100) - 1]
    assert np.quantile(rng.binomial(n, limits) / n, [0.025, 0.975]) == pytest.approx(
        ends, rel=0.05, abs=0.002
    )


def test_a_file_is_of_another_market_beyond_the_limit():
    assert MANY_UNFAMILIAR == 0.05
    assert not _summary(1000, 50).other_market
    assert _summary(1000, 51).other_market
    for accepted, few, many in [(1, 1, None), (2, 1, 2), (20, 2, 3), (39, 2, 4), (100, 5, 6)]:
        assert not _summary(accepted, few).other_market
        assert many is None or _summary(accepted, many).other_market


@pytest.mark.parametrize("rows", [9, 10])
def test_train_is_not_advised_where_it_would_refuse(predictor, rows):
    """Other markets all, of too few customers, or with an amount that is the same for everybody."""
    amounts = predictor.amounts[:rows] * 1000.0
    alike = np.where([True, False, False, False, False, False], 7e6, amounts)
    for given, refused in ((amounts, rows < 10), (alike, True)):
        frame = pd.DataFrame(given, columns=list(SPEND_COLUMNS))
        accepted = pa.table({"line": range(rows), **{name: frame[name] for name in frame}})
        parts = [accepted.slice(0, 4), accepted.slice(4, 0), accepted.slice(4)]
        none = pa.table({"line": [], "column": [], "reason": []})
        counts = [count(predictor, score_table(predictor, part), none) for part in parts]
        summary = summarize(predictor, sum(counts, Counts()), [])
        assert summary.other_market and ("wholesale train" in summary.verdict) != refused
        if refused:
            with pytest.raises(ValueError, match=r"too few|same for every customer"):
                train(frame, 2)


def test_json_can_say_it_all():
    summary = replace(_summary(3, Milk="far"), examples=["line 2: Milk: x is not an amount ≥ 0"])
    told = json.loads(json.dumps(summary.as_dict()))
    assert told["segments"]["gmm"] == [{"segment": 1, "name": "Few", "customers": 1}]
    assert told["drift"]["Milk"] == {"distance": 0.2, "direction": "higher", "verdict": "far"}
    assert told["other_market"] is True
    assert told["rejected_examples"] == summary.examples
