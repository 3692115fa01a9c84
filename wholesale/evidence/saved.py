"""The slow part of the evidence: computed once, saved beside the models, read by everybody."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import parallel_config

from wholesale.criteria import CRITERIA, PER_SEGMENT
from wholesale.evidence import multiverse, nulls
from wholesale.evidence.counts import compare_cluster_counts
from wholesale.evidence.density import density_peaks
from wholesale.evidence.mixtures import ENDS, ROUNDS, SEARCH_STARTS, search_families
from wholesale.evidence.nulls import CLOUDS, NULLS, cloud_criteria, simulated_criteria
from wholesale.evidence.recommend import OBSERVED, recommend
from wholesale.evidence.stability import DISSOLVED, RECOVERED, bootstrap_jaccards, stability_band
from wholesale.manifest import EVIDENCE, MODELS_FOLDER, read_json, sealed, sha256, to_json, write_file
from wholesale.models import COLD_RESTARTS, FITTINGS, RESTARTS, SEED, STARTS, Fit

METHOD = 2
"""Raise it when the same customers would get other evidence: what is saved is then made anew."""

SEAL, PART = "evidence_sha256", ".evidence.part"
KS = range(1, 9)  # that are weighed at most; few distinct customers allow fewer
REFERENCES, SPLITS, RESAMPLES = 100, 50, 200
MANY = 1000  # of more customers so many are drawn for the nulls, and there is no multiverse: it takes hours
BATCH = 10  # clouds of one task, after which a stopped run goes on
VOTED = [name for each in CRITERIA if each.vote for name in (each.column, each.judged) if name]
"""Columns that are kept of each cloud."""

WHOLE, PIECEWISE = ("families", "density"), ("nulls", "multiverse", "power")
"""What is saved as a table of many rows, made at once or piece by piece."""


def weighable(X: np.ndarray) -> range:
    """Give the numbers of segments that leave enough distinct customers to each to be weighed."""
    return range(KS.start, min(KS.stop, len(np.unique(X, axis=0)) // PER_SEGMENT + 1))


def check_weighable(X: np.ndarray, n_segments: int) -> None:
    """Refuse, before anything is fitted, customers or a number of segments that cannot be weighed."""
    if n_segments not in weighable(X):
        needed, there = PER_SEGMENT * n_segments, len(np.unique(X, axis=0))
        needs = f"the evidence for {n_segments} segments needs {needed} distinct customers"
        raise ValueError(f"{needs}, and there are {there}: train without it")
    try:
        _ = [next(nulls.clouds(X, kind, samples=1)) for kind in NULLS]
    except ValueError:  # no matrix of a Gaussian or a copula, no proper t
        needs = "the evidence needs clouds without segments, and none can be drawn"
        raise ValueError(f"{needs}, as one category follows from others: train without it") from None


def fingerprint(customers: pd.DataFrame) -> str:
    """Hash of what the evidence depends on: the customers, the method and its parameters."""
    searched = {"ks": [*KS], "restarts": RESTARTS, "starts": STARTS, "seed": SEED}
    drawn = {"references": REFERENCES, "splits": SPLITS, "resamples": RESAMPLES, "cold": COLD_RESTARTS}
    beyond = {"clouds": CLOUDS, "effort": nulls.EFFORT, "families": SEARCH_STARTS}
    beyond["analyses"] = [multiverse.STARTS, [*multiverse.SCALES]]
    beyond |= {"power": [nulls.SEGMENTS, nulls.SEPARATIONS, nulls.SAMPLES], "crossing": [ENDS, ROUNDS]}
    method = {"method": METHOD, **searched, **drawn, **beyond}
    return sha256(to_json({**method, "customers": customers_hash(customers)}))


def customers_hash(customers: pd.DataFrame) -> str:
    """Hash of the table as CSV; for the shipped customers, that of their file."""
    return sha256(customers.to_csv(index=False).encode())


def compute(
    customers: pd.DataFrame,
    amounts: np.ndarray,
    X: np.ndarray,
    fits: dict[str, Any],
    labels: dict[str, np.ndarray],
    folder: Path = MODELS_FOLDER,
) -> Iterator[tuple[str, int, int]]:
    """Compute the evidence task by task, and save it; yield each task, how many go before it, and all.

    An interrupted run goes on where it stopped, unless method, data or the number of segments have changed.
    `labels` are the segments to be judged, 1…k, by model.
    """
    part, k = folder / PART, int(labels["kmeans"].max())
    mark = {"fingerprint": fingerprint(customers), "n_segments": k}
    saved = read_json(part, SEAL)
    done = saved["done"] if all(saved.get(name) == value for name, value in mark.items()) else {}
    tasks = _tasks(amounts, X, fits, labels)
    for number, (name, task) in enumerate(tasks.items()):
        yield name, number, len(tasks)
        if name not in done:
            with parallel_config(n_jobs=-1):
                done[name] = as_json(task())
            write_file(part, to_json(sealed({**mark, "done": done}, SEAL)))
    done = {name: done[name] for name in tasks}
    write_file(folder / EVIDENCE, to_json(sealed(_assembled(customers, labels, mark, done), SEAL)))
    part.unlink()


def _tasks(amounts: np.ndarray, X: np.ndarray, fits: dict, labels: dict) -> dict[str, Callable[[], Any]]:
    """Name each task by the part of the evidence that it makes, and by which piece of that."""
    ks, k = weighable(X), int(labels["kmeans"].max())
    size = {"restarts": RESTARTS, "references": REFERENCES, "splits": SPLITS}
    tasks: dict[str, Callable[[], Any]] = {"counts": partial(compare_cluster_counts, X, ks, **size)}
    for model, segments in labels.items():
        for part, refit in FITTINGS[model].refits(fits.get(model)).items():
            tasks[f"{part}, {model}"] = partial(_stability, X, refit, segments)
    tasks["families"] = partial(search_families, X)
    for scale in multiverse.SCALES if len(X) <= MANY else ():
        tasks[f"multiverse, {scale}"] = partial(_analyses, amounts, scale, sorted({*multiverse.KS, k}))
    few = X[np.sort(np.random.default_rng(SEED).permutation(len(X))[:MANY])]
    tasks["density"] = partial(density_peaks, few)
    tasks[f"nulls, {OBSERVED}"] = partial(_voted, cloud_criteria, few, OBSERVED, range(1), ks=ks)
    for kind, first in product(NULLS, range(0, CLOUDS, BATCH)):
        batch = range(first, first + BATCH)
        tasks[f"nulls, {kind}, {first}"] = partial(_voted, cloud_criteria, few, kind, batch, ks=ks)
    simulated = [each for each in nulls.SIMULATED_KS if each in ks]
    for number in (each for each in nulls.SEGMENTS if each in simulated and each <= X.shape[1] + 1):
        tasks[f"power, {number}"] = partial(_voted, simulated_criteria, few, number, ks=simulated)
    return tasks


def _voted(compute_criteria: Callable[..., pd.DataFrame], *clouds: Any, **options: Any) -> pd.DataFrame:
    return compute_criteria(*clouds, **options)[VOTED]


def _stability(X: np.ndarray, fit: Fit, labels: np.ndarray) -> dict:
    jaccards = bootstrap_jaccards(X, fit, labels.max(), labels=labels, resamples=RESAMPLES)
    means = jaccards.mean(axis=0)
    return {
        "jaccard": means.tolist(),
        "recovered": (jaccards > RECOVERED).mean(axis=0).tolist(),
        "dissolved": (jaccards <= DISSOLVED).mean(axis=0).tolist(),
        "band": [stability_band(mean) for mean in means],
    }


def _analyses(amounts: np.ndarray, scale: str, ks: list[int]) -> pd.DataFrame:
    """Write each partition as one text: a figure per customer, a point for who is left out."""
    cells = multiverse.multiverse(amounts, ks, scales=[scale])
    written = ["".join("." if each < 0 else f"{each:x}" for each in row) for row in cells.to_numpy()]
    return pd.DataFrame({"segments": written}, index=cells.index)


def as_json(made: dict | pd.DataFrame) -> dict:
    """Turn what a task made into JSON, missing values as null.

    A table by ``k`` alone is written row by row; one of many rows as a list per column, to six decimals.
    """
    if isinstance(made, dict):
        return made
    if made.index.nlevels == 1:
        return {str(k): json.loads(row.to_json(double_precision=15)) for k, row in made.iterrows()}
    columns = made.replace([np.inf, -np.inf], np.nan).reset_index().items()
    lists = {name: json.loads(each.to_json(orient="values", double_precision=6)) for name, each in columns}
    return {"index": [*made.index.names], "columns": lists}


def unpacked(value: dict) -> pd.DataFrame:
    """Return the table of many rows that was turned into JSON."""
    return pd.DataFrame(value["columns"]).set_index(value["index"])


def saved_tables(saved: dict) -> dict[str, pd.DataFrame]:
    """Return the tables of many rows in saved evidence, as far as it has them.

    ``nulls`` as `cloud_criteria` makes it, ``power`` as `simulated_criteria`, but only the columns with a
    vote; ``weights``, ``families``, ``density`` and ``multiverse`` as `weigh`, `search_families`, an infinite
    number as NaN, `density_peaks` and `multiverse` make them.
    """
    tables = {name: unpacked(saved[name]) for name in WHOLE + PIECEWISE if name in saved}
    if "nulls" in tables:
        tables["nulls"] = tables["nulls"].sort_index()
    if "weights" in saved:
        tables["weights"] = pd.DataFrame.from_dict(saved["weights"], orient="index").rename_axis("vote")
    if "multiverse" in tables:
        cells = tables["multiverse"]["segments"]
        segments = [[-1 if each == "." else int(each, 16) for each in row] for row in cells]
        customers = pd.RangeIndex(1, len(segments[0]) + 1, name="customer")
        tables["multiverse"] = pd.DataFrame(segments, cells.index, customers)
    return tables


def _assembled(customers: pd.DataFrame, labels: dict[str, np.ndarray], mark: dict, done: dict) -> dict:
    parts = _parts(done)
    counts, tables = pd.DataFrame.from_dict(parts["counts"], orient="index"), saved_tables(parts)
    advice = recommend(counts.rename(index=int), tables.get("nulls"), served=mark["n_segments"])
    cells = tables.get("multiverse")
    judged = {} if cells is None else labels
    firm = pd.DataFrame({model: multiverse.firmness(each, cells) for model, each in judged.items()}).round(6)
    return {
        "fingerprint": mark["fingerprint"],
        "customers_sha256": customers_hash(customers),
        "n_segments": mark["n_segments"],
        "votes": advice.votes,
        "recommended": advice.recommended,
        "sentences": list(advice.sentences),
        **parts,
        "weights": {} if advice.weights is None else as_json(advice.weights),
        "firmness": firm.to_dict("list") if firm.notna().all(axis=None) else {},  # all of it, or not known
    }


def _parts(done: dict) -> dict:
    """Put together what several tasks made: tables below each other, other pieces by what they are of."""
    parts: dict[str, Any] = {}
    for task, value in done.items():
        part, *of = task.split(", ")
        if part in PIECEWISE:
            parts.setdefault(part, []).append(unpacked(value))
        elif of:
            parts.setdefault(part, {}).setdefault(of[0], {}).update(value)
        else:
            parts[part] = value
    return {part: as_json(pd.concat(made)) if part in PIECEWISE else made for part, made in parts.items()}


def load_evidence(folder: Path = MODELS_FOLDER) -> dict:
    """Read the saved evidence; an empty dictionary where there is none, or not as it was saved."""
    return read_json(folder / EVIDENCE, SEAL)


def summary(customers: pd.DataFrame, n_segments: int, folder: Path = MODELS_FOLDER) -> dict:
    """Return what a bundle says of the evidence: nothing, unless it was made for these customers and k."""
    saved = load_evidence(folder)
    made_for = saved.get("customers_sha256"), saved.get("n_segments")
    if made_for != (customers_hash(customers), n_segments):
        return {}
    told = ["votes", "recommended", "sentences", "counts", "weights"]
    return {name: saved[name] for name in [*told, "stability", "stability_warm", "firmness"] if name in saved}
