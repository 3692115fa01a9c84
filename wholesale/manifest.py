"""A folder of files with a manifest: written aside and renamed, checked before anything is read.

Standard library only, so both halves of the package can share it. A hash shows corruption, not
malice: whoever can change a model can change the manifest too.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from math import ulp
from pathlib import Path
from shlex import quote
from sys import float_info
from typing import Any, BinaryIO
from uuid import uuid4

from wholesale.columns import KINDS

PACKAGE = Path(__file__).resolve().parent
INSTALLED = (PACKAGE / "shipped").is_dir()
"""Whether this is no clone of the project, but a wheel, which has models, data and notebooks in itself."""

ROOT = PACKAGE / "shipped" if INSTALLED else PACKAGE.parent
MODELS_FOLDER = ROOT / "models"
MODELS_VARIABLE = "WHOLESALE_MODELS"  # names another folder, for every command and for the page's kernels
SHIPPED = ROOT / "dataset" / "wholesale_customers.csv"
SHIPPED_SHA256 = "d0213b7d856bc7f98f2f52a86bedb5cb57d5b8e19959605e75bd4532d4ee0896"
MANIFEST, SEAL = "manifest.json", "manifest_sha256"
PREDICTOR = "predictor.json"
FORMAT_VERSION = 3
TRAIN = "python -m wholesale train"  # makes a folder of models
ELSEWHERE = " -o mine" if INSTALLED else ""
"""What it needs for the shipped customers where the package's models stay as they were installed."""

PICKLES = {"standardizer": "scaler.pkl"} | {model: kind.pickle for model, kind in KINDS.items()}
FILES = (*PICKLES.values(), PREDICTOR)
LIBRARIES = ("scikit-learn", "numpy", "scipy", "pandas", "joblib")
EVIDENCE = "evidence.json"
EXACT, MOST = 2**53, float_info.max  # up to which whole numbers are the same as floats, and all are finite


class BundleError(Exception):
    """The model files in `folder` cannot be used; the message says why and names the command to retrain."""

    def __init__(self, reason: str, folder: Path = MODELS_FOLDER) -> None:
        shipped = folder.resolve() == MODELS_FOLDER.resolve()
        how = ELSEWHERE if shipped else f" IN --segments K -o {quote(str(folder))}"
        super().__init__(f"{reason}; retrain with: {TRAIN}{how}")


def sha256(content: bytes) -> str:
    """Hash of `content`, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def to_json(value: object) -> bytes:
    """Serialize as strict JSON (no NaN), floats exact, one line per leaf so that a diff is readable."""
    return (_lines(value, "\n") + "\n").encode()


def _lines(value: object, newline: str) -> str:
    if not isinstance(value, dict) or not value:
        return json.dumps(value, allow_nan=False, ensure_ascii=False)
    inner = newline + " "
    leaves = (f"{json.dumps(key)}: {_lines(leaf, inner)}" for key, leaf in value.items())
    return "{" + inner + ("," + inner).join(leaves) + newline + "}"


def sealed(value: dict, key: str) -> dict:
    """Put under `key` the hash of all the rest as canonical JSON: sorted, without spaces, UTF-8."""
    rest = {name: inner for name, inner in value.items() if name != key}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return {**rest, key: sha256(canonical.encode())}


@contextmanager
def aside(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside `path`, which takes its name only if all goes well: `path` is never half written."""
    part = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_file(path: Path, content: bytes) -> None:
    """Write aside, then rename: `path` never holds half of `content`."""
    with aside(path) as file:
        file.write(content)


def write_files(folder: Path, files: dict[str, bytes], about: dict) -> dict:
    """Write `files` and, last of all, the manifest: `about`, their hashes, the evidence's and its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        write_file(folder / name, content)
    kept = {EVIDENCE: (folder / EVIDENCE).read_bytes()} if (folder / EVIDENCE).is_file() else {}
    hashes = {name: sha256(content) for name, content in (files | kept).items()}
    manifest = sealed({"format": FORMAT_VERSION, **about, "files": hashes}, SEAL)
    write_file(folder / MANIFEST, to_json(manifest))
    return manifest


def read_file(path: Path) -> bytes:
    """Read a regular file; anything else, a link, a pipe or a folder, is an OSError."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise OSError(f"{path.name} is not a regular file")
    return path.read_bytes()


def read_json(path: Path, seal: str = "") -> dict:
    """Read a JSON object; an empty one where there is none that can be read, or its `seal` is broken."""
    try:
        value = json.loads(read_file(path))
        whole = isinstance(value, dict) and (not seal or sealed(value, seal) == value)
    except (OSError, ValueError, RecursionError):
        return {}
    return value if whole else {}


def read_manifest(folder: Path) -> dict:
    """Read the manifest, or refuse what is missing, altered, of another format or not as its table says."""
    path = folder / MANIFEST
    if not os.path.lexists(path):
        raise BundleError(f"no {MANIFEST} in {folder.name}", folder)
    manifest = read_json(path)
    if type(found := manifest.get("format")) is not int:
        raise BundleError(f"{folder.name}/{MANIFEST} cannot be read", folder)
    if found != FORMAT_VERSION:
        reason = f"{folder.name} has format version {found}, this code reads {FORMAT_VERSION}"
        raise BundleError(reason, folder)
    with in_order(folder, MANIFEST):
        check_manifest(manifest)
        if to_json(sealed(manifest, SEAL)) != read_file(path):
            raise BundleError(f"{folder.name}/{MANIFEST} is not the file that was saved", folder)
    return manifest


