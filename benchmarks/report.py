"""Results as a table with ratios and verdicts, written aside the raw numbers."""

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import psutil

RESULTS = Path(__file__).parent / "results"
Cell = str | float | None


def conditions(*packages: str, **others: str) -> dict[str, str]:
    """Say when, on what and with which versions a measurement was made; never on whose machine."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "cores": str(os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 1e9:.0f} GB",
        "load before": f"{os.getloadavg()[0]:.1f}",
        "Python": platform.python_version(),
        **others,
        **{package: version(package) for package in packages},
    }


def percentile(values: Sequence[float], share: float) -> float:
    """Give a percentile of the values that are there; NaN where none is."""
    return float(np.percentile(values, share)) if len(values) else float("nan")


def table(heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Write a Markdown table; numbers are rounded to three digits, right-aligned."""
    line = "| {} |".format
    words = [[_word(cell) for cell in row] for row in rows]
    marks = ["---"] + ["---:"] * (len(heads) - 1)
    return "\n".join(line(" | ".join(row)) for row in [list(heads), marks, *words]) + "\n"


def verdict(value: float, limit: float) -> str:
    """Say whether a budget was met."""
    return "met" if value <= limit else "**missed**"


def write(name: str, title: str, where: dict[str, str], parts: Sequence[str], raw: dict) -> None:
    """Write ``results/<name>.md`` and ``.json``."""
    RESULTS.mkdir(exist_ok=True)
    header = " · ".join(f"{key} {value}" for key, value in where.items())
    text = "\n".join([f"# {title}", "", header, "", *parts])
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")
    content = json.dumps({"conditions": where, **raw}, indent=1, ensure_ascii=False)
    (RESULTS / f"{name}.json").write_text(content + "\n", encoding="utf-8")


def _word(cell: Cell) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, str):
        return cell
    return f"{cell:.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
