"""Three ways from a file of customers to another: ``python -m benchmarks.ways floor IN OUT``.

Each is done when the output is on the disk, and then says its seconds, without imports, and its peak memory.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import typer

SEMICOLON = ";"


def floor(source: Path, output: Path) -> Callable[[], None]:
    """Read and rewrite the file by pyarrow, adding nothing."""
    import pyarrow.csv as pacsv
    import pyarrow.parquet as pq

    def text() -> None:
        with source.open() as file:
            semicolon = SEMICOLON in file.readline()
        how = (
            {
                "parse_options": pacsv.ParseOptions(delimiter=SEMICOLON),
                "convert_options": pacsv.ConvertOptions(decimal_point=","),
            }
            if semicolon
            else {"parse_options": pacsv.ParseOptions(newlines_in_values=True)}
        )
        batches = pacsv.open_csv(source, **how)
        with pacsv.CSVWriter(output, batches.schema) as writer:
            for batch in batches:
                writer.write_batch(batch)

    def parquet() -> None:
        file = pq.ParquetFile(source)
        with pq.ParquetWriter(output, file.schema_arrow) as writer:
            for batch in file.iter_batches():
                writer.write_batch(batch)

    return parquet if source.suffix == ".parquet" else text


def ours(source: Path, output: Path) -> Callable[[], None]:
    """Score the file as ``python -m wholesale score`` does."""
    import pyarrow as pa

    from wholesale.predict import load_predictor
    from wholesale.scoring import score_file

    pa.array([0])  # the first array makes pyarrow import pandas, where that is installed

    def score() -> None:
        score_file(source, output, load_predictor(), force=True)

    return score


def plain(source: Path, output: Path) -> Callable[[], None]:
    """Score a clean file as one would with pandas and scikit-learn: all that these two answer."""
    import numpy as np
    import pandas as pd

    from wholesale.bundle import load_bundle
    from wholesale.columns import SPEND_COLUMNS

    def score() -> None:
        bundle = load_bundle()
        customers = pd.read_csv(source)
        X = bundle.standardizer.transform(customers[list(SPEND_COLUMNS)])
        distances = bundle.kmeans.transform(X)
        probabilities = bundle.gmm.predict_proba(X)
        for model, labels in (("kmeans", distances.argmin(axis=1)), ("gmm", probabilities.argmax(axis=1))):
            customers[f"{model}_segment"] = labels + 1
            customers[f"{model}_name"] = np.array(bundle.names[model])[labels]
        for i, probability in enumerate(probabilities.T, start=1):
            customers[f"gmm_p{i}"] = probability
        nearest = np.sort(distances, axis=1)
        customers["clarity"] = nearest[:, 1] / nearest[:, 0]
        customers.to_csv(output, index=False)

    return score


WAYS = {way.__name__: way for way in (floor, ours, plain)}


def main(way: str, source: Path, output: Path) -> None:
    """Go one way, and say as JSON what it took."""
    go = WAYS[way](source, output)
    started = perf_counter()
    go()
    with output.open("rb") as file:
        os.fsync(file.fileno())
    typer.echo(json.dumps({"seconds": perf_counter() - started, "mb": _peak()}))


def _peak() -> float:
    """Give the most memory that this process has had, in MB; the kernel's count, which starts with it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    app.command()(main)
    app()
