"""How dataset/cash_and_carry.csv was made; `python tests/cash_and_carry.py` makes it again."""

import csv
import io
import math
import random

from wholesale.manifest import ROOT

SAMPLE = ROOT / "dataset" / "cash_and_carry.csv"
CUSTOMERS, SEED = 600, 2026
SIZE, NOISE = 0.45, 0.55
"""Standard deviations of a customer's size, common to its amounts, and of each amount, of the logarithms."""

CATEGORIES = ("Meat", "Fish", "Fruit_Vegetables", "Wine", "Beer", "Soft_Drinks", "Snacks", "Cleaning")
TYPICAL = {
    "Restaurant": (9000, 5000, 7000, 6000, 2500, 1500, 300, 1800),
    "Bar": (600, 200, 500, 3500, 9000, 6000, 1500, 900),
    "Kiosk": (150, 60, 250, 300, 1800, 5000, 7000, 250),
    "Canteen": (7000, 1200, 9000, 100, 150, 2500, 900, 5000),
}
"""Amounts in EUR a year that are typical of each of the four planted segments."""

SHARES = (0.35, 0.25, 0.22, 0.18)
PLACES = ("Market Square", "Mill Lane", "Station", "Harbour", "Old Town", "Bridge Street", "Church Hill")


def cash_and_carry(seed: int = SEED) -> tuple[list[list], list[str]]:
    """Draw customers: the rows of the file, and the segment that each was drawn from, which is not in it."""
    chance, rows, planted = random.Random(seed), [], []  # its sequence does not change between versions
    for number in range(1, CUSTOMERS + 1):
        (kind,) = chance.choices([*TYPICAL], SHARES)
        size = chance.gauss(0, SIZE)
        amounts = [round(typical * math.exp(size + chance.gauss(0, NOISE)), 2) for typical in TYPICAL[kind]]
        name = f"{chance.choice(PLACES)} {number:03}"
        rows.append([name, chance.randrange(1000, 9999), chance.randrange(2001, 2026), *amounts])
        planted.append(kind)
    return rows, planted


def written(rows: list[list]) -> bytes:
    """Write the rows as the file has them."""
    text = io.StringIO()
    header = ["Customer", "Postcode", "Since", *CATEGORIES]
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue().encode()


if __name__ == "__main__":
    SAMPLE.write_bytes(written(cash_and_carry()[0]))
