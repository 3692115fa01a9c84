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
from scorable import names_in, rows_of, write_customers

from wholesale.columns import SPEND_COLUMNS
from wholesale.reading import ReadError, read_customers
from wholesale.scoring import OutputError, score_file, score_table
from wholesale.scoring import cluster as cluster_scoring
from wholesale.scoring.cluster import ClusterError, score_cluster

HEADER = ",".join(SPEND_COLUMNS)
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


def _parts(folder):
    return sorted(folder.iterdir())


def _table(folder):
    return pa.concat_tables(pq.ParquetFile(part).read() for part in _parts(folder))


def _assert_same(source, folder, summary, predictor, *, parts):
    """Compare with what one machine makes of the file."""
    alone = folder.with_name("alone.parquet")
    expected = score_file(source, alone, predictor)
    assert _table(folder).equals(pq.read_table(alone))
    assert summary == expected
    assert len(_parts(folder)) >= parts
    rejected = folder.with_suffix(".rejected.csv"), alone.with_suffix(".rejected.csv")
    assert rejected[0].exists() == rejected[1].exists()
    if rejected[0].exists():
        assert rejected[0].read_bytes() == rejected[1].read_bytes()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_text_file_has_the_answers_of_one_machine(score, tmp_path, predictor, encoding):
    source = write_customers(tmp_path / "mine.csv", predictor, 2000, bad=40, delimiter=";")
    source.write_bytes(source.read_bytes().decode().replace("✓", "é").encode(encoding))
    told = []
    summary = score(source, tmp_path / "out", progress=lambda *its: told.append(its))
    _assert_same(source, tmp_path / "out", summary, predictor, parts=1 if encoding == "utf-16" else 4)
    assert summary.rejected == 50
    assert [path.name for path in _parts(tmp_path / "out")][:1] == ["part-00000.parquet"]
    assert names_in(tmp_path) == {
        "mine.csv",
        "out",
        "out.rejected.csv",
        "alone.parquet",
        "alone.rejected.csv",
    }
    assert told == sorted(told)
    assert told[-1][0] == 2000
    assert told[-1][1] == pytest.approx(1, abs=0.01)


def test_a_compressed_file_has_them_too(score, tmp_path, predictor):
    plain = write_customers(tmp_path / "mine.csv", predictor, 500)
    source = tmp_path / "mine.csv.gz"
    source.write_bytes(gzip.compress(plain.read_bytes()))
    summary = score(source, tmp_path / "out")
    _assert_same(source, tmp_path / "out", summary, predictor, parts=1)


def test_a_parquet_file_has_them_too(score, tmp_path, predictor):
    accepted, _ = read_customers(write_customers(tmp_path / "mine.csv", predictor, 2000))
    pq.write_table(accepted.drop_columns("line"), tmp_path / "mine.parquet", row_group_size=300)
    summary = score(tmp_path / "mine.parquet", tmp_path / "out")
    _assert_same(tmp_path / "mine.parquet", tmp_path / "out", summary, predictor, parts=4)


@pytest.mark.parametrize("pattern", ["", "part-*.csv"])
def test_many_files_are_one_table_in_order_of_name(score, tmp_path, predictor, pattern):
    folder = tmp_path / "many"
    folder.mkdir()
    files = [write_customers(folder / f"part-{i}.csv", predictor, 100 * i, bad=50) for i in (3, 1, 2)]
    (folder / "_SUCCESS").touch()
    (folder / ".hidden").touch()
    summary = score(folder / pattern, tmp_path / "out")
    tables = [score_table(predictor, read_customers(file)[0]) for file in sorted(files)]
    assert _table(tmp_path / "out").equals(pa.concat_tables(tables))
    assert summary.rejected == 12
    rejected = [(row["file"], row["line"]) for row in rows_of(tmp_path / "out.rejected.csv")]
    assert [file for file, _ in rejected] == ["part-1.csv"] * 2 + ["part-2.csv"] * 4 + ["part-3.csv"] * 6
    assert summary.examples[0].startswith(f"part-1.csv, line {rejected[0][1]}: Delicassen")


