"""Segments fitted on customers of one's own, and answered from their folder by every command."""

import json
import os
from dataclasses import replace
from functools import partial
from html import unescape

import numpy as np
import pandas as pd
import pytest
from commands import run
from servers import free_port

from wholesale import bundle as bundles
from wholesale.app import build_app, sentences, tabs
from wholesale.app.server import page as server
from wholesale.app.server import upload
from wholesale.app.server.answers import answer, segments
from wholesale.app.tabs import about_tab, segments_tab
from wholesale.bundle import load_bundle, train
from wholesale.columns import MODELS, SPEND_COLUMNS
from wholesale.customers import read_file
from wholesale.evidence import saved
from wholesale.evidence.multiverse import SCALES
from wholesale.evidence.nulls import NULLS, simulated_criteria
from wholesale.evidence.saved import customers_hash
from wholesale.manifest import MODELS_FOLDER, SHIPPED
from wholesale.models import fit_gmm, fit_kmeans, fit_ward
from wholesale.predict import measure
from wholesale.predictor import load_predictor
from wholesale.preprocessing import log_standardizer
from wholesale.report import escaped, text
from wholesale.report.study import Fitted

pytestmark = pytest.mark.usefixtures("quick_training")

K = 4
ROWS = 90


def _simulated(rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    level = np.array([[9, 7, 7, 8, 5, 6], [7, 9, 9, 6, 8, 7]])[np.arange(rows) % 2]
    return pd.DataFrame(rng.lognormal(level, 0.8).round(2), columns=list(SPEND_COLUMNS))


def _tasks(*_) -> dict:
    """Evidence made up in no time."""
    columns = ("kmeans_silhouette", "gmm_silhouette", "ward_silhouette", "gmm_bic", "gap", "davies_bouldin")
    counts = {str(k): dict.fromkeys(columns, float(k)) for k in saved.KS}
    stable = {"jaccard": [0.9] * K, "recovered": [1] * K, "dissolved": [0] * K, "band": ["highly stable"] * K}
    stability = {f"stability, {model}": lambda: stable for model in MODELS}
    return {"counts": lambda: counts} | stability


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A file with decimal commas, a renamed column, a column Channel of other codes, and two bad rows."""
    path = tmp_path_factory.mktemp("own") / "mine.csv"
    table = _simulated(ROWS).rename(columns={"Fresh": "Produce"}).assign(Channel="web", Shop="a")
    table["Milk"] = table["Milk"].astype(str).str.replace(".", ",")
    table.loc[[3, 9], "Milk"] = "n/a", "-5"
    table.to_csv(path, sep=";", decimal=",", index=False)
    return path


@pytest.fixture(scope="module")
def trained(file):
    """What `train` says, and the folder it writes to."""
    folder = file.parent / "models of mine"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saved, "_tasks", _tasks)
        options = ("--column", "Fresh=Produce", "--decimal", "comma", "--evidence")
        result = run("train", file, "--segments", K, "-o", folder, *options)
    assert result.exit_code == 0, result.output
    return result.output, folder


@pytest.fixture(scope="module")
def own(trained):
    return load_predictor(trained[1])


def test_train_says_what_was_accepted_and_why_the_rest_was_not(trained):
    told, folder = trained
    assert f"mine.csv: {ROWS - 2} rows accepted, 2 rejected." in told
    assert "line 5: " in told and "n/a" in told and "line 11: " in told
    assert "Channel is left out: it holds other codes than 1 and 2." in told
    assert "evidence 4 of 4: stability, ward" in told
    assert f"python -m wholesale serve --models '{folder}'" in told
    assert run("check", "--models", folder).exit_code == 0


def test_the_manifest_says_whose_customers_they_are(trained, file):
    manifest = load_bundle(trained[1]).manifest
    assert manifest["source"] == {"file": "mine.csv", "accepted": ROWS - 2, "rejected": 2}
    assert manifest["customers"] == manifest["drawn_from"] == ROWS - 2 and manifest["displayed"] == []
    read = read_file(file, {"Fresh": "Produce"}, "comma").table
    assert manifest["customers_sha256"] == customers_hash(read)
    assert str(file.parent) not in json.dumps(manifest)


def test_the_evidence_made_is_in_their_bundle_else_the_command_that_makes_it(trained, own, predictor):
    sentences = own.evidence["sentences"]
    assert sentences == saved.load_evidence(trained[1])["sentences"]
    assert all(sentence in trained[0] for sentence in sentences) and sentences[0] in unescape(about_tab(own))
    assert own.evidence["stability"]["gmm"]["band"] == ["highly stable"] * K
    page = about_tab(replace(own, evidence={}))
    assert f"python -m wholesale train mine.csv --segments {K} --evidence -o FOLDER" in page
    assert "python -m wholesale train --segments 3 --evidence<" in about_tab(replace(predictor, evidence={}))


def test_the_page_says_nothing_that_holds_for_the_shipped_customers_only(own):
    answered = tabs.answer(own, dict.fromkeys(SPEND_COLUMNS, 9))
    page = unescape("".join([segments_tab(own), about_tab(own), *answered]))
    for words in ("440", "Portug", "2013,", "UCI", "Channel", "Region", "Lisbon", "Horeca", "wc-mixes"):
        assert words not in page.replace("20130101", ""), words
    assert f"mine.csv: {ROWS - 2} rows accepted, 2 rejected" in page
    assert build_app(own)


def test_only_segments_of_one_cloud_are_called_parts_of_one(own):
    def page(silhouette: float) -> str:
        metrics = own.manifest["metrics"] | {"kmeans": {"silhouette": silhouette}}
        return about_tab(replace(own, manifest=own.manifest | {"metrics": metrics}))

    assert "parts of one cloud, not islands: customers near" in page(0.3)
    assert "cloud" not in page(0.7) and "<li>Customers near a border" in page(0.7)


def test_the_api_leaves_channel_and_region_empty(own):
    alike = answer(own, json.dumps(dict.fromkeys(SPEND_COLUMNS, 900)).encode())["explanation"]["alike"]
    assert {(its["channel"], its["region"]) for its in alike} == {(None, None)}
    assert [len(its) for its in segments(own).values()] == [K] * 3


def test_page_and_api_answer_from_the_folder_that_serve_is_given(trained, own, monkeypatch):
    """The API has the predictor; the page's kernels inherit the environment, and load what it names."""
    served = []

    class Stub:
        def __init__(self, predictor, **_):
            served.extend((predictor, load_predictor()))
            monkeypatch.chdir(MODELS_FOLDER)
            served.append(load_predictor())  # a kernel's working directory is another one
            raise SystemExit

    monkeypatch.setattr(server, "PageServer", Stub)
    monkeypatch.setenv("WHOLESALE_MODELS", str(MODELS_FOLDER))  # what is said on the command line wins
    monkeypatch.chdir(trained[1].parent)
    before = dict(os.environ)
    run("serve", "--models", trained[1].name, "--port", free_port())
    assert [its.names for its in served] == [own.names] * 3
    assert os.environ == before


def test_a_folder_named_in_the_environment_is_every_default(trained, monkeypatch, tmp_path):
    monkeypatch.setenv("WHOLESALE_MODELS", str(trained[1]))
    assert load_predictor().n_segments == K and f"on {ROWS - 2} customers" in run("check").output
    command = f"python -m wholesale train IN --segments K -o {tmp_path / 'mine'}"
    said = f"no manifest.json in mine; retrain with: {command}\n"
    assert run("check", "--models", tmp_path / "mine").output == said


@pytest.mark.parametrize("output", [(), ("-o", MODELS_FOLDER)], ids=["none", "models"])
def test_the_project_s_models_are_not_overwritten_with_other_customers(file, output):
    before = (MODELS_FOLDER / "manifest.json").read_bytes()
    result = run("train", file, *output)
    said = "models/ is for the shipped customers: name a folder for those of mine.csv, e.g. -o mine\n"
    assert (result.exit_code, result.output) == (1, said)
    assert (MODELS_FOLDER / "manifest.json").read_bytes() == before


REFUSED = {
    "few": (lambda t: t.head(8), (), "8 customers are too few to segment; at least 10 are needed"),
    "none": (
        lambda t: t.assign(Milk=-1), (),
        "in.csv: no record is a customer; line 2: Milk: -1 is not an amount ≥ 0"),
    "constant": (lambda t: t.assign(Milk=5), (), "Milk is the same for every customer"),
    "rounding": (
        lambda t: t.assign(Detergents_Paper=np.linspace(5, 5 + 1e-10, 30)), (),
        "Detergents and Paper is the same for every customer"),
    "distinct": (
        lambda t: pd.concat([t.head(2)] * 9), ("--segments", 2), "2 segments cannot be made of 2 distinct"),
    "evidence": (
        lambda t: t.head(14), ("--segments", 3, "--evidence"),
        "the evidence for 3 segments needs 15 distinct customers, and there are 14: train without it"),
    "follows": (
        lambda t: t.assign(Milk=(t["Fresh"] * 1.2).round(2)), ("--segments", 3, "--evidence"),
        "none can be drawn, as one category follows from others: train without it"),
    "missing": (lambda t: t.drop(columns="Milk"), (), "no column for Milk"),
    "option": (lambda t: t, ("--column", "Milk"), "--column Milk is not of the form CATEGORY=NAME"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "options", "sentence"), REFUSED.values(), ids=REFUSED)
def test_customers_that_cannot_be_fitted_are_refused_in_one_sentence(tmp_path, change, options, sentence):
    change(_simulated(30)).to_csv(tmp_path / "in.csv", index=False)
    result = run("train", tmp_path / "in.csv", "-o", tmp_path / "out", *options)
    assert result.exit_code == 1 and sentence in result.output
    assert len(result.stderr.splitlines()) == 1 and "fewer segments" not in result.output
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_fitted(file, tmp_path, monkeypatch):
    (tmp_path / "taken").write_text("")
    monkeypatch.setattr("wholesale.bundle.train", lambda *_, **__: pytest.fail("fitted"))
    for folder in ("taken", "taken/inside", "/proc/self"):
        result = run("train", file, "--column", "Fresh=Produce", "-o", tmp_path / folder)
        assert result.exit_code == 1 and " cannot be written: " in result.stderr
        assert len(result.stderr.splitlines()) == 1


def _sparse(rows: int) -> pd.DataFrame:
    return _simulated(rows).where(np.random.default_rng(1).random((rows, 6)) > 0.6, 0)


@pytest.mark.parametrize(
    ("table", "segments", "kind", "why"),
    [
        (_sparse(200), 2, "tied", "Fresh is 0 for 6"),
        (_simulated(200).assign(Milk=lambda t: t.Fresh), 2, "diag", "Fresh and Milk follow from each other"),
        (_simulated(200).assign(Milk=np.r_[6, [5] * 199]), 2, "tied", "Milk is 5 for >99% of customers"),
        (pd.concat([_simulated(12)] * 30), 3, "tied", "12 different customers are few for 3 segments"),
        (pd.concat([_simulated(100), 0 * _simulated(35)]), 6, "tied", "26% of customers have the same"),
        (_simulated(12), 2, None, "12 different customers are few for 2 segments"),
        (_simulated(10), 8, None, "10 different customers are few for 8 segments"),
    ],
    ids=["zeros", "equal", "near-constant", "repeated", "all-zero", "twelve", "ten"],
)
def test_without_a_proper_full_mixture_the_next_kind_is_taken_and_said_with_its_cause(
    tmp_path, monkeypatch, table, segments, kind, why
):
    monkeypatch.setitem(fit_gmm.__kwdefaults__, "restarts", 4)
    table.to_csv(tmp_path / "in.csv", index=False)
    result = run("train", tmp_path / "in.csv", "-o", tmp_path / "out", "--segments", segments)
    assert result.exit_code == 0, result.output
    own, gmm = load_predictor(tmp_path / "out"), load_bundle(tmp_path / "out").gmm
    assert (own.covariance, gmm and gmm.covariance_type) == (kind, kind)
    assert kind is None or own.precisions_cholesky.shape == (segments, 6, 6)
    said = sentences.mixture(own)
    assert why in said and said in result.output.replace("\n", " ") and said in unescape(about_tab(own))
    saved = load_bundle(tmp_path / "out")
    assert escaped(said) in text.fit(Fitted(saved.predictor, table, saved))
    assert (kind or "There is no Gaussian mixture") in said
    its = own.manifest["metrics"]["gmm"]
    assert (its and its["covariance"]) == kind
    if kind:
        assert min(its["sizes"]) > 0 and len(its["sizes"]) == segments
        np.testing.assert_array_equal(gmm.predict(own.standardize(own.amounts)) + 1, own.segments["gmm"])
        np.testing.assert_array_equal(measure(own, own.amounts).segment["gmm"] + 1, own.segments["gmm"])


@pytest.fixture(scope="module")
def unmixed(tmp_path_factory):
    """A folder of models without a mixture, and the file they are of."""
    folder = tmp_path_factory.mktemp("unmixed")
    _simulated(13).to_csv(folder / "in.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(fit_gmm.__kwdefaults__, "restarts", 1)
        result = run("train", folder / "in.csv", "-o", folder / "out", "--segments", 2)
    assert "Gaussian mixture" in result.output and "none" in result.output
    return folder / "in.csv", folder / "out"


def test_page_and_api_say_where_there_is_no_mixture(unmixed):
    own = load_predictor(unmixed[1])
    spend = dict(zip(SPEND_COLUMNS, own.amounts[0].tolist(), strict=True))
    page = "".join(tabs.answer(own, spend))
    assert not own.has_mixture and build_app(own)
    # in the verdict, the mixture's card, what is announced, and the text to copy
    assert page.count(sentences.NO_MIXTURE) == 4
    assert "oth 2 models agree" in page and "3 models" not in page
    assert "cannot be told" in page and "nan" not in page.lower().replace("unannounced", "")
    assert "There is no Gaussian mixture: " in segments_tab(own) and "There is no" in about_tab(own)
    found = answer(own, json.dumps(dict.fromkeys(SPEND_COLUMNS, 900)).encode())
    assert (found["gmm"], found["familiarity"], found["unfamiliar"]) == (None, None, False)
    assert found["agreement"] in (1, 2) and segments(own)["gmm"] is None
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_scored_files_are_empty_where_there_is_no_mixture(unmixed, ending):
    file, folder = unmixed
    out, again = file.with_suffix(f".scored.{ending}"), file.with_suffix(".again.csv")
    summary = json.loads(run("score", file, "-o", out, "--models", folder, "--json").output)
    assert (summary["segments"]["gmm"], summary["unfamiliar"]) == (None, None)
    scored = pd.read_csv(out) if ending == "csv" else pd.read_parquet(out)
    empty = ["gmm_segment", "gmm_name", "gmm_p1", "gmm_p2", "familiarity"]
    assert scored[empty].isna().all(axis=None) and scored.drop(columns=empty).notna().all(axis=None)
    assert run("score", out, "-o", again, "--models", folder, "--force").exit_code == 0
    told = run("score", file, "-o", out, "--models", folder, "--force").output
    assert "Gaussian mixture" in told and "none" in told and "unlike 99%" not in told


def test_the_page_of_a_scored_file_says_where_there_is_no_mixture(unmixed, tmp_path):
    own, source = load_predictor(unmixed[1]), tmp_path / "customers.csv"
    source.write_bytes(unmixed[0].read_bytes())
    scored = upload.score_upload(own, source, upload.read_query({}, own.categories), lambda *_: None)
    page = upload.result(own, scored)
    assert page.count(sentences.NO_MIXTURE) == 1 and "How typical</button>" not in page


@pytest.fixture
def quick_evidence(monkeypatch):
    quick = {"REFERENCES": 2, "SPLITS": 2, "RESAMPLES": 3, "RESTARTS": 1, "CLOUDS": 1, "BATCH": 1}
    for name, value in quick.items():
        monkeypatch.setattr(saved, name, value)
    simulated = partial(simulated_criteria, separations=[4.0], samples=1)
    monkeypatch.setattr(saved, "simulated_criteria", simulated)


@pytest.mark.usefixtures("quick_evidence")
def test_evidence_of_few_customers_is_of_as_few_segments(tmp_path):
    table = _simulated(15)
    X = log_standardizer().fit_transform(table)
    labels = {"kmeans": fit_kmeans(X, 3).labels_ + 1, "ward": fit_ward(X, 3).labels_ + 1}
    parts = 1 + 2 + len(["families", "density"]) + len(SCALES) + 1 + len(NULLS) + len([2, 3])
    assert len(list(saved.compute(table, table.to_numpy(), X, {}, labels, tmp_path))) == parts
    found = saved.summary(table, 3, tmp_path)
    assert list(found["counts"]) == ["1", "2", "3"] and list(found["stability"]) == ["kmeans", "ward"]


def _nothing_of_something(rows):
    table = _simulated(rows).round()
    return table.mask(np.arange(6) == np.arange(rows)[:, None] % 6, 0)


@pytest.mark.usefixtures("quick_evidence")
@pytest.mark.parametrize(
    "table",
    [
        _nothing_of_something(40),  # nobody is left where next to nothing is dropped
        _simulated(40).assign(Delicassen=np.arange(40) % 10 + 4.0),  # nobody spends 40: lifted, all are equal
        _simulated(40).mask(np.arange(40)[:, None] % 2 == [0, 9, 9, 9, 9, 9], 0),  # a served segment dropped
    ],
    ids=["nobody kept", "lifted flat", "segment dropped"],
)
def test_evidence_is_made_where_a_floor_spoils_analyses_and_after_a_fault(tmp_path, monkeypatch, table):
    part, tasks, needed = tmp_path / "out" / saved.PART, saved._tasks, ("counts", "stability", "multiverse")
    monkeypatch.setattr(
        saved, "_tasks", lambda *its: {n: task for n, task in tasks(*its).items() if n.startswith(needed)}
    )
    monkeypatch.setattr(saved.multiverse, "KS", [2])
    monkeypatch.setattr(saved.multiverse.multiverse, "__defaults__", (SCALES, ["K-Means", "Ward"]))
    table.to_csv(tmp_path / "in.csv", index=False)
    train_it = ("train", tmp_path / "in.csv", "-o", tmp_path / "out", "--segments", 2, "--evidence")
    with monkeypatch.context() as patch:
        patch.setattr(saved, "_assembled", lambda *_: json.loads("no"))
        assert run(*train_it).exit_code == 1 and part.exists()
    result = run(*train_it)
    assert result.exit_code == 0 and not part.exists(), result.output
    firm = load_predictor(tmp_path / "out").evidence["firmness"]
    assert {*firm} >= {"kmeans", "ward"} and np.shape([*firm.values()]) == (len(firm), 40)


def test_how_to_read_a_file_needs_a_file():
    for option in (("--decimal", "comma"), ("--blank", "zero"), ("--column", "Milk=milk")):
        assert "name it first" in run("train", *option).output


def test_blanks_are_zeros_where_that_is_said(tmp_path):
    table = _simulated(30).astype(object)
    table.iloc[:20, 0], table.iloc[20:, 1] = "", "-"
    table.to_csv(tmp_path / "in.csv", index=False)
    result = run("train", tmp_path / "in.csv", "-o", tmp_path / "out")
    assert result.exit_code == 1 and "if a blank means 0, say --blank zero." in result.output
    own = read_file(tmp_path / "in.csv", blank="zero")
    assert len(own.table) == 30 and not own.notes
    assert (own.amounts.iloc[:20, 0] == 0).all() and (own.amounts.iloc[20:, 1] == 0).all()


def test_of_too_many_a_random_sample_is_fitted_and_said_to_be(monkeypatch):
    monkeypatch.setattr(bundles, "LARGEST", 40)
    everybody, steps = _simulated(60), []
    bundle = train(everybody, 2, source=bundles.Source("mine.csv", 60, 1), progress=steps.append)
    assert (bundle.manifest["customers"], bundle.manifest["drawn_from"]) == (40, 60)
    assert len(bundle.predictor.amounts) == len(np.unique(bundle.predictor.amounts, axis=0)) == 40
    rows = [everybody.index[(everybody == amounts).all(axis=1)][0] for amounts in bundle.predictor.amounts]
    assert rows == sorted(rows) and rows[-1] > 40, "in the file's order, and not its first rows"
    page = about_tab(bundle.predictor)
    assert "mine.csv: 60 rows accepted, 1 rejected; of those, 40 were drawn at random" in page


def test_the_shipped_customers_are_the_same_read_as_one_s_own(customers):
    own = read_file(SHIPPED)
    pd.testing.assert_frame_equal(own.table, customers)
    assert (own.source.accepted, own.source.rejected, own.notes, own.left_out) == (440, 0, [], [])
