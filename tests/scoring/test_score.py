from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from scorable import HEADER, names_in, rows_of, write_customers, write_rows

from wholesale import scoring
from wholesale.columns import SPEND_COLUMNS
from wholesale.predict import predict_segments
from wholesale.reading import CustomerFile, ReadError, Settings, read_customers
from wholesale.scoring import score_file, score_table


@pytest.fixture(scope="module")
def source(tmp_path_factory, predictor):
    """Two thousand customers, one in forty of them without an amount."""
    return write_customers(tmp_path_factory.mktemp("source") / "mine.csv", predictor, 2000, bad=40)


def _accepted(amounts, **others):
    columns = dict(zip(SPEND_COLUMNS, amounts.T, strict=True))
    return pa.table({"line": np.arange(len(amounts)) + 2, **others, **columns})


def _in_blocks_of(size, monkeypatch):
    cut = CustomerFile.blocks
    monkeypatch.setattr(CustomerFile, "blocks", lambda file, _=None: cut(file, size))


def test_other_columns_come_first_and_every_answer_is_that_of_predict_segments(
    predictor, random_amounts, monkeypatch
):
    monkeypatch.setattr(scoring, "SLICE", 100)
    notes = pa.array([f"note {i}" for i in range(len(random_amounts))])
    scored = score_table(predictor, _accepted(random_amounts, note=notes))
    expected = predict_segments(predictor, random_amounts)
    assert scored.column_names == ["note", *SPEND_COLUMNS, *expected]
    assert scored.column("note").combine_chunks() == notes
    for name, values in expected.items():
        assert np.array_equal(scored.column(name).to_numpy(), values), name


def test_a_row_is_answered_alike_in_any_company_and_none_has_the_same_columns(predictor, random_amounts):
    together, none = (score_table(predictor, _accepted(random_amounts[:n])) for n in (1002, 0))
    for i in (0, 500, 1001):
        alone = score_table(predictor, _accepted(random_amounts[i : i + 1]))
        assert alone.to_pylist() == together.slice(i, 1).to_pylist()
    assert (len(none), none.schema) == (0, together.schema)


def test_a_customer_on_a_centre_is_infinitely_clear(predictor):
    centre = np.expm1(predictor.centers["kmeans"] * predictor.scale + predictor.mean)
    nearest = score_table(predictor, _accepted(centre)).column("clarity").to_pylist()
    assert min(nearest) > 1e6


def test_answers_of_an_earlier_scoring_give_way(predictor, amounts):
    scored, zeros = score_table(predictor, _accepted(amounts)), pa.array(np.zeros(440))
    stale = scored.set_column(scored.column_names.index("clarity"), "clarity", zeros)
    again = stale.append_column("gmm_p4", zeros).add_column(0, "line", pa.array(range(440)))
    assert score_table(predictor, again).equals(scored)


@pytest.mark.parametrize("name", ["clarity", "kmeans_segment", "gmm_p1"])
def test_a_column_of_ones_own_that_is_named_as_an_answer_is_refused(predictor, amounts, name):
    mine = _accepted(amounts, **{name: np.ones(440)})
    with pytest.raises(ReadError, match=f"^its column {name} has the name of an answer: rename it$"):
        score_table(predictor, mine)


@pytest.mark.parametrize(("workers", "size"), [(1, 1 << 21), (2, 1 << 14), (3, 1 << 12), (5, 1 << 13)])
def test_the_file_is_the_table_whatever_the_workers_and_the_blocks(
    source, tmp_path, predictor, monkeypatch, workers, size
):
    with monkeypatch.context() as patch:
        _in_blocks_of(size, patch)
        summary = score_file(source, tmp_path / "out.parquet", predictor, workers=workers)
    accepted, rejected = read_customers(source)
    scored = pq.read_table(tmp_path / "out.parquet")
    assert scored.equals(score_table(predictor, accepted))
    assert scored.column("id").to_pylist() == [str(i) for i in range(2000) if i % 40 != 39]
    assert (summary.accepted, summary.rejected) == (1950, 50)
    assert rows_of(tmp_path / "out.rejected.csv") == [
        {name: str(value) for name, value in row.items()} for row in rejected.to_pylist()
    ]