def test_each_file_is_read_in_its_own_form_found_late_or_not(score, tmp_path, predictor):
    semicolons = HEADER.replace(",", ";")
    folder = tmp_path / "many"
    folder.mkdir()
    thousands = ["1.234;2;3;4;5;6"] * 3000
    (folder / "a.csv").write_text("\n".join([semicolons, *thousands, *["1.5;2;3;4;5;6"] * 200]))
    (folder / "b.csv").write_text(
        "\n".join([semicolons, *["1;2;3;4;5;6"] * 3000, *thousands, "1,5;2;3;4;5;6"])
    )
    (folder / "c.csv").write_text("\n".join([semicolons, *thousands]))
    (folder / "d.csv").write_text(f"{HEADER}\n1,2,3,4,5,6\n")
    summary = score(folder, tmp_path / "out")
    fresh = _table(tmp_path / "out").column("Fresh").to_pylist()
    assert fresh == [1.234] * 3000 + [1.5] * 200 + [1.0] * 3000 + [1234] * 3000 + [1.5] + [1234] * 3000 + [
        1.0
    ]
    note = "1.234 is read as 1234, its point as a mark of thousands; if it is a decimal, say --decimal point."
    late = (
        "1.234 is read with a decimal point, as 200 amounts of 3\u00a0200 can only be; if it marks thousands,"
        " say --decimal comma."
    )
    assert summary.notes == [f"a.csv: {late}", f"c.csv: {note}"]
    one = score(folder / "b.csv", tmp_path / "one")
    _assert_same(folder / "b.csv", tmp_path / "one", one, predictor, parts=2)


def _with(rows, *places):
    """Put the sum of rows among them."""
    for place in places:
        rows = [*rows[:place], [sum(column) for column in zip(*rows, strict=True)], *rows[place:]]
    return rows


@pytest.mark.parametrize(
    ("totals", "rejected"),
    [
        (lambda a, b: (_with(a, 900), _with(b, 0)), [("a.csv", 902), ("b.csv", 2)]),
        (lambda a, b: (a, [*b, *_with([*a, *b], 0)[:1]]), [("b.csv", 1102)]),
        (
            lambda a, b: (_with(a, 0), _with(b, 1100), _with([*a, *b], 0)[:1]),
            [("a.csv", 2), ("b.csv", 1102), ("c.csv", 2)],
        ),
    ],
    ids=["of each file", "of all files", "of each and of all"],
)
def test_totals_of_a_file_or_of_all_files_are_no_customers(score, tmp_path, predictor, totals, rejected):
    folder = tmp_path / "many"
    folder.mkdir()
    rows = np.random.default_rng(0).integers(1, 9999, (2000, 6)).tolist()
    for name, its in zip(("a.csv", "b.csv", "c.csv"), totals(rows[:900], rows[900:]), strict=False):
        lines = [HEADER, *(",".join(map(str, row)) for row in its)]
        (folder / name).write_text("\n".join(lines))
    summary = score(folder, tmp_path / "out")
    assert _table(tmp_path / "out").column("Fresh").to_pylist() == [row[0] for row in rows]
    assert summary.accepted == 2000
    found = [(row["file"], int(row["line"])) for row in rows_of(tmp_path / "out.rejected.csv")]
    assert found == rejected


