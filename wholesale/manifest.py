"""A folder of files with a manifest: written aside and renamed, checked before anything is read.

Standard library only, so both halves of the package can share it. A hash shows corruption, not
malice: whoever can change a model can change the manifest too.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from shlex import quote
from typing import BinaryIO
from uuid import uuid4

from wholesale.schema import EVIDENCE, FILES, Misfit, check_manifest, check_predictor

ROOT = Path(__file__).resolve().parent.parent
MODELS_FOLDER = ROOT / "models"
MODELS_VARIABLE = "WHOLESALE_MODELS"
"""Environment variable that names another folder of models, for every command and for the page's kernels."""

SHIPPED = ROOT / "dataset" / "wholesale_customers.csv"
SHIPPED_SHA256 = "d0213b7d856bc7f98f2f52a86bedb5cb57d5b8e19959605e75bd4532d4ee0896"
MANIFEST, SEAL = "manifest.json", "manifest_sha256"
PREDICTOR = "predictor.json"
FORMAT_VERSION = 2
TRAIN = "python -m wholesale train"
"""The command that makes a folder of models."""


class BundleError(Exception):
    """The model files in `folder` cannot be used; the message says why and names the command to retrain."""

    def __init__(self, reason: str, folder: Path = MODELS_FOLDER) -> None:
        own = (
            "" if folder.resolve() == MODELS_FOLDER.resolve() else f" IN --segments K -o {quote(str(folder))}"
        )
        super().__init__(f"{reason}; retrain with: {TRAIN}{own}")


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
    rest = {name: its for name, its in value.items() if name != key}
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
    """Write `files` and, last of all, the manifest that holds their hashes, that of the evidence and its own.

    A run interrupted between two renames leaves hashes that do not match, which `check_files` refuses.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.
    files : dict of str to bytes
    about : dict
        What else the manifest says: versions, date, parameters, metrics.

    Returns
    -------
    dict
        The manifest.
    """
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
    """Read the manifest of `folder`.

    Raises
    ------
    BundleError
        If it is missing, unreadable, of another format version, not what was saved or not as its table
        says (see :mod:`wholesale.schema`).
    """
    path = folder / MANIFEST
    if not os.path.lexists(path):
        raise BundleError(f"no {MANIFEST} in {folder.name}", folder)
    manifest = read_json(path)
    if type(found := manifest.get("format")) is not int:
        raise BundleError(f"{folder.name}/{MANIFEST} cannot be read", folder)
    if found != FORMAT_VERSION:
        reason = f"{folder.name} has format version {found}, this code reads {FORMAT_VERSION}"
        raise BundleError(reason, folder)
    with _in_order(folder, MANIFEST):
        check_manifest(manifest)
        if to_json(sealed(manifest, SEAL)) != read_file(path):
            raise BundleError(f"{folder.name}/{MANIFEST} is not the file that was saved", folder)
    return manifest


def read_predictor(content: bytes, manifest: dict, folder: Path) -> tuple[dict, dict]:
    """Read the numbers of ``predictor.json``; give them and their table, or refuse what is not as it says."""
    with _in_order(folder, PREDICTOR):
        numbers = json.loads(content)
        return numbers, check_predictor(numbers, manifest)


@contextmanager
def _in_order(folder: Path, name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, RecursionError) as error:
        place = f", at {error}" if isinstance(error, Misfit) else ""
        raise BundleError(f"{folder.name}/{name} is not in order{place}", folder) from None


def read_files(folder: Path, names: Iterable[str], manifest: dict) -> dict[str, bytes]:
    """Read files whose hashes the manifest confirms, all of them before any is used.

    Raises
    ------
    BundleError
        If one is missing, no regular file, or differs from what was saved.
    """
    contents = {}
    for name in names:
        try:
            contents[name] = read_file(folder / name)
        except OSError:
            raise BundleError(f"{folder.name}/{name} is missing or cannot be read", folder) from None
        if sha256(contents[name]) != manifest["files"].get(name):
            raise BundleError(f"{folder.name}/{name} is not the file that was saved", folder)
    return contents


def check_folder(folder: Path) -> dict:
    """Check every file of a model folder without reading any model.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    BundleError
        If a file is missing, truncated, altered or not as its table says, the format version differs, or
        scikit-learn is of another major.minor version.
    """
    manifest = read_manifest(folder)
    saved, here = manifest["versions"]["scikit-learn"], version("scikit-learn")
    if saved.split(".")[:2] != here.split(".")[:2]:
        raise BundleError(f"{folder.name} was made with scikit-learn {saved}, this is {here}", folder)
    kept = EVIDENCE in manifest["files"] or os.path.lexists(folder / EVIDENCE)
    contents = read_files(folder, (*FILES, *[EVIDENCE] * kept), manifest)
    read_predictor(contents[PREDICTOR], manifest, folder)
    return manifest
