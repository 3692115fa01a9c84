"""The tabs beside that of one customer, as HTML: many customers, the segments, and the models."""

import numpy as np
from markupsafe import Markup

from wholesale.app.charts.evidence import dendrogram, evidence_curves
from wholesale.app.templates import render
from wholesale.columns import CHANNELS, REGIONS, SPEND_COLUMNS
from wholesale.criteria import BANDS, CRITERIA
from wholesale.manifest import ELSEWHERE, SHIPPED_SHA256, TRAIN
from wholesale.predict import UNFAMILIAR, Predictor
from wholesale.wording import SPACE, format_amount

LIMIT = 20 * 10**6
"""Bytes that a file of customers may have."""

COMMAND = "python -m wholesale score FILE"
"""What takes the files that the page does not."""

EXAMPLE = 6  # customers in the example of a file
ISLANDS = 0.5  # above this silhouette, segments are no parts of one cloud (Kaufman and Rousseeuw 1990)


def many_tab(predictor: Predictor) -> Markup:
    """Write the form, what a file needs, and the places where an answer goes; ``many.js`` gives it life."""
    rows = [["Name", *SPEND_COLUMNS]] + [
        [f"Customer {i}", *(format_amount(amount).replace(SPACE, "") for amount in amounts)]
        for i, amounts in enumerate(predictor.amounts[:EXAMPLE].tolist(), start=1)
    ]
    return render("many.html", limit=LIMIT, command=COMMAND, example="\n".join(map(",".join, rows)))


def segments_tab(predictor: Predictor) -> Markup:
    """Describe every segment of every model: size, stability, amounts; Channel and Region if known."""
    numbers = range(1, predictor.n_segments + 1)
    members = {model: [own == s for s in numbers] for model, own in predictor.segments.items()}
    means = {
        model: [predictor.on_record[own].mean(axis=0) for own in each] for model, each in members.items()
    }
    full = max(float(np.abs(each).max()) for each in means.values())
    return render("segments.html", predictor=predictor, members=members, means=means, full=full, mixes=_mixes)


def _mixes(predictor: Predictor, members: np.ndarray) -> dict[str, dict[str, float]]:
    """Give the shares of some customers by Channel and by Region, as far as these are known."""
    mixes = {}
    for title, known, words in (
        ("Channel", predictor.channel, CHANNELS),
        ("Region", predictor.region, REGIONS),
    ):
        if known is not None:
            codes, counts = np.unique(known[members], return_counts=True)
            shares = zip(codes.tolist(), (counts / counts.sum()).tolist(), strict=True)
            mixes[title] = {words.get(code, str(code)): share for code, share in shares}
    return mixes


def about_tab(predictor: Predictor) -> Markup:
    """Say what the models rest on: the evidence for k, the tree, limits, versions."""
    manifest, counts = predictor.manifest, predictor.evidence.get("counts", {})
    return render(
        "about.html",
        predictor=predictor,
        command=_command(manifest),
        curves=evidence_curves(predictor),
        tree=dendrogram(predictor),
        shown=[each for each in CRITERIA if any(each.column in row for row in counts.values())],
        one_cloud=manifest["metrics"]["kmeans"]["silhouette"] <= ISLANDS,
        shipped=manifest["customers_sha256"] == SHIPPED_SHA256,
        bands=BANDS,
        unfamiliar=UNFAMILIAR,
    )


def _command(manifest: dict) -> str:
    """Give the command that gathers the evidence."""
    k = manifest["parameters"]["n_segments"]
    if manifest["customers_sha256"] == SHIPPED_SHA256:
        return f"{TRAIN} --segments {k} --evidence{ELSEWHERE}"
    return f"{TRAIN} {(manifest.get('source') or {}).get('file', 'IN')} --segments {k} --evidence -o FOLDER"
