"""The words of the data set and of its models: names, labels, units and codes, which both halves share."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from wholesale.wording import csv_of

SPEND_COLUMNS = ("Fresh", "Milk", "Grocery", "Frozen", "Detergents_Paper", "Delicassen")
"""The six spending categories of the data set, in the order of every matrix that is made of it."""


NOTABLE = 0.25  # standard deviations from the average of all customers from which a group enters a name


@dataclass(frozen=True)
class Categories:
    """What is measured of each customer: so many categories of spending, in one unit, over one period."""

    columns: tuple[str, ...]  # as files name them
    labels: tuple[str, ...]  # as they are written for people
    unit: str = "m.u."
    period: str = "a year"
    name: str | None = None  # the column of the customers' own names
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)  # of which names of segments speak
    spellings: dict[str, str] = field(default_factory=dict)  # of columns, as `reading.header.plain` has them

    @cached_property
    def per_period(self) -> str:
        """The unit of an amount, for people: ``"m.u. a year"``."""
        return f"{self.unit} {self.period}".strip()

    @property
    def title(self) -> str:
        """What a page on segments of such customers is called."""
        return "Wholesale customer segments" if self == WHOLESALE else "Customer segments"

    @property
    def options(self) -> list[str]:
        """Say the same on the command line of ``train``, where nothing said means those of the data set."""
        if self == WHOLESALE:
            return []
        told = [("--categories", csv_of([self.columns])), ("--unit", self.unit), ("--id", self.name)]
        told += [("--group", f"{group}={csv_of([columns])}") for group, columns in self.groups.items()]
        return [word.strip() for option, value in told if value for word in (option, value)]

    @cached_property
    def by_group(self) -> dict[str, tuple[str, ...]]:
        """What names of segments speak of: the groups, and each category that is in none by its label."""
        grouped = {column for columns in self.groups.values() for column in columns}
        alone = {self.label(column): (column,) for column in self.columns if column not in grouped}
        return {group: tuple(columns) for group, columns in self.groups.items()} | alone

    @cached_property
    def _labels(self) -> dict[str, str]:
        return dict(zip(self.columns, self.labels, strict=True))

    def label(self, column: str) -> str:
        """Write a category for people; other columns as they are."""
        return self._labels.get(column, column)


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
    """A kind of model; `metrics` is the table, as in the manifest's, of what is measured of it alone."""

    label: str
    pickle: str
    about: str  # what it is, of so many segments
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
