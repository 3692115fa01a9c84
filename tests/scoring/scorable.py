"""Files to score, made from the customers on record."""

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from made_files import HEADER, csv_text

from wholesale.columns import SPEND_COLUMNS
from wholesale.predict import Predictor

NAMES = ("plain", 'said "so"', "two\nlines", "comma, inside", "007", "-12.5", "ünïcode ✓", "=1+1", "")


def write_customers(path: Path, predictor: Predictor, n: int, bad: int = 0, delimiter: str = ",") -> Path:
    """Write n customers drawn from those on record, each `bad`-th without an amount; always the same."""
    rng = np.random.default_rng(n)
    amounts = predictor.amounts[rng.integers(0, len(predictor.amounts), n)].astype(int).tolist()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(["id", "name", *SPEND_COLUMNS, "note"])
        for i, row in enumerate(amounts):
            row[5] = "unknown" if bad and i % bad == bad - 1 else row[5]
            writer.writerow([i, NAMES[i % len(NAMES)], *row, f"n{i}"])
    return path


def write_rows(path: Path, rows: Iterable, header: str = HEADER) -> Path:
    """Write rows, each a text or a list of amounts, under a header."""
    texts = (row if isinstance(row, str) else ",".join(map(str, row)) for row in rows)
    path.write_bytes(csv_text(*texts, header=header))
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    """Read a CSV as the csv module does."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def names_in(folder: Path) -> set[str]:
    """Name everything in a folder, hidden or not."""
    return {path.name for path in folder.iterdir()}
