import json
from dataclasses import replace

import pytest

from wholesale.columns import SPEND_COLUMNS
from wholesale.scoring.drift import Drift
from wholesale.scoring.summary import MANY_UNFAMILIAR, Summary

SEGMENTS = {"kmeans": [("Few", 1)], "gmm": [("Few", 1)], "ward": [("Few", 1)]}


def _summary(accepted, unfamiliar=0, **verdicts):
    drift = {
        column: Drift(0.2, "higher", verdicts.get(column, "alike")) for column in SPEND_COLUMNS if accepted
    }
    return Summary(accepted, 0, unfamiliar, SEGMENTS, drift, {}, [], [], 440)


@pytest.mark.parametrize(
    ("summary", "sentence"),
    [
        (_summary(0), "No customer could be scored."),
        (
            _summary(1),
            "1 customer is too few to tell whether the market is that of the 440 on record;"
            " none is unlike 99% of those.",
        ),
        (
            _summary(1, 1),
            "1 customer is too few to tell whether the market is that of the 440 on record;"
            " 1 is unlike 99% of those.",
        ),
        (
            _summary(20, 1),
            "20 customers are too few to tell whether the market is that of the 440 on record;"
            " 1 is unlike 99% of those.",
        ),
        (
            _summary(1000, 10),
            "These customers spend as the 440 on record do; 1.0% of them are unlike 99% of those on record"
            " (1% would be usual).",
        ),
        (
            _summary(1000),
            "These customers spend as the 440 on record do; none of them is unlike 99% of those on record"
            " (1% would be usual).",
        ),
        (
            _summary(1000, 10, Milk="different"),
            "These customers differ somewhat from the 440 on record in Milk (higher); 1.0% of them are unlike"
            " 99% of those on record (1% would be usual).",
        ),
        (
            _summary(1000, 10, Milk="far", Fresh="different", Grocery="different"),
            "These customers are unlike the 440 that the segments were made from: 1.0% of them are unlike 99%"
            " of those on record (1% would be usual). They differ in Fresh (higher), Milk (higher) and"
            " Grocery (higher). Segments of their own would say more: python -m wholesale train.",
        ),
        (
            _summary(1000, 51),
            "These customers are unlike the 440 that the segments were made from: 5.1% of them are unlike 99%"
            " of those on record (1% would be usual). Segments of their own would say more:"
            " python -m wholesale train.",
        ),
    ],
)
def test_the_verdict_is_a_sentence_whatever_the_number(summary, sentence):
    assert summary.verdict == sentence


def test_a_file_is_of_another_market_beyond_the_limit():
    assert MANY_UNFAMILIAR == 0.05
    assert not _summary(1000, 50).other_market
    assert _summary(1000, 51).other_market
    assert not _summary(2, 1).other_market
    assert _summary(2, 2).other_market


def test_json_can_say_it_all():
    summary = replace(_summary(3, Milk="far"), examples=["line 2: Milk: x is not an amount ≥ 0"])
    told = json.loads(json.dumps(summary.as_dict()))
    assert told["segments"]["gmm"] == [{"segment": 1, "name": "Few", "customers": 1}]
    assert told["drift"]["Milk"] == {"distance": 0.2, "direction": "higher", "verdict": "far"}
    assert told["other_market"] is True
    assert told["rejected_examples"] == summary.examples
