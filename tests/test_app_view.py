import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from ipywidgets import HTML, Button, Dropdown, Text, Widget

from wholesale.amounts import parse_amount
from wholesale.app import build_app, cards
from wholesale.columns import SPEND_COLUMNS
from wholesale.manifest import ROOT
from wholesale.predict import Predictor

TEMPLATE = ROOT / "share" / "jupyter" / "voila" / "templates" / "wholesale"
SIX = ("1200", "12.000,0", "21 000", "300", "9500", "1500,5")


class Page:
    """The widgets of a page by their class names, as a visitor finds them."""

    def __init__(self, predictor: Predictor) -> None:
        self.root = build_app(predictor)
        self.inputs: dict[str, Text] = {c: self.find(f"wc-input-{c}")[0] for c in SPEND_COLUMNS}
        self.errors: dict[str, HTML] = dict(zip(SPEND_COLUMNS, self.find("wc-error"), strict=True))
        self.results: HTML = self.find("wc-results")[0]
        self.predict: Button = self.find("wc-predict")[0]
        self.reset: Button = self.find("wc-reset")[0]
        self.preset: Dropdown = self.find("wc-preset")[0]

    def find(self, name: str) -> list[Widget]:
        return [widget for widget in _family(self.root) if name in widget._dom_classes]


def answer(predictor: Predictor, amounts: list[float], **faults: list[str]) -> str:
    return cards.answer(predictor, dict(zip(SPEND_COLUMNS, amounts, strict=True)), **faults)


def _family(widget: Widget) -> list[Widget]:
    return [widget, *(w for child in getattr(widget, "children", ()) for w in _family(child))]


@pytest.fixture
def page(predictor: Predictor) -> Page:
    return Page(predictor)


def test_the_page_starts_with_the_first_customer_and_the_answer_for_it(page, predictor):
    amounts = [parse_amount(column, text.value) for column, text in page.inputs.items()]
    assert amounts == predictor.amounts[0].tolist()
    assert page.results.value == answer(predictor, amounts)


def test_six_labelled_inputs_wait_until_a_value_is_committed(page):
    assert [text.description for text in page.inputs.values()][4] == "Detergents and Paper"
    assert not any(text.continuous_update for text in page.inputs.values())


def test_six_amounts_give_the_answer_of_predict_segment(page, predictor):
    for text, value in zip(page.inputs.values(), SIX, strict=True):
        text.value = value
    page.predict.click()
    assert page.results.value == answer(predictor, [1200.0, 12000.0, 21000.0, 300.0, 9500.0, 1500.5])


def test_what_is_read_is_written_as_it_was_read(page):
    for text, value in zip(page.inputs.values(), SIX, strict=True):
        text.value = value
    written = ["1\u00a0200", "12\u00a0000", "21\u00a0000", "300", "9\u00a0500", "1\u00a0500.5"]
    assert [text.value for text in page.inputs.values()] == written
    page.inputs["Fresh"].value, page.inputs["Milk"].value = "oops", "5,5"
    assert [page.inputs["Fresh"].value, page.inputs["Milk"].value] == ["oops", "5.5"]


@pytest.mark.parametrize("between", ["\t", "\n", "\r\n", ";", "; "], ids=ascii)
@pytest.mark.parametrize("first", [0, 1, 4])
def test_a_copied_row_fills_the_fields_from_there_on_and_answers_once(page, monkeypatch, between, first):
    answers = []
    monkeypatch.setattr(cards, "answer", lambda *args, **kwargs: answers.append(args) or "")
    before = [text.value for text in page.inputs.values()]
    page.inputs[SPEND_COLUMNS[first]].value = between.join("1234567"[first:6])
    assert [text.value for text in page.inputs.values()] == [*before[:first], *"123456"[first:]]
    assert len(answers) == 1


@pytest.mark.parametrize("first", [0, 2, 5])
@pytest.mark.parametrize("cells", [2, 5, 7], ids=str)
def test_a_copied_row_that_does_not_fit_is_refused(page, first, cells):
    before = [text.value for text in page.inputs.values()]
    column, row = SPEND_COLUMNS[first], "\t".join(["123"] * cells)
    page.inputs[column].value = row
    assert "is not an amount" in page.errors[column].value
    assert [text.value for text in page.inputs.values()] == [*before[:first], row, *before[first + 1 :]]


def test_of_a_copied_row_the_cells_that_are_no_amounts_are_named(page):
    page.inputs["Fresh"].value = "1;n/a;3;12,669;;6"
    assert [column for column, error in page.errors.items() if error.value] == [
        "Milk", "Frozen", "Detergents_Paper"
    ]  # fmt: skip
    assert page.errors["Detergents_Paper"].value.startswith("Detergents and Paper: blank")
    assert cards.EARLIER in page.results.value


def test_what_the_kernel_has_heard_is_told_after_each_answer_even_to_the_same_amounts(page):
    (heard,) = page.find("wc-heard")
    told = []
    heard.observe(lambda change: told.append((heard.value, page.results.value)), names="value")
    page.inputs["Fresh"].value = "oops"
    assert "oops" in told[-1][0] and cards.EARLIER in told[-1][1]
    page.predict.click()
    page.reset.click()
    assert len({value for value, _ in told}) == 3


