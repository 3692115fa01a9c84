"""The report's tables, rounded as they are shown, and its figures, whose titles state what they show."""

from collections.abc import Iterable, Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from sklearn.decomposition import PCA

from wholesale import plots
from wholesale.columns import ANSWERS, MODELS
from wholesale.criteria import CRITERIA
from wholesale.customers import Customers
from wholesale.palette import SIMILAR, relation
from wholesale.report.study import Answered, CountEvidence, Fitted, Placement, unless_refused
from wholesale.scoring.summary import LIKE, by_chance
from wholesale.segments import profile_segments
from wholesale.wording import format_amount, format_share, of_all, rounded, shortened

SHOWN, WIDEST, LEAVES = 10, 60, 12  # rows of a list, letters of a file's own value, and leaves that are shown
AROUND = 5.5  # where the names of arrows end, as a multiple of a loading
# So near to one half, a share above the median is neither higher nor lower; up to this ratio of heights,
# merges are nearly as high. Our conventions.
EVEN, NEAR = 0.05, 1.05
literal = rc_context({"text.parse_math": False})  # what has $ in its name is not drawn as a formula


def rejected(customers: Customers) -> pd.DataFrame | None:
    """List the first rejected records, each with its first fault."""
    if not len(customers.rejected):
        return None
    first = customers.rejected.slice(0, SHOWN).select(["line", "column", "value", "reason"]).to_pandas()
    first["column"] = first["column"].map(customers.settings.categories.label)
    return _short(first).set_index("line").rename_axis(index=None, columns="line")


def spending(customers: Customers) -> pd.DataFrame:
    """Describe each category and their sum: lowest, middle and highest amount, and zeros."""
    categories = customers.settings.categories
    amounts = customers.amounts.rename(columns=categories.label)
    amounts["In all"] = amounts.sum(axis=1)
    quantiles = amounts.quantile([0, 0.25, 0.5, 0.75, 1]).T.map(rounded)
    quantiles.columns = ["lowest", "lower quarter", "median", "upper quarter", "highest"]
    return quantiles.assign(zeros=(amounts == 0).sum()).rename_axis(columns=categories.per_period)


