"""How a scored file is told of on a terminal: its progress, and its summary."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from wholesale.columns import LABELS, MODELS
from wholesale.wording import counted, format_amount, format_share

if TYPE_CHECKING:
    from wholesale.scoring import Summary
    from wholesale.scoring.summary import Drift


@contextmanager
def progress_bar(*, hidden: bool) -> Iterator[Callable[[int, float | None], None]]:
    """Show rows, rate and time left on standard error, if that is a terminal."""
    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    terminal = Console(stderr=True)
    with Progress(
        *columns, console=terminal, transient=True, disable=hidden or not sys.stderr.isatty()
    ) as bar:
        task, began = bar.add_task("", total=None), time.monotonic()

        def show(rows: int, share: float | None) -> None:
            rate = rows / max(time.monotonic() - began, 1e-3)
            bar.update(
                task,
                description=f"{counted(rows, 'row')}, {format_amount(round(rate))} a second",
                total=None if share is None else 1,
                completed=share or 0,
            )

        yield show


def tell(summary: "Summary", output: str, rejected: str | None, *, err: bool) -> None:
    """Print a summary, on standard error where standard output holds the customers themselves."""
    console = Console(stderr=err, soft_wrap=True, highlight=False, markup=False)
    if summary.other_market:
        console.print(summary.verdict)
    console.print(f"Scored {counted(summary.accepted, 'customer')} into {output}.")
    if summary.rejected:
        where = f", with reasons in {rejected}" if rejected else "; keep such rows with --rejected FILE"
        console.print(f"Rejected {counted(summary.rejected, 'row')}{where}:")
        for line in summary.examples:
            console.print(f"  {line}")
        if more := summary.rejected - len(summary.examples):
            console.print(f"  and {format_amount(more)} more")
    for note in summary.notes:
        console.print(note)
    if summary.accepted:
        console.print(_segments(summary))
        console.print(_drift(summary.drift))
        console.print("D: 0 if they spend as those on record do, 1 if nothing is in common.")
    if not summary.other_market:
        console.print(summary.verdict)


def _segments(summary: "Summary") -> Table:
    table = Table("model", "segment", "customers", "share")
    for model, label in MODELS.items():
        if model not in summary.segments:
            table.add_row(label, "none", "–", "–", end_section=True)
            continue
        for i, (name, customers) in enumerate(summary.segments[model], start=1):
            last = i == len(summary.segments[model])
            size = (format_amount(customers), format_share(customers / summary.accepted))
            table.add_row(label if i == 1 else "", f"{i} {name}", *size, end_section=last)
    return table


def _drift(drift: dict[str, "Drift"]) -> Table:
    table = Table("category", "D", "spending")
    for column, each in drift.items():
        table.add_row(LABELS[column], f"{each.distance:.2f}", each.words)
    return table
