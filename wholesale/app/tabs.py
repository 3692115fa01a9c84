"""The page's tabs as HTML: the answer for one customer, many customers, the segments, and the models."""

import shlex
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from markupsafe import Markup

from wholesale.app import sentences
from wholesale.app.charts.customer import map_with_you, profile
from wholesale.app.charts.evidence import dendrogram, evidence_curves
from wholesale.app.templates import render
from wholesale.columns import CODES
from wholesale.criteria import CRITERIA
from wholesale.explain import on_record, predict_and_explain
from wholesale.manifest import ELSEWHERE, SHIPPED_SHA256, TRAIN
from wholesale.predict import Predictor, measure_one, read_off
from wholesale.wording import SPACE, csv_of, format_amount

BLANK = "No amounts are entered."
EARLIER = "This answer is for the earlier entries."
LIMIT = 20 * 10**6  # bytes that a file of customers may have
COMMAND = "python -m wholesale score FILE"  # takes the files that the page does not
EXAMPLE = 6  # customers in the example of a file
ISLANDS = 0.5  # above this silhouette, segments are no parts of one cloud (Kaufman and Rousseeuw 1990)


def answer(
    predictor: Predictor,
    amounts: Mapping[str, float],
    *,
    faults: Sequence[str] = (),
    pinned: Mapping[str, float] | None = None,
    pinned_name: str = "",
) -> Iterator[Markup]:
    """Write the answer for one customer's amounts: for earlier ones if those now entered have `faults`.

    The verdict comes first, so that it can be sent before the rest is written. `pinned` are the amounts of a
    customer to compare with, who may have been given a name.
    """
    row = np.array(list(amounts.values()), dtype=float)
    prediction, explanation = predict_and_explain(predictor, row)
    told = {
        "predictor": predictor,
        "amounts": amounts,
        "row": row.tolist(),
        "prediction": prediction,
        "explanation": explanation,
        "verdict": sentences.verdict(predictor, prediction),
        "sure": sentences.sureness(predictor, prediction, explanation),
        "most_like": sentences.similar(row.tolist(), explanation) if explanation.alike else (),
        "gmm_contrary": prediction.gmm and sentences.contrary(predictor, prediction.gmm.name, amounts),
        "firm": sentences.firm_here(predictor, prediction.kmeans.segment, explanation),
        "stale": " ".join([BLANK] * (BLANK in faults) + [EARLIER]) if faults else "",
        "pinned": pinned,
        "pinned_name": pinned_name,
    }
    spoken = " ".join([*faults, EARLIER]) if faults else sentences.announcement(predictor, prediction)
    yield render("verdict.html", spoken=spoken, **told)
    other = None if pinned in (None, amounts) else np.array(list(pinned.values()), dtype=float)
    yield render(
        "answer.html",
        map=map_with_you(predictor, row, other),
        profile=profile(predictor, row, prediction.kmeans.segment, other),
        beside=None if other is None else read_off(predictor, measure_one(predictor, other)),
        pinned_same=() if other is None else on_record(predictor, other),
        **told,
    )


def many_tab(predictor: Predictor) -> Markup:
    """Write the form, what a file needs, and the places where an answer goes; ``many.js`` gives it life."""
    rows = [["Name", *predictor.categories.columns]] + [
        [f"Customer {i}", *(format_amount(amount).replace(SPACE, "") for amount in amounts)]
        for i, amounts in enumerate(predictor.amounts[:EXAMPLE].tolist(), start=1)
    ]
    example, categories = csv_of(rows).rstrip(), predictor.categories
    n = len(predictor.amounts)
    return render("many.html", categories=categories, limit=LIMIT, command=COMMAND, example=example, n=n)


def segments_tab(predictor: Predictor) -> Markup:
    """Describe every segment of every model: size, stability, amounts; Channel and Region if known."""
    numbers = range(1, predictor.n_segments + 1)
    members = {model: [own == s for s in numbers] for model, own in predictor.segments.items()}
    means = {m: [predictor.on_record[own].mean(axis=0) for own in each] for m, each in members.items()}
    full = max(float(np.abs(each).max()) for each in means.values())
    return render("segments.html", predictor=predictor, members=members, means=means, full=full, mixes=_mixes)


def _mixes(predictor: Predictor, members: np.ndarray) -> dict[str, dict[str, float]]:
    """Give the shares of some customers by Channel and by Region, as far as these are known."""
    mixes = {}
    for title, codes in predictor.displayed.items():
        present, counts = np.unique(codes[members], return_counts=True)
        shares = zip(present.tolist(), (counts / counts.sum()).tolist(), strict=True)
        mixes[title] = {CODES[title].get(code, str(code)): share for code, share in shares}
    return mixes


def about_tab(predictor: Predictor) -> Markup:
    """Say what the models rest on: the evidence for k, the tree, limits, versions."""
    manifest, counts = predictor.manifest, predictor.evidence.get("counts", {})
    shipped, train = manifest["customers_sha256"] == SHIPPED_SHA256, TRAIN
    if not shipped:
        source = (manifest.get("source") or {}).get("file", "IN")
        train = f"{TRAIN} {shlex.join([source, *predictor.categories.options])}"
    command = f"{train} --segments {manifest['parameters']['n_segments']} --evidence"
    return render(
        "about.html",
        predictor=predictor,
        command=command + (ELSEWHERE if shipped else " -o FOLDER"),
        curves=evidence_curves(predictor),
        tree=dendrogram(predictor),
        shown=[each for each in CRITERIA if any(each.column in row for row in counts.values())],
        one_cloud=manifest["metrics"]["kmeans"]["silhouette"] <= ISLANDS,
        shipped=shipped,
    )
