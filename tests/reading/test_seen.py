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
from made_files import NAMES, csv_text, outcome, parquet, refusal, written, xlsx

from wholesale.reading.records import BLOCK
from wholesale.reading.totals import BESIDE, BEYOND, MEAN, TOTAL

A = [
    [12669, 9656, 7561, 214, 2674, 1338],
    [7057, 9810, 9568, 1762, 3293, 1776],
    [6353, 8808, 7684, 2405, 3516, 7844],
    [13265, 1196, 4221, 6404, 507, 1788],
]
B = [[11 * each + 7 for each in row] for row in A[::-1]]
MANY = np.random.default_rng(0).lognormal(8, 1.2, (40, 6)).round().tolist()


def total(rows: list[list]) -> list:
    return [round(sum(column), 6) for column in zip(*rows, strict=True)]


def mean(rows: list[list], digits: int = 2) -> list:
    return [round(sum(column) / len(rows), digits) for column in zip(*rows, strict=True)]


def scaled(rows: list[list], divisor: float, digits: int = 15) -> list[list]:
    return [[round(each / divisor, digits) for each in row] for row in rows]


def table(*rows: list, names: list[str] | None = None, delimiter: str = ",") -> bytes:
    """Write rows with a name before each."""
    text = io.StringIO(newline="")
    names = names or [f"C{i}" for i in range(len(rows))]
    csv.writer(text, delimiter=delimiter).writerows(
        [["Customer", *NAMES], *([name, *row] for name, row in zip(names, rows, strict=True))]
    )
    return text.getvalue().encode()


def read(tmp_path, content: bytes, name: str = "in.csv", size: int = BLOCK) -> tuple[list[int], dict, list]:
    """Give the lines of customers, those of sums and averages with the reason, and the notes."""
    found = outcome(written(tmp_path, name, content), size)
    summaries = {line: reason for line, reason in found.reasons.items() if reason in (TOTAL, MEAN)}
    return [*found.amounts], summaries, found.notes


KINDS = {"T": TOTAL, "M": MEAN}
SUMS = {  # the rows, their names, and what each is: T a total, M a mean
    "the example": ([*A[:2], total(A[:2])], ["C1", "C2", "Total"], "..T"),
    "two rows, a word": ([A[0], A[0]], ["C1", "Somme"], ".T"),
    "three rows, no word": ([*A[:2], total(A[:2])], None, "..."),
    "first, in German": ([total(A[:2]), *A[:2]], ["GESAMT", "C1", "C2"], "T.."),
    "last": ([*A, total(A)], None, "....T"),
    "among others": ([A[0], total(A), *A[1:]], None, ".T..."),
    "repeated": ([total(A), *A, total(A)], None, "T....T"),
    "with a row of zeros": ([*A[:3], [0] * 6, total(A[:3])], None, "....T"),
    "two categories": ([[*row[:2], 0, 0, 0, 0] for row in [*A, total(A)]], None, "....T"),
    "one category": ([[*row[:1], 0, 0, 0, 0, 0] for row in [*A, total(A)]], None, "....."),
    "many decimals": (scaled([*A, total(A)], 7), None, "....T"),
    "rounded": (scaled([*A, total(A)], 7, 2), None, "....T"),
    "another unit": ([*scaled(A, 100), total(A)], None, "....."),
    "one category off": ([*A, [*total(A)[:5], total(A)[5] + 100]], None, "....."),
    "alike": ([A[0]] * 5, None, "....."),
    "subtotals after": ([*A[:2], total(A[:2]), *A[2:], total(A[2:]), total(A)], None, "..T..TT"),
    "subtotals before": ([total(A), total(A[:2]), *A[:2], total(A[2:]), *A[2:]], None, "TT..T.."),
    "total and average": ([*A, total(A), mean(A)], ["", "", "", "", "Total", "Average"], "....TM"),
    "before the table": ([mean(A, 0), total(A), *A], ["Mittelwert", "Summe", *"abcd"], "MT...."),
    "of two": ([*A[:2], total(A[:2]), mean(A[:2])], ["a", "b", "Total", "Moyenne"], "..TM"),
    "average": ([*A, mean(A, 9)], [*"abcd", "avg"], "....M"),
    "average without a word": ([*A, mean(A)], None, "....."),
    "average of few without a word": ([[each] * 6 for each in (1, 2, 3, 90, 24)], None, "....."),
    "two tables": ([*A, total(A), *B, total(B)], None, "....T....T"),
    "two tables, totals first": ([total(A), *A, total(B), *B], None, "T....T...."),
    "groups of two": ([*A[:2], total(A[:2]), *A[2:], total(A[2:])], None, "..T..T"),
    "a group of two first": ([*A[:2], total(A[:2]), *B, total(B), *A, total(A)], None, "..T....T....T"),
    "a group of two last, totals first": ([total(B), *B, total(A[:2]), *A[:2]], None, "T....T.."),
    "the sum of two, and no more": ([*A[:2], total(A[:2]), *B], None, "......."),
    "the sum of two, and of three, and one": (
        [*A[:2], total(A[:2]), *B[:3], total(B[:3]), B[3]],
        None,
        "........",
    ),
    "and a total of all": (
        [*A, total(A), *B, total(B), total([*A, *B]), mean([*A, *B])],
        [*"abcd", "Sum", *"abcd", "Sum", "Total", "(mean)"],
        "....T....TTM",
    ),
}