def test_text_and_parquet_hold_the_same(source, tmp_path, predictor):
    score_file(source, tmp_path / "out.parquet", predictor)
    score_file(source, tmp_path / "text.csv", predictor)
    accepted, rejected = read_customers(tmp_path / "text.csv")
    assert len(rejected) == 0
    table = pq.read_table(tmp_path / "out.parquet")
    for name in table.column_names:
        text = table.column(name)
        if not pa.types.is_string(text.type) and name not in SPEND_COLUMNS:
            assert pc.cast(accepted.column(name), text.type).equals(text), name
        else:
            assert accepted.column(name).equals(text), name


def test_the_summary_counts_what_the_file_holds(source, tmp_path, predictor):
    told = []
    summary = score_file(source, tmp_path / "out.csv", predictor, progress=lambda *its: told.append(its))
    rows = rows_of(tmp_path / "out.csv")
    for model, segments in summary.segments.items():
        labels = [(int(row[f"{model}_segment"]), row[f"{model}_name"]) for row in rows]
        assert [labels.count((i, name)) for i, (name, _) in enumerate(segments, start=1)] == [
            customers for _, customers in segments
        ]
    assert summary.unfamiliar == sum(row["unfamiliar"] == "true" for row in rows)
    assert summary.faults == {"Delicassen": 50}
    assert len(summary.examples) == 3
    assert summary.examples[0].endswith("Delicassen: unknown is not an amount ≥ 0")
    assert told[-1] == (2000, 1)


def test_a_scored_file_scored_again_is_the_same_file_but_for_other_models(source, tmp_path, predictor):
    renamed = replace(predictor, names={model: ("A", "B", "C") for model in predictor.names})
    score_file(source, tmp_path / "one.csv", predictor)
    score_file(tmp_path / "one.csv", tmp_path / "two.csv", predictor)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    score_file(tmp_path / "one.csv", tmp_path / "other.csv", renamed)
    assert {row["gmm_name"] for row in rows_of(tmp_path / "other.csv")} == {"A", "B", "C"}


def test_parquet_keeps_its_types(tmp_path, predictor, amounts):
    others = {
        "id": pa.array(range(440), pa.int16()),
        "since": pa.array([0] * 440, pa.date32()),
        "group": pa.array(["a", "b"] * 220).dictionary_encode(),
        "nothing": pa.nulls(440),
        "code": ["=1+1"] * 440,
    }
    table = pa.table(others | dict(zip(SPEND_COLUMNS, amounts.T.astype(int), strict=True)))
    pq.write_table(table, tmp_path / "in.parquet")
    score_file(tmp_path / "in.parquet", tmp_path / "out.parquet", predictor)
    scored = pq.read_table(tmp_path / "out.parquet")
    for name in ("id", "since", "nothing", "code"):
        assert scored.column(name).equals(table.column(name)), name
    assert scored.column("group").to_pylist() == ["a", "b"] * 220
    assert np.array_equal(scored.column("Fresh").to_numpy(), amounts[:, 0])
    assert scored.schema.field("unfamiliar").type == pa.bool_()


def test_parquet_is_written_as_text_too_unless_text_cannot_hold_it(tmp_path, predictor, amounts):
    table = pa.table({"id": range(440), **dict(zip(SPEND_COLUMNS, amounts.T, strict=True))})
    pq.write_table(table, tmp_path / "in.parquet")
    score_file(tmp_path / "in.parquet", tmp_path / "out.csv", predictor)
    assert [row["id"] for row in rows_of(tmp_path / "out.csv")] == [str(i) for i in range(440)]
    pq.write_table(table.append_column("list", pa.array([[1]] * 440)), tmp_path / "in.parquet")
    with pytest.raises(ReadError, match=r"^in.parquet: a CSV cannot hold its columns .* in \.parquet$"):
        score_file(tmp_path / "in.parquet", tmp_path / "list.csv", predictor)
    assert names_in(tmp_path) == {"in.parquet", "out.csv"}
    score_file(tmp_path / "in.parquet", tmp_path / "list.parquet", predictor)


