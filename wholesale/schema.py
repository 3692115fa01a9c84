"""What the two JSON files of a model folder must hold, as plain tables; standard library only.

``"amount k d"`` is k lists of d amounts each, for k segments, d categories and n customers on record. A key
that ends in ``?`` may be missing, null or empty; ``*`` is any key, or any length.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from math import ulp
from sys import float_info
from typing import Any

from wholesale.columns import MODELS, SPEND_COLUMNS

LIBRARIES = ("scikit-learn", "numpy", "scipy", "pandas", "joblib")
FILES = ("scaler.pkl", "kmeans.pkl", "gmm.pkl", "agg.pkl", "predictor.json")
EVIDENCE = "evidence.json"
EXACT, MOST = 2**53, float_info.max
"""Whole numbers up to `EXACT` are the same as floats; what is above `MOST` is infinite."""


class Misfit(ValueError):
    """The message is the place at which a value is not as its table says."""


def _number(least: float = -MOST, most: float = MOST, *types: type) -> Callable[[Any], bool]:
    """Tell finite numbers of some types from all else; True and False are none unless asked for."""
    types = types or (int, float)
    return lambda its: (
        type(its) in types and least <= its <= (most if type(its) is float else min(most, EXACT))
    )


def _text(form: str) -> Callable[[Any], bool]:
    return lambda its: type(its) is str and re.fullmatch(form, its, re.DOTALL) is not None


KINDS = {
    "text": _text(".+"),
    "date": _text(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00"),
    "sha256": _text("[0-9a-f]{64}"),
    "column": _text("Channel|Region"),
    "covariance": _text("full|tied|diag|spherical"),
    "number": _number(-MOST),
    "positive": _number(ulp(0)),
    "amount": _number(0),
    "share": _number(0, 1),
    "count": _number(0, MOST, int),
    "figure": _number(-MOST, MOST, int, float, bool),
}
STABILITY = {**dict.fromkeys(("jaccard", "recovered", "dissolved"), "share k"), "band": "text k"}
FIT = {"sizes": "count k", "silhouette": "number", "stability?": STABILITY}
RESTARTS = dict.fromkeys(("tried", "reached", "degenerate"), "count")
SETTINGS = {
    "init_params": "text *",
    "restarts": "count",
    "tol": "positive",
    "max_eigenvalue_ratio": "positive",
}

MANIFEST_TABLE = {
    "format": "count",
    "trained": "date",
    "python": "text",
    "versions": dict.fromkeys(LIBRARIES, "text"),
    "source?": {"file": "text", "accepted": "count", "rejected": "count"},
    "customers": "count",
    "drawn_from": "count",
    "customers_sha256": "sha256",
    "displayed": "column *",
    "seed": "count",
    "parameters": {"n_segments": "count", "gmm": SETTINGS},
    "metrics": {
        "kmeans": {**FIT, "inertia": "amount"},
        "gmm?": {**FIT, "covariance": "covariance", "bic": "number", "restarts": RESTARTS},
        "ward": {**FIT, "self_placement": "share"},
    },
    "files": {**dict.fromkeys(FILES, "sha256"), f"{EVIDENCE}?": "sha256"},
    "manifest_sha256": "sha256",
}
MIXTURE_TABLE = {
    "covariance": "covariance",
    "weights": "positive k",
    "precisions_cholesky": "number k d d",
    "densities": "number n",
}


def predictor_table(manifest: dict) -> dict:
    """Give the table of a predictor; its manifest says whether there is a mixture, a Channel or a Region."""
    mixture = MIXTURE_TABLE if manifest["metrics"].get("gmm") else {}
    models = [model for model in MODELS if mixture or model != "gmm"]
    return {
        "mean": "number d",
        "scale": "positive d",
        "names": dict.fromkeys(models, "text k"),
        "sizes": dict.fromkeys(models, "count k"),
        "typical": dict.fromkeys(models, "amount k d"),
        "overlap": dict.fromkeys(models, "share k k"),
        "centers": dict.fromkeys(models, "number k d"),
        **mixture,
        "linkage": "amount n-1 4",
        "amounts": "amount n d",
        **{column.lower(): "number n" for column in manifest["displayed"]},
        "segments": dict.fromkeys(models, "count n"),
        "evidence?": {
            "votes": {"*": "count"},
            "recommended": "count",
            "sentences": "text *",
            "counts": {"*": {"*": "figure"}},
            "stability": dict.fromkeys(models, STABILITY),
        },
    }


def check_manifest(manifest: dict) -> None:
    """Hold a manifest against its table, or raise `Misfit`."""
    check(manifest, MANIFEST_TABLE, {"k": None})
    check(manifest, MANIFEST_TABLE, {"k": manifest["parameters"]["n_segments"]})


def check_predictor(numbers: Any, manifest: dict) -> dict:
    """Hold a predictor's numbers against the table that its manifest asks for, or raise `Misfit`; give it."""
    k, n, table = manifest["parameters"]["n_segments"], manifest["customers"], predictor_table(manifest)
    check(numbers, table, {"k": k, "d": len(SPEND_COLUMNS), "n": n, "n-1": n - 1, "4": 4})
    if not all(set(its) <= set(range(1, k + 1)) for its in numbers["segments"].values() if its):
        raise Misfit("segments")
    return table


def check(value: Any, wanted: dict | str, sizes: Mapping[str, int | None], place: str = "content") -> None:
    """Hold a value against a table, or raise `Misfit`; null is missing, and nothing unknown may be there."""
    if isinstance(wanted, str):
        kind, *letters = wanted.split()
        if not _fits(value, KINDS[kind], [sizes.get(letter) for letter in letters]):
            raise Misfit(place)
        return
    if type(value) is not dict:
        raise Misfit(place)
    there = {key: one for key, one in value.items() if one is not None}
    for key, its in (dict.fromkeys(there, wanted["*"]) if "*" in wanted else wanted).items():
        one = there.pop(name := key.removesuffix("?"), None)
        if name == key or one not in (None, {}):
            check(one, its, sizes, f"{place}.{name}")
    if there:
        raise Misfit(place)


def _fits(value: Any, fits: Callable[[Any], bool], shape: list[int | None]) -> bool:
    if not shape:
        return fits(value)
    inner = partial(_fits, fits=fits, shape=shape[1:]) if shape[1:] else fits
    return type(value) is list and shape[0] in (None, len(value)) and all(map(inner, value))
