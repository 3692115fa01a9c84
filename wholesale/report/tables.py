"""The report's tables, rounded as they are shown; None where there is nothing to show."""

import numpy as np
import pandas as pd

from wholesale.columns import ANSWERS, LABELS, MODELS, SPEND_COLUMNS
from wholesale.own import Own
from wholesale.palette import relation
from wholesale.report.findings import doubts
from wholesale.report.place import difference, share_above
from wholesale.report.study import Outcome, Scored, Unfitted
from wholesale.report.weighing import Weighed
from wholesale.report.words import SHOWN
from wholesale.wording import format_amount, format_share, rounded

WHOLE = ("gmm_bic", "calinski_harabasz", "smallest_segment")
CRITERIA = {
    "kmeans_silhouette": "silhouette, K-Means",
    "gmm_silhouette": "silhouette, mixture",
    "ward_silhouette": "silhouette, Ward",
    "gmm_bic": "BIC, mixture",
    "prediction_strength": "prediction strength",
    "calinski_harabasz": "Calinski-Harabasz",
    "davies_bouldin": "Davies-Bouldin",
    "smallest_segment": "smallest segment",
}
WIDEST = 60
"""Letters of a passthrough value that are shown."""


def rejects(own: Own) -> pd.DataFrame | None:
    """List the first rejected records, each with its first fault."""
    if not len(own.rejected):
        return None
    first = own.rejected.slice(0, SHOWN).select(["line", "column", "value", "reason"]).to_pandas()
    return _short(first.replace({"column": LABELS})).set_index("line").rename_axis(index=None, columns="line")


def spending(own: Own) -> pd.DataFrame:
    """Describe each category: lowest, middle and highest amount, in m.u., and zeros."""
    amounts = own.amounts
    quantiles = amounts.quantile([0, 0.25, 0.5, 0.75, 1]).T.map(rounded)
    quantiles.columns = ["lowest", "lower quarter", "median", "upper quarter", "highest"]
    return (
        quantiles.assign(zeros=(amounts == 0).sum()).rename(index=LABELS).rename_axis(columns="m.u. a year")
    )


def drift(own: Own, scored: Scored) -> pd.DataFrame:
    """Compare each category with the customers on record."""
    rows = {
        LABELS[column]: {
            "D": f"{its.distance:.2f}",
            "median on record": rounded(float(np.median(scored.predictor.amounts[:, i]))),
            "median here": rounded(own.amounts[column].median()),
            "above the median on record": format_share(share_above(own, scored, column)),
            "spending": difference(own, scored, column),
        }
        for i, (column, its) in enumerate(scored.summary.drift.items())
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(columns="category")


def shipped(scored: Scored) -> pd.DataFrame:
    """Count the customers in each segment of the models at hand, beside those on record."""
    predictor, n = scored.predictor, scored.summary.accepted
    rows = [
        (
            MODELS[model],
            f"{i} {name}",
            format_amount(size),
            format_share(size / n),
            format_share(its / len(predictor.amounts)),
        )
        for model in predictor.models
        for i, ((name, size), its) in enumerate(
            zip(scored.summary.segments[model], predictor.sizes[model], strict=True), start=1
        )
    ]
    table = pd.DataFrame(rows, columns=["model", "segment", "customers", "share", "share on record"])
    return _by_model(table)


def counts(weighed: Weighed) -> pd.DataFrame | None:
    """Give every criterion for each number of segments."""
    if weighed.refusal:
        return None
    shown = weighed.counts[[column for column in CRITERIA if column in weighed.counts]]
    written = {
        CRITERIA[str(column)]: ["–" if pd.isna(x) else _figure(str(column), x) for x in its]
        for column, its in shown.items()
    }
    return pd.DataFrame(written, list(weighed.counts.index)).rename_axis(columns="segments")


def ballot(weighed: Weighed) -> pd.DataFrame | None:
    """List which number of segments each criterion prefers."""
    if weighed.refusal:
        return None
    cast = weighed.votes
    backers = {k: [name for name, its in cast.items() if its == k] for k in sorted(set(cast.values()))}
    rows = {k: {"votes": len(its), "preferred by": ", ".join(its)} for k, its in backers.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(columns="segments")


def segments(fitted: Outcome) -> pd.DataFrame | None:
    """Describe each new segment."""
    if isinstance(fitted, Unfitted):
        return None
    predictor = fitted.bundle.predictor
    rows = [
        (
            MODELS[model],
            f"{i + 1} {name}",
            format_amount(size),
            format_share(size / len(fitted.answers)),
            "–" if model == "kmeans" else relation(predictor.overlap[model][i, i]),
        )
        for model in predictor.models
        for i, (name, size) in enumerate(zip(predictor.names[model], fitted.sizes(model), strict=True))
    ]
    named = ["model", "segment", "customers", "share", "to its K-Means partner"]
    return _by_model(pd.DataFrame(rows, columns=named))


def typical(fitted: Outcome) -> pd.DataFrame | None:
    """Give the median amounts of each new K-Means segment."""
    if isinstance(fitted, Unfitted):
        return None
    names = [f"{i} {name}" for i, name in enumerate(fitted.bundle.names["kmeans"], start=1)]
    amounts = pd.DataFrame(fitted.bundle.predictor.typical["kmeans"], names, LABELS.values())
    return amounts.map(rounded).rename_axis(columns="K-Means segment")


def contested(own: Own, fitted: Outcome) -> pd.DataFrame | None:
    """List the most contested customers, with what the file calls them."""
    if isinstance(fitted, Unfitted):
        return None
    answers = fitted.answers[doubts(fitted).any(axis=1)]
    if answers.empty:
        return None
    ranked = answers.sort_values(["agreement", "clarity"], kind="stable").head(SHOWN)
    taken = {"line", *SPEND_COLUMNS, *ANSWERS}
    theirs = [name for name in dict.fromkeys(own.accepted.column_names) if name not in taken][:2]
    models = fitted.bundle.predictor.models
    segments = {label: ranked[f"{model}_segment"] for model, label in models.items()}
    written = {
        "agree": ranked["agreement"].map(f"{{}} of {len(models)}".format),
        "clarity": ranked["clarity"].map("{:.2f}".format),
        "familiarity": ranked["familiarity"].map(lambda its: "–" if pd.isna(its) else format_share(its)),
    }
    table = _short(ranked[theirs]).assign(**segments, **written)
    return table.rename_axis(index=None, columns="line")


def _figure(column: str, value: float) -> str:
    return format_amount(round(value)) if column in WHOLE else f"{value:.2f}".replace("-", "−")


def _by_model(table: pd.DataFrame) -> pd.DataFrame:
    """Name each model once; a table's corner, not a line of its own, says what its rows are."""
    return table.set_index(["model", "segment"]).rename_axis(index=[None, None], columns="segment")


def _short(table: pd.DataFrame) -> pd.DataFrame:
    """Cut long texts, which a report need not quote in full."""
    return table.map(lambda value: f"{value[:WIDEST]}…" if _long(value) else value)


def _long(value: object) -> bool:
    return isinstance(value, str) and len(value) > WIDEST
