import numpy as np
import pytest

from wholesale import evidence
from wholesale.criteria import check_fit
from wholesale.models import fit_kmeans

GOOD = np.random.default_rng(0).normal(size=(30, 6))


MEASURES = {
    "counts": evidence.compare_cluster_counts,
    "covariances": evidence.compare_covariances,
    "gap": evidence.gap_statistic,
    "strength": evidence.prediction_strength,
    "stability": lambda X, ks: evidence.segment_stability(X, fit_kmeans, ks[0]),
}


def _with(value):
    bad = GOOD.copy()
    bad[4, 2] = value
    return bad


@pytest.mark.parametrize(
    ("X", "ks", "sentence"),
    [
        (GOOD, [0], "0 segments cannot be made of 30 distinct customers"),
        (GOOD, [30], "30 segments cannot be made of 30 distinct customers"),
        (np.repeat(GOOD[:5], 6, axis=0), [5], "5 segments cannot be made of 5 distinct customers"),
        (np.column_stack([GOOD[:, :5], np.ones(30)]), [2], "column 6 is the same for every customer"),
        (np.column_stack([GOOD[:, :5], 7 + 1e-12 * GOOD[:, 5]]), [2], "column 6 is the same for every"),
        (_with(np.nan), [2], "customer 5, column 3 is nan, not a finite number"),
        (_with(np.inf), [2], "customer 5, column 3 is inf, not a finite number"),
        (GOOD[:9], [2], "9 customers are too few to segment; at least 10 are needed"),
        (GOOD[0], [2], "a matrix of customers by columns is needed"),
    ],
)
@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_what_cannot_be_segmented_is_refused_in_one_sentence_before_any_fit(
    monkeypatch, X, ks, sentence, measure
):
    for name in ("sklearn.cluster.KMeans.fit", "sklearn.mixture.GaussianMixture.fit"):
        monkeypatch.setattr(name, lambda *_: pytest.fail("fitted"))
    with pytest.raises(ValueError) as refusal:
        measure(X, ks)
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_duplicated_rows_are_fine_as_long_as_enough_differ():
    assert check_fit(np.repeat(GOOD, 2, axis=0), [29]).shape == (60, 6)
