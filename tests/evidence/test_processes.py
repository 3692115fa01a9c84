"""What runs in several processes: the same numbers on one core and on two, and in a second run."""

import pandas as pd
import pytest

from wholesale import evidence
from wholesale.evidence.nulls import cloud_criteria, simulated_criteria
from wholesale.models import fit_kmeans

QUICK = {"ks": [1, 2], "effort": {"starts": 2, "restarts": 1, "references": 2, "splits": 1}}
MADE = {
    "gap": lambda X, **n: evidence.gap_statistic(X, [1, 2, 3], references=6, **n),
    "strength": lambda X, **n: evidence.prediction_strength(X, [1, 2, 3], splits=6, **n),
    "families": lambda X, **n: evidence.search_families(X, ks=(1, 2), starts=6, **n),
    "peaks": lambda X, **n: evidence.density_peaks(X, samples=1, **n),
    "nulls": lambda X, **n: cloud_criteria(X[:60].copy(), "copula", range(2), **QUICK, **n),
    "simulated": lambda X, **n: simulated_criteria(X[:60].copy(), 2, [3], 2, **QUICK, **n),
    "stability": lambda X, **n: evidence.bootstrap_jaccards(X, fit_kmeans, 3, resamples=4, **n),
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_the_numbers_do_not_depend_on_the_processes(X, make):
    one, two = (pd.DataFrame(make(X, n_jobs=n)) for n in (1, 2))
    assert one.equals(two) and one.index.equals(two.index) and len(one)
