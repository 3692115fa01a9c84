"""Each command's --help has an example, and it works when pasted."""

import contextlib
import re
import shlex

import pytest
from servers import free_port, running
from typer.testing import CliRunner

from wholesale.cli import main
from wholesale.manifest import ROOT

COMMANDS = [command.callback.__name__ for command in main.registered_commands]
WRITTEN = {"train": "mine/predictor.json", "score": "scored.csv"}


def _example(command):
    """Give the example's words, `python -m` left out."""
    text = " ".join(CliRunner().invoke(main, [command, "--help"]).output.split())
    found = re.search(rf"Example: python -m (wholesale {command}\b.*)$", text)
    assert found, text
    return shlex.split(found[1])


@pytest.fixture
def folder(tmp_path):
    """A place that looks like the top folder of the project, and is not it."""
    for name in ("dataset", "models", "notebooks"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def _run(command, folder):
    with contextlib.chdir(folder):
        result = CliRunner().invoke(main, _example(command)[1:])
    assert result.exit_code == 0, result.output


def test_every_command_is_tried_here():
    assert {*WRITTEN, "check", "evidence", "report", "serve"} == set(COMMANDS)


@pytest.mark.parametrize("command", [*WRITTEN, "check"])
def test_the_examples_that_write_or_check_do(folder, command):
    _run(command, folder)
    assert command == "check" or (folder / WRITTEN[command]).is_file()


def test_the_example_of_evidence_works_but_for_its_five_minutes(folder, monkeypatch):
    monkeypatch.setattr("wholesale.evidence.saved.compute", lambda *_, **__: iter([("tried", 0, 1)]))
    _run("evidence", folder)


def test_the_example_of_report_works_but_for_its_minute(folder, monkeypatch):
    """The report itself is written, for the sample, by tests/test_report.py."""
    asked = []
    monkeypatch.setattr("wholesale.report.write_report", lambda *paths, **_: asked.extend(paths))
    _run("report", folder)
    source, output = asked
    assert (folder / source).is_file() and output.suffix == ".html"


def test_the_example_of_serve_works(folder):
    words = _example("serve")
    port = words[words.index("--port") + 1] = str(free_port())
    with running(*words, folder=folder) as server:
        assert server.address.endswith(f":{port}/")
