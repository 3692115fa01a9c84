import numpy as np
import pyarrow as pa
import pytest

from wholesale import scoring
from wholesale.columns import SPEND_COLUMNS
from wholesale.predict import predict_segments
from wholesale.reading import ReadError
from wholesale.scoring import score_table


def _accepted(amounts, **others):
    columns = dict(zip(SPEND_COLUMNS, amounts.T, strict=True))
    return pa.table({"line": np.arange(len(amounts)) + 2, **others, **columns})


def test_every_column_is_that_of_predict_segments(predictor, random_amounts, monkeypatch):
    monkeypatch.setattr(scoring, "SLICE", 100)
    scored = score_table(predictor, _accepted(random_amounts))
    expected = predict_segments(predictor, random_amounts)
    assert scored.column_names == [*SPEND_COLUMNS, *expected]
    for name, values in expected.items():
        assert np.array_equal(scored.column(name).to_numpy(), values), name


def test_a_row_is_answered_alike_in_any_company(predictor, random_amounts):
    together = score_table(predictor, _accepted(random_amounts))
    for i in (0, 500, 1001):
        alone = score_table(predictor, _accepted(random_amounts[i : i + 1]))
        assert alone.to_pylist() == together.slice(i, 1).to_pylist()


def test_other_columns_come_first_and_as_they_are(predictor, amounts):
    notes = pa.array([f"note {i}" for i in range(440)])
    scored = score_table(predictor, _accepted(amounts, note=notes))
    assert scored.column_names[:3] == ["note", "Fresh", "Milk"]
    assert scored.column("note").combine_chunks() == notes


def test_a_customer_on_a_centre_is_infinitely_clear(predictor):
    centre = np.expm1(predictor.centers["kmeans"] * predictor.scale + predictor.mean)
    nearest = score_table(predictor, _accepted(centre)).column("clarity").to_pylist()
    assert min(nearest) > 1e6


def test_no_customer_gets_the_columns_all_the_same(predictor, amounts):
    some, none = (score_table(predictor, _accepted(amounts[:n])) for n in (1, 0))
    assert len(none) == 0
    assert none.schema == some.schema


def test_answers_of_an_earlier_scoring_give_way(predictor, amounts):
    scored = score_table(predictor, _accepted(amounts))
    stale = scored.set_column(
        scored.column_names.index("clarity"), "clarity", pa.array(np.zeros(440))
    ).append_column("gmm_p4", pa.array(np.zeros(440)))
    again = score_table(predictor, stale.add_column(0, "line", pa.array(range(440))))
    assert again.equals(scored)


@pytest.mark.parametrize("name", ["clarity", "kmeans_segment", "gmm_p1"])
def test_a_column_of_ones_own_that_is_named_as_an_answer_is_refused(predictor, amounts, name):
    mine = _accepted(amounts, **{name: np.ones(440)})
    with pytest.raises(ReadError, match=f"^its column {name} has the name of an answer: rename it$"):
        score_table(predictor, mine)
