"""The page's widgets, as a visitor finds them by their class names."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html import escape

import numpy as np
import pytest
from ipywidgets import HTML, Button, Text, Widget

from wholesale.amounts import parse_amount
from wholesale.app import build_app, tabs
from wholesale.columns import SPEND_COLUMNS
from wholesale.manifest import ROOT
from wholesale.predict import Predictor
from wholesale.wording import SPACE

TEMPLATE = ROOT / "share" / "jupyter" / "voila" / "templates" / "wholesale"


class Page:
    def __init__(self, predictor: Predictor) -> None:
        self.predictor, self.root = predictor, build_app(predictor)
        self.inputs: dict[str, Text] = {c: self.find(f"wc-input-{c}")[0] for c in SPEND_COLUMNS}
        self.errors: dict[str, HTML] = dict(zip(SPEND_COLUMNS, self.find("wc-error"), strict=True))
        self.predict: Button = self.find("wc-predict")[0]
        self.reset: Button = self.find("wc-reset")[0]
        self.picker: Text = self.find("wc-picker")[0]
        self.undo: Button = self.find("wc-undo")[0]
        self.wish: Text = self.find("wc-wish")[0]
        self.verdict, self.rest = self.find("wc-results")[0].children

    def find(self, name: str) -> list[Widget]:
        return [widget for widget in _family(self.root) if name in widget._dom_classes]

    @property
    def answer(self) -> str:
        """What is said of the customer: the verdict, and what follows it."""
        said = "".join(part.value for part in (self.verdict, self.rest))
        return re.sub('<i class="wc-late".*?</i>', "", said)

    def texts(self) -> list[str]:
        return [text.value for text in self.inputs.values()]

    def amounts(self) -> list[float]:
        return [parse_amount(column, text) for column, text in zip(SPEND_COLUMNS, self.texts(), strict=True)]

    def faulty(self) -> list[str]:
        return [column for column, error in self.errors.items() if error.value]

    def enter(self, **texts: str) -> None:
        for column, text in texts.items():
            self.inputs[column].value = text

    def ask(self, **wish: object) -> None:
        """What the page's script asks for."""
        self.wish.value = json.dumps(wish)

    def shows(self, amounts: list[float], **more: object) -> bool:
        """Whether the answer is that for some amounts."""
        spend = dict(zip(SPEND_COLUMNS, amounts, strict=True))
        return self.answer == "".join(tabs.answer(self.predictor, spend, **more))


def _family(widget: Widget) -> list[Widget]:
    return [widget, *(w for child in getattr(widget, "children", ()) for w in _family(child))]


@pytest.fixture
def page(predictor: Predictor) -> Page:
    return Page(predictor)


@pytest.fixture
def answers(page, monkeypatch) -> list[list[float]]:
    """The amounts that were answered for; no answer is written."""
    asked = []

    def answer(_: Predictor, spend: dict[str, float], **__: object) -> Iterator[str]:
        asked.append(list(spend.values()))
        return iter(["", ""])

    monkeypatch.setattr(tabs, "answer", answer)
    return asked


def test_six_labelled_inputs_start_with_the_first_customer_and_wait_until_a_value_is_committed(
    page, predictor
):
    assert page.amounts() == predictor.amounts[0].tolist() and page.shows(page.amounts())
    assert page.inputs["Detergents_Paper"].description == "Detergents and Paper"
    assert not any(text.continuous_update for text in page.inputs.values())


def test_amounts_are_answered_for_as_they_are_read_and_written_so(page):
    typed = ("1200", "12.000,0", "21 000", "300", "9500", "1500,5")
    page.enter(**dict(zip(SPEND_COLUMNS, typed, strict=True)))
    assert page.shows([1200.0, 12000.0, 21000.0, 300.0, 9500.0, 1500.5])
    shown = ("1 200", "12 000", "21 000", "300", "9 500", "1 500.5")
    assert page.texts() == [text.replace(" ", SPACE) for text in shown]
    page.enter(Fresh="oops", Milk="5,5")
    assert page.texts()[:2] == ["oops", "5.5"]
    typed = {"1234567.5": "1 234 567.5", "1.234.567": "1 234 567", "500 EUR": "500", "1e3": "1 000"}
    for text, written in {**typed, "1.6150": "1.6150"}.items():
        page.enter(Fresh=text)
        assert page.texts()[0] == written.replace(" ", SPACE) and not page.faulty()


