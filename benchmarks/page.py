"""The page against the same page in Streamlit and a bare one in Flask: ``python -m benchmarks.page``."""

from collections import defaultdict
from typing import Annotated, Any

import typer
from playwright.sync_api import Browser, Page

from benchmarks import driving, memory, tables
from benchmarks.report import conditions, write
from benchmarks.servers import Site, all_sites
from wholesale.predict import Predictor, load_predictor

BLOCK = 20  # changes made on one page before it is the next one's turn
KEYS = ("Enter", "Tab")
Times = dict[str, dict[str, list]]


def main(
    opens: Annotated[int, typer.Option(min=1, help="Openings of each page, cold and warm.")] = 10,
    changes: Annotated[int, typer.Option(min=2, help="Changes of an amount on each page.")] = 200,
    pages: Annotated[int, typer.Option(min=2, help="Pages open at once, for memory.")] = 10,
    visitors: Annotated[int, typer.Option(min=1, help="Visitors at once, on our page only.")] = 25,
) -> None:
    """Measure all three pages in turn, in one browser; about twenty minutes."""
    predictor = load_predictor()
    raw: dict[str, Any] = {}
    with all_sites() as sites, driving.chromium() as browser:
        where = conditions("voila", "streamlit", "flask", "waitress", Chromium=browser.version)
        typer.echo("Opening")
        raw["openings"] = measure_openings(browser, sites, opens)
        typer.echo("Changing amounts")
        raw["changes"] = measure_changes(browser, sites, predictor, changes)
        typer.echo("Memory")
        raw["memory"] = {name: memory.measure_pages(browser, site, pages) for name, site in sites.items()}
        raw["stock_further_mb"] = memory.measure_stock(pages)
        typer.echo("Closing, and a crowd")
        raw["goodbye_s"] = {
            "closed": memory.measure_goodbye(browser, sites["ours"], crash=False),
            "crashed": memory.measure_goodbye(browser, sites["ours"], crash=True),
        }
        start, steps = driving.first_customer(predictor), driving.flips(predictor, 20, seed=1)
        raw["crowd"] = driving.crowd(browser, sites["ours"], start, steps, visitors)
    parts = [tables.budgets(raw), tables.openings(raw), tables.changes(raw), tables.memory(raw, pages)]
    write("page", "The page beside Streamlit and Flask", where, [*parts, tables.crowd(raw)], raw)
    typer.echo(parts[0])


def measure_openings(browser: Browser, sites: dict[str, Site], rounds: int) -> Times:
    """Open each page in a new browser context and once more in the same; the pages take turns."""
    openings: Times = {name: defaultdict(list) for name in sites}
    for turn in range(rounds):
        for name in _rotated(list(sites), turn):
            with browser.new_context() as context:
                for state in ("cold", "warm"):
                    openings[name][state].append(driving.measure_opening(context, sites[name]))
    return openings


def measure_changes(browser: Browser, sites: dict[str, Site], predictor: Predictor, n: int) -> Times:
    """Make the same changes on each page, in blocks; the pages take turns."""
    steps, start = driving.flips(predictor, n), driving.first_customer(predictor)
    open_pages = {name: _fresh(browser, site, start) for name, site in sites.items()}
    times: Times = {name: {"first_ms": [], "whole_ms": [], "lost": []} for name in sites}
    for turn, begin in enumerate(range(0, n, BLOCK)):
        for name in _rotated(list(sites), turn):
            open_pages[name].bring_to_front()
            for i, step in enumerate(steps[begin : begin + BLOCK]):
                answer = driving.measure_change(open_pages[name], sites[name], step, KEYS[i % 2])
                if answer is None:
                    times[name]["lost"].append(begin + i)
                else:
                    times[name]["first_ms"].append(answer[0])
                    times[name]["whole_ms"].append(answer[1])
    for page in open_pages.values():
        driving.leave(page)
    return times


def _fresh(browser: Browser, site: Site, start: dict[str, str]) -> Page:
    page, _ = driving.open_page(browser.new_context(), site)
    driving.start_over(page, site, start)
    return page


def _rotated(names: list[str], by: int) -> list[str]:
    by %= len(names)
    return names[by:] + names[:by]


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    app.command()(main)
    app()
