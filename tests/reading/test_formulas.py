import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_files import HEADER, csv_text, outcome, written

from wholesale.columns import ANSWERS
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


NUMBERS = ["-12.5", "+3", "-1.234,50", "-1,234.50", "-1e-5", "-.5", "-7"]
RUNNING = ["=1+1", "-1+1", "+a", "@x", "\tx", "\rx", "--1", "-", "-1.2.3", "-inf", "-1\n", "'=1"]
OTHERS = ["'quoted'", "a=b", "1-1", "", " =1", "'", None]


@pytest.mark.parametrize("cell", [*NUMBERS, *RUNNING, *OTHERS])
def test_only_what_a_spreadsheet_may_run_is_guarded_wherever_a_column_is_cut(cell):
    safe = f"'{cell}" if cell in RUNNING else cell
    assert guard(chunked([cell])).to_pylist() == [safe]
    assert guard(chunked(["=", "a", cell]).slice(2)).to_pylist() == [safe]
    assert restore(chunked([safe])).to_pylist() == [cell]
    assert guard(chunked([cell]).slice(1)).to_pylist() == []


@pytest.mark.parametrize(("others", "restored"), [(ANSWERS, ("=name", "-x")), ((), ("'=name", "'-x"))])
def test_only_a_scored_file_is_restored(others, restored, tmp_path):
    row = ",".join(["1,2,3,4,5,6,'-x", *("1" for _ in others)])
    content = csv_text(row, header=",".join([HEADER, "'=name", *others]))
    accepted = outcome(written(tmp_path, "a.csv", content)).accepted
    assert (accepted.column_names[7], accepted[7].to_pylist()) == (restored[0], [restored[1]])
