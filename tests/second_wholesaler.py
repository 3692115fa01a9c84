"""How dataset/second_wholesaler.csv was made; `python tests/second_wholesaler.py` makes it again."""

import csv
import io
import random

from wholesale.columns import SPEND_COLUMNS
from wholesale.manifest import ROOT, SHIPPED

SAMPLE = ROOT / "dataset" / "second_wholesaler.csv"
CUSTOMERS, SEED, NOISE = 80, 2013, 0.2
SHIFT = {"Frozen": 1.8, "Delicassen": 0.6}
ORDER = ("Milk", "Fresh", "Grocery", "Detergents_Paper", "Frozen", "Delicassen")
HEADER = ["No", "Name", "Milk", "Fresh", "Grocery", "Detergents Paper", "Frozen", "Deli"]
KINDS = ("Café", "Hotel", "Grocer", "Canteen", "Bakery", "Bistro")
PLACES = ("Market Square", "Mill Lane", "Station", "Harbour", "Old Town", "Bridge Street", "Church Hill")
BROKEN = {"17": (2, "n/a"), "36": (4, "-250,00"), "52": (3, ""), "71": (None, "")}
"""By customer number: which field is replaced, and by what; of the last, the end of the row is missing."""


def second_wholesaler() -> bytes:
    """Draw customers on record with replacement, and disguise them: noise, two shifted categories."""
    chance = random.Random(SEED)  # its sequence does not change between versions
    with SHIPPED.open(newline="") as file:
        record = list(csv.DictReader(file))
    lines = [HEADER]
    for number in map(str, range(1, CUSTOMERS + len(BROKEN) + 1)):
        drawn = chance.choice(record)
        factors = {column: SHIFT.get(column, 1) * chance.lognormvariate(0, NOISE) for column in SPEND_COLUMNS}
        name = f"{chance.choice(KINDS)} {chance.choice(PLACES)}"
        amounts = [f"{float(drawn[column]) * factors[column]:.2f}".replace(".", ",") for column in ORDER]
        lines.append(_broken([number, name, *amounts]))
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\n").writerows(lines)
    return text.getvalue().encode("latin-1")


def _broken(row: list[str]) -> list[str]:
    place, value = BROKEN.get(row[0], (0, row[0]))
    return row[:-1] if place is None else [*row[:place], value, *row[place + 1 :]]


if __name__ == "__main__":
    SAMPLE.write_bytes(second_wholesaler())