@pytest.mark.parametrize("scale", [1e-3, 1e-6], ids=["thousands", "millions"])
def test_customers_in_thousands_or_millions_start_fill_in_and_change_without_an_error(predictor, scale):
    amounts = np.round(predictor.amounts * scale, 9)
    mean, std = np.log1p(amounts).mean(axis=0), np.log1p(amounts).std(axis=0)
    page = Page(replace(predictor, amounts=amounts, mean=mean, scale=std))
    assert "wc-warning" not in page.results.value
    for customer in range(1, 441):
        page.preset.options = [("", 0), ("one", customer)]
        page.preset.value = customer
        assert not any(error.value for error in page.errors.values())
        read = [parse_amount(column, text.value) for column, text in page.inputs.items()]
        assert read == amounts[customer - 1].tolist()
        assert not re.search(r"spends 0\.(?!\d)", page.results.value)
        for amount in re.findall(r"If ([\w ]+) were (\S+) instead of (\S+) m.u.", page.results.value):
            assert parse_amount(amount[0], amount[1]) != parse_amount(amount[0], amount[2])


def test_leaving_a_field_is_enough(page):
    before = page.results.value
    page.inputs["Fresh"].value = "3"
    assert page.results.value != before


@pytest.mark.parametrize("value", ["abc", "", "nan", "inf", "-5", "1_000", "<b>"])
def test_a_bad_entry_is_named_beside_its_field_and_the_last_good_answer_stays(page, predictor, value):
    page.inputs["Fresh"].value = "3"
    with pytest.raises(ValueError) as sentence:
        parse_amount("Milk", value)
    page.inputs["Milk"].value = value
    page.predict.click()
    shown = page.errors["Milk"].value.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert shown == str(sentence.value)
    assert [column for column, error in page.errors.items() if error.value] == ["Milk"]
    assert page.inputs["Fresh"].value == "3" and page.inputs["Milk"].value == value
    last_good = [3.0, *predictor.amounts[0][1:].tolist()]
    assert page.results.value == answer(predictor, last_good, faults=[str(sentence.value)])


def test_each_of_several_bad_entries_gets_its_line_and_loses_it_when_mended(page):
    page.inputs["Milk"].value, page.inputs["Frozen"].value = "abc", "-5"
    assert [column for column, error in page.errors.items() if error.value] == ["Milk", "Frozen"]
    page.inputs["Milk"].value = "7"
    assert [column for column, error in page.errors.items() if error.value] == ["Frozen"]
    assert cards.EARLIER in page.results.value
    page.inputs["Frozen"].value = "8"
    assert not any(error.value for error in page.errors.values())
    assert cards.EARLIER not in page.results.value


def test_reset_returns_to_the_starting_state(page):
    start = page.results.value, [text.value for text in page.inputs.values()]
    for text in page.inputs.values():
        text.value = "oops"
    page.reset.click()
    assert (page.results.value, [text.value for text in page.inputs.values()]) == start
    assert not any(error.value for error in page.errors.values())


def test_reset_answers_once(page, monkeypatch):
    answers = []
    page.inputs["Fresh"].value = "1"
    monkeypatch.setattr(cards, "answer", lambda *args, **kwargs: answers.append(args) or "")
    page.reset.click()
    assert len(answers) == 1


def test_a_preset_fills_in_that_customer_and_answers_once(page, predictor, monkeypatch):
    answers = []
    monkeypatch.setattr(cards, "answer", lambda *args, **kwargs: answers.append(args) or "")
    for label, customer in page.preset.options[1:]:
        page.preset.value = customer
        assert label.endswith(f"customer {customer}")
        amounts = [parse_amount(column, text.value) for column, text in page.inputs.items()]
        assert amounts == predictor.amounts[customer - 1].tolist()
        assert list(answers[-1][1].values()) == amounts
    assert len(answers) == len(page.preset.options) - 1


def test_the_picker_no_longer_names_a_customer_whose_amounts_were_changed(page):
    page.preset.value = page.preset.options[2][1]
    page.predict.click()
    assert page.preset.value != 0
    page.inputs["Milk"].value = "1"
    assert page.preset.value == 0
    assert page.inputs["Milk"].value == "1"


def test_there_is_a_panel_per_tab(page):
    template = (TEMPLATE / "index.html.j2").read_text(encoding="utf-8")
    for name in ("one", "segments", "about"):
        assert len(page.find(f"wc-page-{name}")) == 1
        assert f'id="wc-tab-{name}" data-page="{name}"' in template


def test_two_pages_do_not_share_anything(predictor):
    one, other = Page(predictor), Page(predictor)
    before = other.results.value
    one.inputs["Fresh"].value = "1"
    assert other.results.value == before


def test_the_page_s_kernel_imports_nothing_heavy():
    heavy = "{'sklearn', 'scipy', 'pandas', 'matplotlib', 'seaborn', 'joblib'}"
    code = (
        "import sys; from wholesale.app import build_app; from wholesale.predict import load_predictor;"
        f"build_app(load_predictor()); print(sorted({heavy} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.strip() == "[]"
