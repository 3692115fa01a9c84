import math
import re
from dataclasses import replace
from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholesale.amounts import parse_amount
from wholesale.app import cards, sentences
from wholesale.app.tabs import about_tab, segments_tab
from wholesale.columns import LABELS, SPEND_COLUMNS
from wholesale.manifest import ROOT
from wholesale.palette import segment_colours
from wholesale.predict import Prediction, Predictor, predict_segment, predict_segments
from wholesale.wording import SPACE, format_amount, format_share

FIRST = dict(zip(SPEND_COLUMNS, (12669.0, 9656.0, 7561.0, 214.0, 2674.0, 1338.0), strict=True))
TEMPLATE = ROOT / "share" / "jupyter" / "voila" / "templates" / "wholesale"


def card_of(answer: str, model: str) -> str:
    return answer[answer.index(f'class="wc-card wc-{model}"') :].split("</section>")[0]


@pytest.fixture(scope="module")
def first(predictor: Predictor) -> Prediction:
    """The answer for the first customer on record."""
    return predict_segment(predictor, predictor.amounts[0])


@pytest.fixture(scope="module")
def enormous(predictor: Predictor) -> Prediction:
    return predict_segment(predictor, [1e9] * 6)


@given(st.floats(min_value=0, allow_infinity=False, allow_nan=False))
def test_a_formatted_amount_is_read_back_as_it_was(amount):
    assert parse_amount("Fresh", format_amount(amount)) == amount


@pytest.mark.parametrize(
    ("share", "written"),
    [(0, "0%"), (1e-70, "<1%"), (0.004, "<1%"), (0.98, "98%"), (0.996, ">99%"), (1, "100%")],
)
def test_a_share_is_never_rounded_to_certainty(share, written):
    assert format_share(share) == written


@pytest.mark.parametrize("model", ["kmeans", "gmm", "ward"])
def test_each_model_has_a_card_with_the_name_of_its_own_segment(predictor, first, model):
    card = card_of(cards.answer(predictor, FIRST), model)
    colour = segment_colours(predictor.overlap)[model][getattr(first, model).segment - 1]
    assert escape(getattr(first, model).name) in card
    assert f"--seg:{colour}" in card


def test_two_models_have_a_bar_for_each_of_their_segments(predictor, first):
    answer = cards.answer(predictor, FIRST)
    said = {"kmeans": "{:.1f}".format, "gmm": format_share}
    for model, form in said.items():
        scores = getattr(first, model).scores
        share = 1 if model == "gmm" else max(scores)
        for name, score in zip(predictor.names[model], scores, strict=True):
            row = re.search(f"<li><span>{escape(name)}</span>.*?</li>", card_of(answer, model))[0]
            assert f"<b>{escape(form(score))}</b>" in row
            assert f"--share:{score / share:.4f}" in row


def test_the_ward_card_says_how_often_its_rule_reproduces_the_tree(predictor):
    share = predictor.manifest["metrics"]["ward"]["self_placement"]
    said = f"finds the tree&#x27;s own segment for {share:.0%} of the customers on record"
    assert said in card_of(cards.answer(predictor, FIRST), "ward")
    unknown = cards.answer(replace(predictor, manifest={}), FIRST)
    assert "Placed where joining costs least." in card_of(unknown, "ward")


def test_the_customer_s_total_stands_beside_what_is_typical(predictor):
    total = format_amount(round(sum(FIRST.values())))
    assert f"a year. This customer spends {total}." in cards.answer(predictor, FIRST)


