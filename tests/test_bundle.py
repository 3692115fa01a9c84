import json
import shutil

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from wholesale.bundle import load_bundle, save_bundle, train
from wholesale.manifest import MODELS_FOLDER
from wholesale.predictor import load_predictor

PICKLES = ("scaler.pkl", "kmeans.pkl", "gmm.pkl", "agg.pkl")


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(MODELS_FOLDER, tmp_path / "models")


def _leaves(value):
    if isinstance(value, dict):
        return [leaf for _, inner in sorted(value.items()) for leaf in _leaves(inner)]
    return [np.asarray(value)]


@pytest.mark.parametrize("threads", [1, 2])
def test_retraining_gives_the_committed_numbers(customers, threads):
    with threadpool_limits(threads):
        again = json.loads(train(customers).numbers)
    committed = json.loads((MODELS_FOLDER / "predictor.json").read_bytes())
    assert again.keys() == committed.keys()
    for ours, theirs in zip(_leaves(again), _leaves(committed), strict=True):
        if ours.dtype.kind == "f":
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-11)
        else:
            assert (ours == theirs).all()


def test_saved_and_loaded_it_is_the_same(bundle, tmp_path, X):
    saved = save_bundle(bundle, tmp_path / "new")
    loaded = load_bundle(tmp_path / "new")
    assert loaded.numbers == bundle.numbers
    assert loaded.manifest == saved.manifest
    np.testing.assert_array_equal(loaded.gmm.predict_proba(X), bundle.gmm.predict_proba(X))


def test_label_i_of_each_pickled_model_is_segment_i_plus_1(bundle, X):
    assert (bundle.kmeans.predict(X) + 1 == bundle.labels["kmeans"]).all()
    assert (bundle.gmm.predict(X) + 1 == bundle.labels["gmm"]).all()
    assert (bundle.ward.labels_ + 1 == bundle.labels["ward"]).all()


def test_the_pickles_are_what_their_names_say_and_the_predictor_needs_none(copy):
    kinds = [type(joblib.load(copy / name)).__name__ for name in PICKLES]
    assert kinds == ["Pipeline", "KMeans", "GaussianMixture", "AgglomerativeClustering"]
    for name in PICKLES:
        (copy / name).unlink()
    assert load_predictor(copy).names == load_predictor().names


def test_the_manifest_says_what_made_the_bundle(bundle):
    manifest = bundle.manifest
    assert manifest["customers"] == 440
    assert manifest["customers_sha256"].startswith("d0213b7d")
    assert {"trained", "python", "versions", "seed", "parameters", "metrics", "files"} <= manifest.keys()
    assert [sum(its["sizes"]) for its in manifest["metrics"].values()] == [440] * 3


def test_progress_is_told_step_by_step(customers):
    steps = []
    train(customers.head(60), 2, progress=steps.append)
    assert steps[1:4] == ["K-Means", "Gaussian mixture", "Ward"]