@pytest.mark.parametrize("between", ["\t", "\n", "\r\n", ";", "; "], ids=ascii)
@pytest.mark.parametrize("first", [0, 1, 4])
def test_a_copied_row_fills_the_fields_from_there_on_and_answers_once(page, answers, between, first):
    before = page.texts()
    page.enter(**{SPEND_COLUMNS[first]: between.join("1234567"[first:6])})
    assert page.texts() == [*before[:first], *"123456"[first:]]
    assert len(answers) == 1


@pytest.mark.parametrize("first", [0, 2, 5])
@pytest.mark.parametrize("cells", [2, 5, 7], ids=str)
def test_a_copied_row_that_does_not_fit_is_refused(page, first, cells):
    before, row = page.texts(), "\t".join(["123"] * cells)
    page.enter(**{SPEND_COLUMNS[first]: row})
    assert "is not an amount" in page.errors[SPEND_COLUMNS[first]].value
    assert page.texts() == [*before[:first], row, *before[first + 1 :]]


def test_of_a_copied_row_the_cells_that_are_no_amounts_are_named(page):
    page.enter(Fresh="1;n/a;3;12,669;;6")
    assert page.faulty() == ["Milk", "Frozen", "Detergents_Paper"]
    assert page.errors["Detergents_Paper"].value.startswith("Detergents and Paper: blank")
    assert tabs.EARLIER in page.answer


def test_what_the_kernel_has_heard_is_told_after_each_answer_even_to_the_same_amounts(page):
    told = []
    page.verdict.observe(lambda change: told.append(change["new"]), names="value")
    page.enter(Fresh="oops")
    assert "oops" in told[-1] and tabs.EARLIER in told[-1]
    page.predict.click()
    page.reset.click()
    assert len(set(told)) == 3


@pytest.mark.parametrize("scale", [1e-3, 1e-6], ids=["thousands", "millions"])
def test_customers_in_thousands_or_millions_start_fill_in_and_change_without_an_error(predictor, scale):
    amounts = np.round(predictor.amounts * scale, 9)
    mean, std = np.log1p(amounts).mean(axis=0), np.log1p(amounts).std(axis=0)
    page = Page(replace(predictor, amounts=amounts, mean=mean, scale=std))
    assert "wc-warning" not in page.answer
    with_changes = 0
    for customer in range(1, 441):
        page.picker.value = str(customer)
        assert not page.faulty() and page.amounts() == amounts[customer - 1].tolist()
        assert not re.search(r"spends 0\.(?!\d)", page.answer)
        changes = re.findall(r"<b>([\w ]+) were (\S+) instead of (\S+) m.u.", page.answer)
        assert changes or "up to the highest on record" in page.answer
        with_changes += bool(changes)
        for column, to, was in changes:
            assert parse_amount(column, to) != parse_amount(column, was)
    assert with_changes > 400


UNCLEAR = ["12,669", "12.669", "١٢", "1\u00a0234\u00a056"]


@pytest.mark.parametrize("value", [*UNCLEAR, "abc", "", "nan", "inf", "-5", "1_000", "<b>"])
def test_a_bad_entry_is_named_beside_its_field_and_the_last_good_answer_stays(page, predictor, value):
    page.enter(Fresh="3")  # leaving a field is enough
    good = [3.0, *predictor.amounts[0][1:].tolist()]
    assert page.shows(good)
    with pytest.raises(ValueError) as sentence:
        parse_amount("Milk", value)
    page.enter(Milk=value)
    page.predict.click()
    shown = page.errors["Milk"].value.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert shown == str(sentence.value) and page.faulty() == ["Milk"]
    assert page.texts()[:2] == ["3", value]
    assert page.shows(good, faults=[str(sentence.value)])


