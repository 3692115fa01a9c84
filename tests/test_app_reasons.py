import re
from dataclasses import replace
from html import escape

import numpy as np
import pytest

from wholesale.app import cards, sentences
from wholesale.app.view import presets
from wholesale.columns import LABELS, SPEND_COLUMNS
from wholesale.explain import Change, Explanation, explain
from wholesale.measure import measure
from wholesale.predict import Predictor, predict_segment
from wholesale.wording import format_amount


def spend(amounts: np.ndarray) -> dict[str, float]:
    return dict(zip(SPEND_COLUMNS, amounts.tolist(), strict=True))


@pytest.fixture(scope="module")
def explanation(predictor: Predictor) -> Explanation:
    return explain(predictor, predictor.amounts[0])


def test_every_category_has_a_row_with_its_amount_centre_and_exact_contribution(predictor, explanation):
    answer = cards.answer(predictor, spend(predictor.amounts[0]))
    table = answer[answer.index("wc-whys") :].split("</table>")[0]
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', table)
    ranked = sorted(explanation.reasons, key=lambda reason: -reason.contribution)
    assert [label for label, _ in rows] == [LABELS[reason.column] for reason in ranked]
    for (_, row), reason in zip(rows, ranked, strict=True):
        assert f">{format_amount(reason.amount)}</td>" in row
        assert f">{format_amount(round(reason.centre))}</td>" in row
        assert f"{abs(reason.contribution):.2f}" in row
        assert ("wc-right" in row) == (reason.contribution > 0)


def test_the_weightiest_categories_are_named_on_their_own_side(explanation):
    weights = {"Fresh": 5.0, "Milk": 0.1, "Grocery": -2.0, "Frozen": 0.0, "Delicassen": 1.5}
    reasons = tuple(
        replace(reason, contribution=weights.get(reason.column, 0.0)) for reason in explanation.reasons
    )
    said = sentences.reasons(replace(explanation, reasons=reasons))
    assert said == "Mostly for it: Fresh and Delicassen. Against it: Grocery."
    alone = tuple(replace(r, contribution=max(r.contribution, 0.0)) for r in reasons)
    assert sentences.reasons(replace(explanation, reasons=alone)).endswith(
        "Nothing weighty speaks against it."
    )


def test_a_change_is_said_with_its_amounts_and_where_it_leads():
    step, leads = sentences.change(Change("Detergents_Paper", 2674.0, 1000.5, 1, "Few staples"))
    assert step == "If Detergents and Paper were 1\u00a0000.5 instead of 2\u00a0674 m.u."
    assert leads == "Few staples"
    assert sentences.change(None) == (
        "No change of a single category alone would change the K-Means segment.",
        "",
    )


def test_the_five_most_similar_customers_are_listed_with_their_segments(predictor, explanation):
    answer = cards.answer(predictor, spend(predictor.amounts[0]))
    table = answer[answer.index("wc-alikes") :].split("</table>")[0]
    assert re.findall(r">#(\d+)<", table) == [str(alike.customer) for alike in explanation.alike]
    for alike in explanation.alike:
        assert escape(alike.name) in table and alike.channel in table and alike.region in table
    assert "Customer 1 on record has exactly these amounts." in answer


def test_the_text_to_copy_holds_what_the_page_says(predictor, explanation):
    prediction = predict_segment(predictor, predictor.amounts[0])
    text = sentences.as_text(predictor, spend(predictor.amounts[0]), prediction, explanation)
    step, leads = sentences.change(explanation.change)
    for said in (
        prediction.kmeans.name,
        prediction.gmm.name,
        prediction.ward.name,
        sentences.familiarity(prediction),
        sentences.agreement(prediction),
        sentences.clarity(predictor, prediction),
        f"{step}, K-Means would say {leads}.",
        *(f"{LABELS[c]} {format_amount(a)}" for c, a in spend(predictor.amounts[0]).items()),
    ):
        assert said in text
    assert escape(text) in cards.answer(predictor, spend(predictor.amounts[0]))


def test_presets_are_what_their_names_say(predictor):
    chosen = list(presets(predictor).items())
    measured = measure(predictor, predictor.amounts)
    typical, (contested, unlike) = chosen[:-2], chosen[-2:]
    for segment, (words, customer) in enumerate(typical):
        assert words == f"Typical of {predictor.names['kmeans'][segment]}: customer {customer}"
        assert measured.segment["kmeans"][customer - 1] == segment
        nearest = measured.scores["kmeans"][measured.segment["kmeans"] == segment, segment].min()
        assert measured.scores["kmeans"][customer - 1, segment] == nearest
    assert measured.agreement[contested[1] - 1] == measured.agreement.min()
    assert predict_segment(predictor, predictor.amounts[unlike[1] - 1]).unfamiliar
