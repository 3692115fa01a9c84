import csv
import io
import re
import subprocess
from pathlib import Path
from unittest.mock import Mock

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scorable import HEADER, names_in, write_rows

from wholesale.amounts import GRAMMARS
from wholesale.reading import read_customers
from wholesale.scoring import OutputError, score_file
from wholesale.scoring.output import folder_aside, to_csv

AWKWARD = (
    *("=1+1", "+cmd", "-x", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0", "'=1", "''-", "'", "-", "="),
    *("-12.5", "+49", "1,234.5", "-1.234,5", "1e5", "-1e5", "007", "00", "nan"),
    *('a "quote"', "a\nb", "a,b", "ünï ✓", "", " "),
)
texts = st.one_of(st.sampled_from(AWKWARD), st.text(st.characters(exclude_characters="\0", codec="utf-8")))


def _runs(cell: str) -> bool:
    number = any(re.match(grammar, cell) for grammar in GRAMMARS.values())
    return cell.startswith(("=", "+", "-", "@", "\t", "\r")) and not number


def _score_and_read(folder: Path, predictor, notes: list[str], name: str = "note"):
    rows = ([note, 1, 0, 0, 0, 0, 0] for note in notes)  # no totals
    with (folder / "in.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([[name, *HEADER.split(",")], *rows])
    score_file(folder / "in.csv", folder / "out.csv", predictor, force=True)
    return [record[0] for record in _records(folder / "out.csv")], read_customers(folder / "out.csv")[0]


def _records(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


@settings(max_examples=15)
@example(notes=list(AWKWARD))
@given(notes=st.lists(texts, min_size=1, max_size=20))
def test_no_text_runs_and_any_comes_back_numbers_as_they_are(tmp_path_factory, predictor, notes):
    cells, again = _score_and_read(tmp_path_factory.getbasetemp(), predictor, notes)
    assert not any(map(_runs, cells))
    assert again.column("note").to_pylist() == notes
    assert {"-12.5", "+49", "007", "-1e5", "1,234.5", "-1.234,5"} & set(notes) <= set(cells)


def test_a_name_of_a_column_does_not_run_either(tmp_path, predictor):
    cells, again = _score_and_read(tmp_path, predictor, ["a"], name="=cmd()")
    assert (cells[0], again.column_names[1]) == ("'=cmd()", "=cmd()")


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary(2), pa.large_string()], ids=str)
def test_bytes_do_not_run_whether_or_not_they_are_text(kind):
    cells, latin = [b"=1", b"@x", b"-5", b"ok", None], [] if "string" in str(kind) else [b"=\xff", b"\xff="]
    table = pa.table({"a": pa.array([*cells, *latin], kind), "b": [1] * len([*cells, *latin])})
    cells = [line.removesuffix(b",1").strip(b'"') for line in to_csv(table).splitlines()]
    assert cells == [b"'=1", b"'@x", b"-5", b"ok", b"", *[b"'=\xff", b"\xff="] * bool(latin)]


def test_rejected_records_do_not_run(tmp_path, predictor):
    write_rows(tmp_path / "in.csv", ["=1+1,2,3,4,5,6", "@x,-2"])
    score_file(tmp_path / "in.csv", tmp_path / "out.csv", predictor)
    cells = [cell for record in _records(tmp_path / "out.rejected.csv") for cell in record]
    assert "'=1+1" in cells
    assert not any(map(_runs, cells))


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0.0, "0"), (12669.0, "12669"), (9999999999.0, "9999999999"), (1e10, "1e+10"), (0.1, "0.1")],
)
def test_an_amount_is_written_alike_whatever_stands_beside_it(amount, text):
    for others in ([], [0.5], [1e12]):
        written = to_csv(pa.table({"Fresh": [amount, *others]}), ["Fresh"])
        assert written.split()[0].decode() == text


@given(st.lists(st.floats(0, 1e308), min_size=1, max_size=20))
def test_an_amount_is_written_in_full(amounts):
    written = to_csv(pa.table({"Fresh": amounts}), ["Fresh"]).decode()
    assert [float(line) for line in written.split()] == amounts


