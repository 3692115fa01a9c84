"""The page's widgets: the form, one callback, one answer. What they say comes from the other modules."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any

from IPython.display import Javascript, display
from ipywidgets import HTML, Button, DOMWidget, HBox, Tab, Text, VBox, Widget
from jupyter_core.paths import jupyter_path
from markupsafe import Markup

from wholesale.amounts import parse_amount
from wholesale.app import tabs
from wholesale.app.charts.customer import map_cloud
from wholesale.app.templates import render
from wholesale.predict import Predictor
from wholesale.wording import format_amount

BETWEEN = r"\r\n|[\t\r\n;]"  # the cells of a copied row
HEARD = Markup('<i class="wc-late" data-heard="{}">{}</i>')  # the page's script reads it after each answer
DRESS = ("wholesale.css", "wholesale.js", "customer.js")  # of the page's own, in a notebook
NOTEBOOK = "JPY_SESSION_NAME"  # environment variable of kernels that JupyterLab starts
PAST = 50  # entries that can be taken back
LONGEST = 80  # letters of a name that a customer is given


def build_app(predictor: Predictor) -> Widget:
    """Build the page.

    Parameters
    ----------
    predictor : Predictor

    Returns
    -------
    Widget
        Its root, of class ``wc-app``, with a panel per tab; it starts with the first customer on record and
        the answer for it. The points of its map and the other tabs are drawn when the page's script asks for
        them, so that nobody waits for them, and in a notebook at once.
    """
    drawn = {"many": tabs.many_tab, "segments": tabs.segments_tab, "about": tabs.about_tab}
    made = looking_alike()
    others = {_panel(made(HTML), name): partial(tab, predictor) for name, tab in drawn.items()}
    view = CustomerView(predictor, made, others)
    panels = [view.root, *others]
    if NOTEBOOK not in os.environ:
        return made(VBox, panels).add_class("wc-app")
    view.draw_others()
    return in_a_notebook(panels).add_class("wc-app")


def in_a_notebook(panels: Sequence[Widget]) -> Widget:
    """Dress the page where no template does: with its stylesheet, for itself alone, with tabs and scripts.

    What is the frame's around it, its address among it, and what needs the server is left out there.
    """
    (static, *_) = filter(os.path.exists, jupyter_path("voila", "templates", "wholesale", "static"))
    style, *scripts = (Path(static, name).read_text(encoding="utf-8") for name in DRESS)
    scoped = re.sub(r":root|\.wc-app|\.wc-in-notebook", ":scope", style)
    dress = HTML(Markup("<style>@scope (.wc-app) {{ {} }}</style>").format(Markup(scoped)))
    display(Javascript(f"if (!window.wholesale) {{ {''.join(scripts)} }}"))  # once, however often it is built
    titles = ("One customer", "Many customers", "Segments", "About the models")
    return VBox([dress, Tab(children=panels, titles=titles)]).add_class("wc-in-notebook")


def looking_alike() -> Callable[..., Any]:
    """Give a maker of widgets that share their looks: else they are half of what a page loads."""
    look = cache(lambda kind: kind())

    def made(kind: type[DOMWidget], *args: Any, **traits: Any) -> DOMWidget:
        known = kind.class_traits()
        looks = {name: look(known[name].klass) for name in ("layout", "style") if name in known}
        return kind(*args, **looks, **traits)

    return made


class CustomerView:
    """One customer: the form, and the answer beside it."""

    def __init__(
        self,
        predictor: Predictor,
        made: Callable[..., Any] | None = None,
        others: Mapping[HTML, Callable[[], Markup]] = MappingProxyType({}),
    ) -> None:
        made = looking_alike() if made is None else made
        cloud = made(HTML).add_class("wc-cloud-holder")
        self.made = made
        self.others: dict[HTML, Callable[[], Markup]] = {cloud: partial(map_cloud, predictor), **others}
        self.predictor, self.replies, self.filling = predictor, 0, False
        self._pin(None, "")
        self.past: list[list[str]] = []
        hint = f"{'name or ' if predictor.called else ''}1 to {len(predictor.amounts)}"
        self.picker = made(Text, description="Customer on record", placeholder=hint, continuous_update=False)
        self.unknown = made(HTML).add_class("wc-unknown")
        label, classes = predictor.categories.label, field_classes(predictor.categories.columns)
        self.inputs = {
            column: made(Text, description=label(column), continuous_update=False).add_class(name)
            for column, name in classes.items()
        }
        self.errors = {column: made(HTML).add_class("wc-error") for column in self.inputs}
        self.verdict, self.rest, self.said = made(HTML), made(HTML), Markup()
        self.wish = made(Text, continuous_update=False).add_class("wc-wish")
        self.predict = made(Button, description="Predict").add_class("wc-predict")
        self.undo = made(Button, description="Undo", disabled=True).add_class("wc-undo")
        self.reset = made(Button, description="Reset").add_class("wc-reset")
        results = made(VBox, [self.verdict, self.rest]).add_class("wc-results")
        self.root = _panel(made(HBox, [self._form(), results, cloud, self.wish]), "one")
        self.open("1")
        self.predict.on_click(self.update)
        self.undo.on_click(self.take_back)
        self.reset.on_click(lambda _: self._take([""] * len(self.inputs)))
        self.picker.observe(self._picked, names="value")
        self.wish.observe(self._grant, names="value")
        for text in self.inputs.values():
            text.observe(self._changed, names="value")

    def _form(self) -> Widget:
        made = self.made
        note = made(HTML, render("form.html", known=self.predictor.categories, longest=LONGEST))
        title = made(HTML, "<h2>Annual spending</h2>")
        picker = made(VBox, [self.picker.add_class("wc-picker"), self.unknown]).add_class("wc-field")
        fields = [made(VBox, [self.inputs[c], self.errors[c]]).add_class("wc-field") for c in self.inputs]
        buttons = made(HBox, [self.predict, self.undo, self.reset]).add_class("wc-buttons")
        return made(VBox, [title, picker, *fields, buttons, note]).add_class("wc-form").add_class("wc-card")

    def _picked(self, change: dict) -> None:
        if not self.filling:
            self.open(change["new"])

    def open(self, wanted: str) -> None:
        """Fill in the amounts of a customer on record, by number (from 1) or name, and answer."""
        customers, number = len(self.predictor.amounts), wanted.strip().removeprefix("#")
        names = {name.casefold(): str(i) for i, name in enumerate(self.predictor.called or (), start=1)}
        number = names.get(number.casefold(), number)
        if number.isascii() and number.isdecimal() and 1 <= int(number[:18]) <= customers:
            amounts = self.predictor.amounts[int(number) - 1].tolist()
            self._take([*map(format_amount, amounts)], number)
        elif number:
            self.unknown.value = escape(
                f"{number[:40]} is no customer on record: 1 to {customers}", quote=False
            )
            self._tell([text.value for text in self.inputs.values()])

    def _take(self, texts: Sequence[str], picked: str = "") -> None:
        """Put texts into the fields, and answer."""
        self._fill(texts)
        self._pick(picked)
        self.update()

    def _fill(self, texts: Iterable[str], columns: Iterable[str] | None = None) -> None:
        """Write into fields, by default all of them, without an answer to each."""
        self.filling = True
        for column, text in zip(self.inputs if columns is None else columns, texts, strict=True):
            self.inputs[column].value = text
        self.filling = False

    def _pick(self, picked: str) -> None:
        self.filling = True
        self.picker.value, self.unknown.value = picked, ""
        self.filling = False

    def _changed(self, change: dict) -> None:
        """Take what was entered by hand; a copied row goes into the fields from there on, if it fits them."""
        if self.filling:
            return
        place = list(self.inputs.values()).index(change["owner"])
        cells, fields = re.split(BETWEEN, change["new"]), [*self.inputs][place:]
        if len(cells) == len(fields):
            self._fill(cells, fields)
        self._pick("")
        self.update()

    def _grant(self, change: dict) -> None:
        """Do what the page's script wishes: open a customer, fill in or try amounts, pin, draw other tabs."""
        try:
            wish = json.loads(change["new"])
        except ValueError:
            return
        match wish:
            case {"open": str(number)}:
                self.open(number)
            case {"fill": texts, **more} if self._fits(texts):
                if "pinned" in more:
                    self._pin(self._readable(more["pinned"]), more.get("called"))
                self._take(texts)
            case {"try": texts} if amounts := self._readable(texts):
                self.amounts = amounts  # nothing is rewritten while it is typed, and no fault is told
                self._answer(texts, [])
            case {"pin": bool(pin), **more}:
                self._pin(self.amounts if pin else None, more.get("called"))
                self.update()
            case {"others": True}:
                self.draw_others()

    def _pin(self, amounts: dict[str, float] | None, called: object) -> None:
        """Pin a customer, by the name that it was given, or nobody."""
        self.pinned, self.pinned_name = amounts, called[:LONGEST] if isinstance(called, str) else ""

    def draw_others(self) -> None:
        """Draw the points of the map, and the other tabs."""
        for panel, tab in self.others.items():
            panel.value = tab()

    def _fits(self, texts: Any) -> bool:
        """Tell whether this is a list of a text per field."""
        ours = isinstance(texts, list) and len(texts) == len(self.inputs)
        return ours and all(isinstance(text, str) for text in texts)

    def _readable(self, texts: Any) -> dict[str, float] | None:
        """Give the amounts that texts say, a text per field, if all can be read."""
        amounts, faults = self._read(texts if self._fits(texts) else [""] * len(self.inputs))
        return None if faults else amounts

    def _read(self, texts: Iterable[str]) -> tuple[dict[str, float], dict[str, str]]:
        amounts, faults = dict[str, float](), dict[str, str]()
        for (column, field), text in zip(self.inputs.items(), texts, strict=True):
            try:
                amounts[column] = parse_amount(field.description, text)
            except ValueError as error:
                faults[column] = str(error)
        return amounts, faults

    def take_back(self, _: object = None) -> None:
        """Return to the entries before the last ones."""
        self.past.pop()
        picked, *texts = self.past.pop()
        self._take(texts, picked)

    def update(self, _: object = None) -> None:
        """Answer for the amounts, written back as read; if any is at fault, keep the last good answer."""
        amounts, faults = self._read(text.value for text in self.inputs.values())
        self._fill(map(format_amount, amounts.values()), amounts)
        texts = [text.value for text in self.inputs.values()]
        if not any(texts):
            faults = {"": tabs.BLANK}
        if not faults:
            self.amounts = amounts
        for column, beside in self.errors.items():
            beside.value = escape(faults.get(column, ""), quote=False)
        if not self.past or self.past[-1][1:] != texts:
            self.past = [*self.past, [self.picker.value, *texts]][-PAST:]
        self.undo.disabled = len(self.past) < 2
        self._answer(texts, [*faults.values()])

    def _answer(self, texts: list[str], faults: list[str]) -> None:
        """Send the verdict first, as its message is small, and what was heard with it."""
        beside: dict[str, Any] = {"pinned": self.pinned, "pinned_name": self.pinned_name}
        parts = tabs.answer(self.predictor, self.amounts, faults=faults, **beside)
        self.said = next(parts)
        self._tell(texts)
        sys.stdout.flush()  # a kernel sends all that waits, else while the rest is written
        self.rest.value = next(parts)

    def _tell(self, texts: list[str]) -> None:
        """Send the verdict, with what was heard."""
        self.replies += 1
        heard = json.dumps([self.replies, self.picker.value, *texts])
        self.verdict.value = self.said + HEARD.format(heard, tabs.EARLIER)


def field_classes(columns: Sequence[str]) -> dict[str, str]:
    """Give each category's field a CSS class of its own: what one can hold of its name, or its position."""
    slugs: dict[str, str] = {}
    for position, column in enumerate(columns, start=1):
        slug = re.sub("[^A-Za-z0-9_-]+", "_", column)
        while slug in slugs.values() or not re.search("[A-Za-z0-9]", slug):
            slug = f"{slug}-{position}"
        slugs[column] = slug
    return {column: f"wc-input-{slug}" for column, slug in slugs.items()}


def _panel(widget: DOMWidget, name: str) -> DOMWidget:
    return widget.add_class("wc-page").add_class(f"wc-page-{name}")
