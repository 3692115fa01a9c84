"""The fitted numbers that answers need, and how they are loaded. NumPy only: nothing is unpickled."""

import os
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from wholesale.columns import MODELS
from wholesale.manifest import (
    MANIFEST,
    MODELS_FOLDER,
    MODELS_VARIABLE,
    PREDICTOR,
    read_files,
    read_manifest,
    read_predictor,
    to_json,
    write_file,
)
from wholesale.palette import segment_colours


@dataclass(frozen=True, eq=False)
class Predictor:
    """The fitted numbers that answers need; dictionaries are keyed by ``"kmeans"``, ``"gmm"``, ``"ward"``.

    Where no Gaussian mixture was proper, ``"gmm"`` is in no dictionary, and what is the mixture's is None.
    """

    mean: np.ndarray  # of the log1p amounts, (6,)
    scale: np.ndarray
    names: dict[str, tuple[str, ...]]
    sizes: dict[str, np.ndarray]  # customers on record in each segment
    typical: dict[str, np.ndarray]  # median amounts of each segment, (k, 6)
    overlap: dict[str, np.ndarray]  # Jaccard of a model's segments (rows) with the K-Means segments
    centers: dict[str, np.ndarray]  # in standardized units, (k, 6); for the GMM, component means
    covariance: str | None  # the kind of the mixture's covariances
    weights: np.ndarray | Any  # these three are None where there is no mixture
    precisions_cholesky: np.ndarray | Any  # (k, 6, 6) whatever the kind, as scikit-learn's full ones
    densities: np.ndarray | Any  # log-density of each customer on record, cross-validated
    linkage: np.ndarray  # Ward merges, as SciPy writes them
    amounts: np.ndarray  # of the customers on record, (n, 6); row i is customer i + 1
    channel: np.ndarray | None  # codes, for display only; None where the customers came without
    region: np.ndarray | None
    segments: dict[str, np.ndarray]  # of the customers on record, 1…k
    evidence: dict  # votes, recommended, sentences, counts by k, stability by model; or empty
    manifest: dict  # versions, date, parameters and metrics of the training

    @property
    def n_segments(self) -> int:
        """Number of segments, k."""
        return len(self.names["kmeans"])

    @property
    def has_mixture(self) -> bool:
        """Whether there is a Gaussian mixture beside the other two models."""
        return "gmm" in self.names

    @property
    def models(self) -> dict[str, str]:
        """The models that there are, with their labels."""
        return {model: label for model, label in MODELS.items() if model in self.names}

    @property
    def displayed(self) -> dict[str, np.ndarray]:
        """The codes of Channel and Region, as far as the customers on record came with them."""
        known = {"Channel": self.channel, "Region": self.region}
        return {column: codes for column, codes in known.items() if codes is not None}

    @property
    def self_placement(self) -> float | None:
        """Share (0…1) of the customers on record that Ward's rule puts into their own segment, if known."""
        return self.manifest.get("metrics", {}).get("ward", {}).get("self_placement")

    @cached_property
    def on_record(self) -> np.ndarray:
        """The customers on record in log-standardized units, shape (n, 6)."""
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
    def merge_weights(self) -> np.ndarray:
        """n / (n + 1) of each Ward segment's n customers: the weight of a merge with one more; shape (k,)."""
        return self.sizes["ward"] / (self.sizes["ward"] + 1)

    def standardize(self, amounts: np.ndarray) -> np.ndarray:
        """Turn amounts in m.u. into log-standardized units; any shape ending in 6."""
        return (np.log1p(amounts) - self.mean) / self.scale


def load_predictor(folder: Path | str | None = None, *, copy: Path | None = None) -> Predictor:
    """Load what answering needs, from JSON; nothing is unpickled.

    Parameters
    ----------
    folder : path, optional
        By default the one that the environment variable ``WHOLESALE_MODELS`` names, or ``models/``.
    copy : path, optional
        Folder to write what was read to, for others to answer from just that.

    Raises
    ------
    BundleError
        If a file is missing, altered or of another format version; it names the command to retrain.
    """
    folder = Path(folder or os.environ.get(MODELS_VARIABLE) or MODELS_FOLDER)
    manifest = read_manifest(folder)
    content = read_files(folder, [PREDICTOR], manifest)[PREDICTOR]
    if copy is not None:
        write_file(copy / PREDICTOR, content)
        write_file(copy / MANIFEST, to_json(manifest))
    return predictor_from_json(content, manifest, folder)


def predictor_from_json(content: bytes, manifest: dict, folder: Path = MODELS_FOLDER) -> Predictor:
    """Build a `Predictor` from the bytes of ``predictor.json`` in `folder`, or raise BundleError."""
    numbers = read_predictor(content, manifest, folder)
    about = {"evidence": numbers.pop("evidence", None) or {}, "manifest": manifest}
    none = dict.fromkeys(field.name for field in fields(Predictor))
    return Predictor(**none | {name: _loaded(value) for name, value in numbers.items()} | about)


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
