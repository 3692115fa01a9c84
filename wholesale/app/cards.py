"""The answer for one customer, as HTML."""

from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup

from wholesale.app import sentences
from wholesale.app.charts.customer import map_with_you, profile
from wholesale.app.templates import render
from wholesale.explain import predict_and_explain
from wholesale.predict import Predictor

EARLIER = "This answer is for the earlier amounts."


def answer(predictor: Predictor, amounts: Mapping[str, float], *, faults: Sequence[str] = ()) -> Markup:
    """Write the whole answer for one customer's amounts, in the order of ``SPEND_COLUMNS``.

    `faults` says what is wrong with the amounts now entered; if anything is, this answer is for earlier ones.
    """
    row = np.array(list(amounts.values()), dtype=float)
    prediction, explanation = predict_and_explain(predictor, row)
    ranked = sorted(explanation.reasons, key=lambda reason: -reason.contribution)
    return render(
        "answer.html",
        predictor=predictor,
        amounts=amounts,
        faults=faults,
        earlier=EARLIER,
        prediction=prediction,
        explanation=explanation,
        ranked=ranked,
        most=max(ranked[0].contribution, -ranked[-1].contribution) or 1.0,
        spoken=" ".join([*faults, EARLIER]) if faults else sentences.announcement(prediction),
        map=map_with_you(predictor, row),
        profile=profile(predictor, row, prediction.kmeans.segment),
    )
