import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist

from wholesale.evidence import multiverse as ways


def test_log_ratios_see_the_mix_only_and_keep_the_distances_of_centred_ones(amounts):
    ratios = ways.log_ratios(amounts)
    assert ratios.shape == (440, 5)
    assert np.allclose(ways.log_ratios(2 * amounts + 1), ratios), "twice of everything is the same mix"
    logs = np.log(amounts + 1)
    assert np.allclose(pdist(ratios), pdist(logs - logs.mean(axis=1, keepdims=True)))


def test_floors_drop_or_lift_who_buys_next_to_nothing_of_something(amounts):
    kept, dropped, lifted = (ways.floored(amounts, floor) for floor in ways.FLOORS)
    assert kept[1].all() and lifted[1].all() and (~dropped[1]).sum() == (amounts <= 3).any(axis=1).sum() == 8
    assert kept[0].min() == 3 and lifted[0].min() == 40


@pytest.mark.parametrize("method", ways.METHODS)
def test_every_method_cuts_into_as_many_segments_as_asked_for(amounts, method):
    labels = ways.analyse(amounts, "log(x + 1)", "dropped", method, 3)
    assert sorted(set(labels)) == [-1, 0, 1, 2] and (labels < 0).sum() == 8


def test_the_served_partition_is_a_cell_and_every_cell_is_listed(amounts, bundle):
    cells = ways.multiverse(amounts, [2, 3], methods=["Ward"])
    assert len(cells) == 6 * 3 * 2 and cells.columns.tolist() == [*range(1, 441)]
    rand, served = ways.rand_to(bundle.labels["ward"], cells), ("log(x + 1)", "kept", "Ward", 3)
    assert rand[served] == 1 and (rand.drop(served) < 1).all()


def test_firmness_and_consensus_are_counted_over_the_cells_that_keep_a_customer():
    served = np.array([1, 1, 2, 2])
    index = pd.MultiIndex.from_tuples([("a", "b", "c", 2), ("d", "b", "c", 2), ("a", "b", "c", 3)])
    rows = [[1, 1, 0, 0], [0, -1, 0, 1], [0, 1, 2, 2]]
    cells = pd.DataFrame(rows, index=index.set_names(["scale", "floor", "method", "k"]), columns=range(1, 5))
    assert ways.firmness(served, cells).tolist() == [1, 1, 0.5, 1]
    together = ways.consensus(cells)
    assert together[0, 1] == 0.5 and together[2, 3] == 2 / 3 and (np.diag(together) == 1).all()


@pytest.mark.parametrize("scale", ways.SCALES)
@pytest.mark.parametrize("method", ways.METHODS)
def test_an_analysis_that_a_floor_leaves_nothing_to_cut_has_failed(scale, method):
    amounts = np.random.default_rng(1).lognormal(6, 1, (30, 3)).round()
    amounts[:, 0] = np.arange(30) % 10 + 4.0  # nobody spends 40: winsorized it is the same for all
    none = [-1] * 30
    if scale != "log-ratios of shares":  # where the others still differ
        assert ways.analyse(amounts, scale, "winsorized", method, 2).tolist() == none
    amounts[np.arange(30), np.arange(30) % 3] = 0  # everybody buys none of something, then nine do not
    assert ways.analyse(amounts, scale, "dropped", method, 2).tolist() == none
    amounts[:9] += 100
    assert ways.analyse(amounts, scale, "dropped", method, 2).tolist() == none
    assert set(ways.analyse(amounts, scale, "kept", "Ward", 2)) == {0, 1}


def test_an_analysis_that_keeps_nobody_of_a_served_segment_says_nothing_of_firmness():
    served, names = np.array([1, 1, 2, 2]), ["scale", "floor", "method", "k"]
    ways_to = pd.MultiIndex.from_product([["a"], ["b"], [*"cdef"], [2]], names=names)
    rows = [[0, 1, -1, -1], [-1] * 4, [0, 0, 0, 0], [1, 1, 0, 1]]
    cells = pd.DataFrame(rows, ways_to, range(1, 5))
    assert ways.firmness(served, cells).tolist() == [1, 1, 1, 0]
    assert ways.firmness(served, cells[:3]).isna().all()
    failed = cells[1:2]
    assert np.isnan(ways.consensus(failed)).all() and ways.rand_to(served, failed).isna().all()


def test_the_usual_recipe_drops_five_customers_and_has_its_silhouette_in_the_plane_only(amounts):
    labels, plane, full = ways.usual_recipe(amounts)
    assert (np.flatnonzero(labels < 0) + 1).tolist() == [66, 67, 76, 129, 155]
    assert round(plane, 2) == 0.43 and round(full, 2) == 0.30
