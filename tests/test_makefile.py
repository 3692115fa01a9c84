"""The set-up refuses an unfit Python in one sentence, is silent when it is done, and takes any folder."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wholesale.manifest import ROOT


def _make(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess:
    """Run make as by hand, also where a make started these tests and tells its children of itself."""
    environment = {name: os.environ[name] for name in os.environ if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def _make_python(python: Path) -> subprocess.CompletedProcess:
    return _make("--silent", "python", f"PYTHON={python}")


@pytest.fixture(params=["plain", "with a space"])
def folder(request, tmp_path) -> Path:
    (tmp_path / request.param).mkdir()
    return tmp_path / request.param


def _stub(folder: Path, refused: str) -> Path:
    """Write a Python that fails whatever is asked of it about `refused`."""
    stub = folder / "python"
    stub.write_text(f'#!/bin/sh\ncase "$*" in *{refused}*) exit 1;; esac\n')
    stub.chmod(0o755)
    return stub


@pytest.mark.parametrize(
    ("refused", "sentence"),
    [
        ("version_info", "is older than 3.11: install Python 3.11 or newer, or name one with PYTHON=..."),
        ("ensurepip", "lacks venv or ensurepip: install them (Debian: apt-get install python3-venv)"),
        (None, "is not there: install Python 3.11 or newer"),
    ],
)
def test_an_old_incomplete_or_missing_python_is_refused(folder, refused, sentence):
    stub = _stub(folder, refused) if refused else folder / "python"
    result = _make_python(stub)
    assert result.returncode != 0
    assert result.stdout == f"{stub} {sentence}\n" if refused else sentence in result.stdout


def test_a_fit_python_passes_in_silence_and_help_lists_the_two_commands():
    result = _make_python(Path(sys.executable))
    assert (result.returncode, result.stdout) == (0, "")
    text = _make().stdout
    assert "make app" in text and "make test" in text


def test_the_set_up_is_done_once_in_any_folder_and_then_silent(folder):
    """The environment's Python is a stub here that notes what it is told."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "share", folder / "share")
    python = folder / "its env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@" >> told\n')
    python.chmod(0o755)
    shutil.copy(ROOT / "requirements.lock", folder / "its env")

    def told(target: str) -> list[str]:
        (folder / "told").unlink(missing_ok=True)
        result = _make(target, "VENV=its env", folder=folder)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
        return re.findall(r"^-m (\w+)", (folder / "told").read_text(), re.MULTILINE)

    assert told("test") == ["pip", "pytest"]
    assert told("test") == ["pytest"]
    after = (folder / "its env" / "installed").stat().st_mtime + 1
    os.utime(next((folder / "share").rglob("*.css")), (after, after))
    assert told("train") == ["pip", "wholesale"]
