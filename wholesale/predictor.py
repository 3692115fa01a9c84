"""The fitted numbers that answers need, and how they are loaded. NumPy only: nothing is unpickled."""

import json
import os
from dataclasses import dataclass, fields
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from wholesale import manifest as store
from wholesale.columns import KINDS, MODELS, Categories
from wholesale.palette import SIMILAR, segment_colours

EVERY = "every model"
ROUNDING = 1e-9  # amounts under this, computed from logarithms, are none
EVIDENCE_TABLE = {
    "votes": {"*": "count"},
    "recommended": "count",
    "sentences": "text *",
    "counts": {"*": {"*": "figure"}},
    "weights?": {"*": {"*": "figure"}},
}


@dataclass(frozen=True, eq=False)
class Predictor:
    """The fitted numbers that answers need; dictionaries are keyed by ``"kmeans"``, ``"gmm"``, ``"ward"``.

    Where no Gaussian mixture was proper, ``"gmm"`` is in no dictionary, and what is the mixture's is None.
    Each field says what is saved, as in the tables of :mod:`wholesale.manifest`, and what it is of: every
    model, one, or a column that not all customers come with.
    """

    categories: Annotated[Categories, store.CATEGORIES, ""]
    mean: Annotated[np.ndarray, "number d", ""]  # of the log1p amounts
    scale: Annotated[np.ndarray, "positive d", ""]
    names: Annotated[dict[str, tuple[str, ...]], "text k", EVERY]
    sizes: Annotated[dict[str, np.ndarray], "count k", EVERY]  # customers on record in each segment
    typical: Annotated[dict[str, np.ndarray], "amount k d", EVERY]  # median amounts
    overlap: Annotated[dict[str, np.ndarray], "share k k", EVERY]  # Jaccard (rows) with K-Means segments
    centers: Annotated[dict[str, np.ndarray], "number k d", EVERY]  # standardized; a mixture's means
    covariance: Annotated[str | None, "covariance", "gmm"]  # the kind of the mixture's covariances
    weights: Annotated[np.ndarray, "positive k", "gmm"]
    precisions_cholesky: Annotated[np.ndarray, "number k d d", "gmm"]  # whatever the kind, as of full ones
    densities: Annotated[np.ndarray, "number n", "gmm"]  # logarithms, cross-validated
    linkage: Annotated[np.ndarray, "amount n-1 4", "ward"]  # merges, as SciPy writes them
    amounts: Annotated[np.ndarray, "amount n d", ""]  # row i is customer i + 1
    channel: Annotated[np.ndarray | None, "number n", "Channel"]  # codes, for display only
    region: Annotated[np.ndarray | None, "number n", "Region"]
    called: Annotated[tuple[str, ...] | None, "words n", "name"]  # what the file calls them, for display only
    segments: Annotated[dict[str, np.ndarray], "count n", EVERY]  # 1…k
    evidence: dict  # votes and weights, counts by k, stability and firmness by model; or empty
    manifest: dict  # versions, date, parameters and metrics of the training

    @cached_property
    def n_segments(self) -> int:
        """Number of segments, k."""
        return len(self.names["kmeans"])

    @cached_property
    def has_mixture(self) -> bool:
        """Whether there is a Gaussian mixture beside the other two models."""
        return "gmm" in self.names

    @cached_property
    def models(self) -> dict[str, str]:
        """The models that there are, with their labels."""
        return {model: label for model, label in MODELS.items() if model in self.names}

    @cached_property
    def displayed(self) -> dict[str, np.ndarray]:
        """The codes of Channel and Region, as far as the customers on record came with them."""
        known = {"Channel": self.channel, "Region": self.region}
        return {column: codes for column, codes in known.items() if codes is not None}

    @cached_property
    def self_placement(self) -> float | None:
        """Share (0…1) of the customers on record that Ward's rule puts into their own segment, if known."""
        return self.manifest.get("metrics", {}).get("ward", {}).get("self_placement")

    @cached_property
    def on_record(self) -> np.ndarray:
        """The customers on record in log-standardized units, shape (n, d)."""
        return self.standardize(self.amounts)

    @cached_property
    def colours(self) -> dict[str, tuple[str, ...]]:
        """The colour of each model's segments."""
        return segment_colours(self.overlap)

    @cached_property
    def log_constants(self) -> np.ndarray:
        """Each component's share of the log-density that no customer changes, weight included; shape (k,)."""
        roots = np.diagonal(self.precisions_cholesky, axis1=1, axis2=2)
        return np.log(self.weights) + np.log(roots).sum(axis=1) - len(self.mean) / 2 * np.log(2 * np.pi)

    @cached_property
    def placing_centers(self) -> np.ndarray:
        """The centres by which a customer is placed, of K-Means and then of Ward; shape (2k, d)."""
        return np.vstack([self.centers["kmeans"], self.centers["ward"]])

    @cached_property
    def similar_to_kmeans(self) -> dict[str, np.ndarray]:
        """By other model, 1 where its segment (rows) is the same as or similar to that of K-Means, else 0."""
        others = {model: overlap for model, overlap in self.overlap.items() if model != "kmeans"}
        return {model: (overlap >= SIMILAR).astype(int) for model, overlap in others.items()}

    @cached_property
    def merge_weights(self) -> np.ndarray:
        """n / (n + 1) of each Ward segment's n customers: the weight of a merge with one more; shape (k,)."""
        return self.sizes["ward"] / (self.sizes["ward"] + 1)

    def standardize(self, amounts: np.ndarray) -> np.ndarray:
        """Turn amounts into log-standardized units; any shape ending in d."""
        return (np.log1p(amounts) - self.mean) / self.scale

    def amounts_at(self, standardized: np.ndarray) -> np.ndarray:
        """Turn log-standardized units back into amounts; what is zero but for rounding is zero."""
        with np.errstate(over="ignore"):  # beyond all numbers, it is infinite
            amounts = np.expm1(self.mean + self.scale * standardized)
        return np.where(amounts < ROUNDING, 0, amounts)


