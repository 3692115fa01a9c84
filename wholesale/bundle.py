"""The fitted whole: trained, saved, and loaded only when every file is what was saved."""

import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import Pipeline

from wholesale import models, segments
from wholesale.checks import check_fit
from wholesale.columns import LABELS, SPEND_COLUMNS
from wholesale.derived import labels_by_model, measures, predictor_numbers
from wholesale.evidence.saved import check_weighable, compute, summary
from wholesale.manifest import (
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
from wholesale.provenance import Source, drawn, provenance

__all__ = ["Bundle", "BundleError", "Source", "load_bundle", "save_bundle", "train"]

PICKLES = {"standardizer": "scaler.pkl", "kmeans": "kmeans.pkl", "gmm": "gmm.pkl", "ward": "agg.pkl"}


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


def check_customers(X: np.ndarray, ks: Iterable[int] = ()) -> None:
    """Check as `check_fit` does, with the columns called by their labels."""
    labels = list(LABELS.values())
    try:
        check_fit(X, ks)
    except ValueError as error:
        sentence = re.sub(r"column (\d+)", lambda found: labels[int(found[1]) - 1], str(error))
        raise ValueError(sentence) from None


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
