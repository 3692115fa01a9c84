"""The report's figures, each with a title that states what it shows; None where there is nothing to draw."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from sklearn.decomposition import PCA

from wholesale import plots
from wholesale.columns import LABELS, MODELS, SPEND_COLUMNS, UNIT
from wholesale.own import Own
from wholesale.palette import segment_colours
from wholesale.report.place import difference
from wholesale.report.study import Outcome, Scored, Unfitted
from wholesale.report.weighing import Weighed
from wholesale.wording import format_share

LEAVES = 12
"""Of the tree that is drawn."""

AROUND = 5.5
"""Where the names of arrows end, as a multiple of a loading."""


def drift(own: Own, scored: Scored) -> Axes:
    """Draw what the customers spend beside those on record."""
    record = pd.DataFrame(scored.predictor.amounts, columns=list(SPEND_COLUMNS))
    drifts = scored.summary.drift
    largest = max(drifts, key=lambda column: drifts[column].distance)
    distance = drifts[largest].distance
    title = f"The largest D is {distance:.2f}, in {LABELS[largest]}: {difference(own, scored, largest)}"
    if distance == 0:
        title = "No category differs at all"
    names = ("on record", "here")
    unit = f"{UNIT} a year, logarithmic from 10 up (dot: median, bar: middle half, line: middle 80%)"
    return plots.plot_ranges(record, own.amounts, unit=unit, names=names, title=title)


def criteria(weighed: Weighed) -> Axes | None:
    """Draw the silhouettes and the BIC over the number of segments."""
    if weighed.refusal:
        return None
    columns = {f"{model}_silhouette": label for model, label in MODELS.items()}
    silhouettes = weighed.counts.loc[2:, [name for name in columns if name in weighed.counts]]
    if silhouettes.empty:
        return None
    _, (left, right) = plt.subplots(1, 2, figsize=(10.5, 3.7), layout="constrained")
    title = f"Silhouette: best at {_bests(silhouettes.idxmax())}"
    unit = "mean silhouette (higher is better)"
    plots.plot_criteria(silhouettes.rename(columns=columns), unit=unit, ax=left, title=title)
    if "gmm_bic" not in weighed.counts:
        right.set_visible(False)
        return left
    bic = weighed.counts[["gmm_bic"]].dropna().set_axis(["mixture"], axis=1)
    title = f"BIC: best at {bic['mixture'].idxmin()}"
    plots.plot_criteria(bic, unit="BIC (lower is better)", lowest=True, ax=right, title=title)
    return left


def profiles(fitted: Outcome) -> Axes | None:
    """Draw what every segment of every model buys."""
    if isinstance(fitted, Unfitted):
        return None
    predictor = fitted.bundle.predictor
    rows = pd.MultiIndex.from_tuples(
        [(MODELS[m], f"{i} {name}") for m, its in predictor.names.items() for i, name in enumerate(its, 1)]
    )
    X = predictor.standardize(predictor.amounts)
    labels = [predictor.segments[m] for m in predictor.names]
    means = [X[its == i + 1].mean(axis=0) for its in labels for i in range(fitted.segments)]
    standardized = pd.DataFrame(means, rows, list(SPEND_COLUMNS))
    amounts = np.concatenate([predictor.typical[model] for model in predictor.names])
    typical = pd.DataFrame(amounts, rows, standardized.columns)
    of_kmeans = np.abs(means[: fitted.segments])
    row, column = np.unravel_index(of_kmeans.argmax(), of_kmeans.shape)
    title = f"Farthest out in K-Means: {rows[row][1]}, on {LABELS[SPEND_COLUMNS[column]]}"
    colours = [colour for its in segment_colours(predictor.overlap).values() for colour in its]
    return plots.plot_profiles(standardized, typical=typical, colours=colours, title=title)


def plane(fitted: Outcome) -> Axes | None:
    """Draw the customers on the plane of their first two principal components, in K-Means' segments."""
    if isinstance(fitted, Unfitted):
        return None
    predictor = fitted.bundle.predictor
    components = PCA(n_components=2, svd_solver="full").fit(X := predictor.standardize(predictor.amounts))
    share = format_share(components.explained_variance_ratio_.sum())
    places = pd.DataFrame(components.transform(X), columns=["first component", "second component"])
    numbers = [str(i + 1) for i in range(fitted.segments)]
    title = f"The {fitted.segments} segments of K-Means; the plane holds {share} of the variance"
    colours = segment_colours(predictor.overlap)["kmeans"]
    arrows = pd.DataFrame(components.components_.T, list(SPEND_COLUMNS))
    ax = plots.plot_map(
        places, predictor.segments["kmeans"], names=numbers, colours=colours, arrows=arrows, title=title
    )
    ax.update_datalim(AROUND * arrows.to_numpy())  # the arrows' names, too, stay inside
    ax.autoscale_view()
    return ax


def tree(fitted: Outcome) -> Axes | None:
    """Draw the top of Ward's tree."""
    if isinstance(fitted, Unfitted):
        return None
    predictor = fitted.bundle.predictor
    heights = predictor.linkage[:, 2]
    title = f"The last merge is {heights[-1] / heights[-2]:.1f} times as high as the one before"
    colours = segment_colours(predictor.overlap)["ward"]
    ax = plots.plot_dendrogram(
        predictor.linkage,
        predictor.segments["ward"],
        names=["" for _ in colours],
        colours=colours,
        leaves=min(LEAVES, len(predictor.amounts)),
        title=title,
    )
    for text in ax.texts:  # under a single leaf there is no room for the word
        text.set_text(text.get_text().replace(" customers", ""))
    return ax


def _bests(best: pd.Series) -> str:
    ks = sorted(set(best.astype(int)))
    return str(ks[0]) if len(ks) == 1 else f"{', '.join(map(str, ks[:-1]))} or {ks[-1]}, by model"
