"""The report's tables, rounded as they are shown."""

import numpy as np
import pandas as pd

from wholesale.columns import ANSWERS, LABELS, SPEND_COLUMNS
from wholesale.criteria import CRITERIA
from wholesale.customers import Customers
from wholesale.palette import SIMILAR, relation
from wholesale.report.study import CountEvidence, Fitted, Placement, unless_refused
from wholesale.scoring.summary import LIKE, by_chance
from wholesale.wording import format_amount, format_share, of_all, rounded

SHOWN, WIDEST = 10, 60
"""Rows of a list, and letters of a file's own value, that are shown."""

EVEN = 0.05
"""So near to one half, a share above the median is neither higher nor lower."""

WITHOUT = "silhouette of K-Means in clouds without segments"


def rejected(customers: Customers) -> pd.DataFrame | None:
    """List the first rejected records, each with its first fault."""
    if not len(customers.rejected):
        return None
    first = customers.rejected.slice(0, SHOWN).select(["line", "column", "value", "reason"]).to_pandas()
    return _short(first.replace({"column": LABELS})).set_index("line").rename_axis(index=None, columns="line")


def spending(customers: Customers) -> pd.DataFrame:
    """Describe each category and their sum: lowest, middle and highest amount, in m.u., and zeros."""
    amounts = customers.amounts.rename(columns=LABELS)
    amounts["In all"] = amounts.sum(axis=1)
    quantiles = amounts.quantile([0, 0.25, 0.5, 0.75, 1]).T.map(rounded)
    quantiles.columns = ["lowest", "lower quarter", "median", "upper quarter", "highest"]
    return quantiles.assign(zeros=(amounts == 0).sum()).rename_axis(columns="m.u. a year")


