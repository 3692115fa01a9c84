"""A run that is killed, interrupted, or out of space leaves no half-written file under a final name."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from scorable import names_in, write_customers

from wholesale.scoring import OutputError, score_file

ROWS = 200_000
SCORE = """
import os, resource, sys
from wholesale.predict import load_predictor
from wholesale.scoring import OutputError, score_file
predictor = load_predictor()
def score(progress=lambda *_: None):
    try:
        score_file(sys.argv[1], sys.argv[2], predictor, progress=progress)
    except OutputError as error:
        sys.stderr.write(f"{error}\\n")
"""
UNDISTURBED = 'score(lambda *_: print("on it", flush=True))'
LIMITED = """
for limit in (0, 5_000, 100_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    score()
"""
UNPRIVILEGED = """
if os.geteuid() == 0:
    os.setuid(65534)
score()
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory, predictor):
    """Two hundred thousand customers, the same ones again and again."""
    few = write_customers(tmp_path_factory.mktemp("source") / "few.csv", predictor, 2000, bad=100)
    header, rows = few.read_bytes().split(b"\n", 1)
    many = few.with_name("many.csv")
    many.write_bytes(header + b"\n" + rows * (ROWS // 2000))
    return many


def _run(code: str, *arguments: Path) -> subprocess.Popen:
    command = [sys.executable, "-c", SCORE + code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_a_run_ended_at_any_moment_leaves_all_or_nothing(source, tmp_path, predictor, how):
    moments, output, undisturbed = random.Random(how), tmp_path / "out.csv", source.with_name(f"{how}.csv")
    summary = score_file(source, undisturbed, predictor)
    assert summary.accepted + summary.rejected == ROWS
    for _ in range(3):
        with _run(UNDISTURBED, source, output) as process:
            process.stdout.readline()
            time.sleep(moments.uniform(0, 0.4))
            process.send_signal(how)
            process.communicate()
        left = {name for name in names_in(tmp_path) if not name.endswith(".part")}
        assert left <= {"out.csv", "out.rejected.csv"}
        assert "out.csv" not in left or output.read_bytes() == undisturbed.read_bytes()
        if how == signal.SIGINT:
            assert names_in(tmp_path) == left
        for name in left:
            (tmp_path / name).unlink()
    score_file(source, output, predictor)
    assert output.read_bytes() == undisturbed.read_bytes()


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_a_file_that_may_not_grow_is_not_left_half_written(tmp_path_factory, tmp_path, predictor, name):
    source = write_customers(tmp_path_factory.mktemp("few") / "in.csv", predictor, 3000)
    with _run(LIMITED, source, tmp_path / name) as process:
        _, said = process.communicate()
    assert said == "stopped, and kept nothing: File too large\n" * 3
    assert names_in(tmp_path) == set()
    score_file(source, tmp_path / name, predictor)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of one megabyte; only root may make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a file system can be mounted by root only")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_a_full_disk_is_left_as_it_was(small_disk, source, tmp_path, predictor, name):
    (small_disk / name).write_text("precious")
    with pytest.raises(OutputError, match=r"^stopped, and kept nothing: No space left on device$"):
        score_file(source, small_disk / name, predictor, force=True)
    assert names_in(small_disk) == {name}
    assert (small_disk / name).read_text() == "precious"
    score_file(source, tmp_path / name, predictor)


def test_a_disk_that_cannot_be_written_is_refused(small_disk, source, predictor):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(OutputError, match=r"^out.csv cannot be written: it is read-only$"):
        score_file(source, small_disk / "out.csv", predictor)


def test_a_folder_without_permission_is_refused(predictor):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        few = write_customers(Path(folder, "in.csv"), predictor, 5)
        locked = Path(folder, "locked")
        locked.mkdir(mode=0o555)
        with _run(UNPRIVILEGED, few, locked / "out.csv") as process:
            _, said = process.communicate()
    assert said == "out.csv cannot be written: it is read-only\n"
