import subprocess
import sys

import pytest

FITTING = {"sklearn", "scipy", "pandas", "matplotlib", "seaborn", "joblib", "pickle_seen"}
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


@pytest.mark.parametrize(
    "module", ["wholesale.predict", "wholesale.explain", "wholesale.reading", "wholesale.app"]
)
def test_the_answering_half_imports_nothing_that_fits_or_draws(module):
    assert not _imported(module) & FITTING


def test_the_page_is_built_without_them_without_unpickling_and_reads_no_files_and_describes_no_api():
    run = "from wholesale.app import build_app\nbuild_app(wholesale.predict.load_predictor())"
    assert not _imported("wholesale.predict", run) & {*FITTING, "pyarrow", "pydantic"}


def test_a_single_customer_is_answered_without_arrow_and_the_check_would_notice():
    assert "pyarrow" not in _imported("wholesale.explain") | _imported("wholesale.predict")
    assert "sklearn" in _imported("wholesale.bundle")