def drifts(customers: Customers, placement: Placement) -> pd.DataFrame:
    """Compare each category with the customers on record."""
    record, label = placement.record, placement.predictor.categories.label
    rows = {
        label(column): {
            "D": f"{drift.distance:.2f}",
            "median on record": rounded(record[column].median()),
            "median here": rounded(customers.amounts[column].median()),
            "above the median on record": format_share(_share_above(customers, placement, column)),
            "spending": difference(customers, placement, column),
        }
        for column, drift in placement.summary.drift.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(columns="category")


def difference(customers: Customers, placement: Placement, column: str) -> str:
    """Put one category's drift in words."""
    drift = placement.summary.drift[column]
    if drift.distance == 0:
        return "no difference"
    if drift.verdict == "alike":
        many = by_chance(len(customers.accepted), *placement.record.shape) <= LIKE
        return "little difference" if many else "no clear difference"
    if abs(_share_above(customers, placement, column) - 0.5) < EVEN:
        return "differently spread" if drift.verdict == "different" else "very differently spread"
    return drift.words


@literal
def plot_drifts(customers: Customers, placement: Placement) -> Axes:
    """Draw what the customers spend beside those on record."""
    distances = {column: drift.distance for column, drift in placement.summary.drift.items()}
    categories, label = placement.predictor.categories, placement.predictor.categories.label
    largest = max(distances, key=distances.__getitem__)
    how = difference(customers, placement, largest)
    title = f"The largest D is {distances[largest]:.2f}, in {label(largest)}: {how}"
    title = title if distances[largest] else "No category differs at all"
    scale = "logarithmic from 10 up (dot: median, bar: middle half, line: middle 80%)"
    unit = f"{categories.per_period}, {scale}"
    tables = [each.rename(columns=label) for each in (placement.record, customers.amounts)]
    return plots.plot_ranges(*tables, unit=unit, names=("on record", "here"), title=title)


def placement(placement: Placement) -> pd.DataFrame:
    """Count the customers in each segment of the models at hand, beside those on record."""
    predictor = placement.predictor
    sizes = np.concatenate([predictor.sizes[model] for model in predictor.models])
    return _by_segment(placement, {"share on record": map(format_share, sizes / len(predictor.amounts))})


@unless_refused
def counts(evidence: CountEvidence) -> pd.DataFrame:
    """Give each criterion and its vote by number of segments, and silhouettes of clouds without segments."""
    criteria = evidence.counts.drop(columns="gmm_reached", errors="ignore")
    rows = {
        each.vote or each.heading: criteria[each.column].map(each.write, na_action="ignore").tolist()
        for each in CRITERIA
        if each.column in criteria
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(criteria.index))
    if len(evidence.clouds):
        ranges = {k: f"{clouds.min():.2f} to {clouds.max():.2f}" for k, clouds in evidence.clouds.items()}
        name = "silhouette of K-Means in clouds without segments"
        table.loc[name] = pd.Series(ranges).reindex(table.columns)
    table["vote"] = pd.Series(evidence.votes).reindex(table.index).map("{:.0f}".format, na_action="ignore")
    weights = evidence.advice.weights
    if weights is not None:
        table["by chance"] = weights.drop(columns=["k", "counts"]).max(axis=1).map(format_share)
        table["counts"] = weights["counts"].map({True: "yes", False: "no"})
    return table.fillna("–").rename_axis(columns="segments")


@unless_refused
def plot_counts(evidence: CountEvidence) -> Axes | None:
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


@unless_refused
def segments(fitted: Fitted) -> pd.DataFrame:
    """Describe each new segment."""
    sizes, overlap = fitted.sizes, fitted.predictor.overlap
    kin = ("–" if model == "kmeans" else relation(overlap[model][i - 1, i - 1]) for model, i in sizes.index)
    columns: dict[str, Iterable[str]] = {"of all spending": map(format_share, sizes["spending"])}
    columns["to its K-Means partner"] = kin
    if sizes["zeros"].any():
        columns["buying none of some category"] = map(format_share, sizes["zeros"])
    return _by_segment(fitted, columns)


@unless_refused
def typical(fitted: Fitted) -> pd.DataFrame:
    """Give the median amounts of each new K-Means segment."""
    predictor = fitted.predictor
    names, labels = _numbered(predictor.names["kmeans"]), predictor.categories.labels
    amounts = pd.DataFrame(predictor.typical["kmeans"], names, labels)
    return amounts.map(rounded).rename_axis(columns="K-Means segment")


@unless_refused
@literal
def plot_profiles(fitted: Fitted) -> Axes:
    """Draw what every segment of every model buys."""
    predictor, categories = fitted.predictor, fitted.predictor.categories
    amounts = pd.DataFrame(predictor.amounts, columns=list(categories.columns))
    described = {}
    for model, label in predictor.models.items():
        profiles = profile_segments(amounts, predictor.segments[model], categories)
        described[label] = profiles.set_axis(_numbered(predictor.names[model]))
    table = pd.concat(described).rename(columns=categories.label, level=1)
    standardized, typical = table["standardized"], table["typical"][list(categories.labels)]
    name, label = standardized.loc[MODELS["kmeans"]].abs().stack().idxmax()
    title = f"Farthest out in K-Means: {name}, on {label}"
    colours, unit = [colour for model in predictor.colours.values() for colour in model], categories.unit
    return plots.plot_profiles(standardized, typical=typical, unit=unit, colours=colours, title=title)


@unless_refused
@literal
def plot_plane(fitted: Fitted) -> Axes:
    """Draw the customers on the plane of their first two principal components, in K-Means' segments."""
    predictor = fitted.predictor
    components = PCA(n_components=2, svd_solver="full").fit(predictor.on_record)
    share = format_share(components.explained_variance_ratio_.sum())
    axes = ["first component", "second component"]
    plane = pd.DataFrame(components.transform(predictor.on_record), columns=axes)
    arrows = pd.DataFrame(components.components_.T, list(predictor.categories.labels))
    title = f"The {predictor.n_segments} segments of K-Means; the plane holds {share} of the variance"
    names = [str(i + 1) for i in range(predictor.n_segments)]
    labels, colours = predictor.segments["kmeans"], predictor.colours["kmeans"]
    ax = plots.plot_map(plane, labels, names=names, colours=colours, arrows=arrows, title=title)
    ax.update_datalim(AROUND * arrows.to_numpy())  # the arrows' names, too, stay inside
    ax.autoscale_view()
    return ax


@unless_refused
def plot_tree(fitted: Fitted) -> Axes:
    """Draw the top of Ward's tree."""
    predictor = fitted.predictor
    lower, higher = predictor.linkage[-predictor.n_segments :, 2][:2]
    near = "; nearly as high: another number would cut as well" if higher < NEAR * lower else ""
    title = f"The cut lies between merges at {lower:.1f} and {higher:.1f}{near}"
    how: dict[str, Any] = {"names": [""] * predictor.n_segments, "colours": predictor.colours["ward"]}
    how |= {"leaves": min(LEAVES, len(predictor.amounts)), "title": title}
    return plots.plot_dendrogram(predictor.linkage, predictor.segments["ward"], **how)


@unless_refused
def doubts(fitted: Fitted) -> pd.DataFrame:
    """Count the contested customers by each reason."""
    flags, predictor = fitted.doubts, fitted.predictor
    in_kmeans = fitted.answers["kmeans_segment"] - 1
    alone = np.zeros(len(flags), dtype=bool)
    for model, overlap in predictor.overlap.items():
        alone |= (overlap.max(axis=1) < SIMILAR)[fitted.answers[f"{model}_segment"] - 1]
        alone |= (overlap.max(axis=0) < SIMILAR)[in_kmeans]
    reasons = {
        "the models disagree": flags["disagreed"],
        "of these, some model has no segment like it": alone,
        "a close call for K-Means": flags["close"],
        "unlike almost all customers fitted": flags["unfamiliar"],
        "one reason or another": flags.any(axis=1),
    }
    counted = {reason: of_all(int(found.sum()), len(flags)) for reason, found in reasons.items()}
    if not predictor.has_mixture:
        counted["unlike almost all customers fitted"] = "not known without a mixture"
    return pd.DataFrame({"customers": counted}).rename_axis(columns="contested because")


@unless_refused
def contested(fitted: Fitted, customers: Customers) -> pd.DataFrame | None:
    """List the most contested customers, with what the file calls them."""
    answers, models = fitted.answers[fitted.doubts.any(axis=1)], fitted.predictor.models
    if answers.empty:
        return None
    ranked = answers.sort_values(["agreement", "clarity"], kind="stable").head(SHOWN)
    taken = {*fitted.predictor.categories.columns, *ANSWERS}
    called = [name for name in dict.fromkeys(customers.accepted.column_names[1:]) if name not in taken][:2]
    table = _short(ranked[called]).assign(
        **{label: ranked[f"{model}_segment"] for model, label in models.items()},
        agree=ranked["agreement"].map(f"{{}} of {len(models)}".format),
        clarity=ranked["clarity"].map("{:.2f}".format),
        familiarity=["–" if pd.isna(share) else format_share(share) for share in ranked["familiarity"]],
    )
    return table.rename_axis(index=None, columns="line")


def _share_above(customers: Customers, placement: Placement, column: str) -> float:
    """Give the share (0…1) of the customers who spend more than the median on record, ties counted half."""
    amounts, median = customers.amounts[column], placement.record[column].median()
    return float((amounts > median).mean() + (amounts == median).mean() / 2)


def _numbered(names: Iterable[str]) -> list[str]:
    return [f"{i} {name}" for i, name in enumerate(names, start=1)]


def _by_segment(answered: Answered, more: Mapping[str, Iterable[str]]) -> pd.DataFrame:
    """Give the size of every model's segments, and `more` columns; each model is named once."""
    sizes = answered.sizes
    names = [(MODELS[model], f"{i} {name}") for (model, i), name in sizes["name"].items()]
    counted, shares = map(format_amount, sizes["customers"]), map(format_share, sizes["share"])
    columns = {"customers": counted, "share": shares, **more}
    return pd.DataFrame(columns, pd.MultiIndex.from_tuples(names)).rename_axis(columns="segment")


def _short(table: pd.DataFrame) -> pd.DataFrame:
    """Cut long texts, which a report need not quote in full."""
    return table.map(lambda value: shortened(value, WIDEST) if isinstance(value, str) else value)
