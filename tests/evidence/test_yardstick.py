import numpy as np
from scipy.cluster.hierarchy import linkage
from sklearn.metrics import silhouette_score

from wholesale.evidence import (
    clouds_without_segments,
    jumps,
    jumps_without_segments,
    merge_heights,
    silhouettes_without_segments,
)
from wholesale.models import fit_kmeans


def test_a_cloud_has_the_mean_and_covariance_of_the_customers(X):
    first, second = (next(clouds_without_segments(X, samples=1)) for _ in range(2))
    assert (first == second).all(), "the same are drawn again"
    many = np.vstack(list(clouds_without_segments(X, samples=200)))
    assert many.shape == (200 * len(X), 6)
    assert np.abs(many.mean(axis=0) - X.mean(axis=0)).max() < 0.02
    assert np.abs(np.cov(many, rowvar=False) - np.cov(X, rowvar=False)).max() < 0.03


def test_blobs_are_above_the_yardsticks_and_a_plain_cloud_is_within_them():
    plain = np.random.default_rng(0).normal(size=(120, 6))
    blobs = np.vstack([plain[:60] - 3, plain[60:] + 3])
    for customers, separate in ((blobs, True), (plain, False)):
        heights = merge_heights(linkage(customers, "ward"))
        by_chance = jumps_without_segments(customers, samples=40)
        assert (jumps(heights)[2] > by_chance[2].max()) == separate
        by_chance = silhouettes_without_segments(customers, [2, 3], samples=20)
        assert by_chance.shape == (20, 2) and list(by_chance.columns) == [2, 3]
        silhouette = silhouette_score(customers, fit_kmeans(customers, 2).labels_)
        assert (silhouette > by_chance[2].max()) == separate
