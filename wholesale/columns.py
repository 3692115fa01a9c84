"""The words of the data set and of its models: names, labels, units and codes, which both halves share."""

from dataclasses import dataclass
from typing import Any

SPEND_COLUMNS = ("Fresh", "Milk", "Grocery", "Frozen", "Detergents_Paper", "Delicassen")
"""The six spending categories, in the order of every matrix in this project."""

LABELS = {column: column.replace("_", " and ") for column in SPEND_COLUMNS}
"""How a category is written for people, e.g. ``"Detergents and Paper"``."""

UNIT = "m.u."
"""Monetary units per year; the source does not say which currency."""

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


RESTARTS = dict.fromkeys(("tried", "reached", "degenerate"), "count")
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
        {"covariance": "covariance", "bic": "number", "restarts": RESTARTS},
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
