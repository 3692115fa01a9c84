"""What the page says of a prediction, in plain sentences; nothing here is HTML."""

import math

import numpy as np

from wholesale.columns import MODELS
from wholesale.palette import relation
from wholesale.predict import Prediction, Predictor, Reading

SPACE = "\u00a0"  # groups thousands; it does not break, and parse_amount reads it back
CLOSE = 1.15  # one customer in eight on record is no clearer

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


def familiarity(prediction: Prediction) -> str:
    """Say how usual a customer is among those on record."""
    share = format_share(prediction.familiarity)
    if prediction.unfamiliar:
        return "Unlike 99% of the customers on record"
    if prediction.familiarity < 0.1:
        return f"Unusual: only {share} of customers are more unusual"
    return f"Familiar: {share} of customers are more unusual"


def clarity(predictor: Predictor, prediction: Prediction) -> str:
    """Say in a sentence how much nearer the nearest K-Means centre is than the next."""
    second = predictor.names["kmeans"][int(np.argsort(prediction.kmeans.scores, kind="stable")[1])]
    ratio = prediction.clarity
    if ratio < 1.05:
        return f"A close call: almost as near to {second}."
    if math.isinf(ratio):
        return f"Exactly on this centre; the next is {second}."
    times = f"{ratio:.1f} times" if ratio < 10 else "more than 10 times"
    sentence = f"{times} nearer to this centre than to {second}."
    return f"A close call: {sentence}" if ratio < CLOSE else sentence[0].upper() + sentence[1:]


def stability(predictor: Predictor, model: str, segment: int) -> str:
    """Say in a sentence how stable a segment is, or nothing where no evidence was gathered."""
    known = predictor.evidence.get("stability", {}).get(model)
    if not known:
        return ""
    band, jaccard = known["band"][segment - 1], known["jaccard"][segment - 1]
    return f"Under resampling it is {band} (mean Jaccard {jaccard:.2f})."


def related(prediction: Prediction, reading: Reading) -> str:
    """Say in a sentence how a segment relates to the customer's K-Means segment."""
    sentence = RELATIONS[relation(reading.overlap)]
    return sentence.format(name=prediction.kmeans.name, share=format_share(reading.overlap))


def announcement(prediction: Prediction) -> str:
    """Write the answer in plain words, for screen readers; the warning first if there is need of one."""
    warning = f"{familiarity(prediction)}. " if prediction.unfamiliar else ""
    return (
        f"{warning}{MODELS['kmeans']}: {prediction.kmeans.name}. {MODELS['gmm']}: {prediction.gmm.name}. "
        f"{prediction.agreement} of 3 models agree."
    )
