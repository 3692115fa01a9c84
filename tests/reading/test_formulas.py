import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_files import HEADER, csv_text, written

from wholesale.columns import ANSWERS
from wholesale.reading import read_customers
from wholesale.reading.formulas import guard, restore

RUN = ("=", "+", "-", "@", "\t", "\r")
CELLS = st.one_of(
    st.text(max_size=8),
    st.lists(st.sampled_from(["'", *RUN, "1", ".", ",", "a", "\n", "e"]), max_size=6).map("".join),
    st.floats().map(str),
)


def chunked(cells: list) -> pa.ChunkedArray:
    half = len(cells) // 2
    return pa.chunked_array([pa.array(part, pa.string()) for part in (cells[:half], cells[half:])])


def is_number(cell: str) -> bool:
    """Say so as Python does, thousands and either decimal sign allowed."""
    for marks in (",", "."):
        try:
            float(cell.replace(marks, "").replace(",", ".").replace(" ", ""))
            return True
        except ValueError:
            pass
    return False


@settings(max_examples=200)
@given(st.lists(st.one_of(st.none(), CELLS), max_size=20))
def test_what_is_guarded_comes_back_and_cannot_run(cells):
    guarded = guard(chunked(cells))
    assert restore(guarded).to_pylist() == cells
    for cell, safe in zip(cells, guarded.to_pylist(), strict=True):
        assert safe in (cell, f"'{cell}")
        assert not (safe or "").startswith(RUN) or (safe == cell and is_number(cell))
        assert (cell or "").lstrip("'").startswith(RUN) or safe == cell


@pytest.mark.parametrize(
    "cell", ["-12.5", "+3", "-1.234,50", "-1,234.50", "-1e-5", "-.5", "- text"[:1] + "7"]
)
def test_numbers_stay_as_they_are(cell):
    assert guard(chunked([cell])).to_pylist() == [cell]


@pytest.mark.parametrize(
    "cell", ["=1+1", "-1+1", "+a", "@x", "\tx", "\rx", "--1", "-", "-1.2.3", "-inf", "-1\n", "'=1"]
)
def test_whatever_a_spreadsheet_may_run_is_guarded(cell):
    assert guard(chunked([cell])).to_pylist() == [f"'{cell}"]
    assert restore(chunked([f"'{cell}"])).to_pylist() == [cell]


@pytest.mark.parametrize("cell", ["'quoted'", "a=b", "1-1", "", " =1", "'"])
def test_other_text_is_left_alone(cell):
    assert restore(chunked([cell])).to_pylist() == guard(chunked([cell])).to_pylist() == [cell]


def test_a_slice_of_a_column_is_guarded_as_the_whole_is():
    cells = chunked(["=1", "a", "", None, "'=2", "-5"])
    assert guard(cells.slice(2)).to_pylist() == guard(cells).to_pylist()[2:]
    assert guard(cells.slice(6)).to_pylist() == []


def test_only_a_scored_file_is_restored(tmp_path):
    names, cells = ["'=name", *ANSWERS], ["'-x", *("1" for _ in ANSWERS)]
    scored = csv_text(",".join(["1,2,3,4,5,6", *cells]), header=",".join([HEADER, *names]))
    accepted, _ = read_customers(written(tmp_path, "scored.csv", scored))
    assert accepted["=name"].to_pylist() == ["-x"]
    other = csv_text("1,2,3,4,5,6,'-x", header=f"{HEADER},'=name")
    accepted, _ = read_customers(written(tmp_path, "other.csv", other))
    assert accepted["'=name"].to_pylist() == ["'-x"]
