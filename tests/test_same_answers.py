"""Page, API and predict_segments answer every customer alike, in every field."""

import json
import re
from collections.abc import Iterator
from html import unescape

import numpy as np
import pytest

from wholesale.app import sentences
from wholesale.app.server.answers import CUSTOMERS, answer
from wholesale.app.view import CustomerView
from wholesale.columns import MODELS, SPEND_COLUMNS
from wholesale.predict import Predictor, predict_segment, predict_segments
from wholesale.wording import format_amount


@pytest.fixture(scope="module")
def everyone(predictor: Predictor, amounts: np.ndarray, random_amounts: np.ndarray) -> np.ndarray:
    """Those on record, a thousand others, zeros, 1e9, and customers on the border of two segments."""
    centers = predictor.centers["kmeans"]
    pairs = [(a + b) / 2 for i, a in enumerate(centers) for b in centers[:i]]
    borders = np.expm1(predictor.mean + predictor.scale * np.array(pairs))
    assert (borders > 0).all()
    return np.vstack([amounts, random_amounts, borders])


@pytest.fixture(scope="module")
def scored(predictor: Predictor, everyone: np.ndarray) -> dict[str, list]:
    return {column: values.tolist() for column, values in predict_segments(predictor, everyone).items()}


def _from_api(predictor: Predictor, everyone: np.ndarray) -> Iterator[dict]:
    for start in range(0, len(everyone), CUSTOMERS):
        rows = everyone[start : start + CUSTOMERS].tolist()
        spends = [dict(zip(SPEND_COLUMNS, row, strict=True)) for row in rows]
        body = json.dumps({"customers": spends}).encode()
        yield from json.loads(json.dumps(answer(predictor, body)))["customers"]


def test_the_api_answers_as_predict_segments_does(predictor, everyone, scored):
    for i, found in enumerate(_from_api(predictor, everyone)):
        for model in MODELS:
            assert found[model]["segment"] == scored[f"{model}_segment"][i]
            assert found[model]["name"] == scored[f"{model}_name"][i]
        probabilities = [scored[f"gmm_p{k}"][i] for k in range(1, predictor.n_segments + 1)]
        assert found["gmm"]["scores"] == probabilities
        for field in ("clarity", "agreement", "familiarity", "unfamiliar"):
            assert found[field] == scored[field][i]
    assert i == len(everyone) - 1


def test_the_page_answers_as_predict_segments_does(predictor, everyone, scored):
    view = CustomerView(predictor)
    for i, row in enumerate(everyone.tolist()):
        view._fill(map(format_amount, row))  # an answer per customer, not per amount
        view.update()
        shown = unescape(view.verdict.value + view.rest.value)
        values = re.findall(r'wc-value"><i [^>]*></i>(.*?)</(?:p|span)>', shown)
        assert values == [scored[f"{model}_name"][i] for model in MODELS]
        prediction = predict_segment(predictor, row)
        assert prediction.familiarity == scored["familiarity"][i]
        assert prediction.clarity == scored["clarity"][i]
        assert f'data-agreement="{scored["agreement"][i]}"' in shown
        assert sentences.familiarity(prediction) in shown
        assert sentences.verdict(predictor, prediction) in shown
        assert ("wc-warning" in shown) == scored["unfamiliar"][i]
        bars = re.findall(r'wc-track" style="[^"]*--share:([\d.]+)"', shown)[predictor.n_segments :]
        assert bars == [f"{scored[f'gmm_p{k}'][i]:.4f}" for k in range(1, predictor.n_segments + 1)]