@pytest.mark.parametrize(
    ("scale", "total"), [(1e-6, "0.034"), (1e-12, "3.4e-08"), (1e4, "341 120 000"), (1e300, "3.4e+304")]
)
def test_totals_of_any_size_are_written(predictor, scale, total):
    spend = {column: amount * scale for column, amount in FIRST.items()}
    assert f"This customer spends {total.replace(' ', SPACE)}." in cards.answer(predictor, spend)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 5e-324, 1e-12, 1.615, 1e15, 1e16, 1e308, 1.7e308]), min_size=6, max_size=6)
)
def test_any_amounts_get_an_answer_without_a_word_too_long_to_break(predictor, amounts):
    answer = cards.answer(predictor, dict(zip(SPEND_COLUMNS, amounts, strict=True)))
    assert not re.search(r"\b(?:nan|inf)\b", answer)
    assert max(map(len, re.findall(r"[^\s<>\"]+", re.sub("<[^>]+>", " ", answer)))) < 30


def test_one_probability_is_written_alike_on_its_card_and_in_the_text(predictor):
    certain = dict.fromkeys(SPEND_COLUMNS, 1e12)
    assert max(predict_segment(predictor, certain).gmm.scores) == 1  # but for rounding
    answer = cards.answer(predictor, certain)
    assert "(100%)" not in answer and "(&gt;99%)." in answer
    assert "<b>&gt;99%</b>" in card_of(answer, "gmm")


def test_an_unfamiliar_customer_is_warned_about_before_anything_else(predictor, enormous):
    answer = cards.answer(predictor, dict.fromkeys(SPEND_COLUMNS, 1e9))
    assert enormous.unfamiliar
    assert answer.index("Unlike 99% of the customers on record") < answer.index('class="wc-name"')
    assert sentences.announcement(enormous).startswith("Unlike 99% of the customers on record.")


def test_a_familiar_customer_gets_no_warning(predictor, first):
    assert "Unlike" not in cards.answer(predictor, FIRST)
    assert sentences.familiarity(first) == f"Familiar: {first.familiarity:.0%} of customers are more unusual"


def test_an_answer_for_earlier_amounts_is_marked_and_otherwise_unchanged(predictor, first):
    fresh, stale = cards.answer(predictor, FIRST), cards.answer(predictor, FIRST, faults=["Milk: blank"])
    assert cards.EARLIER in stale and cards.EARLIER not in fresh
    colours = segment_colours(predictor.overlap)["kmeans"]
    assert cards.hero(predictor, first, colours, total=sum(FIRST.values())) in stale


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
def test_a_segment_is_related_to_the_k_means_one_by_its_overlap(overlap, start):
    sentence = sentences.related("Those", overlap)
    assert sentence.startswith(f"{start} Those: ")
    assert f"{overlap:.0%} of their customers in common" in sentence


def test_names_are_escaped_on_every_tab(predictor):
    nasty = "<script>alert(1)</script> & more"
    names = {model: (nasty,) * len(own) for model, own in predictor.names.items()}
    renamed = replace(predictor, names=names)
    for page in (cards.answer(renamed, FIRST), segments_tab(renamed), about_tab(renamed)):
        assert "<script" not in page
        assert escape(nasty)[:12] in page


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


def test_without_evidence_nothing_is_said_of_stability(predictor):
    silent = replace(predictor, evidence={})
    assert sentences.stability(silent, "kmeans", 1) == ""
    assert "resampling" not in cards.answer(silent, FIRST)
    assert "resampling" in cards.answer(predictor, FIRST)


def test_a_segment_without_counterpart_says_that_it_stands_alone(predictor):
    assert sentences.alone(predictor, 3) == "Neither other model has a segment like it."
    assert sentences.alone(predictor, 1) == ""


def test_only_the_least_stable_segment_of_a_model_is_called_so(predictor):
    for model in ("kmeans", "gmm", "ward"):
        jaccards = predictor.evidence["stability"][model]["jaccard"]
        for segment, jaccard in enumerate(jaccards, start=1):
            said = "the least stable" in sentences.stability(predictor, model, segment)
            assert said == (jaccard == min(jaccards))


def test_a_close_call_is_what_one_customer_in_eight_gets(predictor):
    clarity = predict_segments(predictor, predictor.amounts)["clarity"]
    assert round(1 / (clarity < sentences.CLOSE).mean()) == 8
