import subprocess
import sys

import pytest

from wholesale.app.templates import COMPILED, compile_into

FITTING = {"sklearn", "scipy", "pandas", "matplotlib", "seaborn", "joblib", "dask", "distributed"}
SERVED = """
import builtins, pickle, sys
def refuse(*_args, **_kwargs): raise SystemExit("unpickled")
pickle.load = pickle.loads = pickle.Unpickler = refuse
import {module}
{run}
print(" ".join(name.partition(".")[0] for name in sys.modules))
"""


def _imported(module: str, run: str = "") -> set[str]:
    code = SERVED.format(module=module, run=run)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


@pytest.mark.parametrize("module", ["predict", "explain", "reading", "scoring.cluster", "app"])
def test_the_answering_half_imports_nothing_that_fits_or_draws(module):
    assert not _imported(f"wholesale.{module}") & FITTING


@pytest.mark.parametrize("served", [False, True])
def test_the_page_reads_no_files_describes_no_api_and_unpickles_nothing(served, tmp_path, monkeypatch):
    monkeypatch.delenv(COMPILED, raising=False)
    if served:  # from templates that the server has compiled
        compile_into(str(tmp_path))
        monkeypatch.setenv(COMPILED, str(tmp_path))
    run = "from wholesale.app import build_app\nbuild_app(wholesale.predict.load_predictor())"
    assert not _imported("wholesale.predict", run) & {*FITTING, "pyarrow", "pydantic"}


def test_a_single_customer_is_answered_without_arrow_and_the_check_would_notice():
    assert "pyarrow" not in _imported("wholesale.explain") | _imported("wholesale.predict")
    assert "sklearn" in _imported("wholesale.bundle")


def test_compiled_templates_that_have_gone_are_not_needed(monkeypatch, tmp_path):
    monkeypatch.setenv(COMPILED, str(tmp_path / "gone"))
    run = "from wholesale.app import build_app\nbuild_app(wholesale.predict.load_predictor())"
    assert _imported("wholesale.predict", run)
