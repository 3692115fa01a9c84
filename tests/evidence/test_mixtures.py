"""The wider family of mixtures against R's mclust; see tests/reference/mixtures.R."""

import json

import numpy as np
import pytest
from sklearn.cluster import AgglomerativeClustering

from wholesale.evidence.mixtures import FAMILIES, ParsimoniousMixture
from wholesale.manifest import ROOT

R = json.loads((ROOT / "tests" / "reference" / "mixtures.json").read_text())


@pytest.mark.parametrize("family", FAMILIES[:8])
@pytest.mark.parametrize("k", [2])
def test_from_the_same_start_the_likelihood_is_mclusts_or_higher(X, k, family):
    start = np.eye(k)[AgglomerativeClustering(k).fit_predict(X)]
    ours = ParsimoniousMixture(k, family, memberships=start, tol=1e-11, max_iter=50000).fit(X)
    theirs = R["loglik_from_ward"][str(k)][family]
    assert ours.score_samples(X).sum() > theirs - 1e-6 * abs(theirs)
