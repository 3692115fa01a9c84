"""The tab that describes every model's segments, as HTML."""

from html import escape

import numpy as np

from wholesale.app import sentences
from wholesale.app.markup import named, note, swing, table
from wholesale.columns import CHANNELS, LABELS, MODELS, REGIONS, SPEND_COLUMNS, UNIT
from wholesale.palette import segment_colours
from wholesale.predict import Predictor

ABOUT = {
    "kmeans": "{k} centres; a customer belongs to the nearest. The colours follow this model.",
    "gmm": "{k} overlapping clouds, each with its own shape; a customer belongs to each with a probability.",
    "ward": "A tree of customers, cut into {k} branches. For analysis: a new one can only be placed on it.",
}


def segments_tab(predictor: Predictor) -> str:
    """Describe every segment of every model: size, stability, typical amounts, Channel and Region.

    Parameters
    ----------
    predictor : Predictor

    Returns
    -------
    str
        HTML.
    """
    colours = segment_colours(predictor.overlap)
    intro = note(
        f"{sentences.GROUPS} Typical amounts are medians in {UNIT} a year, of each category and of the "
        "total, so they do not add up. Bars show the segment's mean on the log-standardized "
        "scale: to the right above the average customer, to the left below. Channel and Region were not used "
        "in fitting; they are an outside check."
    )
    return f'<h2 class="wc-unseen">Segments</h2>{intro}' + "".join(
        _model(predictor, model, colours[model]) for model in MODELS
    )


def _model(predictor: Predictor, model: str, colours: tuple[str, ...]) -> str:
    tiles = "".join(
        _tile(predictor, model, segment, colours[segment - 1])
        for segment in range(1, predictor.n_segments + 1)
    )
    about = f"<h3>{MODELS[model]}</h3>{note(ABOUT[model].format(k=predictor.n_segments))}"
    return f'<section class="wc-model">{about}<div class="wc-tiles">{tiles}</div></section>'


def _tile(predictor: Predictor, model: str, segment: int, colour: str) -> str:
    members = predictor.segments[model] == segment
    count = f"{int(members.sum())} customers: {sentences.size(predictor, model, segment)}"
    said = (_kin(predictor, model, segment), sentences.stability(predictor, model, segment))
    rows = [_amount(predictor, model, segment, i, colour) for i in range(len(SPEND_COLUMNS))]
    caption = f"Typical amounts of {predictor.names[model][segment - 1]}"
    mixes = _mix("Channel", predictor.channel[members], CHANNELS) + _mix(
        "Region", predictor.region[members], REGIONS
    )
    return (
        f'<article class="wc-card wc-tile"><h4>{named(predictor.names[model][segment - 1], colour)}</h4>'
        f"<p>{escape(count)}</p>{note(' '.join(filter(None, said)))}"
        f"{table(('Category', UNIT, 'Below | above'), rows, caption=caption, classes='wc-typical')}"
        f'<dl class="wc-mixes">{mixes}</dl></article>'
    )


def _kin(predictor: Predictor, model: str, segment: int) -> str:
    if model == "kmeans":
        return sentences.alone(predictor, segment)
    overlap = float(predictor.overlap[model][segment - 1, segment - 1])
    return sentences.related(f"K-Means' {predictor.names['kmeans'][segment - 1]}", overlap)


def _amount(predictor: Predictor, model: str, segment: int, i: int, colour: str) -> tuple[str, str, str]:
    members = predictor.segments[model] == segment
    mean = float(predictor.standardize(predictor.amounts[members])[:, i].mean())
    typical = sentences.format_amount(float(predictor.typical[model][segment - 1, i]))
    side = "above" if mean >= 0 else "below"
    said = f"{abs(mean):.1f} standard deviations {side} the average customer"
    label = escape(LABELS[SPEND_COLUMNS[i]])
    return label, typical, swing(mean / _full(predictor), towards=colour, away=colour, said=said)


def _full(predictor: Predictor) -> float:
    """Return the largest mean of any segment, in standardized units, at which a bar is full."""
    X = predictor.standardize(predictor.amounts)
    parts = (X[its == segment] for its in predictor.segments.values() for segment in np.unique(its))
    return max(float(np.abs(part.mean(axis=0)).max()) for part in parts)


def _mix(title: str, codes: np.ndarray, words: dict[int, str]) -> str:
    counts = {words.get(code, str(code)): int((codes == code).sum()) for code in np.unique(codes).tolist()}
    parts = [f"{name} {sentences.format_share(count / len(codes))}" for name, count in counts.items()]
    return f"<dt>{title}, not used in fitting</dt><dd>{escape(', '.join(parts))}</dd>"
