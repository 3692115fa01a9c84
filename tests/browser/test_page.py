import time
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import Page, expect
from visit import PHONE, field, open_page

from wholesale.amounts import parse_amount
from wholesale.app import cards, sentences
from wholesale.columns import LABELS, SPEND_COLUMNS
from wholesale.predict import Predictor, predict_segment
from wholesale.wording import format_amount, format_share

RETAILER = dict(zip(SPEND_COLUMNS, ("1200", "12000", "21000", "300", "9500", "1500"), strict=True))


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


def text_of(page: Page, name: str) -> str:
    return page.locator(f".wc-app .{name}").inner_text()


def test_six_amounts_change_the_answers_to_what_predict_segment_says(page, address, predictor: Predictor):
    open_page(page, address)
    before = text_of(page, "wc-kmeans"), text_of(page, "wc-gmm")
    for column, amount in RETAILER.items():
        field(page, column).fill(amount)
    page.locator(".wc-predict").click()
    answer = predict_segment(predictor, RETAILER)
    expect(page.locator(".wc-kmeans .wc-value")).to_have_text(answer.kmeans.name)
    expect(page.locator(".wc-gmm .wc-value")).to_have_text(answer.gmm.name)
    expect(page.locator(".wc-ward .wc-value")).to_have_text(answer.ward.name)
    expect(page.locator(".wc-agreement")).to_have_text(f"{answer.agreement} of 3 models agree")
    expect(page.locator(".wc-familiarity")).to_have_text(sentences.familiarity(answer))
    for probability in answer.gmm.scores:
        assert format_share(probability) in text_of(page, "wc-gmm")
    assert (text_of(page, "wc-kmeans"), text_of(page, "wc-gmm")) != before
    assert page.witness.navigations == [address]


def test_no_trace_of_a_notebook_or_a_failed_cell_is_on_the_page(page, address):
    open_page(page, address)
    body = page.content()
    for trace in (
        "error when executing cell",
        "There was an error",
        "Traceback",
        "In [",
        "Six yearly amounts in",
    ):
        assert trace not in body
    assert page.locator(".jp-InputPrompt, .jp-OutputPrompt, .jp-Cell, .prompt").count() == 0
    assert page.title() == "Wholesale customer segments"
    assert page.locator("html").get_attribute("lang") == "en"


