"""The fitted whole: trained, saved, and loaded only when every file is what was saved."""

import io
import platform
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import Pipeline

from wholesale import models, segments
from wholesale.checks import check_fit
from wholesale.columns import LABELS, SPEND_COLUMNS
from wholesale.evidence.saved import check_weighable, compute, customers_hash, summary
from wholesale.manifest import (
    LIBRARIES,
    MODELS_FOLDER,
    PREDICTOR,
    BundleError,
    check_folder,
    read_files,
    to_json,
    write_files,
)
from wholesale.predictor import Predictor, predictor_from_json
from wholesale.preprocessing import log_standardizer

__all__ = ["Bundle", "BundleError", "Source", "load_bundle", "save_bundle", "train"]

PICKLES = {"standardizer": "scaler.pkl", "kmeans": "kmeans.pkl", "gmm": "gmm.pkl", "ward": "agg.pkl"}


LARGEST = 10_000
"""Customers that are fitted at most. Ward's memory grows with their square: measured, 0.8 GB for so many."""


@dataclass(frozen=True)
class Source:
    """Where the customers come from: the file's name, and how many of its rows were accepted and rejected."""

    file: str
    accepted: int
    rejected: int = 0


@dataclass(frozen=True, eq=False)
class Bundle:
    """Three fitted models with what makes their answers readable.

    Attributes
    ----------
    standardizer : Pipeline
        Amounts in m.u. to the log-standardized matrix.
    kmeans, gmm, ward : KMeans, GaussianMixture, AgglomerativeClustering
        Renumbered: label i is segment i + 1. The mixture is None where none was proper.
    predictor : Predictor
        The fitted numbers, names and profiles; what everything served reads.
    numbers : bytes
        The same as JSON, the content of ``predictor.json``.
    manifest : dict
        Versions, date, parameters, metrics and file hashes.
    """

    standardizer: Pipeline
    kmeans: KMeans
    gmm: GaussianMixture | None
    ward: AgglomerativeClustering
    predictor: Predictor
    numbers: bytes
    manifest: dict

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
        The six amounts. ``Channel`` and ``Region`` are kept for display, if there are any; no fit sees
        them. Of more than 10,000 customers that many are drawn at random and fitted.
    n_segments : int
    random_state : int
    source : Source, optional
        Where the customers come from, for the manifest.
    folder : Path
        Whose ``evidence.json`` is summed up, if it is of these customers and this number of segments.
    weigh : bool
        Whether to make that evidence first; it takes minutes.
    progress : callable
        Told each step as it begins.

    Returns
    -------
    Bundle

    Raises
    ------
    ValueError
        In one sentence, if the customers cannot be segmented (see :func:`wholesale.checks.check_fit`).
    """
    everybody, customers = len(customers), drawn(customers, random_state)
    amounts = customers[list(SPEND_COLUMNS)]
    progress("log and standardize")
    check_customers(np.log1p(amounts.to_numpy(dtype=float)), [n_segments])
    if weigh:
        check_weighable(amounts.to_numpy(), n_segments)
    standardizer = log_standardizer().fit(amounts)
    X = standardizer.transform(amounts)
    progress("K-Means")
    kmeans = models.fit_kmeans(X, n_segments, random_state=random_state)
    segments.renumber(kmeans, segments.size_order(kmeans.labels_))
    progress("Gaussian mixture")
    gmm = models.fit_any_gmm(X, n_segments, random_state=random_state)
    if gmm is not None:
        segments.renumber(gmm, segments.match_order(kmeans.labels_, gmm.predict(X)))
    progress("Ward")
    ward = models.fit_ward(X, n_segments)
    segments.renumber(ward, segments.match_order(kmeans.labels_, ward.labels_))
    fits = {"standardizer": standardizer, "kmeans": kmeans, "gmm": gmm, "ward": ward}
    if weigh:
        labels = labels_by_model(X, kmeans, gmm, ward)
        for task, done, tasks in compute(customers, X, gmm, labels, folder, n_jobs=-1):
            progress(f"evidence {done + 1} of {tasks}: {task}")
    progress("familiarity")
    evidence = summary(customers, n_segments, folder) or summary(customers, n_segments)
    numbers = to_json({**predictor_numbers(customers, **fits), "evidence": evidence})
    progress("measures")
    metrics = measures(X, kmeans, gmm, ward, stability=evidence.get("stability", {}))
    made = provenance(customers, source, n_segments, random_state, drawn_from=everybody)
    about = {**made, "metrics": metrics}
    return Bundle(**fits, predictor=predictor_from_json(numbers, about), numbers=numbers, manifest=about)


def drawn(customers: pd.DataFrame, random_state: int) -> pd.DataFrame:
    """Draw `LARGEST` of the customers at random, in their order, if there are more."""
    if len(customers) <= LARGEST:
        return customers
    chosen = np.random.default_rng(random_state).choice(len(customers), LARGEST, replace=False)
    return customers.iloc[np.sort(chosen)]


def check_customers(X: np.ndarray, ks: Iterable[int] = ()) -> None:
    """Check as `check_fit` does, with the columns called by their labels."""
    labels = list(LABELS.values())
    try:
        check_fit(X, ks)
    except ValueError as error:
        sentence = re.sub(r"column (\d+)", lambda found: labels[int(found[1]) - 1], str(error))
        raise ValueError(sentence) from None


def labels_by_model(
    X: np.ndarray, kmeans: KMeans, gmm: GaussianMixture | None, ward: AgglomerativeClustering
) -> dict[str, np.ndarray]:
    """Number the segments 1…k of the customers that renumbered models were fitted on."""
    found = {"kmeans": kmeans.labels_, "gmm": gmm and gmm.predict(X), "ward": ward.labels_}
    return {model: labels + 1 for model, labels in found.items() if labels is not None}


def predictor_numbers(
    customers: pd.DataFrame,
    standardizer: Pipeline,
    kmeans: KMeans,
    gmm: GaussianMixture | None,
    ward: AgglomerativeClustering,
) -> dict:
    """Collect what :class:`wholesale.predictor.Predictor` holds, as plain lists ready for JSON."""
    amounts = customers[list(SPEND_COLUMNS)]
    X = standardizer.transform(amounts)
    labels = labels_by_model(X, kmeans, gmm, ward)
    profiles = {model: segments.profile_segments(customers, its) for model, its in labels.items()}
    centers = {"kmeans": kmeans.cluster_centers_, "ward": profiles["ward"]["standardized"]}
    return _plain(
        {
            "mean": standardizer["standardize"].mean_,
            "scale": standardizer["standardize"].scale_,
            "names": {model: list(segments.name_segments(its).values()) for model, its in profiles.items()},
            "sizes": {model: its["customers", "size"] for model, its in profiles.items()},
            "typical": {model: its["typical"][amounts.columns] for model, its in profiles.items()},
            "overlap": {model: segments.overlap(labels["kmeans"], its) for model, its in labels.items()},
            "centers": centers if gmm is None else centers | {"gmm": gmm.means_},
            "covariance": gmm and gmm.covariance_type,
            "weights": gmm and gmm.weights_,
            "precisions_cholesky": gmm and models.cholesky_of_precisions(gmm),
            "densities": gmm and models.cross_validated_log_density(gmm, X),
            "linkage": models.ward_linkage(ward),
            "amounts": amounts,
            "channel": customers.get("Channel"),
            "region": customers.get("Region"),
            "segments": labels,
        }
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(leaf) for key, leaf in value.items()}
    return None if value is None else np.asarray(value).tolist()


def measures(
    X: np.ndarray,
    kmeans: KMeans,
    gmm: GaussianMixture | None,
    ward: AgglomerativeClustering,
    *,
    stability: dict[str, dict],
) -> dict:
    """Judge each model by sizes, silhouette and what else is known of it; None for no mixture."""
    labels = labels_by_model(X, kmeans, gmm, ward)
    metrics: dict[str, Any] = {
        model: {
            "sizes": np.bincount(its)[1:].tolist(),
            "silhouette": float(silhouette_score(X, its)),
            **({"stability": stability[model]} if model in stability else {}),
        }
        for model, its in labels.items()
    }
    metrics["kmeans"]["inertia"] = float(kmeans.inertia_)
    metrics["ward"]["self_placement"] = models.ward_self_placement(X, labels["ward"])
    if gmm is None:
        return metrics | {"gmm": None}
    kind = {"covariance": gmm.covariance_type, "bic": float(gmm.bic(X)), "restarts": gmm.restarts_}
    return metrics | {"gmm": metrics["gmm"] | kind}


def provenance(
    customers: pd.DataFrame, source: Source | None, n_segments: int, random_state: int, *, drawn_from: int
) -> dict:
    """Say what made a bundle: its manifest, but for the metrics and the files."""
    return {
        "trained": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "versions": {library: version(library) for library in LIBRARIES},
        "source": asdict(source) if source else {},
        "customers": len(customers),
        "drawn_from": drawn_from,
        "customers_sha256": customers_hash(customers),
        "displayed": [column for column in ("Channel", "Region") if column in customers],
        "seed": random_state,
        "parameters": {
            "n_segments": n_segments,
            "gmm": {
                "init_params": models.INIT_PARAMS,
                "restarts": models.RESTARTS,
                "tol": models.TOL,
                "max_eigenvalue_ratio": models.MAX_EIGENVALUE_RATIO,
            },
        },
    }


def save_bundle(bundle: Bundle, folder: Path | str = MODELS_FOLDER) -> Bundle:
    """Save a bundle, each file written aside and renamed, the manifest last.

    Parameters
    ----------
    bundle : Bundle
    folder : path
        Made if it does not exist.

    Returns
    -------
    Bundle
        The same, with the file hashes in its manifest.
    """
    files = {name: _pickled(getattr(bundle, part)) for part, name in PICKLES.items()}
    manifest = write_files(Path(folder), {**files, PREDICTOR: bundle.numbers}, bundle.manifest)
    return replace(bundle, manifest=manifest, predictor=replace(bundle.predictor, manifest=manifest))


def load_bundle(folder: Path | str = MODELS_FOLDER) -> Bundle:
    """Load a bundle for analysis. It unpickles, but only files whose hashes the manifest confirms.

    Parameters
    ----------
    folder : path

    Returns
    -------
    Bundle

    Raises
    ------
    BundleError
        Before anything is unpickled, if a file is missing, truncated or altered, the format version
        differs, or scikit-learn is of another major.minor version.
    """
    folder = Path(folder)
    manifest = check_folder(folder)
    contents = read_files(folder, [*PICKLES.values(), PREDICTOR], manifest)
    fits = {part: joblib.load(io.BytesIO(contents[name])) for part, name in PICKLES.items()}
    numbers = contents[PREDICTOR]
    predictor = predictor_from_json(numbers, manifest, folder)
    return Bundle(**fits, predictor=predictor, numbers=numbers, manifest=manifest)


def _pickled(model: object) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    return buffer.getvalue()
