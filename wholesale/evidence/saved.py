"""The slow part of the evidence: computed once, saved beside the models, read by everybody."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import parallel_config

from wholesale.checks import PER_SEGMENT
from wholesale.columns import MODELS
from wholesale.evidence.counts import compare_cluster_counts
from wholesale.evidence.covariances import RESTARTS as PER_SEED
from wholesale.evidence.covariances import SEEDS, compare_covariances
from wholesale.evidence.recommend import recommend
from wholesale.evidence.stability import DISSOLVED, RECOVERED, bootstrap_jaccards, stability_band
from wholesale.manifest import EVIDENCE, MODELS_FOLDER, read_json, sealed, sha256, to_json, write_file
from wholesale.models import COVARIANCES, FITTINGS, RESTARTS, SEED, STARTS, Fit

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
    fits: dict[str, Any],
    labels: dict[str, np.ndarray],
    folder: Path = MODELS_FOLDER,
) -> Iterator[tuple[str, int, int]]:
    """Compute the evidence task by task, and save it; yield each task, how many are done, how many there are.

    An interrupted run goes on where it stopped, unless method, data or the number of segments have changed.
    `labels` are the segments to be judged, 1…k, by model.
    """
    part, k = folder / PART, int(labels["kmeans"].max())
    mark = {"fingerprint": fingerprint(customers), "n_segments": k}
    saved = read_json(part, SEAL)
    done = saved["done"] if all(saved.get(name) == value for name, value in mark.items()) else {}
    tasks = _tasks(X, fits, labels)
    for name, task in tasks.items():
        yield name, len(done), len(tasks)
        if name not in done:
            with parallel_config(n_jobs=-1):
                done[name] = task()
            write_file(part, to_json(sealed({**mark, "done": done}, SEAL)))
    write_file(folder / EVIDENCE, to_json(sealed(_assembled(customers, mark, done), SEAL)))
    part.unlink()


def _tasks(
    X: np.ndarray, fits: dict[str, Any], labels: dict[str, np.ndarray]
) -> dict[str, Callable[[], dict]]:
    tasks: dict[str, Callable[[], dict]] = {"counts": partial(_counts, X)}
    for covariance in COVARIANCES:
        for k in weighable(X):
            tasks[f"{covariance} mixtures of {k}"] = partial(_search, X, k, covariance)
    for model, each in labels.items():
        kind = FITTINGS[model]
        refit = kind.refit(fits[model]) if kind.refit else kind.fit
        tasks[f"stability of {MODELS[model]}"] = partial(_stability, X, refit, each)
    return tasks


def _counts(X: np.ndarray) -> dict:
    size = {"restarts": RESTARTS, "references": REFERENCES, "splits": SPLITS}
    return _plain(compare_cluster_counts(X, weighable(X), **size))


def _search(X: np.ndarray, k: int, covariance: str) -> dict:
    return _plain(compare_covariances(X, [k], [covariance], details=True).droplevel("covariance"))


def _stability(X: np.ndarray, fit: Fit, labels: np.ndarray) -> dict:
    jaccards = bootstrap_jaccards(X, fit, labels.max(), labels=labels, resamples=RESAMPLES)
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
    counts = done["counts"]
    table = pd.DataFrame.from_dict(counts, orient="index").rename(index=int)
    advice = recommend(table, served=mark["n_segments"])
    stable = {model: done.get(f"stability of {label}") for model, label in MODELS.items()}
    return {
        "fingerprint": mark["fingerprint"],
        "customers_sha256": customers_hash(customers),
        "n_segments": mark["n_segments"],
        "votes": advice.votes,
        "recommended": advice.recommended,
        "sentences": list(advice.sentences),
        "counts": counts,
        "covariances": {
            kind: {k: done[f"{kind} mixtures of {k}"][k] for k in counts} for kind in COVARIANCES
        },
        "stability": {model: each for model, each in stable.items() if each is not None},
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
