"""The same answers from a cluster of two worker processes, also if one of them dies."""

import contextlib
import gzip
import logging
import os
import signal
import subprocess
import sys

import dask
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from distributed import Client, LocalCluster
from scorable import HEADER, names_in, rows_of, write_customers, write_rows

from wholesale.reading import ReadError, read_customers
from wholesale.reading.totals import BESIDE
from wholesale.scoring import OutputError, score_file, score_table
from wholesale.scoring import cluster as cluster_scoring
from wholesale.scoring.cluster import ClusterError, score_cluster

ROWS = np.random.default_rng(0).integers(1, 9999, (2000, 6)).tolist()
LOCAL = """
import sys
from wholesale.predict import load_predictor
from wholesale.scoring.cluster import score_cluster

def told(rows, share):
    print(rows, flush=True)
    if len(sys.argv) > 3:
        import signal, os
        os.killpg(0, signal.SIGINT)  # as a terminal does

if __name__ == "__main__":
    try:
        score_cluster(sys.argv[1], sys.argv[2], load_predictor(), address="local", progress=told)
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    how = {"dashboard_address": "127.0.0.1:0", "silence_logs": logging.CRITICAL}
    with (
        dask.config.set({"temporary-directory": str(tmp_path_factory.mktemp("dask"))}),
        LocalCluster(n_workers=2, threads_per_worker=1, **how) as its,
    ):
        yield its


@pytest.fixture
def score(cluster, predictor, monkeypatch):
    """Score on the cluster, in portions of a few kilobytes or a few hundred rows."""
    monkeypatch.setattr(cluster_scoring, "PORTION", 1 << 14)
    monkeypatch.setattr(cluster_scoring, "ROWS", 500)

    def run(source, output, **how):
        return score_cluster(source, output, predictor, address=cluster.scheduler_address, **how)

    return run


@pytest.fixture
def many(tmp_path):
    """A folder for several files."""
    (tmp_path / "many").mkdir()
    return tmp_path / "many"


def _table(folder):
    return pa.concat_tables(pq.ParquetFile(part).read() for part in sorted(folder.iterdir()))


def _assert_same(source, folder, summary, predictor, *, parts):
    """Compare with what one machine makes of the file."""
    alone = folder.with_name("alone.parquet")
    assert summary == score_file(source, alone, predictor)
    assert _table(folder).equals(pq.read_table(alone))
    assert names_in(folder) == {f"part-{i:05d}.parquet" for i in range(len(names_in(folder)))}
    assert len(names_in(folder)) >= parts
    mine, other = (
        path.read_bytes() if path.exists() else None
        for path in (folder.with_suffix(".rejected.csv"), alone.with_suffix(".rejected.csv"))
    )
    assert mine == other


KINDS = [("utf-8", 4), ("utf-8-sig", 4), ("cp1252", 4), ("utf-16", 1), ("gzip", 1), ("parquet", 4)]


@pytest.mark.parametrize(("kind", "parts"), KINDS)
def test_a_file_of_any_kind_has_the_answers_of_one_machine(score, tmp_path, predictor, kind, parts):
    source = write_customers(tmp_path / "mine.csv", predictor, 2000, bad=40, delimiter=";")
    text = source.read_text(encoding="utf-8").replace("✓", "é")
    if kind == "parquet":
        pq.write_table(read_customers(source)[0].drop_columns("line"), source, row_group_size=300)
    elif kind == "gzip":
        source = source.rename(tmp_path / "mine.csv.gz")
        source.write_bytes(gzip.compress(text.encode()))
    else:
        source.write_bytes(text.encode(kind))
    told = []
    summary = score(source, tmp_path / "out", progress=lambda *its: told.append(its))
    _assert_same(source, tmp_path / "out", summary, predictor, parts=parts)
    rows = 1950 if kind == "parquet" else 2000
    assert (summary.accepted, summary.rejected) == (1950, rows - 1950)
    assert not [name for name in names_in(tmp_path) if name.startswith(".")]
    assert told == sorted(told) and told[-1] == (rows, pytest.approx(1, abs=0.01))


@pytest.mark.parametrize("pattern", ["", "part-*.csv"])
def test_many_files_are_one_table_in_order_of_name(score, tmp_path, predictor, pattern, many):
    files = [write_customers(many / f"part-{i}.csv", predictor, 100 * i, bad=50) for i in (3, 1, 2)]
    (many / "_SUCCESS").touch()
    (many / ".hidden").touch()
    summary = score(many / pattern, tmp_path / "out")
    tables = [score_table(predictor, read_customers(file)[0]) for file in sorted(files)]
    assert _table(tmp_path / "out").equals(pa.concat_tables(tables))
    assert summary.rejected == 12
    rejected = [(row["file"], row["line"]) for row in rows_of(tmp_path / "out.rejected.csv")]
    assert [file for file, _ in rejected] == ["part-1.csv"] * 2 + ["part-2.csv"] * 4 + ["part-3.csv"] * 6
    assert summary.examples[0].startswith(f"part-1.csv, line {rejected[0][1]}: Delicassen")


def test_each_file_is_read_in_its_own_form_found_late_or_not(score, tmp_path, predictor, many):
    semicolons = HEADER.replace(",", ";")
    thousands, whole = ["1.234;2;3;4;5;6"] * 3000, ["1;2;3;4;5;6"] * 3000
    write_rows(many / "a.csv", [*thousands, *["1.5;2;3;4;5;6"] * 200], semicolons)
    write_rows(many / "b.csv", [*whole, *thousands, "1,5;2;3;4;5;6"], semicolons)
    write_rows(many / "c.csv", thousands, semicolons)
    write_rows(many / "d.csv", ["1,2,3,4,5,6"])
    summary = score(many, tmp_path / "out")
    fresh = _table(tmp_path / "out").column("Fresh").to_pylist()
    assert fresh[:6200] == [1.234] * 3000 + [1.5] * 200 + [1] * 3000
    assert fresh[6200:] == [1234] * 3000 + [1.5] + [1234] * 3000 + [1]
    note = "1.234 is read as 1234, its point as a mark of thousands; if it is a decimal, say --decimal point."
    late = (
        "1.234 is read with a decimal point, as 200 amounts of 3\u00a0200 can only be; if it marks thousands,"
        " say --decimal comma."
    )
    assert summary.notes == [f"a.csv: {late}", f"c.csv: {note}"]
    one = score(many / "b.csv", tmp_path / "one")
    _assert_same(many / "b.csv", tmp_path / "one", one, predictor, parts=2)


@pytest.mark.parametrize(
    ("second", "notes"),
    [
        (
            "JPY 150",
            [
                "a.csv and 2 more: Some amounts bear €, others ¥; they are read as they stand, as if in one"
                " currency."
            ],
        ),
        ("150 EUR", []),
    ],
)
def test_different_currencies_in_the_files_of_a_folder_are_said_once(score, tmp_path, many, second, notes):
    for name, first in (("a.csv", "€ 100"), ("b.csv", second), ("c.csv", "7")):
        write_rows(many / name, [f"{first},2,3,4,5,6"] * 3)
    assert score(many, tmp_path / "out").notes == notes


def _with(rows, *places):
    """Put the sum of rows among them."""
    for place in places:
        rows = [*rows[:place], [sum(column) for column in zip(*rows, strict=True)], *rows[place:]]
    return rows


@pytest.mark.parametrize(
    ("totals", "rejected"),
    [
        (lambda a, b: (_with(a, 500), _with(b, 0)), [("a.csv", 502), ("b.csv", 2)]),
        (lambda a, b: (a, [*b, *_with([*a, *b], 0)[:1]]), [("b.csv", 1102)]),
        (
            lambda a, b: (_with(a, 0), _with(b, 1100), _with([*a, *b], 0)[:1]),
            [("a.csv", 2), ("b.csv", 1102), ("c.csv", 2)],
        ),
    ],
    ids=["of each file", "of all files", "of each and of all"],
)
def test_totals_of_a_file_or_of_all_are_no_customers(score, tmp_path, predictor, totals, rejected, many):
    for name, rows in zip(("a.csv", "b.csv", "c.csv"), totals(ROWS[:900], ROWS[900:]), strict=False):
        write_rows(many / name, rows)
    summary = score(many, tmp_path / "out")
    assert len(names_in(tmp_path / "out")) >= 4, "portions, over which a total is found"
    assert _table(tmp_path / "out").column("Fresh").to_pylist() == [row[0] for row in ROWS]
    assert summary.accepted == 2000
    file, line = rejected[0]
    assert summary.examples[0] == f"{file}, line {line}: the sum of other rows, not a customer"
    found = [(row["file"], int(row["line"])) for row in rows_of(tmp_path / "out.rejected.csv")]
    assert found == rejected


def test_a_worker_that_dies_costs_nothing(cluster, score, tmp_path, predictor):
    source = write_customers(tmp_path / "mine.csv", predictor, 10_000, bad=100)
    killed = []

    def kill(rows, _):
        if not killed:
            with Client(cluster.scheduler_address, set_as_default=False) as client:
                pids = client.run(os.getpid)
            killed.extend(list(pids.values())[:1])
            os.kill(killed[0], signal.SIGKILL)

    summary = score(source, tmp_path / "out", progress=kill)
    assert killed
    _assert_same(source, tmp_path / "out", summary, predictor, parts=20)
    assert not [name for name in names_in(tmp_path) if name.startswith(".")]


TOTAL = _with(ROWS, 0)[0]
A_TOTAL = {"a.csv": ROWS[:900], "b.csv": [*ROWS[900:], TOTAL, [each // 2 for each in TOTAL]]}
TWO_SIGNS = {"a.csv": ["1.5,2,3,4,5,6"] * 2000, "b.csv": ["12.669,2,3,4,5,6"] * 2000 + ["0.5,2,3,4,5,6"] * 40}


@pytest.mark.parametrize(
    ("files", "source", "sentence"),
    [
        ({"in.csv": []}, "in.csv", "in.csv: it has a header but no rows"),
        ({"in.csv": ["", ""]}, "in.csv", "in.csv: it has a header but no rows"),
        ({"in.csv": [f'1,2,3,4,5,"{"x" * 200_000}']}, "in.csv", "in.csv: line 2: a field of more than"),
        ({"clarity": ["1,2,3,4,5,6,7"]}, "clarity", "clarity: its column clarity has the name of an answer"),
        ({}, "in.csv", "in.csv is not there"),
        ({}, "", "there is no file in many"),
        ({}, "*.csv", "no file is *.csv"),
        ({"a.csv": ROWS[:1], "id": ["1,1,2,3,4,5,6"]}, "", "id has not the same columns as a.csv"),
        (TWO_SIGNS, "", "b.csv: its decimal sign is not clear: 40 amounts can only"),
        (A_TOTAL, "", "b.csv: line 1102 is the sum of all rows before it or after it, but"),
        (
            A_TOTAL | {"c.csv": [",0,0,0,0,9"]},
            "",
            f"b.csv: {BESIDE.format(1102)}; or, if a blank means 0, say",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_by_name_and_leaves_nothing(
    score, tmp_path, many, files, source, sentence
):
    for name, rows in files.items():  # one without a suffix has a column of its name
        write_rows(many / name, rows, HEADER if "." in name else f"{HEADER},{name}")
    with pytest.raises(ReadError) as error:
        score(many / source, tmp_path / "out")
    assert str(error.value).startswith(sentence)
    assert (names_in(tmp_path), names_in(many)) == ({"many"}, set(files))


def test_a_folder_is_replaced_only_by_force_and_only_if_it_holds_parts(score, tmp_path, predictor):
    source = write_customers(tmp_path / "in.csv", predictor, 20)
    score(source, tmp_path / "out")
    with pytest.raises(OutputError, match=r"^out is there already; replace it with --force"):
        score(source, tmp_path / "out")
    score(source, tmp_path / "out", force=True)
    assert names_in(tmp_path) == {"in.csv", "out"}
    (tmp_path / "out" / "mine.txt").write_text("precious")
    with pytest.raises(OutputError, match=r"^out holds more than parts, mine.txt for one"):
        score(source, tmp_path / "out", force=True)
    assert (tmp_path / "out" / "mine.txt").read_text() == "precious"


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("out.csv", "a cluster writes a folder of Parquet files, not out.csv: choose another with -o"),
        ("in.parquet", "in.parquet is a file, but a cluster writes a folder: choose another with -o"),
        ("many", "many is what is read; choose another output with -o"),
        ("missing/out", "there is no folder missing for out"),
    ],
)
def test_an_output_that_cannot_be_is_refused_at_once(score, tmp_path, many, predictor, output, sentence):
    write_customers(many / "in.csv", predictor, 5)
    (tmp_path / "in.parquet").write_text("precious")
    with pytest.raises(OutputError) as error:
        score(many, tmp_path / output, force=True)
    assert str(error.value) == sentence
    for rejected, said in (
        ("in.parquet", "with --rejected"),
        ("out", "out cannot hold the rejected rows too"),
    ):
        with pytest.raises(OutputError, match=said):
            score(many, tmp_path / "out", rejected=tmp_path / rejected)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", "nowhere"])
def test_a_cluster_that_is_not_there_is_said_to_be_missing(tmp_path, predictor, monkeypatch, address):
    monkeypatch.setattr("wholesale.scoring.cluster.PATIENCE", 0.3)
    source = write_customers(tmp_path / "in.csv", predictor, 5)
    with pytest.raises(ClusterError, match=f"^no Dask scheduler answers at {address}$"):
        score_cluster(source, tmp_path / "out", predictor, address=address)
    assert names_in(tmp_path) == {"in.csv"}


def test_without_dask_the_way_to_it_is_told(tmp_path, predictor, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    source = write_customers(tmp_path / "in.csv", predictor, 5)
    with pytest.raises(ClusterError, match=r"^Dask is not installed; install it with: pip install"):
        score_cluster(source, tmp_path / "out", predictor)


def test_a_place_is_understood_from_this_folder_not_from_a_worker(score, tmp_path, predictor):
    write_customers(tmp_path / "in.csv", predictor, 20)
    with contextlib.chdir(tmp_path):
        score("in.csv", "out")
        score("*.csv", "out", force=True)
    assert names_in(tmp_path) == {"in.csv", "out"}


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_cluster_of_its_own_is_silent_and_gone_afterwards(tmp_path, predictor, interrupted):
    source = write_customers(tmp_path / "in.csv", predictor, 5000)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (tmp_path / "run.py").write_text(LOCAL)
    command = [sys.executable, tmp_path / "run.py", source, tmp_path / "out", *["stop"] * interrupted]
    how = {"capture_output": True, "text": True, "timeout": 60, "start_new_session": True}
    process = subprocess.run(command, **how, env={**os.environ, "TMPDIR": str(scratch)}, check=False)
    assert (process.returncode, process.stderr) == (130 if interrupted else 0, "")
    assert process.stdout == "5000\n"
    assert names_in(tmp_path) == {"in.csv", "run.py", "scratch"} | ({"out"} if not interrupted else set())
    assert names_in(scratch) == set()
