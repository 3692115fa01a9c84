import re
import subprocess
import sys
import tomllib
from zipfile import ZipFile

import pytest
import yaml

from wholesale.manifest import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NAMED_BY_THE_USER = "jupyterlab voila ipywidgets scikit-learn pandas numpy seaborn scipy nbval"


def _required() -> set[str]:
    project = PYPROJECT["project"]
    return {*project["dependencies"], *project["optional-dependencies"]["dev"]}


def test_conda_gets_the_same_packages_and_bounds():
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pip = next(entry["pip"] for entry in dependencies if isinstance(entry, dict))
    conda = {entry for entry in dependencies if isinstance(entry, str)}
    python = f"python{PYPROJECT['project']['requires-python']}"
    assert conda | set(pip) == _required() | {python, "pip", "--editable ."}


def test_the_users_nine_packages_are_required():
    assert {re.split("[<>=]", requirement)[0] for requirement in _required()} >= set(
        NAMED_BY_THE_USER.split()
    )


@pytest.mark.parametrize("requirement", sorted(_required()))
def test_every_package_is_bounded_and_locked_within_its_bounds(requirement):
    from packaging.requirements import Requirement

    wanted = Requirement(requirement)
    assert {bound.operator for bound in wanted.specifier} == {">=", "<"}
    locked = re.search(rf"^{wanted.name}==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert locked and wanted.specifier.contains(locked[1])


def test_the_wheel_holds_what_the_installed_command_needs(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    names = ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    for name in ("models/manifest.json", "dataset/wholesale_customers.csv", "voila.json"):
        assert f"wholesale/shipped/{name}" in names
    for name in ("05_predictor", "06_your_customers"):
        assert f"wholesale/shipped/notebooks/{name}.ipynb" in names
    assert any(name.endswith("share/jupyter/voila/templates/wholesale/index.html.j2") for name in names)


def test_the_lock_has_hashes_and_names_no_index():
    lock = (ROOT / "requirements.lock").read_text()
    assert lock.count("--hash=sha256:") > lock.count("==")
    assert not re.search(r"index|find-links|https?://", lock)
