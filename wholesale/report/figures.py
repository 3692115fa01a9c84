"""The report's figures, each with a title that states what it shows."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from sklearn.decomposition import PCA

from wholesale import plots
from wholesale.columns import LABELS, MODELS, SPEND_COLUMNS, UNIT
from wholesale.customers import Customers
from wholesale.palette import segment_colours
from wholesale.report.study import CountEvidence, Fitted, Placement, unless_refused
from wholesale.report.tables import difference
from wholesale.segments import profile_segments
from wholesale.wording import format_share

LEAVES = 12
"""Of the tree that is drawn."""

AROUND = 5.5
"""Where the names of arrows end, as a multiple of a loading."""

NEAR = 1.05
"""Ratio of heights up to which two merges are called nearly as high; our convention."""


def drifts(customers: Customers, placement: Placement) -> Axes:
    """Draw what the customers spend beside those on record."""
    record = pd.DataFrame(placement.predictor.amounts, columns=list(SPEND_COLUMNS))
    distances = {column: drift.distance for column, drift in placement.summary.drift.items()}
    largest = max(distances, key=distances.__getitem__)
    how = difference(customers, placement, largest)
    title = f"The largest D is {distances[largest]:.2f}, in {LABELS[largest]}: {how}"
    if distances[largest] == 0:
        title = "No category differs at all"
    unit = f"{UNIT} a year, logarithmic from 10 up (dot: median, bar: middle half, line: middle 80%)"
    return plots.plot_ranges(record, customers.amounts, unit=unit, names=("on record", "here"), title=title)


@unless_refused()
def criteria(evidence: CountEvidence) -> Axes | None:
    """Draw the silhouettes and the BIC over the number of segments."""
    columns = {f"{model}_silhouette": label for model, label in MODELS.items()}
    silhouettes = evidence.counts.loc[2:, [name for name in columns if name in evidence.counts]]
    if silhouettes.empty:
        return None
    _, (left, right) = plt.subplots(1, 2, figsize=(10.5, 3.7), layout="constrained")
    best = sorted(set(silhouettes.idxmax().astype(int)))
    title = f"Silhouette: best at {' or '.join(map(str, best))}{', by model' if len(best) > 1 else ''}"
    unit = "mean silhouette (higher is better)"
    plots.plot_criteria(silhouettes.rename(columns=columns), unit=unit, ax=left, title=title)
    if "gmm_bic" not in evidence.counts:
        right.set_visible(False)
        return left
    bic = evidence.counts[["gmm_bic"]].dropna().set_axis(["mixture"], axis=1)
    title = f"BIC: best at {bic['mixture'].idxmin()}"
    plots.plot_criteria(bic, unit="BIC (lower is better)", lowest=True, ax=right, title=title)
    return left


@unless_refused()
def profiles(fitted: Fitted) -> Axes:
    """Draw what every segment of every model buys."""
    predictor = fitted.predictor
    amounts = pd.DataFrame(predictor.amounts, columns=list(SPEND_COLUMNS))
    described = {}
    for model, label in predictor.models.items():
        names = [f"{i} {name}" for i, name in enumerate(predictor.names[model], start=1)]
        described[label] = profile_segments(amounts, predictor.segments[model]).set_axis(names)
    table = pd.concat(described)
    standardized, typical = table["standardized"], table["typical"][list(SPEND_COLUMNS)]
    name, column = standardized.loc[MODELS["kmeans"]].abs().stack().idxmax()
    title = f"Farthest out in K-Means: {name}, on {LABELS[column]}"
    colours = [colour for model in segment_colours(predictor.overlap).values() for colour in model]
    return plots.plot_profiles(standardized, typical=typical, colours=colours, title=title)


@unless_refused()
def plane(fitted: Fitted) -> Axes:
    """Draw the customers on the plane of their first two principal components, in K-Means' segments."""
    predictor = fitted.predictor
    X = predictor.standardize(predictor.amounts)
    components = PCA(n_components=2, svd_solver="full").fit(X)
    share = format_share(components.explained_variance_ratio_.sum())
    numbers = [str(i + 1) for i in range(predictor.n_segments)]
    arrows = pd.DataFrame(components.components_.T, list(SPEND_COLUMNS))
    ax = plots.plot_map(
        pd.DataFrame(components.transform(X), columns=["first component", "second component"]),
        predictor.segments["kmeans"],
        names=numbers,
        colours=segment_colours(predictor.overlap)["kmeans"],
        arrows=arrows,
        title=f"The {len(numbers)} segments of K-Means; the plane holds {share} of the variance",
    )
    ax.update_datalim(AROUND * arrows.to_numpy())  # the arrows' names, too, stay inside
    ax.autoscale_view()
    return ax


@unless_refused()
def tree(fitted: Fitted) -> Axes:
    """Draw the top of Ward's tree."""
    predictor = fitted.predictor
    lower, higher = predictor.linkage[-predictor.n_segments :, 2][:2]
    near = "; nearly as high: another number would cut as well" if higher < NEAR * lower else ""
    return plots.plot_dendrogram(
        predictor.linkage,
        predictor.segments["ward"],
        names=["" for _ in predictor.names["ward"]],
        colours=segment_colours(predictor.overlap)["ward"],
        leaves=min(LEAVES, len(predictor.amounts)),
        title=f"The cut lies between merges at {lower:.1f} and {higher:.1f}{near}",
    )
