"""The tab about the models: the evidence for k, the tree, versions and limits, as HTML."""

from html import escape

from wholesale.app import charts, sentences
from wholesale.app.markup import card, note, table
from wholesale.criteria import BANDS, CRITERIA, Criterion
from wholesale.manifest import SHIPPED_SHA256, TRAIN
from wholesale.predict import UNFAMILIAR, Predictor
from wholesale.wording import format_amount

SOURCE = (
    "Cardoso (2013), Wholesale customers, UCI Machine Learning Repository, DOI 10.24432/C5030X, CC BY 4.0: "
    "one year of a Portuguese wholesaler's customers; the currency is not stated"
)
"""Of the customers shipped with this project."""

ISLANDS = 0.5
"""Above this silhouette, segments are no parts of one cloud (Kaufman and Rousseeuw 1990)."""

LIMITS = (
    "The models know the customers on record and nobody else. Another market, year or currency needs its "
    "own fit; a customer unlike 99% of them is marked so, and its segment is only the nearest there is.",
    "{cloud}ustomers near a border are close calls, and the page says so. A segment says what customers buy "
    "alike, not why.",
    "Spending is compared by ratio (logarithm), so an amount near zero counts as far out.{unused}",
    "Ward is for analysis: its rule for new customers finds the tree's own segment for {placement} of those "
    "on record.",
)


def _band(bound: float, words: str) -> str:
    return f"from {bound:g} {words}" if bound else f"below that {words}"


READING = {
    "Close call": "How clear an answer is: the distance to the second nearest K-Means centre over that "
    f"to the nearest. Under {sentences.CLOSE} it is called a close call.",
    "Probability": "The Gaussian mixture's membership probabilities. They compare the segments with each "
    "other; they do not say that the customer is like anybody.",
    "Familiar": "The share of customers on record that the mixture finds less likely. Under "
    f"{UNFAMILIAR:.0%}, the answer begins with a warning.",
    "Agreement": sentences.CONVENTION,
    "Stable": "How much of a segment comes back (mean Jaccard) when customers are drawn anew with replacement"
    f" and the model is fitted again: {', '.join(_band(*its) for its in BANDS.items())}.",
}


def about_tab(predictor: Predictor) -> str:
    """Say what the models rest on.

    Parameters
    ----------
    predictor : Predictor

    Returns
    -------
    str
        HTML.
    """
    return '<h2 class="wc-unseen">About the models</h2>' + "".join(
        (
            _evidence(predictor),
            f'<div class="wc-two"><div>{_tree(predictor)}</div>',
            f"<div>{_limits(predictor)}{_versions(predictor)}</div></div>",
            card(_list(READING), heading="How to read an answer"),
        )
    )


def _evidence(predictor: Predictor) -> str:
    evidence = predictor.evidence
    if not evidence:
        none = f"No evidence was gathered for these customers. To gather it: {_how(predictor.manifest)}"
        return card(note(none), heading="How many segments?")
    said = "".join(f"<p>{escape(sentence)}</p>" for sentence in evidence["sentences"])
    served = note(
        f"Served: {predictor.n_segments}, the number that was asked for beforehand. The criteria are not "
        "independent of each other, and a vote is not a proof."
    )
    curves = card(charts.evidence_curves(predictor), heading="Each criterion over the number of segments")
    return card(said + served, "wc-verdict", heading="How many segments?") + curves + _counts(predictor)


def _how(manifest: dict) -> str:
    """Give the command that gathers the evidence."""
    file, k = (manifest.get("source") or {}).get("file", "IN"), manifest["parameters"]["n_segments"]
    if manifest["customers_sha256"] == SHIPPED_SHA256:
        return f"{TRAIN} --segments {k} --evidence"
    return f"{TRAIN} {file} --segments {k} --evidence -o FOLDER"


def _counts(predictor: Predictor) -> str:
    counts = predictor.evidence["counts"]
    shown = [its for its in CRITERIA if any(its.column in row for row in counts.values())]
    rows = [[k, *(_figure(its, row.get(its.column)) for its in shown)] for k, row in counts.items()]
    head = ["Segments", *(its.heading for its in shown)]
    body = table(head, rows, caption="Every criterion for each number of segments", classes="wc-counts")
    remark = note(
        "BIC in scikit-learn's sign, lower is better: the best proper optimum of dozens of restarts, with "
        "the share of them that reached it. Where few did, a longer search may find a lower one."
    )
    scroll = f'<div class="wc-scroll" role="region" aria-label="Evidence table" tabindex="0">{body}</div>'
    return card(scroll + remark, heading="The figures")


def _figure(criterion: Criterion, value: float | None) -> str:
    return '<span aria-label="not defined">–</span>' if value is None else criterion.write(value)


def _limits(predictor: Predictor) -> str:
    share = predictor.self_placement
    known = "only some" if share is None else f"{share:.0%}"
    displayed = " and ".join(predictor.displayed)
    unused = f" {displayed} never entered a fit." if displayed else ""
    one_cloud = predictor.manifest["metrics"]["kmeans"]["silhouette"] <= ISLANDS
    cloud = "Segments are parts of one cloud, not islands: c" if one_cloud else "C"
    said = (limit.format(placement=known, unused=unused, cloud=cloud) for limit in LIMITS)
    points = "".join(f"<li>{escape(limit)}</li>" for limit in said)
    return card(f"<ul>{points}</ul>", "wc-limits", heading="Limits of use")


def _tree(predictor: Predictor) -> str:
    remark = note(
        "The longer a branch runs upward alone, the more distinct it is. The cut makes the segments."
    )
    return card(charts.dendrogram(predictor) + remark, heading="Ward's tree of all customers on record")


def _versions(predictor: Predictor) -> str:
    manifest = predictor.manifest
    versions = {"Python": manifest["python"], **manifest["versions"]}
    count = format_amount(manifest["customers"])
    told = {
        "Trained": f"{manifest['trained'][:10]}, on {count} customers",
        "Made with": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "Mixture": f"{_restarts(manifest['metrics']['gmm'])}{sentences.mixture(predictor)}",
        **_source(manifest),
        "Seed": str(manifest["seed"]),
        "Customers' hash": f"sha256 {manifest['customers_sha256'][:16]}…",
    }
    return card(_list(told), heading="Versions")


def _restarts(mixture: dict | None) -> str:
    served = "{reached} of {tried} restarts ended in the optimum that is served, "
    ended = f"{served}{{degenerate}} in a degenerate one. "
    return ended.format(**mixture["restarts"]) if mixture else ""


def _source(manifest: dict) -> dict[str, str]:
    """Say where the customers come from, as far as it is known."""
    if manifest["customers_sha256"] == SHIPPED_SHA256:
        return {"Source": SOURCE}
    source, n, everybody = manifest.get("source"), manifest["customers"], manifest["drawn_from"]
    if not source:
        return {}
    accepted, rejected = (format_amount(source[rows]) for rows in ("accepted", "rejected"))
    drawn = f"; of those, {format_amount(n)} were drawn at random" if n < everybody else ""
    said = f"{source['file']}: {accepted} rows accepted, {rejected} rejected{drawn}"
    return {"Source": said, "Customers' numbers": "Their order in the file, counting only those on record"}


def _list(pairs: dict[str, str]) -> str:
    return "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in pairs.items()) + "</dl>"
