"""The fitted whole: trained, saved, and loaded only when every file is what was saved."""

import io
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.metrics import silhouette_score
from sklearn.pipeline import Pipeline

from wholesale import manifest as store
from wholesale import models, segments
from wholesale.columns import CODES, MODELS, WHOLESALE, Categories
from wholesale.criteria import check_fit
from wholesale.evidence.saved import check_weighable, compute, customers_hash, summary
from wholesale.manifest import MODELS_FOLDER, BundleError
from wholesale.predictor import Predictor, predictor_from_json, read_folder
from wholesale.preprocessing import log_standardizer

__all__ = ["Bundle", "BundleError", "Source", "load_bundle", "save_bundle", "train"]

LARGEST = 10_000  # that are fitted at most: Ward's memory grows with the square, measured 0.8 GB for so many


@dataclass(frozen=True)
class Source:
    """The customers' file, and how many of its rows were accepted and rejected."""

    file: str
    accepted: int
    rejected: int = 0


@dataclass(frozen=True, eq=False)
class Bundle:
    """Three fitted models with what makes their answers readable.

    Attributes
    ----------
    standardizer : Pipeline
        Amounts to the log-standardized matrix.
    fits : dict of str to KMeans, GaussianMixture or AgglomerativeClustering
        By model; ``bundle.kmeans`` is short for ``bundle.fits["kmeans"]``. Renumbered: label i is segment
        i + 1. The mixture is None where none was proper.
    predictor : Predictor
        The fitted numbers, names and profiles; what everything served reads.
    numbers : bytes
        The same as JSON, the content of ``predictor.json``.
    manifest : dict
        Versions, date, parameters, metrics and file hashes.
    """

    standardizer: Pipeline
    fits: dict[str, Any]
    predictor: Predictor
    numbers: bytes
    manifest: dict

    def __getattr__(self, name: str) -> Any:
        if name in MODELS:
            return self.fits[name]
        raise AttributeError(f"a bundle has no {name}")

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Each model's segment names, in segment order."""
        return self.predictor.names

    @property
    def labels(self) -> dict[str, np.ndarray]:
        """Each model's segments, 1…k, of the customers it was trained on."""
        return self.predictor.segments


def train(
    customers: pd.DataFrame,
    n_segments: int = 3,
    *,
    categories: Categories = WHOLESALE,
    random_state: int = models.SEED,
    source: Source | None = None,
    folder: Path = MODELS_FOLDER,
    weigh: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> Bundle:
    """Fit the three models and everything that is said about their segments.

    The mixture is of the first kind of covariances with a proper optimum; without any there is none.

    Parameters
    ----------
    customers : DataFrame
        The amounts. ``Channel`` and ``Region``, if there are any, and the customers' names, if the
        categories say where, are kept for display; no fit sees them. Of more than 10,000 customers that
        many are drawn at random and fitted. A ValueError says in one sentence why they cannot be segmented.
    categories : Categories
        Which of the columns are amounts, and how they are spoken of.
    source : Source, optional
        Where the customers come from, for the manifest.
    folder : Path
        Whose ``evidence.json`` is summed up, if it is of these customers and this number of segments.
    weigh : bool
        Whether to make that evidence first; it takes minutes.
    progress : callable
        Told each step as it begins.
    """
    everybody = len(customers)
    if everybody > LARGEST:
        drawn = np.random.default_rng(random_state).choice(everybody, LARGEST, replace=False)
        customers = customers.iloc[np.sort(drawn)]
    categories = categories if categories.name in customers else replace(categories, name=None)
    amounts = customers[list(categories.columns)]
    progress("log and standardize")
    spend = amounts.to_numpy(dtype=float)
    check_fit(np.log1p(spend), [n_segments], categories.labels)
    standardizer = log_standardizer().fit(amounts)
    X = standardizer.transform(amounts)
    if weigh:
        check_weighable(X, n_segments)
    fits, labels = dict[str, Any](), dict[str, np.ndarray]()
    for model, kind in models.FITTINGS.items():
        progress(MODELS[model])
        fits[model] = fit = kind.fit(X, n_segments, random_state=random_state)
        if fit is not None:
            raw = models.labels_of(fit, X)
            order = segments.match_order(labels["kmeans"], raw) if labels else segments.size_order(raw)
            labels[model] = models.labels_of(segments.renumber(fit, order), X) + 1
    if weigh:
        for task, done, tasks in compute(customers, spend, X, fits, labels, folder):
            progress(f"evidence {done + 1} of {tasks}: {task}")
    progress("familiarity")
    evidence = summary(customers, n_segments, folder) or summary(customers, n_segments)
    fitted = _numbers(customers, categories, standardizer["standardize"], X, fits, labels)
    numbers = store.to_json({**fitted, "evidence": evidence})
    progress("measures")
    manifest = _provenance(customers, source, n_segments, random_state, drawn_from=everybody)
    manifest["categories"] = fitted["categories"]
    manifest["metrics"] = _measures(X, fits, labels, evidence.get("stability", {}))
    predictor = predictor_from_json(numbers, manifest)
    return Bundle(standardizer, fits, predictor, numbers, manifest)


def _numbers(
    customers: pd.DataFrame, categories: Categories, scaler: Any, X: np.ndarray, fits: dict, labels: dict
) -> dict:
    """Collect what a `Predictor` holds, as plain lists."""
    amounts = customers[list(categories.columns)]
    profiles = {model: segments.profile_segments(amounts, each, categories) for model, each in labels.items()}
    kinds = {model: models.FITTINGS[model] for model in labels}
    centers = {m: getattr(fits[m], kinds[m].centers, each["standardized"]) for m, each in profiles.items()}
    numbers: dict[str, Any] = {
        "categories": asdict(categories),
        "mean": scaler.mean_,
        "scale": scaler.scale_,
        "names": segments.name_models(profiles, labels, categories),
        "sizes": {model: each["customers", "size"] for model, each in profiles.items()},
        "typical": {model: each["typical"][amounts.columns] for model, each in profiles.items()},
        "overlap": {model: segments.overlap(labels["kmeans"], each) for model, each in labels.items()},
        "centers": centers,
    }
    for model, kind in kinds.items():
        numbers |= kind.numbers(fits[model], X)
    outside = {column.lower(): customers[column] for column in CODES if column in customers}
    outside |= {"called": customers[categories.name].astype(str)} if categories.name else {}
    return _plain(numbers | {"amounts": amounts} | outside | {"segments": labels})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(leaf) for key, leaf in value.items()}
    return np.asarray(value).tolist()


