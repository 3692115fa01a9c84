import shutil

import pytest
from typer.testing import CliRunner

from wholesale import cli, data
from wholesale.cli import main
from wholesale.manifest import MODELS_FOLDER


def _run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_train_shows_its_steps_and_a_table_and_saves_a_bundle_that_checks(tmp_path, bundle):
    result = _run("train", "-o", tmp_path)
    assert result.exit_code == 0, result.output
    for word in ("K-Means", "Gaussian mixture", "Ward", "silhouette", "BIC", *bundle.names["gmm"]):
        assert word in result.output
    assert f"{bundle.manifest['metrics']['gmm']['bic']:.0f}" in result.output
    assert _run("check", "--models", tmp_path).exit_code == 0
    assert _run("check", "--quiet").output == ""


def test_check_says_what_is_wrong_and_fails(tmp_path):
    folder = shutil.copytree(MODELS_FOLDER, tmp_path / "models")
    (folder / "gmm.pkl").write_bytes(b"")
    result = _run("check", "--models", folder)
    assert result.exit_code == 1
    assert "gmm.pkl is not the file that was saved; retrain with: python -m wholesale train" in result.output


def test_check_notices_other_data(monkeypatch, tmp_path):
    other = tmp_path / "wholesale_customers.csv"
    other.write_text("Fresh")
    monkeypatch.setattr(cli, "SHIPPED", other)
    result = _run("check")
    assert result.exit_code == 1
    assert "models was trained on other data than wholesale_customers.csv; retrain with" in result.output


def test_train_refuses_an_output_that_is_a_file_before_it_fits_and_altered_data(tmp_path, monkeypatch):
    (tmp_path / "taken").write_text("")
    result = _run("train", "-o", tmp_path / "taken")
    assert result.exit_code == 1
    assert "File exists" in result.output and "Training" not in result.output
    monkeypatch.setattr(data, "SHIPPED", tmp_path / "wholesale_customers.csv")
    result = _run("train", "-o", tmp_path)
    assert (result.exit_code, result.output) == (1, "wholesale_customers.csv is not there\n")


@pytest.mark.parametrize(("command", "advice"), [("train", "name a folder"), ("evidence", "train FILE")])
def test_models_that_came_with_a_wheel_are_not_overwritten(monkeypatch, command, advice):
    monkeypatch.setattr(cli, "INSTALLED", True)
    result = _run(command)
    assert result.exit_code == 1 and len(result.output.splitlines()) == 1 and advice in result.output


def test_serve_refuses_missing_models_in_one_sentence(tmp_path):
    result = _run("serve", "--port", 8899, "--models", tmp_path / "models")
    assert result.exit_code == 1
    assert result.output.startswith("no manifest.json in models; retrain with: python -m wholesale train IN")
    assert len(result.output.splitlines()) == 1
