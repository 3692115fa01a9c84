"""The tab that describes every model's segments, as HTML."""

from html import escape

import numpy as np

from wholesale.app import sentences
from wholesale.app.markup import named, note, swing, table
from wholesale.columns import CHANNELS, LABELS, MODELS, REGIONS, SPEND_COLUMNS, UNIT
from wholesale.palette import segment_colours
from wholesale.predict import Predictor
from wholesale.wording import format_amount, format_share, rounded

ABOUT = {
    "kmeans": "{k} centres; a customer belongs to the nearest. The colours follow this model.",
    "gmm": "{k} overlapping clouds, each with its own shape; a customer belongs to each with a probability.",
    "ward": "A tree of customers, cut into {k} branches. For analysis: a new one can only be placed on it.",
}


def segments_tab(predictor: Predictor) -> str:
    """Describe every segment of every model: size, stability, typical amounts; Channel and Region if known.

    Parameters
    ----------
    predictor : Predictor

    Returns
    -------
    str
        HTML.
    """
    colours, known = segment_colours(predictor.overlap), " and ".join(predictor.displayed)
    intro = note(
        f"{sentences.GROUPS} Typical amounts are medians in {UNIT} a year, of each category and of the "
        "total, so they do not add up. Bars show the segment's mean on the log-standardized "
        f"scale: to the right above the average customer, to the left below. "
        + (f"{known} never entered a fit: an outside check." if known else "")
    )
    means = _means(predictor)
    full = max(float(np.abs(its).max()) for its in means.values())
    return f'<h2 class="wc-unseen">Segments</h2>{intro}' + "".join(
        _model(predictor, model, colours[model], means[model], full)
        if model in predictor.models
        else f'<section class="wc-model"><h3>{label}</h3>{note(sentences.mixture(predictor))}</section>'
        for model, label in MODELS.items()
    )


def _means(predictor: Predictor) -> dict[str, np.ndarray]:
    """Return each model's segment means in standardized units, shape (k, 6)."""
    X, numbers = predictor.standardize(predictor.amounts), range(1, predictor.n_segments + 1)
    return {
        model: np.array([X[its == segment].mean(axis=0) for segment in numbers])
        for model, its in predictor.segments.items()
    }


def _model(predictor: Predictor, model: str, colours: tuple[str, ...], means: np.ndarray, full: float) -> str:
    rows = enumerate(zip(colours, means, strict=True), start=1)
    tiles = "".join(_tile(predictor, model, segment, *its, full) for segment, its in rows)
    about = f"<h3>{MODELS[model]}</h3>{note(ABOUT[model].format(k=predictor.n_segments))}"
    return f'<section class="wc-model">{about}<div class="wc-tiles">{tiles}</div></section>'


def _tile(predictor: Predictor, model: str, segment: int, colour: str, means: np.ndarray, full: float) -> str:
    """Describe one segment; a bar is full at `full` standardized units."""
    members = predictor.segments[model] == segment
    n = int(members.sum())
    count = f"{format_amount(n)} customer{'' if n == 1 else 's'}: "
    count += sentences.size(predictor, model, segment)
    said = (_kin(predictor, model, segment), sentences.stability(predictor, model, segment))
    amounts = zip(SPEND_COLUMNS, predictor.typical[model][segment - 1].tolist(), means.tolist(), strict=True)
    rows = [_amount(*its, full, colour) for its in amounts]
    caption = f"Typical amounts of {predictor.names[model][segment - 1]}"
    mixes = _mix("Channel", predictor.channel, members, CHANNELS)
    mixes += _mix("Region", predictor.region, members, REGIONS)
    mixes = f'<dl class="wc-mixes">{mixes}</dl>' if mixes else ""
    return (
        f'<article class="wc-card wc-tile"><h4>{named(predictor.names[model][segment - 1], colour)}</h4>'
        f"<p>{escape(count)}</p>{note(' '.join(filter(None, said)))}"
        f"{table(('Category', UNIT, 'Below | above'), rows, caption=caption, classes='wc-typical')}"
        f"{mixes}</article>"
    )


def _kin(predictor: Predictor, model: str, segment: int) -> str:
    if model == "kmeans":
        return sentences.alone(predictor, segment)
    overlap = float(predictor.overlap[model][segment - 1, segment - 1])
    return sentences.related(f"K-Means' {predictor.names['kmeans'][segment - 1]}", overlap)


def _amount(column: str, typical: float, mean: float, full: float, colour: str) -> tuple[str, str, str]:
    side = "above" if mean >= 0 else "below"
    said = f"{abs(mean):.1f} standard deviations {side} the average customer"
    bar = swing(mean / full, towards=colour, away=colour, said=said)
    written = format_amount(round(typical, 2)) if typical >= 1 else rounded(typical)
    return escape(LABELS[column]), written, bar


def _mix(title: str, known: np.ndarray | None, members: np.ndarray, words: dict[int, str]) -> str:
    if known is None:
        return ""
    codes = known[members]
    counts = {words.get(code, str(code)): int((codes == code).sum()) for code in np.unique(codes).tolist()}
    parts = [f"{name} {format_share(count / len(codes))}" for name, count in counts.items()]
    return f"<dt>{title}, not used in fitting</dt><dd>{escape(', '.join(parts))}</dd>"
