import re
import subprocess
import sys
import tomllib
from zipfile import ZipFile

import pytest
import yaml
from packaging.requirements import Requirement

from wholesale.manifest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REQUIRED = {*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]}
LOCK = (ROOT / "requirements.lock").read_text()
NAMED_BY_THE_USER = "jupyterlab voila ipywidgets scikit-learn pandas numpy seaborn scipy nbval"


def test_conda_gets_the_same_packages_and_bounds():
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pip = next(entry["pip"] for entry in dependencies if isinstance(entry, dict))
    conda = {entry for entry in dependencies if isinstance(entry, str)}
    python = f"python{PROJECT['requires-python']}"
    assert conda | set(pip) == REQUIRED | {python, "pip", "--editable ."}


def test_the_users_nine_packages_are_required():
    assert set(NAMED_BY_THE_USER.split()) <= {Requirement(each).name for each in REQUIRED}


@pytest.mark.parametrize("requirement", sorted(REQUIRED))
def test_every_package_is_bounded_and_locked_within_its_bounds(requirement):
    wanted = Requirement(requirement)
    assert {bound.operator for bound in wanted.specifier} == {">=", "<"}
    locked = re.search(rf"^{wanted.name}==(\S+)", LOCK, re.MULTILINE)
    assert locked and wanted.specifier.contains(locked[1])


def test_the_wheel_holds_what_the_installed_command_needs(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    names = ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    shipped = ("models/manifest.json", "dataset/wholesale_customers.csv", "voila.json")
    notebooks = ("notebooks/05_predictor.ipynb", "notebooks/06_your_customers.ipynb")
    assert {f"wholesale/shipped/{name}" for name in (*shipped, *notebooks)} <= set(names)
    assert any(name.endswith("share/jupyter/voila/templates/wholesale/index.html.j2") for name in names)


def test_the_lock_has_hashes_and_names_no_index():
    assert LOCK.count("--hash=sha256:") > LOCK.count("==")
    assert not re.search(r"index|find-links|https?://", LOCK)