def test_each_of_several_bad_entries_gets_its_line_and_loses_it_when_mended(page):
    for entered, left in (({"Milk": "a", "Frozen": "-5"}, ["Milk", "Frozen"]), ({"Milk": "7"}, ["Frozen"])):
        page.enter(**entered)
        assert page.faulty() == left and tabs.EARLIER in page.answer
    page.enter(Frozen="8")
    assert page.faulty() == [] and tabs.EARLIER not in page.answer


@pytest.mark.parametrize("way", ["picked", "asked for"])
def test_any_customer_on_record_is_opened_by_its_number_and_answered_once(page, predictor, answers, way):
    for customer in (2, 142, 440):
        if way == "picked":
            page.picker.value = f" #{customer}"
        else:
            page.ask(open=str(customer))
        assert page.picker.value == str(customer)
        assert page.amounts() == answers[-1] == predictor.amounts[customer - 1].tolist()
    assert len(answers) == 3


@pytest.mark.parametrize("wanted", ["0", "441", "-1", "1.5", "Rossi", "9" * 400, "<b>"])
def test_who_is_not_on_record_is_named_and_nothing_changes(page, wanted):
    before, (unknown,) = page.answer, page.find("wc-unknown")
    page.picker.value = wanted
    assert unknown.value == f"{escape(wanted[:40])} is no customer on record: 1 to 440"
    assert page.answer == before
    page.picker.value = "7"
    assert unknown.value == ""


def test_the_picker_no_longer_names_a_customer_whose_amounts_were_changed(page):
    page.picker.value = "5"
    page.predict.click()
    assert page.picker.value == "5"
    page.enter(Milk="1")
    assert page.picker.value == "" and page.texts()[1] == "1"


def test_reset_empties_the_fields_without_a_fault_and_undo_takes_back_one_entry_after_another(page):
    assert page.undo.disabled
    first = page.texts()
    page.enter(Milk="7")
    page.enter(Fresh="oops")
    page.reset.click()
    assert page.texts() == [""] * 6 and page.faulty() == []
    assert tabs.BLANK in page.answer and tabs.EARLIER in page.answer
    page.undo.click()
    assert page.texts() == ["oops", "7", *first[2:]] and page.faulty() == ["Fresh"]
    page.undo.click()
    page.undo.click()
    assert page.texts() == first and page.picker.value == "1" and page.undo.disabled


def test_while_amounts_are_typed_they_are_answered_for_but_not_rewritten_and_no_fault_is_told(page, answers):
    shown = page.texts()
    page.ask(**{"try": ["1,5", "2", "3", "4", "5", "6e2"]})
    assert answers == [[1.5, 2, 3, 4, 5, 600]]
    page.ask(**{"try": ["1,5", "oops", "3", "4", "5", "6"]})
    assert len(answers) == 1 and page.texts() == shown and page.faulty() == [] and page.undo.disabled


SENSELESS = ["", "no JSON", "[]", "7", '{"fill": ["1"]}', '{"fill": [1, 2, 3, 4, 5, 6]}', '{"try": "123456"}']
SENSELESS += ['{"open": 5}', '{"pin": "yes"}', '{"open": "x"}']


@pytest.mark.parametrize("wish", SENSELESS)
def test_a_wish_that_makes_no_sense_changes_nothing(page, wish):
    before = page.texts(), page.answer
    page.wish.value = wish
    assert (page.texts(), page.answer) == before


def test_amounts_of_an_address_fill_the_fields_and_what_is_wrong_or_missing_is_named_there(page):
    page.ask(fill=["1000", "abc", "", "0", "5", "6"])
    assert page.faulty() == ["Milk", "Grocery"] and page.texts()[0] == "1\u00a0000"
    assert tabs.EARLIER in page.answer and page.picker.value == ""


