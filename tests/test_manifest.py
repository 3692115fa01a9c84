import hashlib
import json
import os
import shutil

import numpy as np
import pytest

from wholesale import manifest
from wholesale.bundle import load_bundle
from wholesale.manifest import EVIDENCE, FILES, MANIFEST, MODELS_FOLDER, SEAL, BundleError, read_manifest
from wholesale.predictor import load_predictor, read_folder

RETRAIN = "retrain with: python -m wholesale train IN --segments K -o {}"


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(MODELS_FOLDER, tmp_path / "models")


def test_what_is_written_is_read_back(folder, tmp_path):
    about = {key: its for key, its in read_manifest(folder).items() if key not in ("format", "files", SEAL)}
    contents = {name: (folder / name).read_bytes() for name in FILES}
    assert set(read_folder(MODELS_FOLDER)[1]) == {*FILES, EVIDENCE}, "the committed models"
    written = manifest.write_files(tmp_path / "again", contents, about)
    assert written == read_manifest(tmp_path / "again") == read_folder(tmp_path / "again")[0].manifest
    assert manifest.read_files(tmp_path / "again", FILES, written) == contents


def _replaced(file, make):
    file.unlink()
    make(file)


SPOILT = {
    "missing": lambda file: file.unlink(),
    "empty": lambda file: file.write_bytes(b""),
    "truncated": lambda file: file.write_bytes(file.read_bytes()[:-9]),
    "altered": lambda file: file.write_bytes(file.read_bytes()[:-9] + b"?" + file.read_bytes()[-8:]),
    "link": lambda file: file.symlink_to(file.rename(file.with_name("elsewhere"))),
    "folder": lambda file: _replaced(file, os.mkdir),
    "pipe": lambda file: _replaced(file, os.mkfifo),
}


@pytest.mark.parametrize("name", [*FILES, EVIDENCE, MANIFEST])
@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_spoilt_file_is_refused_with_the_command_to_retrain(folder, monkeypatch, name, spoil):
    monkeypatch.setattr("joblib.load", lambda *_: pytest.fail("unpickled"))
    spoil(folder / name)
    loaders = [read_folder, load_bundle, *[load_predictor] * (name in ("predictor.json", MANIFEST))]
    for load in loaders:
        with pytest.raises(BundleError) as refusal:
            load(folder)
        assert str(refusal.value).endswith(RETRAIN.format(folder)), str(refusal.value)
        assert name in str(refusal.value) and len(str(refusal.value).splitlines()) == 1


def test_a_flipped_bit_anywhere_in_the_manifest_is_refused(folder):
    content = (folder / MANIFEST).read_bytes()
    in_1e06 = content.index(b"1e-06") + 1  # in capitals it is the same number
    for at, bit in [*enumerate(np.random.default_rng(2).integers(0, 8, len(content)).tolist()), (in_1e06, 5)]:
        (folder / MANIFEST).write_bytes(content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])
        with pytest.raises(BundleError):
            read_manifest(folder)


BAD_MANIFESTS = dict.fromkeys((b"", b"\x80\x04", b"[1]", b"{}", b'{"format": "2"}'), "cannot be read") | {
    None: f"no {MANIFEST}",
    b'{"format": 3, "metrics": null}': "not in order",
    b'{"format": 3, "customers": NaN}': "not in order",
    b'{"a":' * 100_000: "cannot be read",
    b'{"format": 3, "a":' + b'{"a":' * 700 + b"0" + b"}" * 701: "not in order",
    b'{"format": 2, "files": {}, "versions": {}}': "format version 2, this code reads 3",
}


@pytest.mark.parametrize(("content", "reason"), BAD_MANIFESTS.items(), ids=lambda its: repr(its)[:40])
def test_a_spoilt_manifest_is_refused_with_the_command_to_retrain(folder, content, reason):
    (folder / MANIFEST).unlink() if content is None else (folder / MANIFEST).write_bytes(content)
    with pytest.raises(BundleError, match=reason) as refusal:
        read_manifest(folder)
    assert str(refusal.value).endswith(RETRAIN.format(folder))


def test_the_seal_is_the_hash_of_the_canonical_json_of_all_the_rest():
    content = json.loads((MODELS_FOLDER / MANIFEST).read_bytes())
    seal = content.pop("manifest_sha256")
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert seal == hashlib.sha256(canonical.encode()).hexdigest()


def test_evidence_is_covered_where_there_is_any_and_none_is_taken_on_trust(folder):
    (folder / EVIDENCE).unlink()
    content = json.loads((folder / MANIFEST).read_bytes())
    del content["files"][EVIDENCE]
    (folder / MANIFEST).write_bytes(manifest.to_json(manifest.sealed(content, SEAL)))
    assert read_folder(folder)
    shutil.copy(MODELS_FOLDER / EVIDENCE, folder)
    with pytest.raises(BundleError, match=r"evidence\.json is not the file that was saved"):
        read_folder(folder)


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(folder):
    with pytest.raises(TypeError):
        manifest.write_file(folder / "gmm.pkl", "text, not bytes")
    assert (folder / "gmm.pkl").read_bytes() == (MODELS_FOLDER / "gmm.pkl").read_bytes()
    assert {path.name for path in folder.iterdir()} == {path.name for path in MODELS_FOLDER.iterdir()}


@pytest.mark.parametrize("saved", ["1.0.2", "2.9.1", "?"])
def test_another_scikit_learn_is_refused(folder, saved):
    changed = read_manifest(folder)
    changed["versions"]["scikit-learn"] = saved
    (folder / MANIFEST).write_bytes(manifest.to_json(manifest.sealed(changed, SEAL)))
    with pytest.raises(BundleError, match="was made with scikit-learn"):
        read_folder(folder)


def test_json_is_exact_and_has_a_line_per_leaf():
    value = {"a": {"b": [0.1, 1e-300], "c": "é"}, "d": 3}
    text = manifest.to_json(value).decode()
    assert json.loads(text) == value
    assert len(text.splitlines()) == 7
    with pytest.raises(ValueError):
        manifest.to_json({"a": float("nan")})


def test_the_project_s_own_folder_is_retrained_without_a_file_and_an_installed_one_elsewhere(monkeypatch):
    assert str(BundleError("gone")).endswith("retrain with: python -m wholesale train")
    monkeypatch.setattr(manifest, "ELSEWHERE", " -o mine")
    told = str(BundleError("gone", MODELS_FOLDER / ".." / MODELS_FOLDER.name))
    assert told.endswith("retrain with: python -m wholesale train -o mine")
