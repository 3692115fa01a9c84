import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist

from wholesale.columns import SPEND_COLUMNS
from wholesale.evidence import dip, recommend, saved
from wholesale.evidence.multiverse import analyse, firmness
from wholesale.evidence.nulls import CLOUDS, NULLS, OBSERVED, cloud_criteria, clouds, simulate
from wholesale.evidence.saved import fingerprint, load_evidence, saved_tables, summary
from wholesale.manifest import MODELS_FOLDER, sealed
from wholesale.report import study


@pytest.fixture(scope="module")
def evidence():
    return load_evidence()


def test_the_file_is_as_new_as_the_method_and_the_data_that_make_it(evidence, customers):
    assert evidence["fingerprint"] == fingerprint(customers), "run make evidence"
    assert not (MODELS_FOLDER / saved.PART).exists(), "a run is half finished"


@pytest.mark.parametrize("name", ["METHOD", "RESAMPLES", "SPLITS", "REFERENCES", "SEED", "STARTS", "KS"])
def test_another_method_parameter_or_customer_makes_it_stale(customers, monkeypatch, name):
    before = fingerprint(customers)
    assert fingerprint(customers.iloc[:-1]) != before
    monkeypatch.setattr(saved, name, range(1, 8) if name == "KS" else getattr(saved, name) + 1)
    assert fingerprint(customers) != before


def test_one_segment_has_votes_where_a_criterion_allows_it(evidence):
    """The rule of the report, where one cloud without segments gets the votes of BIC, gap and strength."""
    rows = {
        k: row | {"gmm_bic": int(k), "gap_rule": True, "prediction_strength": 1 / int(k)}
        for k, row in evidence["counts"].items()
    }
    counts = pd.DataFrame.from_dict(rows, orient="index").rename(index=int)
    votes = recommend(counts, saved_tables(evidence)["nulls"]).votes
    assert votes == study.CountEvidence(counts, None, 440).votes
    ones = {name for name, k in votes.items() if k == 1}
    assert ones == {"BIC of the mixture", "gap statistic", "prediction strength"}


def test_no_division_is_recommended_in_words():
    scores = pd.DataFrame({"gmm_bic": [1.0, 2.0], "prediction_strength": [1.0, 0.5]}, index=[1, 2])
    said = "2 of 2 criteria prefer one segment, that is, no division"
    assert recommend(scores).sentences[0].startswith(said)


def test_its_votes_follow_from_its_counts_and_clouds(evidence):
    counts = pd.DataFrame.from_dict(evidence["counts"], orient="index").rename(index=int)
    tables = saved_tables(evidence)
    advice = recommend(counts, tables["nulls"])
    assert advice.votes == evidence["votes"] and advice.recommended == evidence["recommended"]
    assert list(advice.sentences) == evidence["sentences"]
    pd.testing.assert_frame_equal(advice.weights, tables["weights"], check_dtype=False)


def test_its_clouds_and_other_analyses_come_out_the_same(evidence, X, customers):
    tables, amounts = saved_tables(evidence), customers[list(SPEND_COLUMNS)].to_numpy(dtype=float)
    nulls = tables["nulls"]
    assert nulls.groupby("null").size().to_dict() == dict.fromkeys(NULLS, 8 * CLOUDS) | {OBSERVED: 8}
    there = nulls.loc[("copula", 1)]
    here = cloud_criteria(X, "copula", range(1, 2), ks=[1, 2, 3]).loc[("copula", 1)]
    unsearched = ["kmeans_silhouette", "ward_silhouette", "prediction_strength", "calinski_harabasz", "gap"]
    expected = there.loc[[1, 2, 3], unsearched]
    pd.testing.assert_frame_equal(here[unsearched], expected, atol=1e-5, check_dtype=False, check_names=False)
    dips = tables["density"].filter(like="dip").loc[[OBSERVED, "copula"]].groupby(level=0).first()
    for kind, drawn in ((OBSERVED, X), ("copula", next(clouds(X, "copula", samples=1)))):
        again = [dip(pdist(drawn)), *map(dip, [*drawn.T])]
        np.testing.assert_allclose(dips.loc[kind].drop("dip_component"), again, atol=1e-6)
    cells, cell = tables["multiverse"], ("log-ratios of shares", "dropped", "Ward", 3)
    assert len(cells) == 6 * 3 * 5 * 4 and (cells.loc[cell] == analyse(amounts, *cell)).all()


def test_a_table_of_many_rows_is_written_to_six_decimals_and_what_is_not_finite_as_missing():
    index = pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["null", "k"])
    table = pd.DataFrame({"gap": [1 / 3, np.nan, np.inf, -2.0], "gap_rule": [True, False] * 2}, index)
    expected = table.assign(gap=[0.333333, np.nan, np.nan, -2.0])
    pd.testing.assert_frame_equal(saved.unpacked(saved.as_json(table)), expected, check_exact=True)


