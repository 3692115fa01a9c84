import json
import shutil

import pytest

from wholesale.manifest import (
    FILES,
    MANIFEST,
    MODELS_FOLDER,
    BundleError,
    check_folder,
    read_files,
    read_manifest,
    to_json,
    write_file,
    write_files,
)

RETRAIN = "retrain with: python -m wholesale train IN --segments K -o {}"


@pytest.fixture
def folder(tmp_path):
    write_files(tmp_path, {"a.bin": b"alpha", "b.bin": b"beta"}, {"trained": "today", "versions": {}})
    return tmp_path


def test_what_is_written_is_read_back(folder):
    manifest = read_manifest(folder)
    assert manifest["trained"] == "today"
    assert read_files(folder, ["a.bin", "b.bin"], manifest) == {"a.bin": b"alpha", "b.bin": b"beta"}


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda f: (f / "b.bin").unlink(), "b.bin is missing"),
        (lambda f: (f / "b.bin").write_bytes(b"bet"), "b.bin is not the file that was saved"),
        (lambda f: (f / "b.bin").write_bytes(b"bexa"), "b.bin is not the file that was saved"),
        (lambda f: (f / "b.bin").write_bytes(b""), "b.bin is not the file that was saved"),
    ],
    ids=["missing", "truncated", "altered", "empty"],
)
def test_a_spoilt_file_is_refused_with_the_command_to_retrain(folder, spoil, reason):
    spoil(folder)
    with pytest.raises(BundleError) as refusal:
        read_files(folder, ["a.bin", "b.bin"], read_manifest(folder))
    assert reason in str(refusal.value)
    assert str(refusal.value).endswith(RETRAIN.format(folder))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, f"no {MANIFEST}"),
        (b"", "cannot be read"),
        (b"\x80\x04", "cannot be read"),
        (b"[1]", "cannot be read"),
        (b"{}", "cannot be read"),
        (to_json({"format": 1, "files": [], "versions": {}}), "cannot be read"),
        (to_json({"format": 1, "files": {}, "versions": None}), "cannot be read"),
        (b'{"a":' * 100_000, "cannot be read"),
        (to_json({"format": 0, "files": {}, "versions": {}}), "format version 0, this code reads 1"),
    ],
)
def test_a_spoilt_manifest_is_refused_with_the_command_to_retrain(folder, content, reason):
    (folder / MANIFEST).unlink() if content is None else (folder / MANIFEST).write_bytes(content)
    with pytest.raises(BundleError, match=reason) as refusal:
        read_manifest(folder)
    assert str(refusal.value).endswith(RETRAIN.format(folder))


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(folder):
    with pytest.raises(TypeError):
        write_file(folder / "a.bin", "text, not bytes")
    assert (folder / "a.bin").read_bytes() == b"alpha"
    assert {path.name for path in folder.iterdir()} == {"a.bin", "b.bin", MANIFEST}


def test_a_run_interrupted_between_two_files_is_noticed(folder):
    write_file(folder / "a.bin", b"newer, but the manifest was never written")
    with pytest.raises(BundleError, match=r"a\.bin is not the file that was saved"):
        read_files(folder, ["a.bin"], read_manifest(folder))


@pytest.mark.parametrize("saved", ["1.0.2", "2.9.1", "?"])
def test_another_scikit_learn_is_refused(folder, saved):
    manifest = read_manifest(folder) | {"versions": {"scikit-learn": saved}}
    (folder / MANIFEST).write_bytes(to_json(manifest))
    with pytest.raises(BundleError, match="was made with scikit-learn"):
        check_folder(folder)


def test_the_committed_models_are_complete():
    assert set(check_folder(MODELS_FOLDER)["files"]) == set(FILES)


def test_a_manifest_that_forgets_a_file_is_refused(tmp_path):
    folder = shutil.copytree(MODELS_FOLDER, tmp_path / "models")
    manifest = read_manifest(folder)
    del manifest["files"]["kmeans.pkl"]
    (folder / MANIFEST).write_bytes(to_json(manifest))
    with pytest.raises(BundleError, match=r"kmeans\.pkl is not the file that was saved"):
        check_folder(folder)


def test_json_is_exact_and_has_a_line_per_leaf():
    value = {"a": {"b": [0.1, 1e-300], "c": "é"}, "d": 3}
    text = to_json(value).decode()
    assert json.loads(text) == value
    assert len(text.splitlines()) == 7
    with pytest.raises(ValueError):
        to_json({"a": float("nan")})


def test_the_project_s_own_folder_is_retrained_without_a_file():
    assert str(BundleError("gone")).endswith("retrain with: python -m wholesale train")
    assert str(BundleError("gone", MODELS_FOLDER / ".." / MODELS_FOLDER.name)).endswith("wholesale train")
