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
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "--silent", *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(params=["plain", "with a space"])
def folder(request, tmp_path) -> Path:
    (tmp_path / request.param).mkdir()
    return tmp_path / request.param


def _stub(path: Path, *lines: str) -> Path:
    """Write a Python that is a script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


SENTENCES = {"version_info": "is older than 3.11: install Python 3.11 or newer, or name one with PYTHON=..."}
SENTENCES |= {"ensurepip": "lacks venv or ensurepip: install them (Debian: apt-get install python3-venv)"}
SENTENCES |= {None: "is not there: install Python 3.11 or newer"}


@pytest.mark.parametrize(("refused", "sentence"), SENTENCES.items())
def test_an_old_incomplete_or_missing_python_is_refused(folder, refused, sentence):
    stub = folder / "python"
    if refused:
        _stub(stub, f'case "$*" in *{refused}*) exit 1;; esac')
    result = _make("python", f"PYTHON={stub}")
    assert result.returncode != 0
    assert result.stdout == f"{stub} {sentence}\n" if refused else sentence in result.stdout


def test_a_fit_python_passes_in_silence_and_help_lists_the_two_commands():
    result = _make("python", f"PYTHON={sys.executable}")
    assert (result.returncode, result.stdout) == (0, "")
    text = _make().stdout
    assert "make app" in text and "make test" in text


def test_the_set_up_is_done_once_in_any_folder_and_then_silent(folder):
    """The environment's Python is a stub here that notes what it is told."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "share", folder / "share")
    _stub(folder / "its env" / "bin" / "python", 'echo "$@" >> told')
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