def drifts(customers: Customers, placement: Placement) -> pd.DataFrame:
    """Compare each category with the customers on record."""
    rows = {
        LABELS[column]: {
            "D": f"{drift.distance:.2f}",
            "median on record": rounded(median_on_record(placement, column)),
            "median here": rounded(customers.amounts[column].median()),
            "above the median on record": format_share(share_above(customers, placement, column)),
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
        many = by_chance(len(customers.accepted), placement.summary.on_record) <= LIKE
        return "little difference" if many else "no clear difference"
    if abs(share_above(customers, placement, column) - 0.5) < EVEN:
        return "differently spread" if drift.verdict == "different" else "very differently spread"
    return drift.words


def median_on_record(placement: Placement, column: str) -> float:
    """Give a category's median on record."""
    return float(np.median(placement.predictor.amounts[:, SPEND_COLUMNS.index(column)]))


def share_above(customers: Customers, placement: Placement, column: str) -> float:
    """Give the share (0…1) of the customers who spend more than the median on record, ties counted half."""
    amounts, median = customers.amounts[column], median_on_record(placement, column)
    return float((amounts > median).mean() + (amounts == median).mean() / 2)


def placement(placement: Placement) -> pd.DataFrame:
    """Count the customers in each segment of the models at hand, beside those on record."""
    predictor, rows = placement.predictor, []
    for model, label in predictor.models.items():
        on_record = predictor.sizes[model] / len(predictor.amounts)
        for i, (name, size) in enumerate(placement.summary.segments[model]):
            share = size / placement.summary.accepted
            shares = {"share": format_share(share), "share on record": format_share(on_record[i])}
            rows += [
                {"model": label, "segment": f"{i + 1} {name}", "customers": format_amount(size), **shares}
            ]
    return _by_model(rows)


@unless_refused()
def counts(evidence: CountEvidence) -> pd.DataFrame:
    """Give each criterion and its vote by number of segments, and silhouettes of clouds without segments."""
    rows = {
        each.vote or each.heading: [
            "–" if pd.isna(value) else each.write(value) for value in evidence.counts[each.column]
        ]
        for each in CRITERIA
        if each.column in evidence.counts and each.column != "gmm_reached"
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(evidence.counts.index))
    if len(evidence.clouds):
        ranges = {k: f"{clouds.min():.2f} to {clouds.max():.2f}" for k, clouds in evidence.clouds.items()}
        table.loc[WITHOUT] = pd.Series(ranges).reindex(table.columns)
    table["vote"] = pd.Series(evidence.votes).reindex(table.index).map("{:.0f}".format, na_action="ignore")
    return table.fillna("–").rename_axis(columns="segments")


@unless_refused()
def segments(fitted: Fitted) -> pd.DataFrame:
    """Describe each new segment; customers who were placed but not fitted count too."""
    predictor, rows = fitted.predictor, []
    amounts = fitted.answers[list(SPEND_COLUMNS)]
    total, none = amounts.sum(axis=1), (amounts == 0).any(axis=1)
    for model, label in predictor.models.items():
        for i, name in enumerate(predictor.names[model]):
            members = fitted.answers[f"{model}_segment"] == i + 1
            partner = "–" if model == "kmeans" else relation(predictor.overlap[model][i, i])
            row = {
                "model": label,
                "segment": f"{i + 1} {name}",
                "customers": format_amount(int(members.sum())),
                "share": format_share(members.mean()),
                "of all spending": format_share(total[members].sum() / (total.sum() or 1)),
                "to its K-Means partner": partner,
            }
            if none.any():
                row["buying none of some category"] = format_share(
                    none[members].mean() if members.any() else 0
                )
            rows.append(row)
    return _by_model(rows)


@unless_refused()
def typical(fitted: Fitted) -> pd.DataFrame:
    """Give the median amounts of each new K-Means segment."""
    names = [f"{i} {name}" for i, name in enumerate(fitted.predictor.names["kmeans"], start=1)]
    amounts = pd.DataFrame(fitted.predictor.typical["kmeans"], names, LABELS.values())
    return amounts.map(rounded).rename_axis(columns="K-Means segment")


@unless_refused()
def doubts(fitted: Fitted) -> pd.DataFrame:
    """Count the contested customers by each reason."""
    flags, predictor = fitted.doubts, fitted.predictor
    in_kmeans = fitted.answers["kmeans_segment"] - 1
    alone = [
        (overlap.max(axis=1) < SIMILAR)[fitted.answers[f"{model}_segment"] - 1]
        | (overlap.max(axis=0) < SIMILAR)[in_kmeans]
        for model, overlap in predictor.overlap.items()
    ]
    reasons = {
        "the models disagree": flags["disagreed"],
        "of these, some model has no segment like it": pd.Series(np.any(alone, axis=0)),
        "a close call for K-Means": flags["close"],
        "unlike almost all customers fitted": flags["unfamiliar"],
        "one reason or another": flags.any(axis=1),
    }
    counted = {reason: of_all(int(found.sum()), len(flags)) for reason, found in reasons.items()}
    if not predictor.has_mixture:
        counted["unlike almost all customers fitted"] = "not known without a mixture"
    return pd.DataFrame({"customers": counted}).rename_axis(columns="contested because")


@unless_refused()
def contested(fitted: Fitted, customers: Customers) -> pd.DataFrame | None:
    """List the most contested customers, with what the file calls them."""
    answers = fitted.answers[fitted.doubts.any(axis=1)]
    if answers.empty:
        return None
    ranked = answers.sort_values(["agreement", "clarity"], kind="stable").head(SHOWN)
    taken = {"line", *SPEND_COLUMNS, *ANSWERS}
    called = [name for name in dict.fromkeys(customers.accepted.column_names) if name not in taken][:2]
    models = fitted.predictor.models
    written = {
        "agree": ranked["agreement"].map(f"{{}} of {len(models)}".format),
        "clarity": ranked["clarity"].map("{:.2f}".format),
        "familiarity": ranked["familiarity"].map(
            lambda share: "–" if pd.isna(share) else format_share(share)
        ),
    }
    segments = {label: ranked[f"{model}_segment"] for model, label in models.items()}
    return _short(ranked[called]).assign(**segments, **written).rename_axis(index=None, columns="line")


def _by_model(rows: list[dict[str, str]]) -> pd.DataFrame:
    """Name each model once; a table's corner, not a line of its own, says what its rows are."""
    table = pd.DataFrame(rows).set_index(["model", "segment"])
    return table.rename_axis(index=[None, None], columns="segment")


def _short(table: pd.DataFrame) -> pd.DataFrame:
    """Cut long texts, which a report need not quote in full."""
    long = table.map(lambda value: isinstance(value, str) and len(value) > WIDEST)
    return table.mask(long, table.map(lambda value: f"{str(value)[:WIDEST]}…"))
