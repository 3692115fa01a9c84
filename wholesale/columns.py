"""The words of the data set: column names, labels, units and codes.

Both halves of the package share them, so this module imports nothing.
"""

SPEND_COLUMNS = ("Fresh", "Milk", "Grocery", "Frozen", "Detergents_Paper", "Delicassen")
"""The six spending categories, in the order of every matrix in this project."""

LABELS = {column: column.replace("_", " and ") for column in SPEND_COLUMNS}
"""How a category is written for people, e.g. ``"Detergents and Paper"``."""

UNIT = "m.u."
"""Monetary units per year; the source does not say which currency."""

CHANNELS = {1: "Horeca", 2: "Retail"}
"""Horeca is hotel, restaurant and café."""

REGIONS = {1: "Lisbon", 2: "Oporto", 3: "Other"}

MODELS = {"kmeans": "K-Means", "gmm": "Gaussian mixture", "ward": "Ward"}
"""The three models, keyed as in every dictionary, file and column of this project."""

ANSWERS = (
    *(f"{model}_{part}" for model in MODELS for part in ("segment", "name")),
    *("agreement", "clarity", "familiarity", "unfamiliar"),
)
"""The columns of an answer for many customers, beside the mixture's ``gmm_p1``…``gmm_pk``."""
