"""A prediction as HTML. Pure functions without widgets; every name is escaped."""

import math
from collections.abc import Sequence
from html import escape

import numpy as np

from wholesale.columns import MODELS, UNIT
from wholesale.palette import SAME, SIMILAR, relation, segment_colours
from wholesale.predict import Prediction, Predictor, Reading

SPACE = "\u00a0"  # groups thousands; it does not break, and parse_amount reads it back

TINY = 1e-12
EARLIER = "This answer is for the earlier amounts."

RELATIONS = {
    "same": "The same as {name}: {share} of their customers in common.",
    "similar": "Similar to {name}: {share} of their customers in common.",
    "no counterpart": "Not a counterpart of {name}: only {share} of their customers in common.",
}


def format_amount(amount: float) -> str:
    """Write an amount with its thousands grouped, e.g. ``"12 669"`` or ``"0.5"``; never rounded."""
    return f"{amount:,}".removesuffix(".0").replace(",", SPACE)


def format_share(share: float) -> str:
    """Write a share (0…1) as a whole percentage that claims no certainty, e.g. ``"<1%"`` or ``"98%"``."""
    if 0 < share < 0.005:
        return "<1%"
    if 0.995 <= share < 1:
        return ">99%"
    return f"{share:.0%}"


def answer(predictor: Predictor, prediction: Prediction, *, faults: Sequence[str] = ()) -> str:
    """Write the whole answer for one customer, and hidden in it the sentence to announce.

    Parameters
    ----------
    predictor : Predictor
    prediction : Prediction
    faults : sequence of str
        What is wrong with the amounts now entered; if anything is, this answer is for earlier ones.

    Returns
    -------
    str
        HTML.
    """
    colours = segment_colours(predictor.overlap)
    cards = (
        kmeans_card(predictor, prediction, colours["kmeans"]),
        gmm_card(predictor, prediction, colours["gmm"]),
        ward_card(prediction, colours["ward"]),
    )
    stale = f'<p class="wc-stale">{EARLIER}</p>' if faults else ""
    spoken = " ".join([*faults, EARLIER]) if faults else announcement(prediction)
    return (
        f'<div class="wc-answer{" wc-is-stale" if faults else ""}">{stale}'
        f"{hero(predictor, prediction, colours['kmeans'])}"
        f'<div class="wc-three">{"".join(cards)}</div>{convention()}'
        f'<p class="wc-announce" hidden>{escape(spoken)}</p></div>'
    )


def hero(predictor: Predictor, prediction: Prediction, colours: tuple[str, ...]) -> str:
    """Write the first card: the K-Means segment, agreement, familiarity; a warning first if need be."""
    chips = f'<span class="wc-chip wc-agreement"><b>{prediction.agreement} of 3</b> models agree</span>'
    if not prediction.unfamiliar:
        chips += f'<span class="wc-chip wc-familiarity">{familiarity(prediction)}</span>'
    return (
        f'<section class="wc-card wc-hero" aria-label="Segment">{_warning(prediction)}'
        f'<h2 class="wc-name">{_name(prediction.kmeans, colours)}</h2>'
        f"<p>{_about(predictor, prediction.kmeans.segment)}</p>"
        f'<p class="wc-chips">{chips}</p></section>'
    )


def familiarity(prediction: Prediction) -> str:
    """Say how usual a customer is among those on record."""
    share = escape(format_share(prediction.familiarity))
    if prediction.unfamiliar:
        return "Unlike 99% of the customers on record"
    if prediction.familiarity < 0.1:
        return f"Unusual: only {share} of customers are more unusual"
    return f"Familiar: {share} of customers are more unusual"


def kmeans_card(predictor: Predictor, prediction: Prediction, colours: tuple[str, ...]) -> str:
    """Write the K-Means segment and how clear it is."""
    details = _note(clarity(predictor, prediction))
    return _card("kmeans", MODELS["kmeans"], prediction.kmeans, colours, details)


