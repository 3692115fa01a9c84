"""Beyond the hashes: files that are what was saved, but do not hold what they must."""

import copy
import functools
import json
import shutil

import pytest
from servers import free_port
from typer.testing import CliRunner

from wholesale import manifest as store
from wholesale.bundle import load_bundle
from wholesale.cli import main
from wholesale.predictor import check_predictor, load_predictor, read_folder

MISSING, SAME = object(), object()
WRONG = {
    "missing": lambda _: MISSING,
    "null": lambda _: None,
    "text": lambda its: "" if isinstance(its, str) else "x",
    "true": lambda _: True,
    "negative": lambda _: -(10**9) - 0.5,
    "huge": lambda _: 10**400,
    "infinite": lambda _: float("inf"),
    "not a number": lambda _: float("nan"),
    "object": lambda _: {"a": 1},
    "nested": lambda _: json.loads("[" * 300 + "]" * 300),
    "wrapped": lambda its: [its],
    "shorter": lambda its: its[:-1] if isinstance(its, list) else SAME,
    "longer": lambda its: its + its[-1:] if isinstance(its, list) else SAME,
    "ragged": lambda its: [*its[:-1], [its[-1]]] if isinstance(its, list) else SAME,
}
OPTIONAL = {"source", "stability", "evidence.json", "evidence"}
OF_CATEGORIES = {("categories", name) for name in ("name", "groups", "spellings")}
OF_EVIDENCE = {("evidence", name) for name in ("weights", "firmness", "stability_warm")}
SIGNED = {"mean", "centers", "precisions_cholesky", "densities", "channel", "region", "silhouette", "bic"}


@pytest.fixture
def manifest():
    return json.loads((store.MODELS_FOLDER / store.MANIFEST).read_bytes())


@pytest.fixture
def numbers():
    return json.loads((store.MODELS_FOLDER / store.PREDICTOR).read_bytes())


def _places(value, at=()):
    """Every key of every object, and the first and last item of every list."""
    keys = {0, len(value) - 1} if isinstance(value, list) and value else ()
    for key in value if isinstance(value, dict) else keys:
        yield (*at, key)
        yield from _places(value[key], (*at, key))


def _allowed(place, how):
    """Whether the wrong is right here: of criteria, votes, sentences and settings there may be any."""
    *above, last = place
    gone, longer = how in ("missing", "null"), how in ("shorter", "longer")
    number = isinstance(last, int) or last in ("silhouette", "bic")
    inside = next((key for key in above if key in ("counts", "votes")), None)
    inside = "counts" if place[:2] == ("evidence", "weights") and place[2:] else inside
    of_weights = place[1:] in (("votes",), ("weights",)) or (inside == "counts" and len(place) == 3)
    in_list = above[-1:] in (["displayed"], ["init_params"], ["sentences"])
    return any(
        (
            gone and last in OPTIONAL and above != ["evidence"],
            gone and (place == ("metrics", "gmm") or inside is not None),
            gone and (place in OF_CATEGORIES or place[:-1] in OF_CATEGORIES),
            (longer or how == "missing") and place[:2] == ("categories", "groups"),
            gone and (place in OF_EVIDENCE or place == ("evidence", "stability_warm", "gmm")),
            how in ("true", "negative") and inside == "counts" and len(place) == 4,
            how == "object" and of_weights,
            how == "negative" and number and bool(SIGNED & {key for key in place if isinstance(key, str)}),
            longer and last in ("displayed", "init_params", "sentences"),
            how == "missing" and in_list,
            how == "text" and in_list and above[-1] != "displayed" and isinstance(last, int),
        )
    )


