"""The tab where a file of customers is sent to be scored, as HTML; ``many.js`` gives it its behaviour."""

from html import escape

from wholesale.app.markup import card, note
from wholesale.columns import LABELS, SPEND_COLUMNS, UNIT
from wholesale.predict import Predictor
from wholesale.wording import SPACE, format_amount, listed

LIMIT = 20 * 10**6
"""Bytes that a file may have."""

COMMAND = "python -m wholesale score FILE"
"""What takes the files that the page does not."""

EXAMPLE = 6
"""Customers in the example."""

SIGNS = {"": "Found out from the file", "point": "Point: 1234.5", "comma": "Comma: 1234,5"}


def many_tab(predictor: Predictor) -> str:
    """Write the form, what a file needs, and the places where an answer goes.

    Parameters
    ----------
    predictor : Predictor

    Returns
    -------
    str
        HTML.
    """
    return (
        '<h2 class="wc-unseen">Many customers</h2><p class="wc-notice wc-without">This page is served '
        "without the part that scores files. Serve it with <code>make app</code>, or score them on the "
        f"command line: <code>{escape(COMMAND)}</code>.</p>"
        f'<div class="wc-sending">{_form()}{_needed(predictor)}</div>'
        '<div class="wc-card wc-progress" hidden><p class="wc-step"></p><progress aria-label="Progress">'
        '</progress><button type="button" class="wc-plain wc-stop">Stop</button></div>'
        '<p class="wc-notice wc-failure" role="alert" hidden></p>'
        f'{_mapping()}<div class="wc-scored-answer"></div>'
        '<p class="wc-unseen wc-said" role="status" aria-live="polite"></p>'
    )


def _form() -> str:
    signs = "".join(f'<option value="{sign}">{escape(words)}</option>' for sign, words in SIGNS.items())
    size = LIMIT // 10**6
    return card(
        '<div class="wc-drop"><label for="wc-file">Choose a CSV file, or drop it here</label>'
        f'<input type="file" id="wc-file" data-limit="{LIMIT}" aria-describedby="wc-file-note"'
        ' accept=".csv,.tsv,.tab,.txt,text/csv,text/plain,text/tab-separated-values"></div>'
        f'<p class="wc-choice"><label for="wc-decimal">Decimal sign</label> <select id="wc-decimal">{signs}'
        "</select></p>"
        f'<p class="wc-note" id="wc-file-note">At most {size} MB of plain text. Larger files, Excel and '
        f"Parquet: <code>{escape(COMMAND)}</code>. The file goes to this page's own server, which keeps "
        "nothing of it.</p>",
        "wc-upload",
        heading="A file of customers",
    )


def _needed(predictor: Predictor) -> str:
    """Show a file that can be sent."""
    rows = [",".join(["Name", *SPEND_COLUMNS])]
    rows += [
        ",".join([f"Customer {i}", *(format_amount(amount).replace(SPACE, "") for amount in amounts)])
        for i, amounts in enumerate(predictor.amounts[:EXAMPLE].tolist(), start=1)
    ]
    names = listed([LABELS[column] for column in SPEND_COLUMNS])
    return card(
        f"<p>A row per customer, and a column for each of {escape(names)}, in {UNIT} a year.</p>"
        + note(
            "Commas, semicolons or tabs, decimal points or commas, in any order. If names differ, you are "
            "asked which column is which. Other columns are kept; text in them that a spreadsheet would run "
            "as a formula gets an apostrophe before it."
        )
        + '<div class="wc-scroll" role="region" aria-label="An example" tabindex="0">'
        f'<pre class="wc-example">{escape(chr(10).join(rows))}</pre></div>'
        '<button type="button" class="wc-plain wc-try">Score this example</button>',
        "wc-needed",
        heading="What it needs",
    )


def _mapping() -> str:
    choices = "".join(
        f'<p class="wc-choice"><label for="wc-column-{column}">{escape(LABELS[column])}</label> '
        f'<select id="wc-column-{column}" data-column="{column}" required></select></p>'
        for column in SPEND_COLUMNS
    )
    return (
        '<form class="wc-card wc-mapping" hidden><h2>Which column is which?</h2>'
        f'<p class="wc-why-mapping"></p><div class="wc-choices">{choices}</div>'
        f"{note('Each category needs a column of its own; without one of the six nobody can be scored.')}"
        '<button class="wc-strong">Score with these columns</button></form>'
    )
