"""The fitted numbers that answers need, and how they are loaded. NumPy only: nothing is unpickled."""

import os
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from wholesale.columns import CHANNELS, MODELS, REGIONS
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

    Attributes
    ----------
    mean, scale : ndarray of shape (6,)
        Of the log1p amounts.
    names : dict of tuple of str
    sizes : dict of ndarray of shape (k,)
        Customers on record in each segment.
    typical : dict of ndarray of shape (k, 6)
        Median amounts of each segment, in m.u.
    overlap : dict of ndarray of shape (k, k)
        Jaccard of a model's segments (rows) with the K-Means segments (columns).
    centers : dict of ndarray of shape (k, 6)
        Segment centres in standardized units; for the GMM, component means.
    covariance : str, optional
        The kind of the mixture's covariances: full, tied, diag or spherical.
    weights : ndarray of shape (k,), optional
        Mixture weights.
    precisions_cholesky : ndarray of shape (k, 6, 6), optional
        As in :class:`sklearn.mixture.GaussianMixture` with full covariances, whatever the kind.
    densities : ndarray of shape (n,), optional
        Log-density of each customer on record, by a mixture that did not see it (cross-validated).
    linkage : ndarray of shape (n - 1, 4)
        Ward merges, as in :func:`scipy.cluster.hierarchy.linkage`.
    amounts : ndarray of shape (n, 6)
        The customers on record, in m.u.; row i is customer i + 1.
    channel, region : ndarray of shape (n,), optional
        Their codes, for display only; None where the customers came without.
    segments : dict of ndarray of shape (n,)
        Their segments, 1…k.
    evidence : dict
        What ``make evidence`` found: ``votes``, ``recommended``, ``sentences``, ``counts`` by k, and
        ``stability`` by model; empty where it was not made for these customers.
    manifest : dict
        Versions, date, parameters and metrics of the training.
    """

    mean: np.ndarray
    scale: np.ndarray
    names: dict[str, tuple[str, ...]]
    sizes: dict[str, np.ndarray]
    typical: dict[str, np.ndarray]
    overlap: dict[str, np.ndarray]
    centers: dict[str, np.ndarray]
    covariance: str | None
    weights: np.ndarray | Any  # these three are None where there is no mixture
    precisions_cholesky: np.ndarray | Any
    densities: np.ndarray | Any
    linkage: np.ndarray
    amounts: np.ndarray
    channel: np.ndarray | None
    region: np.ndarray | None
    segments: dict[str, np.ndarray]
    evidence: dict
    manifest: dict

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
    def displayed(self) -> tuple[str, ...]:
        """Which of Channel and Region the customers on record came with."""
        known = {"Channel": self.channel, "Region": self.region}
        return tuple(name for name, codes in known.items() if codes is not None)

    def channel_and_region(self, i: int) -> tuple[str | None, str | None]:
        """Words for row `i`'s Channel and Region; None where they are not known."""
        return _word(self.channel, i, CHANNELS, "Channel"), _word(self.region, i, REGIONS, "Region")

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
        By default the one that the environment variable ``WHOLESALE_MODELS`` names, or the project's
        ``models/``.
    copy : path, optional
        Folder to write what was read to, for others to answer from just that.

    Returns
    -------
    Predictor

    Raises
    ------
    BundleError
        If a file is missing, altered or of another format version, in one sentence with the command
        to retrain.
    """
    folder = Path(folder or os.environ.get(MODELS_VARIABLE) or MODELS_FOLDER)
    manifest = read_manifest(folder)
    content = read_files(folder, [PREDICTOR], manifest)[PREDICTOR]
    if copy is not None:
        write_file(copy / PREDICTOR, content)
        write_file(copy / MANIFEST, to_json(manifest))
    return predictor_from_json(content, manifest, folder)


def predictor_from_json(content: bytes, manifest: dict, folder: Path = MODELS_FOLDER) -> Predictor:
    """Build a `Predictor` from ``predictor.json``; BundleError if it is not as its table says."""
    numbers, table = read_predictor(content, manifest, folder)
    known = dict.fromkeys(field.name for field in fields(Predictor))
    arrays = {name: _loaded(numbers[name], its) for name, its in table.items() if name in known}
    about = {"evidence": numbers.get("evidence") or {}, "manifest": manifest}
    return Predictor(**known | arrays | about)


def _loaded(value: Any, wanted: dict | str) -> Any:
    """Turn lists into what the table says: arrays of numbers, tuples of text."""
    if isinstance(wanted, dict):
        return {key: _loaded(value[key], its) for key, its in wanted.items()}
    if " " not in wanted:
        return value
    return tuple(value) if wanted.startswith("text") else np.array(value)


def _word(codes: np.ndarray | None, i: int, words: dict[int, str], title: str) -> str | None:
    return None if codes is None else words.get(int(codes[i]), f"{title} {codes[i]}")
