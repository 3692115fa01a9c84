import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wholesale.columns import SPEND_COLUMNS
from wholesale.predict import load_predictor, mixture, predict_segment, predict_segments

SPEND = st.lists(st.floats(0, 1e9), min_size=6, max_size=6)


@pytest.fixture(scope="module")
def everyone(amounts, random_amounts):
    return np.vstack([amounts, random_amounts])


def test_answers_equal_scikit_learns(bundle, predictor, everyone):
    X = bundle.standardizer.transform(pd.DataFrame(everyone, columns=list(SPEND_COLUMNS)))
    answer = predict_segments(predictor, everyone)
    assert (answer["kmeans_segment"] == bundle.kmeans.predict(X) + 1).all()
    assert (answer["gmm_segment"] == bundle.gmm.predict(X) + 1).all()
    distances = np.sort(bundle.kmeans.transform(X), axis=1)
    np.testing.assert_allclose(answer["clarity"], distances[:, 1] / distances[:, 0], rtol=1e-9)
    probabilities = np.column_stack([answer[f"gmm_p{i}"] for i in (1, 2, 3)])
    np.testing.assert_allclose(probabilities, bundle.gmm.predict_proba(X), rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(mixture(predictor, X)[1], bundle.gmm.score_samples(X), rtol=1e-9)


def test_ward_joins_where_the_merge_costs_least(bundle, predictor, everyone, X):
    labels, costs = bundle.ward.labels_, []
    for segment in range(3):
        members = X[labels == segment]
        gaps = predictor.standardize(everyone) - members.mean(axis=0)
        costs.append(len(members) / (len(members) + 1) * (gaps**2).sum(axis=1))
    answer = predict_segments(predictor, everyone)
    assert (answer["ward_segment"] == np.argmin(costs, axis=0) + 1).all()


@given(SPEND)
def test_every_answer_is_in_its_range(spend):
    answer = predict_segment(load_predictor(), spend)
    assert {answer.kmeans.segment, answer.gmm.segment, answer.ward.segment, answer.agreement} <= {1, 2, 3}
    assert sum(answer.gmm.scores) == pytest.approx(1) and answer.clarity >= 1
    assert 0 <= answer.familiarity <= 1 and answer.unfamiliar == (answer.familiarity < 0.01)
    assert answer.kmeans.segment == np.argmin(answer.kmeans.scores) + 1 and answer.kmeans.overlap == 1


def test_agreement_counts_segments_that_are_same_or_similar(bundle, predictor, amounts):
    answer = predict_segments(predictor, amounts)
    by_hand = np.ones(len(amounts), dtype=int)
    for model in ("gmm", "ward"):
        for i, (own, kmeans) in enumerate(zip(bundle.labels[model], bundle.labels["kmeans"], strict=True)):
            a, b = bundle.labels[model] == own, bundle.labels["kmeans"] == kmeans
            predicted = answer[f"{model}_segment"][i] == own  # Ward places some of its own elsewhere
            by_hand[i] += predicted and (a & b).sum() / (a | b).sum() >= 0.4
    settled = answer["ward_segment"] == bundle.labels["ward"]
    assert settled.mean() > 0.8
    assert (answer["agreement"][settled] == by_hand[settled]).all()


def test_customers_unlike_any_on_record_are_said_to_be_so_and_one_on_a_centre_to_be_clear(predictor):
    for spend in ((0,) * 6, (1e9,) * 6):
        answer = predict_segment(predictor, spend)
        assert (answer.unfamiliar, answer.familiarity) == (True, 0)
    centre = np.expm1(predictor.centers["kmeans"][0] * predictor.scale + predictor.mean)
    assert predict_segment(predictor, centre).clarity > 1e12


def test_a_bad_row_is_named_another_shape_is_refused_and_no_customers_get_no_answers(predictor):
    for bad in (-5, np.nan, np.inf):
        rows = np.where(np.arange(24).reshape(4, 6) == 13, bad, 1.0)
        with pytest.raises(ValueError, match=rf"^row 3, Milk: {bad:g} is not an amount ≥ 0$"):
            predict_segments(predictor, rows)
    with pytest.raises(ValueError, match=r"shape \(n, 6\), not \(6,\)"):
        predict_segments(predictor, np.ones(6))
    assert all(len(column) == 0 for column in predict_segments(predictor, np.ones((0, 6))).values())


def test_the_scored_columns_are_those_of_the_contract(predictor):
    columns = "kmeans_segment kmeans_name gmm_segment gmm_name gmm_p1 gmm_p2 gmm_p3 ward_segment ward_name"
    told = "agreement clarity familiarity unfamiliar"
    assert " ".join(predict_segments(predictor, np.ones((1, 6)))) == f"{columns} {told}"
