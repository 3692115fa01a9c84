"""Writes dip.json: the dip statistic by the package diptest; see README.md. pip install numpy diptest"""

import json
from pathlib import Path

import numpy as np


def samples():
    """Draw one hump, several and none, of several sizes, with ties and without."""
    rng = np.random.default_rng(7)
    for n in (10, 50, 440, 2000):
        normal, uniform = rng.normal(size=n), rng.uniform(size=n)
        two = np.concatenate([rng.normal(size=n // 2), rng.normal(3.5, 1, size=n - n // 2)])
        drawn = {"normal": normal, "uniform": uniform, "exponential": rng.exponential(size=n), "two": two}
        for name, each in drawn.items():
            yield f"{name}, {n}", each
            yield f"{name}, {n}, rounded", each.round(1)
    yield "two points", np.repeat([0.0, 1.0], 5)
    yield "a point between two", np.repeat([0.0, 1.0, 5.0], [2, 3, 2])
    yield "a grid", np.arange(20.0)


if __name__ == "__main__":
    from diptest import dipstat

    dips = {name: dipstat(each, allow_zero=False) for name, each in samples()}
    Path(__file__).with_suffix(".json").write_text(json.dumps(dips, indent=1) + "\n")
