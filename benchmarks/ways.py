"""Three ways from a file of customers to another: ``python -m benchmarks.ways floor IN OUT``.

Each gives the time when its imports were done; the clock stops when the output is on the disk.
"""

import json
import os
from pathlib import Path
from time import perf_counter

import typer


def floor(source: Path, output: Path) -> float:
    import pyarrow.csv as pacsv

    started = perf_counter()
    batches = pacsv.open_csv(source, parse_options=pacsv.ParseOptions(newlines_in_values=True))
    with pacsv.CSVWriter(output, batches.schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return started


def ours(source: Path, output: Path) -> float:
    import pyarrow as pa

    from wholesale.predict import load_predictor
    from wholesale.scoring import score_file

    pa.array([0])  # the first array makes pyarrow import pandas, where that is installed
    started = perf_counter()
    score_file(source, output, load_predictor(), force=True)
    return started


def plain(source: Path, output: Path) -> float:
    """Score a clean file as one would with pandas and scikit-learn: all that these two answer."""
    import numpy as np
    import pandas as pd

    from wholesale.bundle import load_bundle
    from wholesale.columns import SPEND_COLUMNS

    started = perf_counter()
    bundle = load_bundle()
    customers = pd.read_csv(source)
    X = bundle.standardizer.transform(customers[list(SPEND_COLUMNS)])
    distances, probabilities = bundle.kmeans.transform(X), bundle.gmm.predict_proba(X)
    for model, labels in (("kmeans", distances.argmin(axis=1)), ("gmm", probabilities.argmax(axis=1))):
        customers[f"{model}_segment"] = labels + 1
        customers[f"{model}_name"] = np.array(bundle.names[model])[labels]
    for i, probability in enumerate(probabilities.T, start=1):
        customers[f"gmm_p{i}"] = probability
    nearest = np.sort(distances, axis=1)
    customers["clarity"] = nearest[:, 1] / nearest[:, 0]
    customers.to_csv(output, index=False)
    return started


WAYS = {way.__name__: way for way in (floor, ours, plain)}


def main(way: str, source: Path, output: Path) -> None:
    """Go one way, and say as JSON its seconds and the most memory that the process has had, in MB."""
    started = WAYS[way](source, output)
    with output.open("rb") as file:
        os.fsync(file.fileno())
    seconds = perf_counter() - started
    # The kernel's own count; that of `resource` begins with the parent's.
    peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
    typer.echo(json.dumps({"seconds": seconds, "mb": peak * 1024 / 1e6}))


if __name__ == "__main__":
    typer.run(main)