def _measures(X: np.ndarray, fits: dict[str, Any], labels: dict[str, np.ndarray], stability: dict) -> dict:
    """Measure the fits: sizes, silhouettes, stability if known, and what is particular; None for no fit."""
    metrics: dict[str, Any] = dict.fromkeys(fits)
    for model, each in labels.items():
        sizes, silhouette = np.bincount(each)[1:].tolist(), float(silhouette_score(X, each))
        known = {"stability": stability[model]} if model in stability else {}
        particular = models.FITTINGS[model].metrics(fits[model], X)
        metrics[model] = {"sizes": sizes, "silhouette": silhouette, **known, **particular}
    return metrics


def _provenance(
    customers: pd.DataFrame, source: Source | None, n_segments: int, random_state: int, *, drawn_from: int
) -> dict:
    """Say what made a bundle: the manifest but for metrics and files."""
    search = {"init_params": models.INIT_PARAMS, "restarts": models.RESTARTS, "tol": models.TOL}
    search["max_eigenvalue_ratio"] = models.MAX_EIGENVALUE_RATIO
    return {
        "trained": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "versions": {library: version(library) for library in store.LIBRARIES},
        "source": asdict(source) if source else {},
        "customers": len(customers),
        "drawn_from": drawn_from,
        "customers_sha256": customers_hash(customers),
        "displayed": [column for column in CODES if column in customers],
        "seed": random_state,
        "parameters": {"n_segments": n_segments, "gmm": search},
    }


def save_bundle(bundle: Bundle, folder: Path | str = MODELS_FOLDER) -> Bundle:
    """Save a bundle, each file aside and renamed, the manifest last; give it with their hashes."""
    parts, files = {"standardizer": bundle.standardizer} | bundle.fits, {}
    for part, name in store.PICKLES.items():
        joblib.dump(parts[part], buffer := io.BytesIO())
        files[name] = buffer.getvalue()
    manifest = store.write_files(Path(folder), {**files, store.PREDICTOR: bundle.numbers}, bundle.manifest)
    return replace(bundle, manifest=manifest, predictor=replace(bundle.predictor, manifest=manifest))


def load_bundle(folder: Path | str = MODELS_FOLDER) -> Bundle:
    """Load a bundle for analysis. It unpickles, but only files whose hashes the manifest confirms.

    A `BundleError` comes before anything is unpickled, if a file is missing, truncated or altered, the format
    version differs, or scikit-learn is of another major.minor version.
    """
    predictor, contents = read_folder(Path(folder))
    fits = {part: joblib.load(io.BytesIO(contents[name])) for part, name in store.PICKLES.items()}
    return Bundle(fits.pop("standardizer"), fits, predictor, contents[store.PREDICTOR], predictor.manifest)
