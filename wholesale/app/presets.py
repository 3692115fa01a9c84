"""Real customers to start from: one typical of each segment, a contested one, an unusual one."""

import numpy as np

from wholesale.measure import measure
from wholesale.predict import Predictor


def presets(predictor: Predictor) -> dict[str, int]:
    """Choose customers on record to start from.

    Parameters
    ----------
    predictor : Predictor

    Returns
    -------
    dict of str to int
        What each is, in words, to the customer's number (from 1): of each K-Means segment the customer
        nearest its centre; of those on whom the fewest models agree the one nearest a border; and the one
        that the mixture finds least familiar, if there is a mixture.
    """
    measured = measure(predictor, predictor.amounts)
    distances, own = measured.scores["kmeans"], measured.segment["kmeans"]
    inside = np.where(own[:, None] == np.arange(predictor.n_segments), distances, np.inf)
    typical = {
        f"Typical of {name}": int(customer)
        for name, customer in zip(predictor.names["kmeans"], inside.argmin(axis=0), strict=True)
    }
    contested = np.where(measured.agreement == measured.agreement.min(), measured.clarity, np.inf)
    chosen = {"Contested": int(contested.argmin())}
    if predictor.has_mixture:
        chosen["Unlike all others"] = int(measured.familiarity.argmin())
    return {f"{what}: customer {i + 1}": i + 1 for what, i in (typical | chosen).items()}
