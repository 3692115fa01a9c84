"""The page's results as tables: one of the budgets, one per kind of measurement."""

from statistics import median
from typing import Any

from benchmarks.report import percentile, table, verdict

SITES = ("ours", "Streamlit", "Flask")
Raw = dict[str, Any]


def budgets(raw: Raw) -> str:
    """Hold every budget of the design against what was measured."""
    usable, paint = _typical(raw, "warm", "usable_ms"), _typical(raw, "warm", "first_paint_ms")
    p50, p95 = _times(raw, "first_ms", 50), _times(raw, "first_ms", 95)
    first, later = (_sum_of_bytes(raw, state, "ours") / 1e6 for state in ("cold", "warm"))
    further, closed = raw["memory"]["ours"]["further_mb"], raw["goodbye_s"]
    slowest = max(seconds if seconds is not None else float("inf") for seconds in closed.values())
    crowd = raw["crowd"]
    rows: list[list] = [
        _ratio("usable, warm cache (ms)", usable, "Streamlit", 1.0),
        _after("first paint, warm cache (ms)", paint, "Flask", 300),
        _ratio("change to answer, p50 (ms)", p50, "Flask", 1.2),
        _ratio("change to answer, p50 (ms)", p50, "Streamlit", 0.4),
        _ratio("change to answer, p95 (ms)", p95, "Streamlit", 0.25),
        ["first open (MB)", first, None, None, "≤ 2.5", verdict(first, 2.5)],
        ["later opens (MB)", later, None, None, "≤ 0.1", verdict(later, 0.1)],
        [
            "memory per further page (MB)",
            further,
            f"stock kernel: {raw['stock_further_mb']:.0f}",
            f"{further / raw['stock_further_mb']:.2f}×",
            "≤ 100",
            verdict(further, 100),
        ],
        ["closed page's kernel gone (s)", slowest, None, None, "≤ 60", verdict(slowest, 60)],
        [
            f"{crowd['visitors']} visitors: errors + lost",
            crowd["errors"] + crowd["lost"],
            None,
            None,
            "0",
            verdict(crowd["errors"] + crowd["lost"], 0),
        ],
    ]
    return table(["budget", "ours", "against", "ratio", "allowed", "verdict"], rows)


def openings(raw: Raw) -> str:
    """Show medians of the openings."""
    rows: list[list] = []
    for state, words in (("cold", "first open"), ("warm", "later open")):
        for key, unit in (
            ("first_paint_ms", "first paint (ms)"),
            ("usable_ms", "usable (ms)"),
            ("requests", "requests answered over the wire"),
            ("http_bytes", "HTTP (kB)"),
            ("message_bytes", "WebSocket (kB)"),
        ):
            scale = 1e3 if key.endswith("_bytes") else 1
            values = _typical(raw, state, key).values()
            rows.append([f"{words}: {unit}", *(value / scale for value in values)])
    count = len(raw["openings"]["ours"]["cold"])
    return f"## Opening\n\nMedians of {count} openings each.\n\n" + table(["", *SITES], rows)


def changes(raw: Raw) -> str:
    """Show how long a change takes, until the K-Means segment is painted and until nothing moves any more."""
    rows: list[list] = []
    for key, words in (("first_ms", "segment painted"), ("whole_ms", "whole answer painted")):
        for share in (50, 95):
            rows.append([f"{words}, p{share} (ms)", *_times(raw, key, share).values()])
    lost = {name: len(raw["changes"][name]["lost"]) for name in SITES}
    rows.append(["answers lost", *lost.values()])
    count = len(raw["changes"]["ours"]["first_ms"]) + lost["ours"]
    return f"## Changing an amount\n\n{count} changes each, the same ones.\n\n" + table(["", *SITES], rows)


def memory(raw: Raw, pages: int) -> str:
    """Show the servers' memory and when a closed page's kernel is gone."""
    keys = {
        "none_mb": "no page open",
        "one_mb": "1 page",
        "many_mb": f"{pages} pages",
        "further_mb": "each further page",
    }
    rows: list[list] = [[words, *(raw["memory"][name][key] for name in SITES)] for key, words in keys.items()]
    gone = raw["goodbye_s"]
    said = {how: "never" if seconds is None else f"{seconds:.1f} s" for how, seconds in gone.items()}
    return (
        "## Memory of server and kernels (PSS, MB)\n\n"
        + table(["", *SITES], rows)
        + "\nA kernel with pandas, scikit-learn and the pickled models costs"
        f" {raw['stock_further_mb']:.0f} MB per further page.\n\nOur kernel is gone {said['closed']} after"
        f" its page is closed, {said['crashed']} after its tab crashes.\n"
    )


def crowd(raw: Raw) -> str:
    """Say how the crowd fared."""
    its = raw["crowd"]
    return (
        f"## {its['visitors']} visitors at once, on our page\n\n"
        f"{its['predictions']} predictions: {its['lost']} lost, {its['errors']} errors,"
        f" {its['not_opened']} pages not opened. All pages were open after {its['opening_s']:.0f} s"
        f" (browser and server share the cores); all predictions took {its['predicting_s']:.0f} s.\n"
    )


def _typical(raw: Raw, state: str, key: str) -> dict[str, float]:
    return {name: median(one[key] for one in raw["openings"][name][state]) for name in SITES}


def _times(raw: Raw, key: str, share: float) -> dict[str, float]:
    return {name: percentile(raw["changes"][name][key], share) for name in SITES}


def _sum_of_bytes(raw: Raw, state: str, name: str) -> float:
    return sum(_typical(raw, state, key)[name] for key in ("http_bytes", "message_bytes"))


def _ratio(what: str, values: dict[str, float], rival: str, limit: float) -> list:
    ratio = values["ours"] / values[rival]
    against = f"{rival}: {values[rival]:.0f}"
    return [what, values["ours"], against, f"{ratio:.2f}×", f"≤ {limit:g}×", verdict(ratio, limit)]


def _after(what: str, values: dict[str, float], rival: str, limit: float) -> list:
    later = values["ours"] - values[rival]
    against = f"{rival}: {values[rival]:.0f}"
    return [what, values["ours"], against, f"{later:+.0f} ms", f"≤ +{limit:g} ms", verdict(later, limit)]
