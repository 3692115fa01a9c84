"""A run of tests that is ended leaves no server behind."""

import os
import signal
import subprocess
import sys
import time

import psutil

from wholesale.manifest import ROOT

SLOW = """
import time

def test_slow(address):
    print("ready", flush=True)
    time.sleep(60)
"""


def test_a_run_ended_by_sigterm_leaves_no_server_and_no_kernel(tmp_path):
    (tmp_path / "test_slow.py").write_text(SLOW)
    command = [sys.executable, "-m", "pytest", "-s", "-q", "-p", "conftest", "-p", "no:cacheprovider"]
    run = subprocess.Popen(
        [*command, "--rootdir", str(tmp_path), "test_slow.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        stdout=subprocess.PIPE,
        text=True,
    )
    with run:
        while (line := run.stdout.readline()) and "ready" not in line:
            pass
        started = psutil.Process(run.pid).children(recursive=True)
        while len(started) < 2:  # a server and a kernel
            time.sleep(0.1)
            started = psutil.Process(run.pid).children(recursive=True)
        run.send_signal(signal.SIGTERM)
        run.stdout.read()
    assert run.returncode == 2  # interrupted
    assert psutil.wait_procs(started, timeout=5)[1] == []
