"""The slow part of the evidence: computed once, saved beside the models, read by everybody."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.mixture import GaussianMixture

from wholesale.checks import PER_SEGMENT
from wholesale.columns import MODELS
from wholesale.evidence.counts import compare_cluster_counts
from wholesale.evidence.covariances import RESTARTS as PER_SEED
from wholesale.evidence.covariances import SEEDS, search_covariances
from wholesale.evidence.recommend import recommend
from wholesale.evidence.stability import (
    DISSOLVED,
    RECOVERED,
    Fit,
    bootstrap_jaccards,
    refit_from,
    stability_band,
)
from wholesale.manifest import EVIDENCE, MODELS_FOLDER, read_json, sealed, sha256, to_json, write_file
from wholesale.models import COVARIANCES, RESTARTS, SEED, STARTS, fit_kmeans, fit_ward

SEAL = "evidence_sha256"
PART = ".evidence.part"
KS = range(1, 9)
"""Numbers of segments that are weighed at most; few distinct customers allow fewer."""

REFERENCES, SPLITS, RESAMPLES = 100, 50, 200
METHOD = 1
"""Raise it when the same customers would get other evidence: what is saved is then made anew."""


def weighable(X: np.ndarray) -> range:
    """Give the numbers of segments that leave enough distinct customers to each to be weighed."""
    return range(KS.start, min(KS.stop, len(np.unique(X, axis=0)) // PER_SEGMENT + 1))


def check_weighable(X: np.ndarray, n_segments: int) -> None:
    """Refuse, before anything is fitted, a number of segments that cannot be weighed."""
    if n_segments not in weighable(X):
        needed, distinct = PER_SEGMENT * n_segments, len(np.unique(X, axis=0))
        raise ValueError(
            f"the evidence for {n_segments} segments needs {needed} distinct customers, and there are"
            f" {distinct}: train without it"
        )


def fingerprint(customers: pd.DataFrame) -> str:
    """Hash of what the evidence depends on: the customers, the method and its parameters."""
    searched = {"ks": [*KS], "seeds": SEEDS, "restarts": [RESTARTS, PER_SEED], "starts": STARTS, "seed": SEED}
    drawn = {"references": REFERENCES, "splits": SPLITS, "resamples": RESAMPLES}
    return sha256(to_json({"method": METHOD, **searched, **drawn, "customers": customers_hash(customers)}))


def customers_hash(customers: pd.DataFrame) -> str:
    """Hash of the table as CSV; for the shipped customers, that of their file."""
    return sha256(customers.to_csv(index=False).encode())


def compute(
    customers: pd.DataFrame,
    X: np.ndarray,
    gmm: GaussianMixture | None,
    labels: dict[str, np.ndarray],
    folder: Path = MODELS_FOLDER,
    *,
    n_jobs: int | None = None,
) -> Iterator[tuple[str, int, int]]:
    """Compute the evidence task by task, and save it.

    An interrupted run goes on where it stopped, unless method, data or the number of segments have changed.

    Parameters
    ----------
    customers : DataFrame
    X : ndarray of shape (n_customers, 6)
    gmm : GaussianMixture, optional
        The kept optimum, if there is one.
    labels : dict of ndarray of shape (n_customers,)
        By model, the segments to be judged, 1…k.
    folder : Path
        Where ``evidence.json`` goes; it must be there.
    n_jobs : int, optional
        Processes; the numbers do not depend on it.

    Yields
    ------
    tuple of str, int and int
        The task that begins, how many are done, how many there are.
    """
    part, k = folder / PART, int(labels["kmeans"].max())
    mark = {"fingerprint": fingerprint(customers), "n_segments": k}
    saved = read_json(part, SEAL)
    done = saved["done"] if all(saved.get(name) == value for name, value in mark.items()) else {}
    tasks = _tasks(X, gmm, labels, n_jobs)
    for name, task in tasks.items():
        yield name, len(done), len(tasks)
        if name not in done:
            done[name] = task()
            write_file(part, to_json(sealed({**mark, "done": done}, SEAL)))
    write_file(folder / EVIDENCE, to_json(sealed(_assembled(customers, mark, done), SEAL)))
    part.unlink()


def _tasks(
    X: np.ndarray, gmm: GaussianMixture | None, labels: dict[str, np.ndarray], n_jobs: int | None
) -> dict[str, Callable[[], dict]]:
    fits: dict[str, Fit] = {"kmeans": fit_kmeans, "ward": fit_ward}
    if gmm is not None:
        fits["gmm"] = refit_from(gmm)
    tasks: dict[str, Callable[[], dict]] = {"counts": partial(_counts, X, n_jobs)}
    for covariance in COVARIANCES:
        for k in weighable(X):
            tasks[f"{covariance} mixtures of {k}"] = partial(_search, X, k, covariance, n_jobs)
    for model in labels:
        tasks[f"stability of {MODELS[model]}"] = partial(_stability, X, fits[model], labels[model], n_jobs)
    return tasks


def _counts(X: np.ndarray, n_jobs: int | None) -> dict:
    counts = compare_cluster_counts(
        X, weighable(X), restarts=RESTARTS, references=REFERENCES, splits=SPLITS, n_jobs=n_jobs
    )
    return _plain(counts)


def _search(X: np.ndarray, k: int, covariance: str, n_jobs: int | None) -> dict:
    return _plain(search_covariances(X, [k], [covariance], n_jobs=n_jobs).droplevel("covariance"))


def _stability(X: np.ndarray, fit: Fit, labels: np.ndarray, n_jobs: int | None) -> dict:
    jaccards = bootstrap_jaccards(X, fit, labels.max(), labels=labels, resamples=RESAMPLES, n_jobs=n_jobs)
    means = jaccards.mean(axis=0)
    return {
        "jaccard": means.tolist(),
        "recovered": (jaccards > RECOVERED).mean(axis=0).tolist(),
        "dissolved": (jaccards <= DISSOLVED).mean(axis=0).tolist(),
        "band": [stability_band(mean) for mean in means],
    }


def _plain(table: pd.DataFrame) -> dict:
    """Turn a table into JSON: a row per k, missing values as null."""
    return {str(k): json.loads(row.to_json(double_precision=15)) for k, row in table.iterrows()}


def _assembled(customers: pd.DataFrame, mark: dict, done: dict) -> dict:
    counts = pd.DataFrame.from_dict(done["counts"], orient="index").rename(index=int)
    advice = recommend(counts, served=mark["n_segments"])
    return {
        "fingerprint": mark["fingerprint"],
        "customers_sha256": customers_hash(customers),
        "n_segments": mark["n_segments"],
        "votes": advice.votes,
        "recommended": advice.recommended,
        "sentences": list(advice.sentences),
        "counts": done["counts"],
        "covariances": {
            covariance: {k: done[f"{covariance} mixtures of {k}"][k] for k in done["counts"]}
            for covariance in COVARIANCES
        },
        "stability": {
            model: done[f"stability of {label}"]
            for model, label in MODELS.items()
            if f"stability of {label}" in done
        },
    }


def load_evidence(folder: Path = MODELS_FOLDER) -> dict:
    """Read the saved evidence; an empty dictionary where there is none, or not as it was saved."""
    return read_json(folder / EVIDENCE, SEAL)


def summary(customers: pd.DataFrame, n_segments: int, folder: Path = MODELS_FOLDER) -> dict:
    """Return what a bundle says of the evidence: nothing, unless it was made for these customers and k."""
    saved = load_evidence(folder)
    fits = (saved.get("customers_sha256"), saved.get("n_segments")) == (customers_hash(customers), n_segments)
    kept = ("votes", "recommended", "sentences", "counts", "stability")
    return {name: saved[name] for name in kept} if fits else {}
