"""The page's widgets: the form, one callback, one answer. What they say comes from the other modules."""

import json
import re
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
from ipywidgets import HTML, Button, DOMWidget, Dropdown, HBox, Text, VBox, Widget
from markupsafe import Markup

from wholesale.amounts import parse_amount
from wholesale.app import tabs
from wholesale.app.charts.customer import map_cloud
from wholesale.app.templates import render
from wholesale.predict import Predictor, measure
from wholesale.wording import format_amount

BETWEEN = r"\r\n|[\t\r\n;]"  # the cells of a copied row
HEARD = Markup('<i data-heard="{}" data-earlier="{}"></i>')  # read by the page's script after each answer


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
    others = {"many": tabs.many_tab, "segments": tabs.segments_tab, "about": tabs.about_tab}
    panels = [_panel(HTML(tab(predictor)), name) for name, tab in others.items()]
    return VBox([CustomerView(predictor).root, *panels]).add_class("wc-app")


class CustomerView:
    """One customer: the form, and the answer beside it."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor, self.replies, self.filling = predictor, 0, False
        choices = [("Start from a real customer…", 0), *presets(predictor).items()]
        self.preset = Dropdown(options=choices, description="Start from").add_class("wc-preset")
        label, classes = predictor.categories.label, field_classes(predictor.categories.columns)
        self.inputs = {
            column: Text(description=label(column), continuous_update=False).add_class(name)
            for column, name in classes.items()
        }
        self.errors = {column: HTML().add_class("wc-error") for column in self.inputs}
        self.answer, self.heard = HTML().add_class("wc-results"), HTML().add_class("wc-heard")
        self.predict = Button(description="Predict").add_class("wc-predict")
        self.reset = Button(description="Reset").add_class("wc-reset")
        cloud = HTML(map_cloud(predictor)).add_class("wc-cloud-holder")
        self.root = _panel(HBox([self._form(), self.answer, cloud, self.heard]), "one")
        self.restart()
        self.predict.on_click(self.update)
        self.reset.on_click(self.restart)
        self.preset.observe(self._start_from_preset, names="value")
        for text in self.inputs.values():
            text.observe(self._changed, names="value")

    def _form(self) -> Widget:
        title = HTML("<h2>Annual spending</h2>")
        note = HTML(render("form.html", known=self.predictor.categories))
        fields = [VBox([self.inputs[c], self.errors[c]]).add_class("wc-field") for c in self.inputs]
        buttons = HBox([self.predict, self.reset]).add_class("wc-buttons")
        return VBox([title, self.preset, *fields, buttons, note]).add_class("wc-form").add_class("wc-card")

    def restart(self, _: object = None) -> None:
        """Go back to the first customer on record."""
        self.preset.value = 0
        self.start_from(1)

    def _start_from_preset(self, change: dict) -> None:
        if change["new"]:
            self.start_from(change["new"])

    def start_from(self, customer: int) -> None:
        """Fill in the amounts of a customer on record (numbered from 1), and answer."""
        self._fill(self.inputs, map(format_amount, self.predictor.amounts[customer - 1].tolist()))
        self.update()

    def _fill(self, columns: Iterable[str], texts: Iterable[str]) -> None:
        """Write into fields, without an answer to each."""
        self.filling = True
        for column, text in zip(columns, texts, strict=True):
            self.inputs[column].value = text
        self.filling = False

    def _changed(self, change: dict) -> None:
        """Take what was entered by hand; a copied row goes into the fields from there on, if it fits them."""
        if self.filling:
            return
        place = list(self.inputs.values()).index(change["owner"])
        cells, fields = re.split(BETWEEN, change["new"]), [*self.inputs][place:]
        if len(cells) == len(fields):
            self._fill(fields, cells)
        self.preset.value = 0
        self.update()

    def update(self, _: object = None) -> None:
        """Answer for the amounts, written back as read; if any is at fault, keep the last good answer."""
        amounts, faults = dict[str, float](), dict[str, str]()
        for column, text in self.inputs.items():
            try:
                amounts[column] = parse_amount(text.description, text.value)
            except ValueError as error:
                faults[column] = str(error)
        self._fill(amounts, map(format_amount, amounts.values()))
        if not faults:
            self.amounts = amounts
        self.answer.value = tabs.answer(self.predictor, self.amounts, faults=list(faults.values()))
        for column, beside in self.errors.items():
            beside.value = escape(faults.get(column, ""), quote=False)
        self.replies += 1
        heard = [self.replies, self.preset.index, *(text.value for text in self.inputs.values())]
        self.heard.value = HEARD.format(json.dumps(heard), tabs.EARLIER)


def field_classes(columns: Sequence[str]) -> dict[str, str]:
    """Give each category's field a CSS class of its own: what one can hold of its name, or its position."""
    slugs: dict[str, str] = {}
    for position, column in enumerate(columns, start=1):
        slug = re.sub("[^A-Za-z0-9_-]+", "_", column)
        while slug in slugs.values() or not re.search("[A-Za-z0-9]", slug):
            slug = f"{slug}-{position}"
        slugs[column] = slug
    return {column: f"wc-input-{slug}" for column, slug in slugs.items()}


def presets(predictor: Predictor) -> dict[str, int]:
    """Choose customers on record to start from (by number): typical, contested and unfamiliar ones."""
    measured = measure(predictor, predictor.amounts)
    distances, own = measured.scores["kmeans"], measured.segment["kmeans"]
    inside = np.where(own[:, None] == np.arange(predictor.n_segments), distances, np.inf)
    names = [f"Typical of {name}" for name in predictor.names["kmeans"]]
    chosen = dict(zip(names, inside.argmin(axis=0).tolist(), strict=True))
    contested = np.where(measured.agreement == measured.agreement.min(), measured.clarity, np.inf)
    chosen["Contested"] = int(contested.argmin())
    if predictor.has_mixture:
        chosen["Unlike all others"] = int(measured.familiarity.argmin())
    return {f"{what}: customer {i + 1}": i + 1 for what, i in chosen.items()}


def _panel(widget: DOMWidget, name: str) -> DOMWidget:
    return widget.add_class("wc-page").add_class(f"wc-page-{name}")