def test_a_total_of_all_files_beside_another_row_is_refused(score, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    rows = np.random.default_rng(0).integers(1, 9999, (2000, 6)).tolist()
    total = _with(rows, 0)[0]
    for name, its in (("a.csv", rows[:900]), ("b.csv", [*rows[900:], total, [each // 2 for each in total]])):
        (folder / name).write_text("\n".join([HEADER, *(",".join(map(str, row)) for row in its)]))
    with pytest.raises(
        ReadError, match=r"^b.csv: line 1102 is the sum of all rows before it or after it, but"
    ):
        score(folder, tmp_path / "out")
    assert names_in(tmp_path) == {"many"}


def test_a_total_of_one_file_is_found_across_its_portions(score, tmp_path, predictor):
    rows = _with(np.random.default_rng(0).integers(1, 9999, (3000, 6)).tolist(), 1500)
    (tmp_path / "in.csv").write_text("\n".join([HEADER, *(",".join(map(str, row)) for row in rows)]))
    summary = score(tmp_path / "in.csv", tmp_path / "out")
    _assert_same(tmp_path / "in.csv", tmp_path / "out", summary, predictor, parts=2)
    assert (summary.accepted, summary.examples) == (
        3000,
        ["line 1502: the sum of other rows, not a customer"],
    )


def test_what_one_file_of_many_contradicts_is_refused_with_its_name(score, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    (folder / "a.csv").write_text(f"{HEADER}\n" + "1.5,2,3,4,5,6\n" * 2000)
    (folder / "b.csv").write_text(f"{HEADER}\n" + "12.669,2,3,4,5,6\n" * 2000 + "0.5,2,3,4,5,6\n" * 40)
    with pytest.raises(ReadError, match=r"^b.csv: its decimal sign is not clear: 40 amounts can only"):
        score(folder, tmp_path / "out")
    assert names_in(tmp_path) == {"many"}


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


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (f"{HEADER}\n", "in.csv: it has a header but no rows"),
        (f"{HEADER}\n\n\n", "in.csv: it has a header but no rows"),
        (f'{HEADER}\n1,2,3,4,5,"{"x" * 200_000}\n', "in.csv: line 2: a field of more than"),
        (f"{HEADER},clarity\n1,2,3,4,5,6,7\n", "in.csv: its column clarity has the name of an answer"),
        ("", "in.csv: it is empty"),
        (None, "in.csv is not there"),
    ],
)
def test_what_cannot_be_read_is_refused_and_leaves_nothing(score, tmp_path, content, sentence):
    if content is not None:
        (tmp_path / "in.csv").write_text(content)
    before = names_in(tmp_path)
    with pytest.raises(ReadError) as error:
        score(tmp_path / "in.csv", tmp_path / "out")
    assert str(error.value).startswith(sentence)
    assert names_in(tmp_path) == before


def test_files_that_are_no_parts_of_one_table_are_refused(score, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    with pytest.raises(ReadError, match=r"^there is no file in many$"):
        score(folder, tmp_path / "out")
    with pytest.raises(ReadError, match=r"^no file is \*.csv$"):
        score(folder / "*.csv", tmp_path / "out")
    (folder / "a.csv").write_text(f"id,{HEADER}\n1,1,2,3,4,5,6\n")
    (folder / "b.csv").write_text(f"{HEADER}\n1,2,3,4,5,6\n")
    with pytest.raises(ReadError, match=r"^b.csv has not the same columns as a.csv$"):
        score(folder, tmp_path / "out")


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
def test_an_output_that_cannot_be_is_refused_at_once(score, tmp_path, predictor, output, sentence):
    (tmp_path / "many").mkdir()
    write_customers(tmp_path / "many" / "in.csv", predictor, 5)
    (tmp_path / "in.parquet").write_text("precious")
    with pytest.raises(OutputError) as error:
        score(tmp_path / "many", tmp_path / output, force=True)
    assert str(error.value) == sentence


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


def test_nothing_that_fits_and_no_dask_is_imported_beforehand():
    code = "import sys, wholesale.scoring.cluster; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"distributed", "dask", "pandas", "sklearn", "scipy"} & set(result.stdout.split())


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
    process = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(scratch)},
        check=False,
    )
    assert (process.returncode, process.stderr) == (130 if interrupted else 0, "")
    assert process.stdout == "5000\n"
    assert names_in(tmp_path) == {"in.csv", "run.py", "scratch"} | ({"out"} if not interrupted else set())
    assert names_in(scratch) == set()
