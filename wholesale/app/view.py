"""The page's widgets: six inputs, one callback, one answer. What they say comes from `cards`."""

from html import escape
from typing import TypeVar

from ipywidgets import HTML, Button, DOMWidget, HBox, Text, VBox, Widget

from wholesale.amounts import parse_amount
from wholesale.app import cards, sentences
from wholesale.columns import LABELS, SPEND_COLUMNS, UNIT
from wholesale.predict import Predictor, predict_segment

W = TypeVar("W", bound=DOMWidget)


def build_app(predictor: Predictor) -> Widget:
    """Build the page.

    Parameters
    ----------
    predictor : Predictor

    Returns
    -------
    Widget
        Its root, of class ``wc-app``; it starts with the first customer on record and the answer for it.
    """
    return CustomerView(predictor).root


class CustomerView:
    """One customer: the form, and the answer beside it.

    Parameters
    ----------
    predictor : Predictor
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.inputs = {column: _input(column) for column in SPEND_COLUMNS}
        self.errors = {column: _styled(HTML(), "wc-error") for column in SPEND_COLUMNS}
        self.answer = _styled(HTML(), "wc-results")
        self.predict = _styled(Button(description="Predict"), "wc-predict")
        self.reset = _styled(Button(description="Reset"), "wc-reset")
        self.root = _styled(VBox([self._form(), self.answer]), "wc-app")
        self.restart()
        self.predict.on_click(self.update)
        self.reset.on_click(self.restart)

    def _form(self) -> Widget:
        fields = [_styled(VBox([self.inputs[c], self.errors[c]]), "wc-field") for c in SPEND_COLUMNS]
        title = HTML("<h2>Annual spending</h2>")
        note = HTML(
            f'<p class="wc-note">{UNIT} = monetary units per year. Zero is fine; decimals take a point. '
            "The answer also follows each change.</p>"
        )
        buttons = _styled(HBox([self.predict, self.reset]), "wc-buttons")
        return _styled(VBox([title, *fields, buttons, note]), "wc-form", "wc-card")

    def restart(self, _: object = None) -> None:
        """Go back to the first customer on record."""
        self._listen(False)
        for text, amount in zip(self.inputs.values(), self.predictor.amounts[0].tolist(), strict=True):
            text.value = sentences.format_amount(amount)
        self._listen(True)
        self.update()

    def _listen(self, on: bool) -> None:
        for text in self.inputs.values():
            (text.observe if on else text.unobserve)(self.update, names="value")

    def update(self, _: object = None) -> None:
        """Answer for the six amounts; if any is at fault, say so beside it and keep the last good answer."""
        amounts, faults = self._read()
        if not faults:
            self.prediction = predict_segment(self.predictor, amounts)
        self.answer.value = cards.answer(self.predictor, self.prediction, faults=list(faults.values()))
        for column, error in self.errors.items():
            error.value = escape(faults.get(column, ""), quote=False)

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
