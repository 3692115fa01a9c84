"""The words of the data set and of its models: names, labels, units and codes, which both halves share."""

from dataclasses import dataclass, field
from typing import Any

from wholesale.wording import csv_of

SPEND_COLUMNS = ("Fresh", "Milk", "Grocery", "Frozen", "Detergents_Paper", "Delicassen")
"""The six spending categories of the data set, in the order of every matrix that is made of it."""


@dataclass(frozen=True)
class Categories:
    """What is measured of each customer: so many categories of spending, in one unit, over one period.

    `columns` are their names in files, `labels` how they are written for people; `groups` are categories that
    names of segments speak of together; `spellings` are other names of columns, as
    :func:`wholesale.reading.header.plain` writes them; `name` is the column of the customers' own names.
    """

    columns: tuple[str, ...]
    labels: tuple[str, ...] = ()
    unit: str = "m.u."
    period: str = "a year"
    name: str = ""
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    spellings: dict[str, str] = field(default_factory=dict)

    @property
    def per_period(self) -> str:
        """The unit of an amount, for people: ``"m.u. a year"``."""
        return f"{self.unit} {self.period}".strip()

    def as_dict(self) -> dict:
        """Give what is known as what JSON knows."""
        known = {name: value for name, value in vars(self).items() if value}
        groups = {group: list(columns) for group, columns in self.groups.items()}
        lists = {name: list(value) for name, value in known.items() if isinstance(value, tuple)}
        return known | lists | ({"groups": groups} if groups else {})

    @property
    def options(self) -> list[str]:
        """Say the same on the command line of ``train``."""
        lines = [f"{group}={csv_of([columns]).strip()}" for group, columns in self.groups.items()]
        named = ["--id", self.name] if self.name else []
        groups = [word for line in lines for word in ("--group", line)]
        return ["--categories", csv_of([self.columns]).strip(), "--unit", self.unit, *named, *groups]

    def label(self, column: str) -> str:
        """Write a category for people; other columns as they are."""
        return dict(zip(self.columns, self.labels, strict=True)).get(column, column)


WHOLESALE = Categories(
    SPEND_COLUMNS,
    tuple(column.replace("_", " and ") for column in SPEND_COLUMNS),
    groups={
        "staples": ("Milk", "Grocery", "Detergents_Paper"),
        "fresh": ("Fresh", "Frozen"),
        "deli": ("Delicassen",),
    },
    spellings={
        "detergentsandpaper": "detergentspaper",
        "detergents+paper": "detergentspaper",
        "delicatessen": "delicassen",
    },
)
"""Those of the data set; monetary units, as the source does not say which currency."""

CHANNELS = {1: "Horeca", 2: "Retail"}
"""Horeca is hotel, restaurant and café."""

REGIONS = {1: "Lisbon", 2: "Oporto", 3: "Other"}
CODES = {"Channel": CHANNELS, "Region": REGIONS}
"""What is known of some customers, shown beside them, and enters no fit."""


@dataclass(frozen=True)
class Kind:
    """A kind of model: its label, its pickle, what it is (of so many segments), if it may be missing.

    `metrics` is the table, as in :mod:`wholesale.manifest`, of what is measured of no other model.
    """

    label: str
    pickle: str
    about: str
    metrics: dict[str, Any]
    optional: bool = False


KINDS = {
    "kmeans": Kind(
        "K-Means",
        "kmeans.pkl",
        "%s centres; a customer belongs to the nearest. The colours follow this model.",
        {"inertia": "amount"},
    ),
    "gmm": Kind(
        "Gaussian mixture",
        "gmm.pkl",
        "%s overlapping clouds, each with its own shape; a customer belongs to each with a probability.",
        {
            "covariance": "covariance",
            "bic": "number",
            "restarts": dict.fromkeys(("tried", "reached", "degenerate"), "count"),
        },
        optional=True,
    ),
    "ward": Kind(
        "Ward",
        "agg.pkl",
        "A tree of customers, cut into %s branches. For analysis: a new one can only be placed on it.",
        {"self_placement": "share"},
    ),
}
"""By the key of a model in every dictionary, file and column; K-Means numbers the segments of all."""

MODELS = {model: kind.label for model, kind in KINDS.items()}

ANSWERS = (
    *(f"{model}_{part}" for model in MODELS for part in ("segment", "name")),
    *("agreement", "clarity", "familiarity", "unfamiliar"),
)
"""The columns of an answer for many customers, beside the mixture's ``gmm_p1``…``gmm_pk``."""