def gmm_card(predictor: Predictor, prediction: Prediction, colours: tuple[str, ...]) -> str:
    """Write the mixture's segment, a probability bar per segment, and how it relates to the K-Means one."""
    rows = zip(predictor.names["gmm"], prediction.gmm.scores, colours, strict=True)
    bars = "".join(_bar(name, probability, colour) for name, probability, colour in rows)
    details = f'<p class="wc-bars-title">Probability of each segment</p><ul class="wc-bars">{bars}</ul>'
    return _card(
        "gmm", MODELS["gmm"], prediction.gmm, colours, details + _note(related(prediction, prediction.gmm))
    )


def ward_card(prediction: Prediction, colours: tuple[str, ...]) -> str:
    """Write the Ward segment, said to be for analysis, and how it relates to the K-Means one."""
    placed = f"{related(prediction, prediction.ward)} Placed on the branch whose merge costs least."
    return _card("ward", f"{MODELS['ward']}, for analysis", prediction.ward, colours, _note(placed))


def clarity(predictor: Predictor, prediction: Prediction) -> str:
    """Say in a sentence how much nearer the nearest K-Means centre is than the next."""
    second = predictor.names["kmeans"][int(np.argsort(prediction.kmeans.scores, kind="stable")[1])]
    ratio = prediction.clarity
    if ratio < 1.05:
        return f"A close call: almost as near to {second}."
    if math.isinf(ratio):
        return f"Exactly on this centre; the next is {second}."
    times = f"{ratio:.1f}" if ratio < 10 else "More than 10"
    return f"{times} times nearer to this centre than to {second}."


def related(prediction: Prediction, reading: Reading) -> str:
    """Say in a sentence how a segment relates to the customer's K-Means segment."""
    sentence = RELATIONS[relation(reading.overlap)]
    return sentence.format(name=prediction.kmeans.name, share=format_share(reading.overlap))


def convention() -> str:
    """Say what counts as agreement."""
    return (
        '<p class="wc-note wc-convention">Each model cuts the customers its own way and names its own '
        f"segments. We call two segments similar from {SIMILAR:.0%} of their customers in common, the same "
        f"from {SAME:.0%}; a model agrees when its segment is similar or the same.</p>"
    )


def announcement(prediction: Prediction) -> str:
    """Write the answer in plain words, for screen readers; the warning first if there is need of one."""
    warning = f"{familiarity(prediction)}. " if prediction.unfamiliar else ""
    return (
        f"{warning}{MODELS['kmeans']}: {prediction.kmeans.name}. {MODELS['gmm']}: {prediction.gmm.name}. "
        f"{prediction.agreement} of 3 models agree."
    )


def _warning(prediction: Prediction) -> str:
    if not prediction.unfamiliar:
        return ""
    return (
        f'<p class="wc-warning"><b class="wc-familiarity">{familiarity(prediction)}.</b> '
        "The segments below are only the nearest there are.</p>"
    )


def _about(predictor: Predictor, segment: int) -> str:
    members = predictor.amounts[predictor.segments["kmeans"] == segment]
    share = len(members) / len(predictor.amounts)
    total = format_amount(round(float(np.median(members.sum(axis=1)))))
    return f"{format_share(share)} of customers. Typically {total} {UNIT} a year."


def _card(model: str, title: str, reading: Reading, colours: tuple[str, ...], details: str) -> str:
    return (
        f'<section class="wc-card wc-{model}"><h2>{escape(title)}</h2>'
        f'<p class="wc-value">{_name(reading, colours)}</p>{details}</section>'
    )


def _name(reading: Reading, colours: tuple[str, ...]) -> str:
    return f'<i class="wc-dot" style="--seg:{colours[reading.segment - 1]}"></i>{escape(reading.name)}'


def _bar(name: str, probability: float, colour: str) -> str:
    share = min(max(probability, TINY), 1 - TINY)  # a mixture is never quite certain, its rounding is
    track = f'<i class="wc-track" style="--seg:{colour};--share:{share:.4f}"></i>'
    return f"<li><span>{escape(name)}</span>{track}<b>{escape(format_share(share))}</b></li>"


def _note(sentence: str) -> str:
    return f'<p class="wc-note">{escape(sentence)}</p>'
