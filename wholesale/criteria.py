"""What is weighed for each number of segments, k: one record per column, from which every surface writes.

To add a column: compute it in :mod:`wholesale.evidence.counts`, and say here how it is written.
"""

from dataclasses import dataclass

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
