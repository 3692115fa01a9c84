"""A prediction as HTML. Pure functions without widgets; every name is escaped."""

from collections.abc import Mapping, Sequence
from html import escape

from wholesale.amounts import parse_amounts
from wholesale.app import charts, sentences
from wholesale.app.markup import bars, card, named, note
from wholesale.app.reasons import alike_card, change_card, why_card
from wholesale.columns import MODELS
from wholesale.explain import explain
from wholesale.palette import segment_colours
from wholesale.predict import Prediction, Predictor, Reading, predict_segment
from wholesale.wording import rounded

EARLIER = "This answer is for the earlier amounts."


def answer(predictor: Predictor, spend: Mapping[str, float], *, faults: Sequence[str] = ()) -> str:
    """Write the whole answer for one customer, and hidden in it the sentence to announce.

    Parameters
    ----------
    predictor : Predictor
    spend : mapping of str to float
        Six yearly amounts in m.u., by the names in ``SPEND_COLUMNS``.
    faults : sequence of str
        What is wrong with the amounts now entered; if anything is, this answer is for earlier ones.

    Returns
    -------
    str
        HTML.
    """
    prediction, explanation = predict_segment(predictor, spend), explain(predictor, spend)
    amounts = parse_amounts(spend)
    colours = segment_colours(predictor.overlap)
    stale = f'<p class="wc-stale">{EARLIER}</p>' if faults else ""
    spoken = " ".join([*faults, EARLIER]) if faults else sentences.announcement(prediction)
    text = sentences.as_text(predictor, spend, prediction, explanation)
    segment = prediction.kmeans.segment
    columns = (
        why_card(prediction, explanation, colours["kmeans"])
        + change_card(explanation, colours["kmeans"])
        + card(
            note(sentences.GROUPS) + note(sentences.CONVENTION), "wc-names", heading="How to read the names"
        ),
        card(charts.map_with_you(predictor, amounts), heading="Where it sits on the map")
        + card(charts.profile(predictor, amounts, segment), heading="Beside its segment"),
    )
    return (
        f'<div class="wc-answer{" wc-is-stale" if faults else ""}">{stale}'
        f"{hero(predictor, prediction, colours['kmeans'], total=sum(spend.values()))}"
        f'<div class="wc-three">{model_cards(predictor, prediction, colours)}</div>'
        f'<div class="wc-two"><div>{columns[0]}</div><div>{columns[1]}</div></div>'
        f"{alike_card(explanation, colours['kmeans'])}"
        f'<p class="wc-announce" hidden>{escape(spoken)}</p>'
        f'<pre class="wc-text" hidden>{escape(text)}</pre></div>'
    )


def hero(predictor: Predictor, prediction: Prediction, colours: tuple[str, ...], *, total: float) -> str:
    """Write the first card: the K-Means segment, agreement, familiarity; a warning first if need be."""
    segment = prediction.kmeans.segment
    chips = f'<span class="wc-chip wc-agreement">{sentences.agreement(prediction)}</span>'
    if not prediction.unfamiliar:
        chips += f' <span class="wc-chip wc-familiarity">{escape(sentences.familiarity(prediction))}</span>'
    about = (
        sentences.size(predictor, "kmeans", segment),
        f"This customer spends {rounded(total)}.",
        sentences.alone(predictor, segment),
        sentences.stability(predictor, "kmeans", segment),
    )
    return (
        f'<section class="wc-card wc-hero" aria-label="Segment">{_warning(prediction)}'
        f'<p class="wc-by">Segment by {MODELS["kmeans"]}</p>'
        f'<h2 class="wc-name">{named(prediction.kmeans.name, colours[segment - 1])}</h2>'
        f"<p>{escape(' '.join(filter(None, about)))}</p>"
        f'<p class="wc-chips">{chips} <button type="button" class="wc-copy">Copy as text</button></p>'
        "</section>"
    )


def model_cards(predictor: Predictor, prediction: Prediction, colours: dict[str, tuple[str, ...]]) -> str:
    """Write a card per model: its segment, and what is particular to its answer."""
    name = prediction.kmeans.name
    gmm, ward = prediction.gmm, prediction.ward
    distances = prediction.kmeans.scores
    nearness = [(f"{distance:.1f}", distance / max(distances)) for distance in distances]
    placed = "Placed where joining costs least"
    if (share := predictor.self_placement) is not None:
        placed += f", which finds the tree's own segment for {share:.0%} of the customers on record"
    details = {
        "kmeans": bars(
            "Distance to each centre (shorter is nearer)",
            predictor.names["kmeans"],
            nearness,
            colours["kmeans"],
        )
        + note(sentences.clarity(predictor, prediction)),
        "gmm": _mixture(predictor, name, gmm, colours["gmm"]) if gmm else note(sentences.NO_MIXTURE),
        "ward": note(f"{sentences.related(name, ward.overlap)} {placed}.")
        + note(sentences.stability(predictor, "ward", ward.segment)),
    }
    return "".join(
        _model_card(model, getattr(prediction, model), colours.get(model, ()), details[model])
        for model in MODELS
    )


def _mixture(predictor: Predictor, name: str, gmm: Reading, colours: tuple[str, ...]) -> str:
    probabilities = [(sentences.probability(share), share) for share in gmm.scores]
    return bars("Probability of each segment", predictor.names["gmm"], probabilities, colours) + note(
        f"{sentences.related(name, gmm.overlap)} {sentences.stability(predictor, 'gmm', gmm.segment)}"
    )


def _model_card(model: str, reading: Reading | None, colours: tuple[str, ...], details: str) -> str:
    name = named(reading.name, colours[reading.segment - 1]) if reading else "None"
    value = f'<p class="wc-value">{name}</p>'
    heading = MODELS[model] + (", for analysis" if model == "ward" else "")
    return card(value + details, f"wc-{model}", heading=heading)


def _warning(prediction: Prediction) -> str:
    if not prediction.unfamiliar:
        return ""
    return (
        f'<p class="wc-warning"><b class="wc-familiarity">{escape(sentences.familiarity(prediction))}.</b> '
        "The segments below are only the nearest there are.</p>"
    )