def test_a_late_decimal_comma_counts_from_the_first_row(tmp_path, predictor, monkeypatch):
    rows = ["1.234;2;3;4;5;6"] * 400 + ["1,5;2;3;4;5;6"]
    write_rows(tmp_path / "in.csv", rows, HEADER.replace(",", ";"))
    _in_blocks_of(1000, monkeypatch)
    score_file(tmp_path / "in.csv", tmp_path / "out.csv", predictor)
    fresh = [row["Fresh"] for row in rows_of(tmp_path / "out.csv")]
    assert fresh == ["1234"] * 400 + ["1.5"]


def test_settings_reach_the_reading(tmp_path, predictor):
    source = write_rows(tmp_path / "in.csv", ["1.234,2,3,4,5,6"], HEADER.replace("Fresh", "Greens"))
    settings = Settings({"Fresh": "Greens"}, decimal="point")
    score_file(source, tmp_path / "out.csv", predictor, settings=settings)
    assert rows_of(tmp_path / "out.csv")[0]["Fresh"] == "1.234"


def test_the_lines_told_are_the_file_s_whatever_its_own_columns_are_called(tmp_path, predictor):
    source = write_rows(
        tmp_path / "in.csv", ["7,1,2,3,4,5,6", "8,,2,3,4,5,6", "9,6,5,4,3,2,1"], f"line,{HEADER}"
    )
    score_file(source, tmp_path / "out.csv", predictor, lines=(lines := []))
    assert lines == [2, 4] and [row["line"] for row in rows_of(tmp_path / "out.csv")] == ["7", "9"]


def test_no_row_accepted_leaves_a_header_and_the_reasons(tmp_path, predictor):
    source = write_rows(tmp_path / "in.csv", ["-1,2,3,4,5,6", "1,2"])
    summary = score_file(source, tmp_path / "out.csv", predictor)
    assert (summary.accepted, summary.rejected, summary.drift) == (0, 2, {})
    assert summary.verdict == "No customer could be scored."
    assert (tmp_path / "out.csv").read_text().count("\n") == 1
    assert [row["column"] for row in rows_of(tmp_path / "out.rejected.csv")] == ["Fresh", ""]


def test_rejected_rows_have_a_file_only_where_there_are_any(source, tmp_path, predictor):
    good = write_customers(tmp_path / "in.csv", predictor, 20)
    score_file(source, tmp_path / "out.csv", predictor)
    assert names_in(tmp_path) == {"in.csv", "out.csv", "out.rejected.csv"}
    score_file(good, tmp_path / "out.csv", predictor, force=True)
    assert names_in(tmp_path) == {"in.csv", "out.csv"}
    score_file(source, tmp_path / "other.csv", predictor, rejected=tmp_path / "bad.csv")
    assert names_in(tmp_path) == {"in.csv", "out.csv", "other.csv", "bad.csv"}


@pytest.mark.parametrize("late", [(scoring, "summarize"), (scoring.TableFile, "complete")])
def test_what_fails_late_leaves_what_was_there(tmp_path, predictor, monkeypatch, late):
    good = write_customers(tmp_path / "in.csv", predictor, 20)
    (tmp_path / "out.csv").write_text("precious")
    (tmp_path / "out.rejected.csv").write_text("precious too")

    def fail(*_):
        raise ValueError("late")

    monkeypatch.setattr(*late, fail)
    with pytest.raises(ValueError, match="late"):
        score_file(good, tmp_path / "out.csv", predictor, force=True)
    assert (tmp_path / "out.csv").read_text() == "precious"
    assert (tmp_path / "out.rejected.csv").read_text() == "precious too"


def test_items_come_in_their_order_and_none_is_begun_long_before_it_is_wanted():
    begun, given = [], []
    for i in scoring.begun_ahead((begun.append(i) or i for i in range(100)), 4):
        given.append(i)
        assert len(begun) <= i + 6
    assert given == begun == list(range(100))
