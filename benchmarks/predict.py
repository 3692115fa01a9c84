"""One customer's answer in process, beside scikit-learn's: ``python -m benchmarks.predict``."""

from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
import typer

from benchmarks.report import conditions, table, verdict, write
from wholesale.bundle import load_bundle
from wholesale.predict import predict_segment
from wholesale.preprocessing import log_standardizer

LIMIT = 0.1


def main(rounds: int = 2_000) -> None:
    """Time both on the same customers, in turns, and write the medians."""
    bundle = load_bundle()
    standardizer = log_standardizer().fit(
        bundle.predictor.amounts
    )  # the saved one asks for a slower DataFrame
    rows = np.resize(bundle.predictor.amounts, (rounds, 6)).astype(float)

    def ours(row: np.ndarray) -> object:
        return predict_segment(bundle.predictor, row.tolist())

    def theirs(row: np.ndarray) -> object:
        X = standardizer.transform(row[None, :])
        return bundle.kmeans.predict(X), bundle.gmm.predict_proba(X)

    heads = ["median (µs)", "predict_segment", "scikit-learn", "ratio", "allowed", "verdict"]
    lines: list[list[str | float | None]] = []
    raw = {}
    for said, block in (("in turns, call by call", 1), ("in turns of a hundred calls", 100)):
        mine, other = (1e6 * median(one) for one in _in_turns((ours, theirs), rows, block))
        ratio = mine / other
        lines.append([said, mine, other, f"{ratio:.3f}×", f"≤ {LIMIT}×", verdict(ratio, LIMIT)])
        raw[said] = {"predict_segment_us": mine, "scikit_learn_us": other}
    note = (
        f"\n{rounds} customers each. `predict_segment` also checks the amounts, places the customer in a Ward"
        " segment and says how familiar it is; scikit-learn's three calls do not. Call by call, each finds"
        " the processor's caches filled by the other, which costs the shorter one more.\n"
    )
    part = table(heads, lines)
    write("predict", "One prediction", conditions("numpy", "scikit-learn"), [part, note], raw)
    typer.echo(part)


def _in_turns(calls: tuple[Callable, ...], rows: np.ndarray, block: int) -> list[list[float]]:
    times: list[list[float]] = [[] for _ in calls]
    for start in range(0, len(rows), block):
        for call, taken in zip(calls, times, strict=True):
            for row in rows[start : start + block]:
                started = perf_counter()
                call(row)
                taken.append(perf_counter() - started)
    return times


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    app.command()(main)
    app()
