"""The score command, from options to files, sentences and exit status."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from commands import run
from scorable import HEADER, names_in, rows_of

from wholesale.manifest import SHIPPED

GOOD = f"{HEADER}\n1,2,3,4,5,6\n"
FOOD = GOOD.replace("Fresh", "Fresh food")


def _wholesale(folder, *arguments, shell=None, **more):
    """Run the command, or a line of bash in which `$0` is it, in a process."""
    command = [sys.executable, "-m", "wholesale", *map(str, arguments)]
    command = ["bash", "-c", shell.replace("$0", f"'{sys.executable}' -m wholesale")] if shell else command
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
    return subprocess.run(command, cwd=folder, text=True, check=False, timeout=60, **pipes)


def test_the_summary_counts_and_judges_unless_told_to_be_quiet(tmp_path):
    result = run("score", SHIPPED, "-o", "scored.csv", folder=tmp_path)
    assert (result.exit_code, result.stderr, names_in(tmp_path)) == (0, "", {"scored.csv"})
    said = "Scored 440 customers into scored.csv.", "These customers spend as the 440 on record do"
    for words in (*said, "Few staples", "212", "as on record"):
        assert words in result.stdout
    result = run("score", SHIPPED, "-o", "scored.csv", "--force", "--quiet", folder=tmp_path)
    assert (result.exit_code, result.output) == (0, "")


def test_another_market_is_said_first_and_rejected_rows_are_counted_after_some(tmp_path):
    far = "".join(f"{','.join([str(10**6 + i)] * 6)}\n" for i in range(50))
    (tmp_path / "far.csv").write_text(f"{HEADER}\n{far}" + "x,2,3,4,5,6\n" * 5)
    said = run("score", "far.csv", folder=tmp_path).stdout
    assert said.startswith("Taken together, these customers are unlike the 440")
    assert said.count("these customers are unlike") == 1 and "python -m wholesale train" in said
    assert "line 54: Fresh: x is not an amount ≥ 0\n  and 2 more\n" in said


def test_rejected_rows_have_their_own_file_and_exit_status(tmp_path):
    (tmp_path / "mine.csv").write_text(f"{GOOD}1,2,3,4,5,x\n1,2\n")
    result = run("score", "mine.csv", "--json", folder=tmp_path)
    summary = json.loads(result.stdout)
    assert (result.exit_code, summary["accepted"], summary["rejected"]) == (3, 1, 2)
    assert (summary["output"], summary["rejected_file"]) == ("mine.scored.csv", "mine.scored.rejected.csv")
    rows = rows_of(tmp_path / "mine.scored.rejected.csv")
    told = [(row["line"], row["column"], row["value"]) for row in rows]
    assert told == [("3", "Delicassen", "x"), ("4", "", "")]
    assert rows[0]["reason"] == "Delicassen: x is not an amount ≥ 0" and rows[1]["record"] == "1,2"


def test_standard_input_and_output(tmp_path):
    result = run("score", "-", "-o", "-", folder=tmp_path, text=f"id,{HEADER}\na,1,2,3,4,5,6\n")
    header, row = result.stdout.splitlines()
    assert header.startswith(f"id,{HEADER},kmeans_segment,kmeans_name,")
    assert row.startswith('"a",1,2,3,4,5,6,') and "Scored 1 customer into standard output." in result.stderr
    assert (result.exit_code, names_in(tmp_path)) == (0, set())


@pytest.mark.parametrize(
    ("content", "arguments", "sentence"),
    [
        (None, (), "mine.csv is not there"),
        ("", (), "mine.csv: it is empty"),
        (f"{HEADER}\n", (), "mine.csv: it has a header but no rows"),
        (GOOD, ("-o", "there"), "there is there already; replace it with --force, or choose another with -o"),
        (GOOD, ("-o", "mine.csv"), "mine.csv is what is read; choose another output with -o"),
        (GOOD, ("-o", "no/scored.csv"), "there is no folder no for scored.csv"),
        (GOOD, ("--models", "."), "no manifest.json in"),
        (GOOD, ("--column", "Fresh"), "--column Fresh is not of the form CATEGORY=NAME"),
        (FOOD, (), "mine.csv: no column for Fresh (nearest: Fresh food); say, for example, --column Fresh="),
    ],
)
def test_what_cannot_be_scored_is_refused_in_one_sentence(tmp_path, content, arguments, sentence):
    if content is not None:
        (tmp_path / "mine.csv").write_text(content)
    (tmp_path / "there").touch()
    before = names_in(tmp_path)
    result = run("score", "mine.csv", *arguments, folder=tmp_path)
    assert result.exit_code == 1 and names_in(tmp_path) == before
    assert result.stderr.startswith(sentence) and result.stderr.count("\n") == 1


@pytest.mark.parametrize("moment", ["scoring", "waiting for a pipe"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_run_says_so_and_leaves_nothing(tmp_path, how, moment):
    if moment == "scoring":
        rows = SHIPPED.read_text().partition("\n")[2]
        (tmp_path / "mine.csv").write_text(SHIPPED.read_text() + rows * 2000)
    else:
        os.mkfifo(tmp_path / "mine.csv")
    command = [sys.executable, "-m", "wholesale", "score", "mine.csv"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 30
    while not _is_begun(tmp_path, moment) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(how)
    _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (130, "Stopped; nothing was written.\n")
    assert names_in(tmp_path) == {"mine.csv"}


def _is_begun(folder, moment):
    """Tell whether some rows are written, or somebody waits for what the pipe gives."""
    if moment == "scoring":
        return any(folder.glob(".*.part"))
    with contextlib.suppress(OSError):  # nobody reads
        return os.open(folder / "mine.csv", os.O_WRONLY | os.O_NONBLOCK)


@pytest.mark.parametrize("source", ["-", "mine.csv"])
def test_rejected_rows_are_written_only_where_told_if_the_output_is_standard_output(tmp_path, source):
    text = f"{GOOD}1,2,3,4,5,x\n"
    (tmp_path / "mine.csv").write_text(text)
    result = run("score", source, "-o", "-", folder=tmp_path, text=text)
    assert (result.exit_code, result.stdout.count("\n")) == (3, 2)
    assert "Rejected 1 row; keep such rows with --rejected FILE:\n  line 3: Delicassen: x" in result.stderr
    assert names_in(tmp_path) == {"mine.csv"}
    result = run("score", source, "-o", "-", "--json", folder=tmp_path, text=text)
    assert json.loads(result.stderr)["rejected_file"] is None
    result = run("score", source, "-o", "-", "--rejected", "bad.csv", folder=tmp_path, text=text)
    assert "Rejected 1 row, with reasons in bad.csv:" in result.stderr
    assert (tmp_path / "bad.csv").read_text().count("\n") == 2


def test_a_pipe_is_read_once(tmp_path):
    os.mkfifo(pipe := tmp_path / "pipe.csv")
    writer = threading.Thread(target=pipe.write_bytes, args=[SHIPPED.read_bytes()], daemon=True)
    writer.start()
    named = _wholesale(tmp_path, "score", "pipe.csv", "-o", "out.csv")
    writer.join()
    other = _wholesale(tmp_path, shell=f"$0 score <(cat '{SHIPPED}')")
    for result, name in ((named, "out.csv"), (other, "stdin.scored.csv")):
        assert result.stdout.startswith(f"Scored 440 customers into {name}.") and result.stderr == ""
    assert (tmp_path / "stdin.scored.csv").read_bytes() == (tmp_path / "out.csv").read_bytes()


@pytest.mark.parametrize("command", [("train", "-o", "mine"), ("report",)], ids=["train", "report"])
def test_other_commands_refuse_a_pipe_in_a_sentence(tmp_path, command):
    os.mkfifo(tmp_path / "pipe")
    result = _wholesale(tmp_path, command[0], "pipe", *command[1:])
    sentence = "pipe is no file that can be read twice: write what it gives into one\n"
    assert result.stderr.removeprefix("  Read pipe\n") == sentence
    assert (result.returncode, names_in(tmp_path)) == (1, {"pipe"})


@pytest.mark.parametrize("arguments", [("-o", "-"), ("--json", "-o", "out.csv"), ("-o", "out.csv")], ids=str)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only some systems have a full device")
def test_a_full_standard_output_is_one_sentence(tmp_path, arguments):
    with Path("/dev/full").open("w") as full:
        done = _wholesale(tmp_path, "score", SHIPPED, *arguments, stdout=full)
    said = "standard output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_a_reader_that_goes_away_is_no_news(tmp_path):
    done = _wholesale(tmp_path, shell=f"$0 score '{SHIPPED}' -o - -q | head -1")
    assert done.stdout.startswith("Channel,") and done.stderr == ""


def test_the_rejected_rows_of_a_cluster_go_where_told(tmp_path, monkeypatch):
    told = {}
    monkeypatch.setattr("wholesale.scoring.cluster.score_cluster", lambda *_, **how: told.update(how))
    with contextlib.suppress(AttributeError):
        run("score", SHIPPED, "--dask", "local", "--rejected", "bad.csv", folder=tmp_path)
    assert told["rejected"].name == "bad.csv"


def test_blanks_may_mean_zero_and_where_they_are_most_of_what_is_wrong_this_is_advised(tmp_path):
    (tmp_path / "in.csv").write_text(f"{GOOD},2,-,4,5,6\n1,,3,4,,6\n1,2,x,4,5,6\n")
    advice = "Blanks are why 2 of the rejected 3 are; if a blank means 0, say --blank zero"
    result = run("score", "in.csv", "-o", "out.csv", folder=tmp_path)
    assert result.exit_code == 3 and advice in result.stdout
    result = run("score", "in.csv", "-o", "zero.csv", "--blank", "zero", folder=tmp_path)
    assert result.exit_code == 3 and "--blank" not in result.stdout
    scored = [line.split(",")[:6] for line in (tmp_path / "zero.csv").read_text().splitlines()[1:]]
    assert [list(map(float, row)) for row in scored] == [
        [1, 2, 3, 4, 5, 6], [0, 2, 0, 4, 5, 6], [1, 0, 3, 4, 0, 6]]  # fmt: skip


def test_a_sign_that_the_output_has_no_place_for_does_not_stop_a_run(tmp_path):
    (tmp_path / "in.csv").write_text(f"{SHIPPED.read_text()}2,3,x,1,1,1,1,1\n")
    for options, status in (([], 3), (["--json", "--force"], 3)):
        latin = {"env": os.environ | {"PYTHONIOENCODING": "cp1252"}}
        done = _wholesale(tmp_path, "score", "in.csv", "-o", "out.csv", *options, **latin)
        assert (done.returncode, done.stderr) == (status, "") and "x is not an amount" in done.stdout
    assert json.loads(done.stdout)["rejected_examples"] == ["line 442: Fresh: x is not an amount ≥ 0"]


def test_a_file_whose_name_is_not_utf_8_is_refused_in_a_sentence(tmp_path):
    name = os.fsdecode(b"caf\xe9.csv")
    (tmp_path / name).write_bytes(SHIPPED.read_bytes())
    for command in (["score", name], ["train", name, "-o", "mine"]):
        done = _wholesale(tmp_path, *command)
        assert (done.returncode, done.stderr) == (1, "a file's name is not UTF-8: rename it\n")
