import subprocess
import sys

CODE = "import sys, wholesale.predict, wholesale.explain; print(*sys.modules)"


def test_a_single_customer_is_answered_without_arrow():
    run = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert "numpy" in run.stdout.split() and "pyarrow" not in run.stdout.split()
