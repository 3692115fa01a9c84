"""Which criteria for the number of segments are shown, and by which rule each votes."""

from dataclasses import dataclass

STRONG = 0.8  # prediction strength from which k is supported, as in wholesale.evidence.recommend


@dataclass(frozen=True)
class Curve:
    """One measure: its column in ``evidence["counts"]``, its name in ``votes``, and its word in a panel."""

    column: str
    vote: str
    word: str = ""


@dataclass(frozen=True)
class Panel:
    """What one panel shows, and the rule by which it votes."""

    name: str
    rule: str
    curves: tuple[Curve, ...]
    error: str = ""
    line: float | None = None


PANELS = (
    Panel(
        "Silhouette",
        "highest",
        (
            Curve("kmeans_silhouette", "silhouette of K-Means", "K-Means"),
            Curve("ward_silhouette", "silhouette of Ward", "Ward"),
            Curve("gmm_silhouette", "silhouette of the mixture", "Mixture"),
        ),
    ),
    Panel("BIC of the mixture", "lowest", (Curve("gmm_bic", "BIC of the mixture"),)),
    Panel("Gap statistic", "first within 1 se of the next", (Curve("gap", "gap statistic"),), error="gap_se"),
    Panel(
        "Prediction strength",
        f"last at {STRONG} or more",
        (Curve("prediction_strength", "prediction strength"),),
        line=STRONG,
    ),
    Panel("Calinski-Harabasz", "highest", (Curve("calinski_harabasz", "Calinski-Harabasz index"),)),
    Panel("Davies-Bouldin", "lowest", (Curve("davies_bouldin", "Davies-Bouldin index"),)),
)