@pytest.mark.parametrize(("rows", "names", "kinds"), SUMS.values(), ids=SUMS)
def test_sums_and_averages_of_others_are_no_customers(rows, names, kinds, tmp_path):
    customers = [line for line, kind in enumerate(kinds, start=2) if kind == "."]
    summaries = {line: KINDS[kind] for line, kind in enumerate(kinds, start=2) if kind != "."}
    assert read(tmp_path, table(*rows, names=names)) == (customers, summaries, [])


@pytest.mark.parametrize(
    ("rows", "names", "called"),
    [
        ([*A, A[0]], [*"abcd", "Median"], "6"),
        ([*A, A[0], A[1]], ["Total", *"bcd", "min", "max"], "2, and 2 more"),
        ([*A, [each + 999 for each in total(A)]], [*"abcd", "Grand Total"], "6"),
        ([A[0]] * 4, ["a", "=SUM(A1)", "c", "Mean"], "5"),
        ([*A, A[0]], [*"abcd", "Share %"], "6"),
        ([*A, A[0], A[1]], ["Unit", *"bcde", "Budget"], "2, and 1 more"),
        ([*A, A[0]], [*"abcd", "Maxim's"], None),
        ([*A, A[0]], [*"abcd", "Media Markt"], None),
    ],
    ids=lambda each: each[-1] if isinstance(each, list) and isinstance(each[-1], str) else "",
)
def test_what_is_only_called_a_sum_or_an_average_is_said(rows, names, called, tmp_path):
    said = "Read as a customer, but called a total, average or the like: line {}; delete what is no customer."
    notes = [said.format(called)] if called else []
    assert read(tmp_path, table(*rows, names=names)) == ([*range(2, len(rows) + 2)], {}, notes)


@pytest.mark.parametrize(
    "kind", ["csv", "csv.gz", "semicolons", "xlsx", "parquet", "text in parquet", "single"]
)
def test_in_every_kind_of_file(kind, tmp_path):
    rows, first = [*A, total(A)], 1 if "parquet" in kind or kind == "single" else 2
    texts = [[f"{each},50" for each in row] for row in A] + [[f"{each + 2},00" for each in total(A)]]
    columns = dict(zip(NAMES, np.array(rows).T, strict=True))
    content = {
        "csv": lambda: table(*rows),
        "csv.gz": lambda: gzip.compress(table(*rows)),
        "semicolons": lambda: table(*texts, delimiter=";"),
        "xlsx": lambda: xlsx([NAMES, *rows]),
        "parquet": lambda: parquet({name: pa.array(cells) for name, cells in columns.items()}),
        "text in parquet": lambda: parquet(
            {name: pa.array([f"{each:,}" for each in cells]) for name, cells in columns.items()}
        ),
        "single": lambda: parquet(
            {name: pa.array(cells / 7, pa.float32()) for name, cells in columns.items()}
        ),
    }[kind]()
    customers, summaries, _ = read(tmp_path, content, f"in.{kind}" if "csv" in kind else "in")
    assert (customers, summaries) == ([*range(first, first + 4)], {first + 4: TOTAL})


