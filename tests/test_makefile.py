"""The set-up refuses an unfit Python in one sentence."""

import subprocess
import sys
from pathlib import Path

import pytest

from wholesale.manifest import ROOT


def _make_python(python: Path) -> subprocess.CompletedProcess:
    command = ["make", "--silent", "python", f"PYTHON={python}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


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
    ],
)
def test_an_old_or_incomplete_python_is_refused(tmp_path, refused, sentence):
    stub = _stub(tmp_path, refused)
    result = _make_python(stub)
    assert result.returncode != 0
    assert result.stdout == f"{stub} {sentence}\n"


def test_a_missing_python_is_refused(tmp_path):
    result = _make_python(tmp_path / "python")
    assert result.returncode != 0
    assert "is not there: install Python 3.11 or newer" in result.stdout


def test_a_fit_python_passes_in_silence():
    result = _make_python(Path(sys.executable))
    assert (result.returncode, result.stdout) == (0, "")


def test_help_lists_the_two_commands():
    text = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "make app" in text and "make test" in text