def test_the_page_is_readable_before_a_kernel_answers(page, address):
    page.route("**/voila/static/**", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("Wholesale customer segments")
    expect(page.get_by_text("Starting…")).to_be_visible()
    for label in LABELS.values():
        expect(page.get_by_text(label, exact=True)).to_be_visible()


def test_enter_and_leaving_a_field_both_answer(page, address):
    open_page(page, address)
    hero = page.locator(".wc-hero")
    field(page, "Fresh").fill("0")
    field(page, "Fresh").press("Enter")
    expect(field(page, "Fresh")).to_be_focused()
    after_enter = page.locator(".wc-kmeans")
    expect(after_enter).not_to_contain_text("1.1 times nearer")
    for column in SPEND_COLUMNS:
        field(page, column).fill("1000000000")
    field(page, "Delicassen").press("Tab")
    expect(hero).to_contain_text("Unlike 99% of the customers on record")


def test_a_bad_entry_is_named_and_the_last_good_answer_stays(page, address):
    open_page(page, address)
    before = text_of(page, "wc-kmeans"), text_of(page, "wc-gmm")
    field(page, "Milk").fill("abc")
    field(page, "Milk").press("Tab")
    with pytest.raises(ValueError) as sentence:
        parse_amount("Milk", "abc")
    error = page.locator(".wc-error").filter(has_text="Milk")
    expect(error).to_have_text(str(sentence.value))
    expect(field(page, "Milk")).to_have_attribute("aria-invalid", "true")
    expect(field(page, "Milk")).to_have_accessible_description(str(sentence.value))
    expect(field(page, "Milk")).to_have_value("abc")
    expect(field(page, "Grocery")).to_be_focused()
    expect(page.get_by_text(cards.EARLIER).first).to_be_visible()
    assert (text_of(page, "wc-kmeans"), text_of(page, "wc-gmm")) == before
    field(page, "Milk").fill("9656")
    field(page, "Milk").press("Enter")
    expect(page.locator(".wc-stale")).to_have_count(0)
    expect(field(page, "Milk")).to_have_attribute("aria-invalid", "false")


def test_reset_returns_to_the_first_customer(page, address, predictor: Predictor):
    open_page(page, address)
    start = text_of(page, "wc-kmeans")
    field(page, "Grocery").fill("-5")
    page.locator(".wc-reset").click()
    expect(field(page, "Grocery")).to_have_value(format_amount(predictor.amounts[0][2]))
    expect(page.locator(".wc-stale")).to_have_count(0)
    assert text_of(page, "wc-kmeans") == start


def test_inputs_are_labelled_for_people_phones_and_screen_readers(page, address):
    open_page(page, address)
    for column, label in LABELS.items():
        expect(field(page, column)).to_have_accessible_name(label)
        expect(field(page, column)).to_have_attribute("inputmode", "decimal")
        expect(field(page, column)).to_have_attribute("autocomplete", "off")


def test_the_answer_is_announced_in_words(page, address, predictor: Predictor):
    open_page(page, address)
    field(page, "Fresh").fill("3")
    field(page, "Fresh").press("Enter")
    answer = predict_segment(predictor, [3, *predictor.amounts[0][1:]])
    expect(page.get_by_role("status").first).to_have_text(sentences.announcement(answer))


@pytest.mark.parametrize("page", [PHONE], indirect=True, ids=["390"])
def test_a_phone_shows_the_page_without_scrolling_sideways(page, address):
    open_page(page, address)
    for column in SPEND_COLUMNS:
        field(page, column).fill("not an amount at all, however long it may be")
        field(page, column).press("Tab")
    expect(page.locator(".wc-error").last).not_to_be_empty()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_a_closed_page_takes_its_kernel_with_it(page, address):
    open_page(page, address)
    kernel = page.evaluate("JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId")
    assert status(f"{address}api/kernels/{kernel}") == 200
    page.goto("about:blank")
    until = time.monotonic() + 15
    while status(f"{address}api/kernels/{kernel}") == 200 and time.monotonic() < until:
        time.sleep(0.2)
    assert status(f"{address}api/kernels/{kernel}") == 404


@pytest.mark.parametrize("path", ["models/kmeans.pkl", "voila/files/05_predictor.ipynb", "nothing"])
def test_no_file_is_served_beside_the_page(address, path):
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(address + path, timeout=10)
    assert refusal.value.code == 404
    assert "There is no such page here." in refusal.value.read().decode()


def test_plain_voila_serves_the_same_page(page, voila_address, predictor: Predictor):
    open_page(page, voila_address)
    expect(page.get_by_role("heading", level=1)).to_have_text("Wholesale customer segments")
    expected = predict_segment(predictor, predictor.amounts[0])
    expect(page.locator(".wc-kmeans .wc-value")).to_have_text(expected.kmeans.name)
    expect(page.locator(".wc-gmm .wc-value")).to_have_text(expected.gmm.name)


GIVEN_UP = """
new MutationObserver((_, observer) => {
  const node = document.querySelector('.wc-app')?.parentElement;
  if (!node) return;
  observer.disconnect();
  node.textContent = 'Error displaying widget: model not found';
  node.classList.add('jupyter-widgets');
  window.givenUp = true;
}).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ['class'] });
"""


def test_a_page_that_voila_gave_up_is_drawn_again(page, address, predictor: Predictor):
    page.add_init_script(GIVEN_UP)
    open_page(page, address)
    assert page.evaluate("window.givenUp")
    for column, amount in RETAILER.items():
        field(page, column).fill(amount)
    page.locator(".wc-predict").click()
    answer = predict_segment(predictor, RETAILER)
    expect(page.locator(".wc-kmeans .wc-value")).to_have_text(answer.kmeans.name)
    expect(page.locator(".wc-gmm .wc-value")).to_have_text(answer.gmm.name)