def test_what_is_rejected_counts_in_the_sum(tmp_path):
    rows = [*A, [5, 6, "unknown", 7, 8, 9], [1, -2, 3, 4, 5, 6]]
    numbers = [[each if isinstance(each, int) else 0 for each in row] for row in rows]
    assert read(tmp_path, table(*rows, total(numbers)))[:2] == ([2, 3, 4, 5], {8: TOTAL})


def test_across_blocks_and_row_groups(tmp_path):
    rows = np.random.default_rng(0).integers(1, 10**5, (9000, 6))
    rows = np.vstack([rows, rows.sum(axis=0)])
    assert read(tmp_path, table(*rows.tolist()), size=5000)[1] == {9002: TOTAL}
    pq.write_table(
        pa.table(dict(zip(NAMES, rows.T, strict=True))), tmp_path / "a.parquet", row_group_size=700
    )
    assert outcome(tmp_path / "a.parquet").reasons == {9001: TOTAL}


def test_subtotals_that_cannot_be_told_are_refused(tmp_path):
    shuffled = [A[0], total(A[2:]), A[2], A[1], total(A[:2]), A[3], total(A)]
    said = refusal(written(tmp_path, "in.csv", table(*shuffled)))
    assert said == f"in.csv: {BEYOND.format(8)}"
    assert "line 8 is a total of rows with subtotals among them" in said


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
@pytest.mark.parametrize("size", [300, BLOCK])
def test_an_average_without_a_word_is_found_at_either_end_of_a_table(rows, means, size, tmp_path):
    assert read(tmp_path, table(*rows), size=size)[1] == dict.fromkeys(means, MEAN)


def test_where_blanks_hide_what_rows_add_up_to_the_refusal_says_how_they_mean_zero(tmp_path):
    rows = [[*A[0][:5], 0], *A[1:]]
    pivot = table(*rows, total(rows), *B, total(B), total([*rows, *B])).replace(b",0\r\n", b",\r\n", 1)
    said = refusal(path := written(tmp_path, "in.csv", pivot))
    assert said.endswith("; or, if a blank means 0, say --blank zero")
    assert [*outcome(path, blank="zero").amounts] == [2, 3, 4, 5, 7, 8, 9, 10]


@pytest.mark.parametrize("after", [[each + 9 for each in total(A)], A[0]], ids=["last year's", "a customer"])
@pytest.mark.parametrize("size", [80, BLOCK])
def test_a_total_that_rows_follow_is_refused(after, size, tmp_path):
    for rows, line in (([*A, total(A), after], 6), ([after, total(A), *A], 3)):
        path = written(tmp_path, "in.csv", table(*rows))
        assert refusal(path, size=size) == f"in.csv: {BESIDE.format(line)}"


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
    assert read(tmp_path_factory.getbasetemp(), table(*texts))[:2] == ([*range(2, n + 2)], {})


@settings(max_examples=40)
@given(n=st.integers(3, 60), seed=st.integers(0, 10**6), digits=st.integers(0, 2), place=st.integers(0, 3))
def test_a_total_of_rounded_amounts_is_found(n, seed, digits, place, tmp_path_factory):
    rows = np.random.default_rng(seed).lognormal(np.log(3000), 1.2, (n, 6))
    rows = np.insert(rows, place, rows.sum(axis=0), axis=0)
    texts = [[f"{each:.{digits}f}" for each in row] for row in rows]
    assert read(tmp_path_factory.getbasetemp(), table(*texts))[1] == {place + 2: TOTAL}


def test_a_row_of_totals_is_rejected_as_it_is_written(tmp_path):
    rows = [",".join(f"{each}.0" for each in row) for row in [*A, total(A)]]
    rejected = outcome(written(tmp_path, "in.csv", csv_text(*rows))).rejected
    about = {"line": 6, "column": "", "value": "", "reason": TOTAL}
    assert rejected.to_pylist() == [about | {"record": "39344.0,29470.0,29034.0,10785.0,9990.0,12746.0"}]
