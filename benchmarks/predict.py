"""One customer's answer in process, beside scikit-learn's: ``python -m benchmarks.predict``."""

from statistics import median
from time import perf_counter

import numpy as np
import typer

from benchmarks.results import Figures, conditions, write
from wholesale.bundle import load_bundle
from wholesale.predict import predict_segment
from wholesale.preprocessing import log_standardizer

NOTE = """Medians of {} customers. `predict_segment` also checks the amounts, places the customer in a Ward
segment and says how familiar it is; scikit-learn's three calls do not. Call by call, each finds the
processor's caches filled by the other, which costs the shorter one more.
"""


def main(rounds: int = 2_000) -> None:
    """Time both on the same customers, in turns, and write the medians."""
    where, bundle = conditions("numpy", "scikit-learn"), load_bundle()
    # The saved standardizer asks for a DataFrame, which is slower.
    standardizer = log_standardizer().fit(bundle.predictor.amounts)
    rows = np.resize(bundle.predictor.amounts, (rounds, 6)).astype(float)

    def theirs(row: np.ndarray) -> object:
        X = standardizer.transform(row[None, :])
        return bundle.kmeans.predict(X), bundle.gmm.predict_proba(X)

    ways = (lambda row: predict_segment(bundle.predictor, row.tolist()), theirs)
    figures: Figures = {"ours": {}, "scikit-learn": {}}
    for turns, block in (("call by call", 1), ("in blocks of 100", 100)):
        taken: tuple[list[float], list[float]] = ([], [])
        for start in range(0, rounds, block):
            for call, times in zip(ways, taken, strict=True):
                for row in rows[start : start + block]:
                    started = perf_counter()
                    call(row)
                    times.append(perf_counter() - started)
        for whose, times in zip(figures, taken, strict=True):
            figures[whose][f"one prediction, {turns} (µs)"] = 1e6 * median(times)
    write("Predict: one customer in process", where, figures, NOTE.format(rounds))


if __name__ == "__main__":
    typer.run(main)