def load_predictor(folder: Path | str | None = None, *, copy: Path | None = None) -> Predictor:
    """Load what answering needs, from JSON; nothing is unpickled.

    Parameters
    ----------
    folder : path, optional
        By default the one that the environment variable ``WHOLESALE_MODELS`` names, or ``models/``. If a file
        in it is missing, altered or of another format, a `BundleError` names the command to retrain.
    copy : path, optional
        Folder to write what was read to, for others to answer from just that.
    """
    folder = Path(folder or os.environ.get(store.MODELS_VARIABLE) or store.MODELS_FOLDER)
    manifest = store.read_manifest(folder)
    content = store.read_files(folder, [store.PREDICTOR], manifest)[store.PREDICTOR]
    if copy is not None:
        store.write_file(copy / store.PREDICTOR, content)
        store.write_file(copy / store.MANIFEST, store.to_json(manifest))
    return predictor_from_json(content, manifest, folder)


def read_folder(folder: Path) -> tuple[Predictor, dict[str, bytes]]:
    """Read every file of a model folder, once all and scikit-learn's version are checked; unpickle none."""
    manifest = store.read_manifest(folder)
    saved, here = manifest["versions"]["scikit-learn"], version("scikit-learn")
    if saved.split(".")[:2] != here.split(".")[:2]:
        raise store.BundleError(f"{folder.name} was made with scikit-learn {saved}, this is {here}", folder)
    kept = store.EVIDENCE in manifest["files"] or os.path.lexists(folder / store.EVIDENCE)
    contents = store.read_files(folder, (*store.FILES, *[store.EVIDENCE] * kept), manifest)
    return predictor_from_json(contents[store.PREDICTOR], manifest, folder), contents


def predictor_from_json(content: bytes, manifest: dict, folder: Path = store.MODELS_FOLDER) -> Predictor:
    """Build a `Predictor` from the bytes of ``predictor.json`` in `folder`, or raise BundleError."""
    with store.in_order(folder, store.PREDICTOR):
        numbers = json.loads(content)
        check_predictor(numbers, manifest)
    about = {"evidence": numbers.pop("evidence", None) or {}, "manifest": manifest}
    none = dict.fromkeys(each.name for each in fields(Predictor))
    about["categories"] = Categories(**_loaded(numbers.pop("categories")))
    return Predictor(**none | {name: _loaded(value) for name, value in numbers.items()} | about)


def check_predictor(numbers: Any, manifest: dict) -> None:
    """Hold numbers against what the fields of `Predictor` say, of the models and sizes of the manifest."""
    k, n, categories = manifest["parameters"]["n_segments"], manifest["customers"], manifest["categories"]
    models = [model for model in KINDS if manifest["metrics"].get(model)]
    stable, firm = dict.fromkeys(models, store.STABILITY), dict.fromkeys(models, "share n")
    warm = {f"{model}?": store.STABILITY for model in models}
    by_model = {"stability": stable, "firmness?": firm, "stability_warm?": warm}
    table: dict[str, Any] = {"evidence?": EVIDENCE_TABLE | by_model}
    for each in fields(Predictor):
        wanted, of = getattr(each.type, "__metadata__", ("", None))
        if of in ("", EVERY, *models, *manifest["displayed"], *(["name"] if categories.get("name") else [])):
            table[each.name] = dict.fromkeys(models, wanted) if of == EVERY else wanted
    store.check(numbers, table, {"k": k, "d": len(categories["columns"]), "n": n, "n-1": n - 1, "4": 4})
    if numbers["categories"] != categories:
        raise store.Misfit("categories")
    if any(not 1 <= segment <= k for model in models for segment in numbers["segments"][model]):
        raise store.Misfit("segments")


def _loaded(value: Any) -> Any:
    """Turn lists into arrays of numbers or tuples of text; null is missing."""
    if isinstance(value, dict):
        return {key: _loaded(inner) for key, inner in value.items() if inner is not None}
    if not isinstance(value, list):
        return value
    array = np.array(value)
    return tuple(value) if array.dtype.kind == "U" else array


def owners(linkage: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """Return the segment (1…k) in which each of a tree's 2n - 1 nodes lies, 0 for a merge of several."""
    owner = np.concatenate([segments, np.zeros(len(linkage), dtype=int)])
    for node, (left, right) in enumerate(linkage[:, :2].astype(int), start=len(segments)):
        owner[node] = owner[left] if owner[left] == owner[right] else 0
    return owner


def cut_height(linkage: np.ndarray, n_segments: int) -> float:
    """Return the height midway between the last merge within a segment and the first across segments."""
    heights = np.concatenate([[0.0], linkage[:, 2], [linkage[-1, 2] * 1.05]])
    last = len(linkage) + 1 - n_segments
    return float(heights[last : last + 2].mean())