def test_numbers_that_are_no_amounts_stay_as_they_are():
    written = to_csv(pa.table({"balance": [-0.0, -5.0, None], "Milk": [1.0, 2.0, 3.0]}))
    assert list(csv.reader(io.StringIO(written.decode()))) == [["-0", "1"], ["-5", "2"], ["", "3"]]


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("in.csv", "in.csv is what is read; choose another output with -o"),
        ("link.csv", "link.csv is what is read; choose another output with -o"),
        ("there.csv", "there.csv is there already; replace it with --force, or choose another with -o"),
        ("folder", "folder is a folder"),
        ("new.xlsx", "new.xlsx would not be an Excel file; choose another name with -o"),
        ("missing/out.csv", "there is no folder missing for out.csv"),
        ("pipe", "pipe is not a file"),
        ("locked.csv", "locked.csv cannot be written: it is read-only"),
        ("x" * 300, "stopped, and kept nothing: File name too long"),
    ],
)
def test_an_output_that_cannot_be_is_refused_at_once(tmp_path, predictor, output, sentence):
    write_rows(tmp_path / "in.csv", ["1,2,3,4,5,6"])
    (tmp_path / "link.csv").symlink_to(tmp_path / "in.csv")
    (tmp_path / "there.csv").write_text("precious")
    (tmp_path / "folder").mkdir()
    (tmp_path / "locked.csv").write_text("precious")
    (tmp_path / "locked.csv").chmod(0o444)
    subprocess.run(["mkfifo", tmp_path / "pipe"], check=True)
    before, good, bad = names_in(tmp_path), tmp_path / "new.csv", tmp_path / output
    for places, said in (
        ({"output": bad}, sentence),
        ({"output": good, "rejected": bad}, sentence.replace(" -o", " --rejected")),
    ):
        with pytest.raises(OutputError) as error:
            score_file(tmp_path / "in.csv", **places, predictor=predictor, force=output != "there.csv")
        assert str(error.value) == said
    assert names_in(tmp_path) == before
    assert (tmp_path / "there.csv").read_text() == "precious"


def test_rejected_rows_are_not_put_into_the_output(tmp_path, predictor):
    write_rows(tmp_path / "in.csv", ["1,2,3,4,5,6"])
    with pytest.raises(OutputError, match=r"^out.csv cannot hold the rejected rows too"):
        score_file(tmp_path / "in.csv", tmp_path / "out.csv", predictor, rejected=tmp_path / "out.csv")


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
@pytest.mark.parametrize("ours", ["1,2,3,4,5,6", "1,2,3,4,5,6\nx,2,3,4,5,6"], ids=["good", "some bad"])
@pytest.mark.parametrize("its", ["7,2,3,4,5,6", "7,2,3,4,5,6\nx,2,3,4,5,6"], ids=["good", "some bad"])
def test_of_two_runs_to_one_new_output_one_is_refused(tmp_path, predictor, name, ours, its):
    write_rows(tmp_path / "ours.csv", [ours])
    other, done = write_rows(tmp_path / "its.csv", [its]), {}

    def meanwhile(*_):
        if not done:
            score_file(other, tmp_path / name, predictor)
            done.update({path.name: path.read_bytes() for path in tmp_path.iterdir()})

    with pytest.raises(OutputError, match=r"(csv|parquet) was made by another run meanwhile; kept nothing$"):
        score_file(tmp_path / "ours.csv", tmp_path / name, predictor, progress=meanwhile)
    left = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert left == {its: content for its, content in done.items() if not its.endswith(".part")}
    done.clear()
    other = tmp_path / "ours.csv"
    score_file(tmp_path / "ours.csv", tmp_path / name, predictor, force=True)


@pytest.mark.parametrize("links", [True, False], ids=["links", "a disk without links"])
def test_two_runs_that_reject_into_one_file_leave_nothing_of_the_refused(
    tmp_path, predictor, monkeypatch, links
):
    if not links:
        monkeypatch.setattr("os.link", Mock(side_effect=PermissionError(1, "Operation not permitted")))
    write_rows(tmp_path / "in.csv", ["1,2,3,4,5,6", "x,2,3,4,5,6"])
    bad = tmp_path / "bad.csv"

    def meanwhile(*_):
        if not bad.exists():
            score_file(tmp_path / "in.csv", tmp_path / "its.csv", predictor, rejected=bad)

    with pytest.raises(OutputError, match=r"^bad.csv was made by another run meanwhile; kept nothing$"):
        score_file(tmp_path / "in.csv", tmp_path / "ours.csv", predictor, rejected=bad, progress=meanwhile)
    assert names_in(tmp_path) == {"in.csv", "its.csv", "bad.csv"}


def test_of_two_cluster_runs_to_one_new_folder_one_is_refused(tmp_path):
    with pytest.raises(OSError, match="not empty"), folder_aside(tmp_path / "out", new=True) as (parts, _):
        (parts / "part-00000.parquet").write_text("ours")
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "part-00000.parquet").write_text("its")
    assert names_in(tmp_path) == {"out"}
    assert (tmp_path / "out" / "part-00000.parquet").read_text() == "its"
