"""What is weighed for each number of segments, k, and what customers must be before any is fitted.

Each column of the evidence is one record, from which every surface writes.
To add a column: compute it in :mod:`wholesale.evidence.counts`, and say here how it is written.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from wholesale.wording import SPACE

STRONG = 0.8  # prediction strength from which k is supported; the paper suggests 0.8 to 0.9
BANDS = {0.85: "highly stable", 0.75: "stable", 0.6: "a pattern rather than a stable group", 0.0: "unstable"}
"""Words for a mean bootstrap Jaccard, by its lower bound, after Hennig's guideline for ``clusterboot``."""

FIRM = 0.75  # share of careful analyses, the served one included, from which a segment is no mere cut

HIGHEST, LOWEST = "highest", "lowest"
FIRST_WITHIN, LAST_STRONG = "first within 1 se of the next", f"last at {STRONG} or more"


@dataclass(frozen=True)
class Criterion:
    """A column of the evidence, in the table of `compare_cluster_counts` and in a bundle."""

    column: str
    heading: str
    format: str
    vote: str = ""  # what it is called among the votes, if it has one
    rule: str = ""  # which k that goes to, of `wholesale.evidence.recommend.RULES`
    judged: str = ""  # by this column, if it is another
    panel: str = ""  # the chart that shows it
    curve: str = ""  # its name there
    error: str = ""  # the column of its standard error
    line: float | None = None  # what to compare with

    def write(self, value: float) -> str:
        """Write one of its figures."""
        return format(value, self.format).replace(",", SPACE).replace("-", "−")


# fmt: off
CRITERIA = (
    Criterion("kmeans_silhouette", "K-Means silhouette", ".3f",
              vote="silhouette of K-Means", rule=HIGHEST, panel="Silhouette", curve="K-Means"),
    Criterion("gmm_silhouette", "Mixture silhouette", ".3f",
              vote="silhouette of the mixture", rule=HIGHEST, panel="Silhouette", curve="Mixture"),
    Criterion("ward_silhouette", "Ward silhouette", ".3f",
              vote="silhouette of Ward", rule=HIGHEST, panel="Silhouette", curve="Ward"),
    Criterion("gmm_bic", "Mixture BIC", ",.0f",
              vote="BIC of the mixture", rule=LOWEST, panel="BIC of the mixture"),
    Criterion("gmm_reached", "Restarts reaching it", ".0%"),
    Criterion("gap", "K-Means gap", ".3f",
              vote="gap statistic", rule=FIRST_WITHIN, judged="gap_rule",
              panel="Gap statistic", error="gap_se"),
    Criterion("prediction_strength", "K-Means prediction strength", ".2f",
              vote="prediction strength", rule=LAST_STRONG,
              panel="Prediction strength", line=STRONG),
    Criterion("calinski_harabasz", "K-Means Calinski-Harabasz", ",.0f",
              vote="Calinski-Harabasz index", rule=HIGHEST, panel="Calinski-Harabasz"),
    Criterion("davies_bouldin", "K-Means Davies-Bouldin", ".2f",
              vote="Davies-Bouldin index", rule=LOWEST, panel="Davies-Bouldin"),
    Criterion("smallest_segment", "Smallest segment of any model", ",.0f"),
)
"""In the order of the evidence table."""
# fmt: on

MIN_CUSTOMERS = 10
"""Fewer are never cut; nor are so few that they lie on one plane of so many categories, see `fewest`."""

PER_SEGMENT = 5
"""Distinct customers per segment that a number of segments must leave on average to be weighed."""

NO_SPREAD = 1e-9
"""A column whose range is no more than this share of its largest value is the same for every customer."""


def fewest(categories: int) -> int:
    """Give the least number of customers that can be cut into segments: by so many categories, one more."""
    return max(MIN_CUSTOMERS, categories + 1)


def check_fit(X: np.ndarray, ks: Iterable[int] = (), labels: Sequence[str] = ()) -> np.ndarray:
    """Refuse in one sentence what cannot be cut into `ks` segments; give `X`, of such `labels`, as floats."""
    X = np.asarray(X, dtype=float)
    labels = labels or [f"column {i}" for i in range(1, X.shape[-1] + 1)]
    if X.ndim != 2:
        raise ValueError(f"a matrix of customers by columns is needed, not shape {X.shape}")
    if len(X) < (least := fewest(X.shape[1])):
        who = f"{len(X)} customer{' is' if len(X) == 1 else 's are'}"
        raise ValueError(f"{who} too few to segment; at least {least} are needed")
    if not np.isfinite(X).all():
        row, column = np.argwhere(~np.isfinite(X))[0]
        raise ValueError(f"customer {row + 1}, {labels[column]} is {X[row, column]}, not a finite number")
    constant = np.flatnonzero(np.ptp(X, axis=0) <= NO_SPREAD * np.abs(X).max(axis=0))
    if len(constant):
        raise ValueError(f"{labels[constant[0]]} is the same for every customer")
    distinct = len(np.unique(X, axis=0))
    for k in ks:
        if not 1 <= k < distinct:
            raise ValueError(f"{k} segments cannot be made of {distinct} distinct customers")
    return X
