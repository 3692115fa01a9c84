"""Commands and what they refuse; each command's --help has an example, and it works when pasted."""

import re
import shlex
import shutil

import pytest
from commands import run
from servers import free_port, running

from wholesale import data, manifest
from wholesale.cli import main
from wholesale.manifest import MODELS_FOLDER, ROOT
from wholesale.models import fit_gmm

COMMANDS = [command.callback.__name__ for command in main.registered_commands]
WRITTEN = {"train": "mine/predictor.json", "score": "scored.csv", "check": "models"}


def _refused(*arguments):
    """Run a command that refuses in one sentence, and give that."""
    result = run(*arguments)
    assert result.exit_code == 1 and len(result.output.splitlines()) == 1
    return result.output


def test_train_shows_its_steps_and_a_table_and_saves_a_bundle_that_checks(tmp_path, bundle):
    result = run("train", "-o", tmp_path)
    assert result.exit_code == 0, result.output
    for word in ("K-Means", "Gaussian mixture", "Ward", "silhouette", "BIC", *bundle.names["gmm"]):
        assert word in result.output
    assert f"{bundle.manifest['metrics']['gmm']['bic']:.0f}" in result.output
    assert run("check", "--models", tmp_path).exit_code == 0
    assert run("check", "--quiet").output == ""


def test_check_says_what_is_wrong_and_notices_other_data(tmp_path, monkeypatch):
    folder = shutil.copytree(MODELS_FOLDER, tmp_path / "models")
    (folder / "gmm.pkl").write_bytes(b"")
    said = "gmm.pkl is not the file that was saved; retrain with: python -m wholesale train"
    assert said in _refused("check", "--models", folder)
    monkeypatch.setattr(manifest, "SHIPPED", other := tmp_path / "wholesale_customers.csv")
    other.write_text("Fresh")
    assert "models was trained on other data than wholesale_customers.csv; retrain with" in _refused("check")


def test_train_refuses_an_output_that_is_a_file_before_it_fits_and_altered_data(tmp_path, monkeypatch):
    (tmp_path / "taken").write_text("")
    assert "File exists" in _refused("train", "-o", tmp_path / "taken")
    monkeypatch.setattr(data, "SHIPPED", tmp_path / "wholesale_customers.csv")
    assert _refused("train", "-o", tmp_path) == "wholesale_customers.csv is not there\n"


@pytest.mark.parametrize(("command", "advice"), [("train", "name a folder"), ("evidence", "train FILE")])
def test_models_that_came_with_a_wheel_are_not_overwritten(monkeypatch, command, advice):
    monkeypatch.setattr(manifest, "INSTALLED", True)
    assert advice in _refused(command)


def test_serve_refuses_missing_models_in_one_sentence(tmp_path):
    said = _refused("serve", "--port", 8899, "--models", tmp_path / "models")
    assert said.startswith("no manifest.json in models; retrain with: python -m wholesale train IN")


@pytest.fixture
def folder(tmp_path):
    """A place that looks like the top folder of the project, and is not it."""
    for name in ("dataset", "models", "notebooks"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def _example(command):
    """Give the example's words, `python -m wholesale` left out."""
    text = " ".join(run(command, "--help").output.split())
    found = re.search(rf"Example: python -m wholesale ({command}\b.*)$", text)
    assert found, text
    return shlex.split(found[1])


def _pasted(command, folder):
    result = run(*_example(command), folder=folder)
    assert result.exit_code == 0, result.output


def test_the_example_of_every_command_is_tried_here():
    assert {*WRITTEN, "evidence", "report", "serve"} == set(COMMANDS)


@pytest.mark.parametrize("command", WRITTEN)
def test_the_examples_that_write_or_check_do(folder, command, monkeypatch):
    monkeypatch.setitem(fit_gmm.__kwdefaults__, "restarts", 3)
    _pasted(command, folder)
    assert (folder / WRITTEN[command]).exists()


def test_the_example_of_evidence_works_but_for_its_five_minutes(folder, monkeypatch):
    monkeypatch.setattr("wholesale.evidence.saved.compute", lambda *_, **__: iter([("tried", 0, 1)]))
    _pasted("evidence", folder)


def test_the_example_of_report_works_but_for_its_minute(folder, monkeypatch):
    """The report itself is written, for the sample, by tests/test_report.py."""
    asked = []
    monkeypatch.setattr("wholesale.report.write_report", lambda *paths, **_: asked.extend(paths))
    _pasted("report", folder)
    source, output = asked
    assert (folder / source).is_file() and output.suffix == ".html"


def test_the_example_of_serve_works(folder):
    words = _example("serve")
    port = words[words.index("--port") + 1] = str(free_port())
    with running("wholesale", *words, folder=folder) as server:
        assert server.address.endswith(f":{port}/")
