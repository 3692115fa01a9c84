import numpy as np
import pytest

from wholesale.evidence import compare_covariances
from wholesale.models import is_proper, restart

QUICK = {"seeds": 2, "restarts": 2}


@pytest.fixture(scope="module")
def found(X):
    return compare_covariances(X, [2, 3], ["full", "spherical"], details=True, **QUICK)


def test_every_restart_is_counted_and_the_best_proper_bic_lies_between_the_naive_and_the_worst(found):
    assert (found["tried"] == 2 * 4 * 2).all() and (found["reached"] >= 1).all()
    assert (found["reached"] + found["degenerate"] <= found["tried"]).all()
    assert (found["naive_bic"] <= found["bic"]).all()
    assert (found["bic"] <= found[["worst_seed_bic", "default_bic"]].min(axis=1)).all()
    full = found.loc[(2, "full")]
    assert full["default_bic"] > full["bic"] + 50, "the default start is trapped"


def test_the_naive_winner_can_be_found_again(found, X):
    for (k, covariance), row in found.iterrows():
        again = restart(X, k, covariance, init_params=row["naive_init"], random_state=row["naive_seed"])
        assert again.bic(X) == pytest.approx(row["naive_bic"], abs=1e-3)


def test_the_table_has_a_column_per_covariance(X):
    table = compare_covariances(X, [2], seeds=1, restarts=1)
    assert list(table.columns) == ["full", "tied", "diag", "spherical"]
    assert table.loc[2].idxmin() == "full"


def test_two_processes_give_the_same_numbers(X):
    one, two = (compare_covariances(X, [2], ["diag"], n_jobs=jobs, **QUICK) for jobs in (1, 2))
    assert one.equals(two)


def test_a_degenerate_winner_is_seen_as_one(X):
    needle = np.vstack([X, X.mean(axis=0) + 6 + 1e-3 * np.random.default_rng(0).normal(size=(5, 6))])
    row = compare_covariances(needle, [3], ["full"], details=True, seeds=3, restarts=5).loc[(3, "full")]
    assert row["degenerate"] > 0
    assert row["naive_bic"] < row["bic"] - 20
    naive = restart(needle, 3, "full", init_params=row["naive_init"], random_state=row["naive_seed"])
    assert not is_proper(naive, len(needle))
