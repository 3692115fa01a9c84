"""A prediction as HTML. Pure functions without widgets; every name is escaped."""

from collections.abc import Sequence
from html import escape

import numpy as np

from wholesale.app.sentences import (
    announcement,
    clarity,
    familiarity,
    format_amount,
    format_share,
    related,
    stability,
)
from wholesale.columns import MODELS, UNIT
from wholesale.palette import SAME, SIMILAR, segment_colours
from wholesale.predict import Prediction, Predictor, Reading

TINY = 1e-12
EARLIER = "This answer is for the earlier amounts."


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
        ward_card(predictor, prediction, colours["ward"]),
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
        chips += f'<span class="wc-chip wc-familiarity">{escape(familiarity(prediction))}</span>'
    return (
        f'<section class="wc-card wc-hero" aria-label="Segment">{_warning(prediction)}'
        f'<h2 class="wc-name">{_name(prediction.kmeans, colours)}</h2>'
        f"<p>{_about(predictor, prediction.kmeans.segment)}</p>"
        f'<p class="wc-chips">{chips}</p></section>'
    )


def kmeans_card(predictor: Predictor, prediction: Prediction, colours: tuple[str, ...]) -> str:
    """Write the K-Means segment and how clear it is."""
    details = _note(clarity(predictor, prediction), "wc-why")
    return _card("kmeans", MODELS["kmeans"], prediction.kmeans, colours, details)


def gmm_card(predictor: Predictor, prediction: Prediction, colours: tuple[str, ...]) -> str:
    """Write the mixture's segment, a probability bar per segment, and how it relates to the K-Means one."""
    rows = zip(predictor.names["gmm"], prediction.gmm.scores, colours, strict=True)
    bars = "".join(_bar(name, probability, colour) for name, probability, colour in rows)
    details = f'<p class="wc-bars-title">Probability of each segment</p><ul class="wc-bars">{bars}</ul>'
    details += _note(
        f"{related(prediction, prediction.gmm)} {stability(predictor, 'gmm', prediction.gmm.segment)}"
    )
    return _card("gmm", MODELS["gmm"], prediction.gmm, colours, details)


def ward_card(predictor: Predictor, prediction: Prediction, colours: tuple[str, ...]) -> str:
    """Write the Ward segment, said to be for analysis, and how it relates to the K-Means one."""
    placed = f"{related(prediction, prediction.ward)} Placed on the branch whose merge costs least."
    details = _note(f"{placed} {stability(predictor, 'ward', prediction.ward.segment)}")
    return _card("ward", f"{MODELS['ward']}, for analysis", prediction.ward, colours, details)


def convention() -> str:
    """Say what counts as agreement."""
    return (
        '<p class="wc-note wc-convention">Each model cuts the customers its own way and names its own '
        f"segments. We call two segments similar from {SIMILAR:.0%} of their customers in common, the same "
        f"from {SAME:.0%}; a model agrees when its segment is similar or the same.</p>"
    )


def _warning(prediction: Prediction) -> str:
    if not prediction.unfamiliar:
        return ""
    return (
        f'<p class="wc-warning"><b class="wc-familiarity">{escape(familiarity(prediction))}.</b> '
        "The segments below are only the nearest there are.</p>"
    )


def _about(predictor: Predictor, segment: int) -> str:
    members = predictor.amounts[predictor.segments["kmeans"] == segment]
    share = len(members) / len(predictor.amounts)
    total = format_amount(round(float(np.median(members.sum(axis=1)))))
    alike = max(float(predictor.overlap[model][:, segment - 1].max()) for model in ("gmm", "ward"))
    alone = " Neither other model has a segment like it." if alike < SIMILAR else ""
    stable = stability(predictor, "kmeans", segment)
    return f"{format_share(share)} of customers. Typically {total} {UNIT} a year.{alone} {stable}"


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


def _note(sentence: str, *classes: str) -> str:
    return f'<p class="{" ".join(["wc-note", *classes])}">{escape(sentence)}</p>'
