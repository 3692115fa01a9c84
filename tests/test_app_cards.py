import math
from dataclasses import replace
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wholesale.amounts import parse_amount
from wholesale.app import cards, sentences
from wholesale.columns import LABELS
from wholesale.manifest import ROOT
from wholesale.palette import segment_colours
from wholesale.predict import Prediction, Predictor, predict_segment, predict_segments

TEMPLATE = ROOT / "share" / "jupyter" / "voila" / "templates" / "wholesale"


@pytest.fixture(scope="module")
def first(predictor: Predictor) -> Prediction:
    """The answer for the first customer on record."""
    return predict_segment(predictor, predictor.amounts[0])


@pytest.fixture(scope="module")
def enormous(predictor: Predictor) -> Prediction:
    return predict_segment(predictor, [1e9] * 6)


@given(st.floats(min_value=0, allow_infinity=False, allow_nan=False))
def test_a_formatted_amount_is_read_back_as_it_was(amount):
    assert parse_amount("Fresh", sentences.format_amount(amount)) == amount


@pytest.mark.parametrize(
    ("share", "written"),
    [(0, "0%"), (1e-70, "<1%"), (0.004, "<1%"), (0.98, "98%"), (0.996, ">99%"), (1, "100%")],
)
def test_a_share_is_never_rounded_to_certainty(share, written):
    assert sentences.format_share(share) == written


@pytest.mark.parametrize("model", ["kmeans", "gmm", "ward"])
def test_each_model_has_a_card_with_the_name_of_its_own_segment(predictor, first, model):
    answer = cards.answer(predictor, first)
    card = answer[answer.index(f'class="wc-card wc-{model}"') :].split("</section>")[0]
    colour = segment_colours(predictor.overlap)[model][getattr(first, model).segment - 1]
    assert escape(getattr(first, model).name) in card
    assert f"--seg:{colour}" in card


def test_the_mixture_card_has_a_bar_for_each_of_its_segments(predictor, first):
    card = cards.gmm_card(predictor, first, segment_colours(predictor.overlap)["gmm"])
    for name, probability in zip(predictor.names["gmm"], first.gmm.scores, strict=True):
        assert f"<span>{escape(name)}</span>" in card
        assert f"<b>{escape(sentences.format_share(probability))}</b>" in card
        assert f"--share:{probability:.4f}" in card


def test_an_unfamiliar_customer_is_warned_about_before_anything_else(predictor, enormous):
    answer = cards.answer(predictor, enormous)
    assert enormous.unfamiliar
    assert answer.index("Unlike 99% of the customers on record") < answer.index('class="wc-name"')
    assert sentences.announcement(enormous).startswith("Unlike 99% of the customers on record.")


def test_a_familiar_customer_gets_no_warning(predictor, first):
    assert "Unlike" not in cards.answer(predictor, first)
    assert sentences.familiarity(first) == f"Familiar: {first.familiarity:.0%} of customers are more unusual"


def test_an_answer_for_earlier_amounts_is_marked_and_otherwise_unchanged(predictor, first):
    fresh, stale = cards.answer(predictor, first), cards.answer(predictor, first, faults=["Milk: blank"])
    assert cards.EARLIER in stale and cards.EARLIER not in fresh
    assert cards.hero(predictor, first, segment_colours(predictor.overlap)["kmeans"]) in stale


@pytest.mark.parametrize(
    ("clarity", "start"),
    [
        (1.0, "A close call"),
        (1.14, "A close call: 1.1 times nearer"),
        (1.3, "1.3 times nearer"),
        (25.0, "More than 10 times"),
        (math.inf, "Exactly on"),
    ],
)
def test_clarity_is_said_in_words_for_every_ratio(predictor, first, clarity, start):
    assert sentences.clarity(predictor, replace(first, clarity=clarity)).startswith(start)


@pytest.mark.parametrize(
    ("overlap", "start"), [(0.8, "The same as"), (0.5, "Similar to"), (0.1, "Not a counterpart of")]
)
def test_a_segment_is_related_to_the_k_means_one_by_its_overlap(first, overlap, start):
    sentence = sentences.related(first, replace(first.gmm, overlap=overlap))
    assert sentence.startswith(f"{start} {first.kmeans.name}: ")
    assert f"{overlap:.0%} of their customers in common" in sentence


def test_names_are_escaped(predictor, first):
    nasty = "<script>alert(1)</script> & more"
    prediction = replace(first, kmeans=replace(first.kmeans, name=nasty))
    names = {model: (nasty,) * len(own) for model, own in predictor.names.items()}
    answer = cards.answer(replace(predictor, names=names), prediction)
    assert "<script>" not in answer and escape(nasty) in answer


def test_the_outline_painted_before_the_kernel_answers_has_the_form_s_labels():
    outline = (TEMPLATE / "index.html.j2").read_text(encoding="utf-8")
    assert str(list(LABELS.values())).replace("'", '"') in outline


def test_the_template_requests_nothing_from_elsewhere():
    for file in TEMPLATE.rglob("*.*"):
        if file.is_file():
            text = file.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
            assert "//" not in text.replace("// ", ""), file.name


def test_each_segment_says_how_stable_it_is(predictor):
    for model in ("kmeans", "gmm", "ward"):
        known = predictor.evidence["stability"][model]
        for segment in (1, 2, 3):
            sentence = sentences.stability(predictor, model, segment)
            assert known["band"][segment - 1] in sentence
            assert f"{known['jaccard'][segment - 1]:.2f}" in sentence


def test_without_evidence_nothing_is_said_of_stability(predictor, first):
    silent = replace(predictor, evidence={})
    assert sentences.stability(silent, "kmeans", 1) == ""
    assert "resampling" not in cards.answer(silent, first)
    assert "resampling" in cards.answer(predictor, first)


def test_a_segment_without_counterpart_says_that_it_stands_alone(predictor):
    alone = predict_segment(predictor, predictor.amounts[predictor.segments["kmeans"] == 3][0])
    shared = predict_segment(predictor, predictor.amounts[predictor.segments["kmeans"] == 1][0])
    assert "Neither other model has a segment like it." in cards.answer(predictor, alone)
    assert "Neither other model" not in cards.answer(predictor, shared)


def test_a_close_call_is_what_one_customer_in_eight_gets(predictor):
    clarity = predict_segments(predictor, predictor.amounts)["clarity"]
    assert round(1 / (clarity < sentences.CLOSE).mean()) == 8
