"""The page's widgets: the form, one callback, one answer. What they say comes from the other modules."""

import json
import re
from collections.abc import Mapping
from html import escape
from typing import TypeVar

from ipywidgets import HTML, Button, DOMWidget, Dropdown, HBox, Text, VBox, Widget

from wholesale.amounts import parse_amount
from wholesale.app import cards
from wholesale.app.charts.customer import map_cloud
from wholesale.app.presets import presets
from wholesale.app.tabs import about_tab, many_tab, segments_tab
from wholesale.app.templates import render
from wholesale.columns import LABELS, SPEND_COLUMNS, UNIT
from wholesale.predict import Predictor
from wholesale.wording import format_amount

W = TypeVar("W", bound=DOMWidget)
BETWEEN = r"\r\n|[\t\r\n;]"
"""What stands between the cells of a copied row, as a pattern."""


def build_app(predictor: Predictor) -> Widget:
    """Build the page.

    Parameters
    ----------
    predictor : Predictor

    Returns
    -------
    Widget
        Its root, of class ``wc-app``, with a panel per tab; it starts with the first customer on record and
        the answer for it.
    """
    panels = {
        "many": HTML(many_tab(predictor)),
        "segments": HTML(segments_tab(predictor)),
        "about": HTML(about_tab(predictor)),
    }
    pages = [
        CustomerView(predictor).root,
        *(_styled(page, f"wc-page-{name}") for name, page in panels.items()),
    ]
    return _styled(VBox([_styled(page, "wc-page") for page in pages]), "wc-app")


class CustomerView:
    """One customer: the form, and the answer beside it.

    Parameters
    ----------
    predictor : Predictor
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        choices = [("Start from a real customer…", 0), *presets(predictor).items()]
        self.preset = _styled(Dropdown(options=choices, description="Start from"), "wc-preset")
        self.inputs = {column: _input(column) for column in SPEND_COLUMNS}
        self.errors = {column: _styled(HTML(), "wc-error") for column in SPEND_COLUMNS}
        self.answer = _styled(HTML(), "wc-results")
        self.predict = _styled(Button(description="Predict"), "wc-predict")
        self.reset = _styled(Button(description="Reset"), "wc-reset")
        self.heard, self.replies = _styled(HTML(), "wc-heard"), 0
        cloud = _styled(HTML(f"<style>{render('charts.css')}</style>{map_cloud(predictor)}"), "wc-cloud-holder")
        self.root = _styled(HBox([self._form(), self.answer, cloud, self.heard]), "wc-page-one")
        self.restart()
        self.predict.on_click(self.update)
        self.reset.on_click(self.restart)
        self.preset.observe(self._start_from_preset, names="value")

    def _form(self) -> Widget:
        fields = [_styled(VBox([self.inputs[c], self.errors[c]]), "wc-field") for c in SPEND_COLUMNS]
        title = HTML("<h2>Annual spending</h2>")
        note = HTML(
            f'<p class="wc-note">{UNIT} = monetary units per year. Zero is fine. Decimals take a point or a '
            "comma. A row copied from a spreadsheet fills all six. The answer also follows each change.</p>"
        )
        buttons = _styled(HBox([self.predict, self.reset]), "wc-buttons")
        return _styled(VBox([title, self.preset, *fields, buttons, note]), "wc-form", "wc-card")

    def restart(self, _: object = None) -> None:
        """Go back to the first customer on record."""
        self.preset.value = 0
        self.start_from(1)

    def _start_from_preset(self, change: dict) -> None:
        if change["new"]:
            self.start_from(change["new"])

    def start_from(self, customer: int) -> None:
        """Fill in the amounts of a customer on record (numbered from 1), and answer."""
        amounts = self.predictor.amounts[customer - 1].tolist()
        self._fill(dict(zip(self.inputs, map(format_amount, amounts), strict=True)))
        self.update()

    def _fill(self, texts: Mapping[str, str]) -> None:
        """Write into fields, without an answer to each."""
        if all(self.inputs[column].value == text for column, text in texts.items()):
            return
        self._listen(False)
        for column, text in texts.items():
            self.inputs[column].value = text
        self._listen(True)

    def _listen(self, on: bool) -> None:
        for text in self.inputs.values():
            (text.observe if on else text.unobserve)(self._changed, names="value")

    def _changed(self, change: dict) -> None:
        """Take what was entered by hand; a copied row goes into the fields from there on, if it fits them."""
        place = list(self.inputs.values()).index(change["owner"])
        cells, fields = re.split(BETWEEN, change["new"]), list(self.inputs)[place:]
        if len(cells) == len(fields):
            self._fill(dict(zip(fields, cells, strict=True)))
        self.preset.value = 0
        self.update()

    def update(self, _: object = None) -> None:
        """Answer for the six amounts; if any is at fault, say so beside it and keep the last good answer.

        What is read is written back as it was read, and at the end what this answers is told to the page's
        script, which marks an answer for other amounts than are now entered.
        """
        amounts, faults = self._read()
        self._fill({column: format_amount(amount) for column, amount in amounts.items()})
        if not faults:
            self.amounts = amounts
        self.answer.value = cards.answer(self.predictor, self.amounts, faults=list(faults.values()))
        for column, error in self.errors.items():
            error.value = escape(faults.get(column, ""), quote=False)
        self.replies += 1
        heard = [self.replies, self.preset.index, *(text.value for text in self.inputs.values())]
        self.heard.value = (
            f'<i data-heard="{escape(json.dumps(heard))}" data-earlier="{escape(cards.EARLIER)}"></i>'
        )

    def _read(self) -> tuple[dict[str, float], dict[str, str]]:
        amounts, faults = {}, {}
        for column, text in self.inputs.items():
            try:
                amounts[column] = parse_amount(column, text.value)
            except ValueError as error:
                faults[column] = str(error)
        return amounts, faults


def _input(column: str) -> Text:
    return _styled(Text(description=LABELS[column], continuous_update=False), f"wc-input-{column}")


def _styled(widget: W, *classes: str) -> W:
    for name in classes:
        widget.add_class(name)
    return widget