def test_the_mixtures_stability_is_that_of_refits_from_scratch(evidence):
    cold, warm = evidence["stability"]["gmm"], evidence["stability_warm"]["gmm"]
    assert set(evidence["stability_warm"]) == {"gmm"}
    assert all(c < w for c, w in zip(cold["jaccard"], warm["jaccard"], strict=True))


def test_a_customers_firmness_is_its_share_of_the_other_analyses(evidence, bundle, predictor):
    cells = saved_tables(evidence)["multiverse"]
    for model, labels in bundle.labels.items():
        shares = firmness(labels, cells)
        assert evidence["firmness"][model] == pytest.approx(shares.tolist(), abs=1e-6)
        assert predictor.evidence["firmness"][model] == evidence["firmness"][model]


def test_no_firmness_is_known_where_every_analysis_failed(evidence, customers):
    names = ["scale", "floor", "method", "k"]
    failed = pd.DataFrame({"segments": ["." * 440]}, pd.MultiIndex.from_tuples([(*"abc", 3)], names=names))
    done = {"counts": evidence["counts"], "multiverse, a": saved.as_json(failed)}
    mark, labels = {"fingerprint": "", "n_segments": 3}, {"kmeans": np.arange(440) % 3 + 1}
    made = sealed(saved._assembled(customers, labels, mark, done), saved.SEAL)
    assert made["firmness"] == {} and (saved_tables(made)["multiverse"] == -1).all(axis=None)


def test_the_bundle_carries_its_counts_of_three_segments_and_its_words(evidence, bundle, predictor):
    row, metrics = evidence["counts"]["3"], bundle.manifest["metrics"]
    assert row["gmm_bic"] == pytest.approx(metrics["gmm"]["bic"], rel=1e-9)
    assert row["kmeans_inertia"] == pytest.approx(metrics["kmeans"]["inertia"], rel=1e-9)
    for model, its in metrics.items():
        assert row[f"{model}_silhouette"] == pytest.approx(its["silhouette"], rel=1e-9)
        assert its["stability"] == evidence["stability"][model]
        assert len(its["stability"]["band"]) == len(its["sizes"]) == 3
    assert predictor.evidence["sentences"] == evidence["sentences"]


def test_a_stopped_run_goes_on_where_it_stopped_and_gives_the_same(tmp_path, monkeypatch, customers):
    calls = []

    def tasks(*_):
        return {name: lambda name=name: calls.append(name) or {"value": name} for name in ("a", "b")}

    monkeypatch.setattr(saved, "_tasks", tasks)
    monkeypatch.setattr(saved, "_assembled", lambda _customers, _labels, _mark, done: done)
    arguments = (customers, np.zeros((1, 6)), np.zeros((1, 6)), {}, {"kmeans": np.array([1])}, tmp_path)
    run = saved.compute(*arguments)
    next(run), next(run)  # "a" is done, "b" was about to begin
    run.close()
    assert calls == ["a"]
    assert [name for name, _, _ in saved.compute(*arguments)] == ["a", "b"]
    assert calls == ["a", "b"]
    assert load_evidence(tmp_path) == sealed({"a": {"value": "a"}, "b": {"value": "b"}}, saved.SEAL)
    assert {path.name for path in tmp_path.iterdir()} == {"evidence.json"}


def test_as_many_segments_are_planted_as_there_are_categories_for():
    X = np.random.default_rng(0).normal(size=(40, 2))  # three lie in a plane, four do not
    tasks = saved._tasks(X, X, {}, {"kmeans": np.repeat([1, 2], 20)})
    assert [name for name in tasks if name.startswith("power")] == ["power, 2", "power, 3"]
    assert simulate(X, 3, 4.0, np.random.default_rng(0)).shape == (40, 2)


@pytest.mark.parametrize(
    "spoil", [(b"highly stable", b"highly stably"), (b"0.91", b"0.81"), (b"1.0", b"NaN")]
)
def test_evidence_that_was_altered_is_none(tmp_path, customers, spoil):
    """Else `train` would put it into a bundle and vouch for it; so too of other customers or another k."""
    assert summary(customers, 4) == summary(customers.head(100), 3) == {}
    content = (MODELS_FOLDER / saved.EVIDENCE).read_bytes()
    (tmp_path / saved.EVIDENCE).write_bytes(content)
    assert summary(customers, 3, tmp_path) == summary(customers, 3) != {}
    assert spoil[0] in content
    (tmp_path / saved.EVIDENCE).write_bytes(content.replace(*spoil, 1))
    assert load_evidence(tmp_path) == summary(customers, 3, tmp_path) == {}