def test_a_pinned_customer_stays_until_it_is_unpinned(page, predictor):
    pinned = dict(zip(SPEND_COLUMNS, predictor.amounts[0].tolist(), strict=True))
    page.ask(pin=True)
    page.picker.value = "142"
    assert page.shows(predictor.amounts[141].tolist(), pinned=pinned)
    page.ask(pin=False)
    assert page.shows(predictor.amounts[141].tolist())
    link = {"fill": list("123456"), "pinned": [*map(str, pinned.values())]}
    page.ask(**link)
    assert page.shows([1, 2, 3, 4, 5, 6], pinned=pinned)
    page.ask(fill=link["fill"])
    assert page.shows([1, 2, 3, 4, 5, 6], pinned=pinned)
    page.ask(**link, called="Café <Sol>" + "l" * 80)
    name = "Café <Sol>" + "l" * 70
    assert page.shows([1, 2, 3, 4, 5, 6], pinned=pinned, pinned_name=name)
    assert f"{escape(name)}, pinned</th>" in page.answer and f"Beside {escape(name)}: Fresh" in page.answer
    page.ask(pin=True, called="Bar")
    assert page.shows(
        [1, 2, 3, 4, 5, 6],
        pinned=dict(zip(SPEND_COLUMNS, [1, 2, 3, 4, 5, 6], strict=True)),
        pinned_name="Bar",
    )
    for nobody in ([], ["x", *link["pinned"][1:]], "none"):
        page.ask(**link)
        page.ask(**link | {"pinned": nobody})
        assert page.shows([1, 2, 3, 4, 5, 6], pinned_name=""), nobody


def test_each_tab_has_a_panel_that_is_drawn_when_it_is_asked_for_and_no_answer_is_written(
    page, predictor, answers
):
    template = (TEMPLATE / "index.html.j2").read_text(encoding="utf-8")
    for name in (names := ("one", "many", "segments", "about")):
        assert f'id="wc-tab-{name}" data-page="{name}"' in template
    _, *drawn = (panel for name in names for panel in page.find(f"wc-page-{name}"))
    assert [panel.value for panel in drawn] == ["", "", ""]
    page.ask(others=True)
    each = (tabs.many_tab, tabs.segments_tab, tabs.about_tab)
    assert [panel.value for panel in drawn] == [tab(predictor) for tab in each] and answers == []


def test_two_pages_do_not_share_anything_and_the_first_customer_is_the_start_again(page, predictor):
    other = Page(predictor)
    start = other.answer, other.texts(), []
    page.enter(Fresh="1")
    assert (other.answer, other.texts(), other.faulty()) == start
    page.enter(**dict.fromkeys(SPEND_COLUMNS, "oops"))
    page.picker.value = "1"
    assert (page.answer, page.texts(), page.faulty()) == start


def test_in_jupyterlab_the_page_has_tabs_and_its_style_which_touches_nothing_else_there(
    predictor, monkeypatch, page
):
    monkeypatch.setenv("JPY_SESSION_NAME", "notebooks/05_predictor.ipynb")
    scripts = []
    monkeypatch.setattr("wholesale.app.view.display", scripts.append)
    inside = Page(predictor)
    ours = [
        (TEMPLATE / "static" / name).read_text(encoding="utf-8") for name in ("wholesale.js", "customer.js")
    ]
    assert [each.data for each in scripts] == [f"if (!window.wholesale) {{ {''.join(ours)} }}"]
    dress, tab = inside.root.children
    assert "wc-app" in inside.root._dom_classes
    assert tab.children[0]._dom_classes == page.root.children[0]._dom_classes
    assert len(tab.titles) == len(tab.children) == len(page.root.children) == 4
    style = (TEMPLATE / "static" / "wholesale.css").read_text(encoding="utf-8")
    assert dress.value.startswith("<style>@scope (.wc-app) {") and len(dress.value) > len(style) * 0.9
    assert all(panel.value for panel in tab.children[1:]), "no script asks for them there"
    assert ":root" not in dress.value and ".wc-app " not in dress.value and "@scope" not in style
    inside.enter(Fresh="5")
    assert inside.shows([5.0, *inside.amounts()[1:]])