@pytest.mark.parametrize("how", WRONG)
@pytest.mark.parametrize("which", ["manifest", "predictor"])
def test_anything_wrong_anywhere_is_refused(manifest, numbers, which, how):
    value = manifest if which == "manifest" else numbers
    for place in list(_places(value)):
        inner = functools.reduce(lambda its, key: its[key], place[:-1], value)
        there, wrong = copy.copy(inner), WRONG[how](inner[place[-1]])
        if wrong is SAME:
            continue
        if wrong is MISSING:
            del inner[place[-1]]
        else:
            inner[place[-1]] = wrong
        both_must_agree = (which, place, how) == ("manifest", ("categories", "name"), "text")
        if not (both_must_agree or _allowed(place, how)):
            with pytest.raises(store.Misfit):
                store.check_manifest(value) if which == "manifest" else check_predictor(value, manifest)
                pytest.fail(f"{place} may be {how}")
        inner.clear()
        inner.update(there) if isinstance(inner, dict) else inner.extend(there)
    assert store.check_manifest(manifest) is check_predictor(numbers, manifest) is None, "all is as it was"


@pytest.mark.parametrize(
    "place", [(), ("metrics",), ("metrics", "ward"), ("versions",), ("parameters", "gmm")]
)
def test_nothing_unknown_may_be_there(manifest, place):
    functools.reduce(lambda its, key: its[key], place, manifest)["surplus"] = 1
    with pytest.raises(store.Misfit):
        store.check_manifest(manifest)


def _without_mixture(manifest, numbers, null):
    """Take out all that is the mixture's, or make it null."""
    per_model = [its for its in (*numbers.values(), manifest["metrics"]) if isinstance(its, dict)]
    evidence = [numbers["evidence"][name] for name in ("stability", "stability_warm", "firmness")]
    places = [(its, "gmm") for its in (*per_model, *evidence)]
    places += [(numbers, key) for key in ("covariance", "weights", "precisions_cholesky", "densities")]
    for inner, key in places:
        if inner.pop(key, None) is not None and null:
            inner[key] = None


@pytest.mark.parametrize("null", [True, False])
def test_all_that_is_the_mixture_s_may_be_missing_or_nothing(manifest, numbers, null):
    whole = copy.deepcopy((manifest, numbers))
    _without_mixture(manifest, numbers, null)
    store.check_manifest(manifest)
    check_predictor(numbers, manifest)
    for which, other in ((manifest, whole[1]), (whole[0], numbers)):
        with pytest.raises(store.Misfit):
            check_predictor(other, which)
    with pytest.raises(store.Misfit):
        check_predictor(numbers | {"weights": whole[1]["weights"]}, manifest)


CHANGES = {
    "metrics null": lambda m, n: m.update(metrics=None),
    "another k": lambda m, n: m["parameters"].update(n_segments=4),
    "another n": lambda m, n: m.update(customers=441),
    "a number": lambda m, n: n.update(centers=3),
    "NaN": lambda m, n: n["densities"].__setitem__(7, float("nan")),
    "a segment too many": lambda m, n: n["segments"]["ward"].__setitem__(0, 4),
    "deep": lambda m, n: n.update(mean=json.loads("[" * 900 + "]" * 900)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whole_files_with_the_right_hashes_are_refused_by_every_loader(tmp_path, manifest, numbers, change):
    folder = shutil.copytree(store.MODELS_FOLDER, tmp_path / "models")
    change(manifest, numbers)
    content = json.dumps(numbers).encode()
    (folder / store.PREDICTOR).write_bytes(content)
    manifest["files"][store.PREDICTOR] = store.sha256(content)
    (folder / store.MANIFEST).write_bytes(store.to_json(store.sealed(manifest, store.SEAL)))
    refusal = r"\.json is not in order.*; retrain with: python -m wholesale"
    for load in (read_folder, load_bundle, load_predictor):
        with pytest.raises(store.BundleError, match=refusal):
            load(folder)
    for command in (["check"], ["serve", "--port", str(free_port())]):
        result = CliRunner().invoke(main, [*command, "--models", str(folder)])
        assert result.exit_code == 1 and len(result.output.splitlines()) == 1, result.output
