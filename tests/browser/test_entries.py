"""What is typed or pasted into the fields, as a browser hands it over."""

import pytest
from playwright.sync_api import Page, expect
from visit import field, values

from wholesale.columns import SPEND_COLUMNS
from wholesale.wording import format_amount

ROW = [12669, 9656, 7561, 214, 2674.5, 1338]
TEXTS = ["12669", "9656", "7561", "214", "2674.5", "1338"]


def paste(page: Page, column: str, text: str, event: str = "paste") -> None:
    field(page, column).focus()
    page.evaluate(
        """([selector, text, kind]) => {
          const carried = new DataTransfer();
          carried.setData("text", text);
          const input = document.querySelector(selector);
          const how = { bubbles: true, cancelable: true };
          const event = kind === "paste" ? new ClipboardEvent("paste", { ...how, clipboardData: carried })
            : new DragEvent("drop", { ...how, dataTransfer: carried });
          if (input.dispatchEvent(event)) document.execCommand("insertText", false, text);
        }""",
        [f".wc-input-{column} input", text, event],
    )
    field(page, column).press("Enter")


@pytest.mark.parametrize("between", ["\t", "\n", "\r\n", ";"], ids=ascii)
@pytest.mark.parametrize("event", ["paste", "drop"])
def test_a_copied_row_or_column_of_six_fills_the_six_fields(page, between, event):
    for column in SPEND_COLUMNS:
        field(page, column).fill("1")
    paste(page, "Fresh", between.join(TEXTS) + "\r\n", event)
    expect(field(page, "Delicassen")).to_have_value(format_amount(1338))
    assert values(page) == list(map(format_amount, ROW))
    expect(page.locator(".wc-stale")).to_have_count(0)
    expect(page.locator(".wc-hero")).to_contain_text(format_amount(round(sum(ROW))))


@pytest.mark.parametrize(
    ("column", "text"),
    [("Fresh", "1\t2\t3\t4\t5"), ("Milk", "1\t2\t3\t4\t5\t6"), ("Fresh", "1\n2"), ("Delicassen", "3;4"),
     ("Fresh", "\t1\t2\t3\t4\t5\t6"), ("Fresh", "123\t456")],
    ids=ascii,
)  # fmt: skip
def test_a_row_that_does_not_fit_is_refused_and_nothing_is_joined(page, column, text):
    before = values(page)
    paste(page, column, text)
    expect(page.locator(".wc-error").filter(has_text="is not an amount")).to_have_count(1)
    after = values(page)
    place = SPEND_COLUMNS.index(column)
    assert [*after[:place], *after[place + 1 :]] == [*before[:place], *before[place + 1 :]]
    expect(page.locator(".wc-answer .wc-stale")).to_be_visible()


def test_a_real_paste_of_a_spreadsheet_row(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("text => navigator.clipboard.writeText(text)", "1\t2\t3\t4\t5\t6\n")
    field(page, "Fresh").focus()
    page.keyboard.press("Control+V")
    expect(field(page, "Delicassen")).to_have_value("6")
    assert values(page) == list("123456")
