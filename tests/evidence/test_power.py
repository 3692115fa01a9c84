from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import mahalanobis
from sklearn.cluster import KMeans

from wholesale.evidence.power import power, simulate, simulated_criteria
from wholesale.evidence.recommend import OBSERVED


@pytest.mark.parametrize("segments", [2, 3, 4])
def test_simulated_segments_are_as_far_apart_as_asked_and_all_together_have_the_customers_covariance(
    X, segments
):
    many = np.tile(X, (100, 1))
    cloud, clear = (simulate(many, segments, far, np.random.default_rng(0)) for far in (3.0, 100.0))
    assert np.allclose(np.cov(cloud.T), np.cov(X.T), atol=0.03)
    own = KMeans(segments, n_init=5, random_state=0).fit_predict(clear)  # the same draw: the same segments
    parts = [cloud[own == i] for i in range(segments)]
    precision = np.linalg.inv(np.mean([np.cov(part.T) for part in parts], axis=0))
    for one, other in combinations(parts, 2):
        apart = mahalanobis(one.mean(axis=0), other.mean(axis=0), precision)
        assert apart == pytest.approx(3.0, abs=0.1)


def test_the_criteria_of_simulated_segments_do_not_depend_on_the_processes(X):
    effort = {"starts": 2, "restarts": 1, "references": 2, "splits": 1}
    settings = {"separations": [3.0], "samples": 2, "effort": effort}
    one, two = (simulated_criteria(X[:60], 2, [1, 2], **settings, n_jobs=n) for n in (1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert one.index.names == ["segments", "separation", "cloud", "k"] and len(one) == 2 * 2


def test_power_is_the_share_of_clouds_in_which_the_true_number_is_found():
    """Silhouettes of twenty null clouds go up to 0.2 at 2; three of five simulated clouds have 0.3 there."""
    nulls = {("gaussian", i, k): [np.nan, 0.01 * (i + 1), 0.005][k - 1] for i in range(20) for k in (1, 2, 3)}
    nulls |= {(OBSERVED, 0, k): [np.nan, 0.5, 0.1][k - 1] for k in (1, 2, 3)}
    found = {(2, 4.0, i, k): [np.nan, 0.3, 0.1][k - 1] for i in range(3) for k in (1, 2, 3)}
    missed = {(2, 4.0, 3, k): [np.nan, 0.15, 0.1][k - 1] for k in (1, 2, 3)}
    wrong = {(2, 4.0, 4, k): [np.nan, 0.1, 0.3][k - 1] for k in (1, 2, 3)}

    def table(rows, names):
        columns = {"kmeans_silhouette": pd.Series(rows)}
        return pd.DataFrame(columns).rename_axis(names).sort_index()

    nulls = table(nulls, ["null", "cloud", "k"])
    simulated = table(found | missed | wrong, ["segments", "separation", "cloud", "k"])
    shares = power(simulated, nulls)
    assert shares.loc[(2, 4.0)].to_dict() == {"found": 0.6, "divided": 0.8, "silhouette of K-Means": 0.8}
    # none of the null clouds is beyond the quantile that they give themselves, "higher" of twenty
    assert shares.loc[(1, 0.0)].to_dict() == {"found": 1, "divided": 0, "silhouette of K-Means": 0}
