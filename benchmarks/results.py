"""Figures held against the limits, as tables in Markdown, with the numbers beside them as JSON."""

import json
import os
import platform
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

HERE = Path(__file__).parent
Cell = str | float | None
Figures = dict[str, dict[str, float]]  # whose they are: what was measured: the figure


def budgets(figures: Figures) -> str:
    """Hold our figures against every limit in ``limits.toml`` that there is for them."""
    limits = tomllib.loads((HERE / "limits.toml").read_text(encoding="utf-8"))["limits"]
    rows: list[list[Cell]] = []
    for what, rival, how, limit in limits:
        if (ours := figures["ours"].get(what)) is None:
            continue
        theirs = figures[rival][what] if rival else float("nan")
        beside = (f"{rival}: {_word(theirs)}", f"{ours / theirs:.3g}×") if rival else (None, None)
        held = {"times": (ours / theirs, f"≤ {limit}×"), "plus": (ours - theirs, f"≤ {rival} + {limit}")}
        value, allowed = held.get(how, (ours, f"≤ {limit}"))
        rows.append([what, ours, *beside, allowed, "met" if value <= limit else "**missed**"])
    return table(["budget", "ours", "against", "ratio", "allowed", "verdict"], rows)


def table(heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Write a Markdown table; numbers have three digits."""
    marks = ["---"] + ["---:"] * (len(heads) - 1)
    lines = [heads, marks, *([_word(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _word(cell: Cell) -> str:
    if cell is None or isinstance(cell, str):
        return cell or "–"
    return f"{cell:.0f}" if abs(cell) >= 100 else f"{cell:.3g}"


def conditions(*packages: str, **others: str) -> dict[str, str]:
    """Say when, on what and with which versions is measured; never on whose machine."""
    memory, load = psutil.virtual_memory().total / 1e9, os.getloadavg()[0]
    where = {"date": datetime.now(UTC).strftime("%Y-%m-%d"), "cores": str(os.cpu_count())}
    where |= {"memory": f"{memory:.0f} GB", "load before": f"{load:.1f}", "Python": platform.python_version()}
    return where | others | {package: version(package) for package in packages}


def write(title: str, where: dict[str, str], figures: Figures, *parts: str, **raw: object) -> None:
    """Write ``results/<first word of the title>.md`` and ``.json``, and print the budgets."""
    judged = budgets(figures)
    header = " · ".join(f"{key} {value}" for key, value in where.items())
    content = json.dumps({"conditions": where, "figures": figures, **raw}, indent=1, ensure_ascii=False)
    path = HERE / "results" / title.split(":")[0].lower()
    path.with_suffix(".md").write_text("\n".join([f"# {title}\n\n{header}\n", judged, *parts]), "utf-8")
    path.with_suffix(".json").write_text(content + "\n", "utf-8")
    print(judged)
