"""The results on whole files as tables: one of the budgets, one by size, one by kind of file."""

from statistics import median
from typing import Any

from benchmarks.report import Cell, table, verdict

WORDS = {"floor": "pyarrow rewrites it", "ours": "score_file", "plain": "pandas + scikit-learn"}
Raw = dict[str, Any]


def budgets(raw: Raw) -> str:
    """Hold the budgets of the design against the largest file, and growth against the one before it."""
    *smaller, largest = sorted(map(int, raw["sizes"]))
    runs = raw["sizes"][str(largest)]
    seconds = {way: min(its["seconds"]) for way, its in runs.items()}
    slower, used = seconds["plain"] / seconds["ours"], max(runs["ours"]["mb"])
    before = raw["sizes"][str(smaller[-1])]["ours"] if smaller else runs["ours"]
    growth = (seconds["ours"] / largest) / (min(before["seconds"]) / (smaller[-1] if smaller else largest))
    flat = used / max(before["mb"])
    rows: list[list[Cell]] = [
        [
            "time (s)",
            seconds["ours"],
            f"pyarrow: {seconds['floor']:.1f}",
            *_limit(seconds["ours"] / seconds["floor"], 2.2),
        ],
        [
            "plain way, times as slow",
            None,
            f"plain: {seconds['plain']:.1f}",
            f"{slower:.1f}×",
            "≥ 3×",
            verdict(3, slower),
        ],
        ["memory (MB)", used, None, None, "≤ 1000", verdict(used, 1000)],
        ["time per row, against the file before", None, None, *_limit(growth, 1.2)],
        ["memory, against the file before", None, f"{max(before['mb']):.0f}", *_limit(flat, 1.2)],
    ]
    title = f"The budgets, held against {largest:,} rows.\n\n"
    return title + table(["budget", "ours", "against", "ratio", "allowed", "verdict"], rows)


def sizes(raw: Raw) -> str:
    """Show every way at every size."""
    rows = [row for n in sorted(map(int, raw["sizes"])) for row in _ways(f"{n:,}", n, raw["sizes"][str(n)])]
    note = (
        "\nFresh process each, in turns. Seconds do not hold imports; they end when the output is on the"
        " disk. The plain way leaves out what the two libraries do not offer: Ward placement, agreement,"
        " familiarity, drift, and rejecting rows; its columns are the others of ours.\n"
    )
    return "## By size\n\n" + table(_heads("rows"), rows) + note


def kinds(raw: Raw, n: int) -> str:
    """Show other kinds of file."""
    rows = [row for kind, runs in raw["kinds"].items() for row in _ways(kind, n, runs)]
    note = (
        "\n*plain*: commas, whole amounts. *semicolon*: amounts with cents and a decimal comma. *quoted"
        " text*: two more columns, with separators, quotes and line ends inside. *bad rows*: 1% have no"
        " amount; pyarrow alone cannot tell. *Parquet*: in and out.\n"
    )
    return f"## By kind of file, {n:,} rows\n\n" + table(_heads("kind"), rows) + note


def _heads(first: str) -> list[str]:
    return [first, "way", "runs", "best (s)", "median (s)", "× pyarrow", "s per million", "peak (MB)"]


def _ways(first: str, n: int, runs: dict[str, dict[str, list[float]]]) -> list[list[Cell]]:
    least = min(runs["floor"]["seconds"]) if "floor" in runs else None
    return [
        [
            first,
            WORDS[way],
            str(len(its["seconds"])),
            min(its["seconds"]),
            median(its["seconds"]),
            f"{min(its['seconds']) / least:.2f}×" if least else None,
            min(its["seconds"]) / n * 1e6,
            max(its["mb"]),
        ]
        for way, its in runs.items()
    ]


def _limit(ratio: float, limit: float) -> list[Cell]:
    return [f"{ratio:.2f}×", f"≤ {limit}×", verdict(ratio, limit)]