@contextmanager
def in_order(folder: Path, name: str) -> Iterator[None]:
    """Refuse a file whose content cannot be read, or does not fit its table."""
    try:
        yield
    except (OSError, ValueError, RecursionError) as error:
        place = f", at {error}" if isinstance(error, Misfit) else ""
        raise BundleError(f"{folder.name}/{name} is not in order{place}", folder) from None


def read_files(folder: Path, names: Iterable[str], manifest: dict) -> dict[str, bytes]:
    """Read files whose hashes the manifest confirms, all of them before any is used, or refuse."""
    contents = {}
    for name in names:
        try:
            contents[name] = read_file(folder / name)
        except OSError:
            raise BundleError(f"{folder.name}/{name} is missing or cannot be read", folder) from None
        if sha256(contents[name]) != manifest["files"].get(name):
            raise BundleError(f"{folder.name}/{name} is not the file that was saved", folder)
    return contents


# What the two JSON files must hold, as tables: "amount k d" is k lists of d amounts each, for k segments,
# d categories and n customers on record. A key that ends in "?" may be missing, null or empty; "*" is any
# key, or any length.

NUMBER = (int, float)
VALUES: dict[str, str | tuple[tuple[type, ...], float, float]] = {
    "text": ".+",
    "words": ".*",
    "date": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00",
    "sha256": "[0-9a-f]{64}",
    "column": "Channel|Region",
    "covariance": "full|tied|diag|spherical",
    "number": (NUMBER, -MOST, MOST),
    "positive": (NUMBER, ulp(0), MOST),
    "amount": (NUMBER, 0, MOST),
    "share": (NUMBER, 0, 1),
    "count": ((int,), 0, MOST),
    "figure": ((*NUMBER, bool), -MOST, MOST),
}
"""What text or which numbers may be: a pattern, or types, the least and the most; True is not 1."""

CATEGORIES: dict[str, Any] = dict.fromkeys(("unit", "period", "name?"), "text")
CATEGORIES |= dict.fromkeys(("columns", "labels"), "text d")
CATEGORIES |= {"groups?": {"*": "text *"}, "spellings?": {"*": "text"}}
STABILITY = {**dict.fromkeys(("jaccard", "recovered", "dissolved"), "share k"), "band": "text k"}
FIT = {"sizes": "count k", "silhouette": "number", "stability?": STABILITY}
SETTINGS = {"init_params": "text *", "restarts": "count"}
SETTINGS |= dict.fromkeys(("tol", "max_eigenvalue_ratio"), "positive")

MANIFEST_TABLE = {
    "format": "count",
    "trained": "date",
    "python": "text",
    "versions": dict.fromkeys(LIBRARIES, "text"),
    "source?": {"file": "text", "accepted": "count", "rejected": "count"},
    "customers": "count",
    "drawn_from": "count",
    "customers_sha256": "sha256",
    "categories": CATEGORIES,
    "displayed": "column *",
    "seed": "count",
    "parameters": {"n_segments": "count", "gmm": SETTINGS},
    "metrics": {f"{model}{'?' * kind.optional}": FIT | kind.metrics for model, kind in KINDS.items()},
    "files": {**dict.fromkeys(FILES, "sha256"), f"{EVIDENCE}?": "sha256"},
    "manifest_sha256": "sha256",
}


class Misfit(ValueError):
    """The message is the place at which a value is not as its table says."""


def check_manifest(manifest: dict) -> None:
    """Hold a manifest against its table, or raise `Misfit`."""
    check(manifest, MANIFEST_TABLE, {"k": None, "d": None})
    sizes = {"k": manifest["parameters"]["n_segments"], "d": len(manifest["categories"]["columns"])}
    check(manifest, MANIFEST_TABLE, sizes)


def check(value: Any, wanted: dict | str, sizes: Mapping[str, int | None], place: str = "content") -> None:
    """Hold a value against a table, or raise `Misfit`; null is missing, and nothing unknown may be there."""
    if isinstance(wanted, str):
        kind, *letters = wanted.split()
        if not _fits(value, kind, [sizes.get(letter) for letter in letters]):
            raise Misfit(place)
        return
    if type(value) is not dict:
        raise Misfit(place)
    there = {key: inner for key, inner in value.items() if inner is not None}
    for key, table in (dict.fromkeys(there, wanted["*"]) if "*" in wanted else wanted).items():
        inner = there.pop(name := key.removesuffix("?"), None)
        if name == key or inner not in (None, {}):
            check(inner, table, sizes, f"{place}.{name}")
    if there:
        raise Misfit(place)


def _fits(value: Any, kind: str, shape: list[int | None]) -> bool:
    """Tell whether a value is of a kind or, of some shape, a list of such lists."""
    values = [value]
    for size in shape:
        if any(type(each) is not list or size not in (None, len(each)) for each in values):
            return False
        values = [*chain.from_iterable(values)]
    if isinstance(allowed := VALUES[kind], str):
        return all(type(each) is str and re.fullmatch(allowed, each, re.DOTALL) for each in values)
    types, least, most = allowed
    whole = min(most, EXACT)
    return all(
        type(each) in types and least <= each <= (most if type(each) is float else whole) for each in values
    )
