"""Rows that are the sum of others are no customers, wherever they stand and whatever they are called."""

import csv
import gzip
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_files import HEADER, csv_text, parquet, written, xlsx

from wholesale.columns import SPEND_COLUMNS
from wholesale.reading import ReadError, open_customers, read_customers
from wholesale.reading.sorting import MEAN, TOTAL
from wholesale.reading.totals import beside

A = [
    [12669, 9656, 7561, 214, 2674, 1338],
    [7057, 9810, 9568, 1762, 3293, 1776],
    [6353, 8808, 7684, 2405, 3516, 7844],
    [13265, 1196, 4221, 6404, 507, 1788],
]


def total(rows: list[list]) -> list:
    return [round(sum(column), 6) for column in zip(*rows, strict=True)]


def table(*rows: list, names: list[str] | None = None, delimiter: str = ",") -> bytes:
    """Write rows with a name before each."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(["Customer", *SPEND_COLUMNS])
    writer.writerows(zip(names or [f"C{i}" for i in range(len(rows))], *zip(*rows, strict=True), strict=True))
    return text.getvalue().encode()


def read(tmp_path, content: bytes, name: str = "in.csv") -> tuple[list[int], list[int]]:
    """Give the lines of customers, and of totals."""
    accepted, rejected = read_customers(written(tmp_path, name, content))
    totals = [row["line"] for row in rejected.to_pylist() if row["reason"] == TOTAL]
    return accepted[0].to_pylist(), totals


SUMS = (
    "the example|two rows, a word|three rows, no word|first, in German|last|among others|repeated|"
    "with a row of zeros|two categories|one category|many decimals|rounded|another unit|"
    "one category off|alike|subtotals after|subtotals before"
)


@pytest.mark.parametrize(
    ("rows", "names", "totals"),
    [
        ([*A[:2], total(A[:2])], ["C1", "C2", "Total"], [4]),
        ([A[0], A[0]], ["C1", "Somme"], [3]),
        ([*A[:2], total(A[:2])], ["C1", "C2", "C3"], []),
        ([total(A[:2]), *A[:2]], ["GESAMT", "C1", "C2"], [2]),
        ([*A, total(A)], None, [6]),
        ([A[0], total(A), *A[1:]], None, [3]),
        ([total(A), *A, total(A)], None, [2, 7]),
        ([*A[:3], [0] * 6, total(A[:3])], None, [6]),
        ([[*row[:2], 0, 0, 0, 0] for row in [*A, total(A)]], None, [6]),
        ([[*row[:1], 0, 0, 0, 0, 0] for row in [*A, total(A)]], None, []),
        ([[each / 7 for each in row] for row in [*A, total(A)]], None, [6]),
        (
            [*[[round(each / 7, 2) for each in row] for row in A], [round(each / 7, 2) for each in total(A)]],
            None,
            [6],
        ),
        ([*[[each / 1000 for each in row] for row in A], total(A)], None, []),
        ([*A, [*total(A)[:5], total(A)[5] + 100]], None, []),
        ([A[0], A[0], A[0], A[0], A[0]], None, []),
        ([*A[:2], total(A[:2]), *A[2:], total(A[2:]), total(A)], None, [4, 7, 8]),
        ([total(A), total(A[:2]), *A[:2], total(A[2:]), *A[2:]], None, [2, 3, 6]),
    ],
    ids=SUMS.split("|"),
)
def test_the_sum_of_all_others_is_no_customer(rows, names, totals, tmp_path):
    customers_, found = read(tmp_path, table(*rows, names=names))
    assert found == totals
    assert customers_ == [line for line in range(2, 2 + len(rows)) if line not in totals]


@pytest.mark.parametrize(
    "kind", ["csv", "csv.gz", "semicolons", "xlsx", "parquet", "text in parquet", "single"]
)
def test_in_every_kind_of_file(kind, tmp_path):
    rows = [*A, total(A)]
    columns = dict(zip(SPEND_COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
    texts = [[f"{each},50" for each in row] for row in A] + [[f"{each + 2},00" for each in total(A)]]
    content, first = {
        "csv": lambda: (table(*rows), 2),
        "csv.gz": lambda: (gzip.compress(table(*rows)), 2),
        "semicolons": lambda: (table(*texts, delimiter=";"), 2),
        "xlsx": lambda: (xlsx([list(SPEND_COLUMNS), *rows]), 2),
        "parquet": lambda: (parquet({name: pa.array(cells) for name, cells in columns.items()}), 1),
        "text in parquet": lambda: (
            parquet({name: pa.array([f"{each:,}" for each in cells]) for name, cells in columns.items()}),
            1,
        ),
        "single": lambda: (
            parquet({name: pa.array(np.array(cells) / 7, pa.float32()) for name, cells in columns.items()}),
            1,
        ),
    }[kind]()
    name = f"in.{kind}" if "csv" in kind else "in"
    assert read(tmp_path, content, name) == ([first, first + 1, first + 2, first + 3], [first + 4])


def test_what_is_rejected_counts_in_the_sum(tmp_path):
    rows = [*A, [5, 6, "unknown", 7, 8, 9], [1, -2, 3, 4, 5, 6]]
    numbers = [[each if isinstance(each, int) else 0 for each in row] for row in rows]
    customers_, found = read(tmp_path, table(*rows, total(numbers)))
    assert (customers_, found) == ([2, 3, 4, 5], [8])


def test_across_blocks_and_row_groups(tmp_path):
    rows = np.random.default_rng(0).integers(1, 10**5, (9000, 6))
    rows = [*rows.tolist(), rows.sum(axis=0).tolist()]
    _, rejected, _ = open_customers(written(tmp_path, "in.csv", table(*rows))).read(5000)
    assert rejected["line"].to_pylist() == [9002]
    columns = pa.table(dict(zip(SPEND_COLUMNS, map(list, zip(*rows, strict=True)), strict=True)))
    pq.write_table(columns, tmp_path / "in.parquet", row_group_size=700)
    _, rejected = read_customers(tmp_path / "in.parquet")
    assert rejected["line"].to_pylist() == [9001]


def test_subtotals_that_cannot_be_told_are_refused(tmp_path):
    sub = total(A[:2]), total(A[2:])
    shuffled = [A[0], sub[1], A[2], A[1], sub[0], A[3], total(A)]
    with pytest.raises(ReadError) as refusal:
        read(tmp_path, table(*shuffled))
    assert str(refusal.value) == (
        "in.csv: line 8 is a total of rows with subtotals among them, and which these are cannot be told;"
        " delete the rows of totals and subtotals"
    )


def mean(rows: list[list], digits: int = 2) -> list:
    return [round(sum(column) / len(rows), digits) for column in zip(*rows, strict=True)]


B = [[11 * each + 7 for each in row] for row in A[::-1]]
CALLED = "Read as a customer, but called a total, average or the like: line {}; delete what is no customer."


SUMMARIES = (
    "total and average|before the table|of two|average|average without a word|two tables|"
    "two tables, totals first|and a total of all|median|three|not the sum|all alike|shares|"
    "units and budget|a name|another name"
)


@pytest.mark.parametrize(
    ("rows", "names", "rejected", "notes"),
    [
        ([*A, total(A), mean(A)], ["", "", "", "", "Total", "Average"], {6: TOTAL, 7: MEAN}, []),
        ([mean(A, 0), total(A), *A], ["Mittelwert", "Summe", *"abcd"], {2: MEAN, 3: TOTAL}, []),
        ([*A[:2], total(A[:2]), mean(A[:2])], ["a", "b", "Total", "Moyenne"], {4: TOTAL, 5: MEAN}, []),
        ([*A, mean(A, 9)], [*"abcd", "avg"], {6: MEAN}, []),
        ([*A, mean(A)], None, {}, []),
        ([*A, total(A), *B, total(B)], None, {6: TOTAL, 11: TOTAL}, []),
        ([total(A), *A, total(B), *B], None, {2: TOTAL, 7: TOTAL}, []),
        (
            [*A, total(A), *B, total(B), total([*A, *B]), mean([*A, *B])],
            [*"abcd", "Sum", *"abcd", "Sum", "Total", "(mean)"],
            {6: TOTAL, 11: TOTAL, 12: TOTAL, 13: MEAN},
            [],
        ),
        ([*A, A[0]], [*"abcd", "Median"], {}, [CALLED.format(6)]),
        ([*A, A[0], A[1]], ["Total", *"bcd", "min", "max"], {}, [CALLED.format("2, and 2 more")]),
        ([*A, [each + 999 for each in total(A)]], [*"abcd", "Grand Total"], {}, [CALLED.format(6)]),
        ([A[0], A[0], A[0], A[0]], ["a", "=SUM(A1)", "c", "Mean"], {}, [CALLED.format(5)]),
        ([*A, A[0]], [*"abcd", "Share %"], {}, [CALLED.format(6)]),
        ([*A, A[0], A[1]], ["Unit", *"bcde", "Budget"], {}, [CALLED.format("2, and 1 more")]),
        ([*A, A[0]], [*"abcd", "Maxim's"], {}, []),
        ([*A, A[0]], [*"abcd", "Media Markt"], {}, []),
    ],
    ids=SUMMARIES.split("|"),
)
def test_summaries_beside_a_table(rows, names, rejected, notes, tmp_path):
    path = written(tmp_path, "in.csv", table(*rows, names=names))
    _, found, said = open_customers(path).read()
    assert dict(zip(found["line"].to_pylist(), found["reason"].to_pylist(), strict=True)) == rejected
    assert said == notes


MANY = np.random.default_rng(0).lognormal(8, 1.2, (40, 6)).round().tolist()


@pytest.mark.parametrize(
    ("rows", "means"),
    [
        ([*MANY, mean(MANY)], [42]),
        ([mean(MANY, 0), *MANY], [2]),
        ([*MANY, mean(MANY, 13)], [42]),
        ([*MANY, [1.001 * each for each in mean(MANY[:-1])]], []),
        ([*MANY[:20], mean(MANY), *MANY[20:]], []),
        ([MANY[0]] * 40, []),
        ([*([row[0] / 9] * 6 for row in MANY[:4]), [1] * 6], []),
    ],
    ids=["last", "first, rounded", "not rounded", "near", "between", "all alike", "few"],
)
@pytest.mark.parametrize("size", [300, 1 << 21])
def test_an_average_without_a_word_is_found_at_either_end_of_a_table(rows, means, size, tmp_path):
    _, rejected, _ = open_customers(written(tmp_path, "in.csv", table(*rows))).read(size)
    assert [row["line"] for row in rejected.to_pylist() if row["reason"] == MEAN] == means


@pytest.mark.parametrize("after", [[each + 9 for each in total(A)], A[0]], ids=["last year's", "a customer"])
@pytest.mark.parametrize("size", [80, 1 << 21])
def test_a_total_that_rows_follow_is_refused(after, size, tmp_path):
    for rows, line in (([*A, total(A), after], 6), ([after, total(A), *A], 3)):
        with pytest.raises(ReadError) as refusal:
            open_customers(written(tmp_path, "in.csv", table(*rows))).read(size)
        assert str(refusal.value) == f"in.csv: {beside(line)}"


@settings(max_examples=60)
@given(
    n=st.integers(4, 40),
    seed=st.integers(0, 10**6),
    digits=st.integers(0, 2),
    zeros=st.sampled_from([0, 0.5]),
    scale=st.sampled_from([5, 100, 9000]),
)
def test_a_table_of_customers_loses_none(n, seed, digits, zeros, scale, tmp_path_factory):
    rng = np.random.default_rng(seed)
    rows = rng.lognormal(np.log(scale), 1.2, (n, 6)) * (rng.random((n, 6)) >= zeros)
    texts = [[f"{each:.{digits}f}" for each in row] for row in rows]
    assert read(tmp_path_factory.getbasetemp(), table(*texts)) == (list(range(2, n + 2)), [])


@settings(max_examples=40)
@given(n=st.integers(3, 60), seed=st.integers(0, 10**6), digits=st.integers(0, 2), place=st.integers(0, 3))
def test_a_total_of_rounded_amounts_is_found(n, seed, digits, place, tmp_path_factory):
    rows = np.random.default_rng(seed).lognormal(np.log(3000), 1.2, (n, 6))
    rows = np.insert(rows, place, rows.sum(axis=0), axis=0)
    texts = [[f"{each:.{digits}f}" for each in row] for row in rows]
    assert read(tmp_path_factory.getbasetemp(), table(*texts))[1] == [place + 2]


def test_a_row_of_totals_is_rejected_as_it_is_written(tmp_path):
    rows = [",".join(f"{each}.0" for each in row) for row in [*A, total(A)]]
    _, rejected = read_customers(written(tmp_path, "in.csv", csv_text(*rows, header=HEADER)))
    about = {"line": 6, "column": "", "value": "", "reason": TOTAL}
    assert rejected.to_pylist() == [about | {"record": "39344.0,29470.0,29034.0,10785.0,9990.0,12746.0"}]
