"""Customers scored: a table, or whole files part by part, in the order of the file and in bounded memory.

`run` is the one loop over parts: blocks of one file, scored in threads of this process (`score_file`), or
portions of files, on the workers of a Dask cluster (`cluster.score_cluster`).
"""

import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wholesale.columns import ANSWERS
from wholesale.predict import Predictor, predict_segments
from wholesale.reading import CustomerFile, ReadError, Settings, open_customers, read_block
from wholesale.reading.dialect import Dialect, Reconsider
from wholesale.reading.header import naming
from wholesale.reading.records import Block
from wholesale.reading.totals import BESIDE, BEYOND, NOTHING, TOTAL
from wholesale.scoring.output import OutputError, TableFile, check_free, writing
from wholesale.scoring.summary import Counts, Summary, count, spend, summarize

__all__ = ["OutputError", "Summary", "score_file", "score_table"]

T = TypeVar("T")
Progress = Callable[[int, float | None], object]
"""What is told the rows read so far and, where it is known, their share (0…1) of all."""

SLICE = 8192  # rows measured at a time: their intermediate results stay in a processor's cache


def score_table(predictor: Predictor, accepted: pa.Table) -> pa.Table:
    """Add the models' answers to customers as :func:`wholesale.reading.read_customers` gives them.

    Line numbers are left out, and answers of an earlier scoring replaced; another column that is named as an
    answer is a `ReadError`.
    """
    names, old = accepted.column_names, set[str]()
    if set(ANSWERS) <= set(names):
        old = {name for name in names if name in ANSWERS or re.fullmatch(r"gmm_p\d+", name)}
    answers = _answers(predictor, spend(predictor, accepted))
    if taken := [name for name in names if name in answers and name not in old]:
        raise ReadError(f"its column {taken[0]} has the name of an answer: rename it")
    kept = accepted.select([i for i, name in enumerate(names) if i and name not in old])
    return pa.table([*kept.columns, *answers.values()], [*kept.column_names, *answers])


def _answers(predictor: Predictor, amounts: np.ndarray) -> dict[str, pa.Array]:
    """Answer as `predict_segments` does, in Arrow's columns, null for NaN; amounts have shape (n, d)."""
    slices = np.split(amounts, range(SLICE, len(amounts), SLICE))
    answers = [predict_segments(predictor, rows) for rows in slices]
    columns: dict[str, pa.Array] = {}
    for name in answers[0]:
        model, _, field_name = name.partition("_")
        if field_name == "name":
            names = pa.array(predictor.names.get(model, ()), pa.string())
            columns[name] = names.take(pc.subtract(columns[f"{model}_segment"], 1))
        else:
            values = np.concatenate([each[name] for each in answers])
            kind = pa.int64() if field_name == "segment" else None
            columns[name] = pa.array(values, kind, from_pandas=not predictor.has_mixture)
    return columns


def score_file(
    source: Path | str,
    output: Path | str,
    predictor: Predictor,
    *,
    rejected: Path | str | None = None,
    settings: Settings | None = None,
    force: bool = False,
    workers: int | None = None,
    progress: Progress = lambda rows, share: None,
    lines: list[int] | None = None,
) -> Summary:
    """Score a file of customers, in as many threads as there are cores if no other number is given.

    The output (Parquet if it ends in ``.parquet``, else CSV) has the columns of the file in their order, then
    the answers; `rejected` (by default the output's name with ``.rejected.csv``) is written only if there are
    such rows; `lines` is filled with each customer's line in the source. A `ReadError` (the source) or
    `OutputError` leaves nothing behind under the final names.
    """
    source, output, workers = Path(source), Path(output), workers or os.cpu_count() or 1
    rejected = output.with_suffix(".rejected.csv") if rejected is None else Path(rejected)
    settings = replace(settings or Settings(), categories=predictor.categories)
    file, new = open_customers(source, settings), not force
    with writing():
        check_free(output, [source], force=force)
        check_free(rejected, [source], force=force, other=output)
        with (
            TableFile(output, new=new, amounts=predictor.categories.columns) as accept,
            TableFile(rejected, optional=True, new=new) as reject,
            ThreadPoolExecutor(workers) as pool,
        ):
            written = Written(accept, reject, lines)

            def begin(file: CustomerFile) -> Iterator[Begun]:
                length = file.length
                for block in file.blocks():
                    share = block.end / length if length else None
                    yield share, pool.submit(written.prepare, predictor, file.dialect, block).result

            readings = [Reading(file, written)]
            summary = run(readings, begin, predictor, source, progress=progress, ahead=2 * workers)
            accept.complete()
            reject.complete()
    return summary


class Scored(NamedTuple):
    """What becomes of a part of a file; its two tables ready to be written, or the names of their files."""

    customers: Any
    rejected: Any
    counts: Counts
    lines: pa.ChunkedArray = None


Begun = tuple[float | None, Callable[[], Scored]]
"""A part that is being scored: the share of its file up to its end, if known, and what waits for it."""

Begin = Callable[[CustomerFile], Iterator[Begun]]


class Written(NamedTuple):
    """Two files, which take scored parts as a list would, and forget them."""

    accept: TableFile
    reject: TableFile
    lines: list[int] | None = None

    def prepare(self, predictor: Predictor, dialect: Dialect, block: Block) -> Scored:
        """Read and score a block, in any thread and any order, so that it only has to be written."""
        part = read_block(dialect, block)
        scored = score_table(predictor, part.accepted)
        counts = count(predictor, scored, part.rejected, part.seen)
        tables = self.accept.prepare(scored), self.reject.prepare(part.rejected)
        return Scored(*tables, counts, part.accepted.column(0))

    def append(self, scored: Scored) -> None:
        self.accept.write(scored.customers)
        self.reject.write(scored.rejected)
        if self.lines is not None:
            self.lines.extend(scored.lines.to_pylist())

    def clear(self) -> None:
        self.accept.restart()
        self.reject.restart()
        if self.lines is not None:
            self.lines.clear()


@dataclass
class Reading:
    """A file on its way, and what keeps its scored parts (`append`) or forgets them (`clear`)."""

    file: CustomerFile
    kept: Any
    counts: Counts = field(default_factory=Counts)
    read: float = 0  # bytes
    again: bool = True  # from its start, in the dialect that a part of it or all of it has shown

    @contextmanager
    def looked_at(self) -> Iterator[None]:
        """Name the file in what is wrong with it; where another dialect shows, it is to be read in that."""
        with naming(self.file.path.name):
            try:
                yield
            except Reconsider as other:
                self.file, self.again = self.file.reconsidered(other.dialect), True

    def take(self, share: float | None, scored: Scored) -> None:
        if scored.counts.rows:
            self.kept.append(scored)
        self.counts += scored.counts
        self.read = (share or 0) * self.file.path.stat().st_size


def run(
    files: list[Reading], begin: Begin, predictor: Predictor, source: Path, *, progress: Progress, ahead: int
) -> Summary:
    """Score files, part by part as `begin` gives them, so many ahead; each is looked at in its turn."""
    whole = sum(each.file.path.stat().st_size for each in files)
    while begun := [each for each in files if each.again]:
        for each in begun:
            each.kept.clear()
            each.counts, each.read, each.again = Counts(), 0, False
        for each, (share, scored) in begun_ahead(_parts(begun, begin), ahead):
            if not each.again:
                with each.looked_at():
                    each.take(share, scored())
                    read = None if share is None else min(sum(each.read for each in files) / whole, 1)
                    progress(sum(each.counts.rows for each in files), read)
        if not any(each.again for each in files):
            _judge(files)
    several = len(files) > 1
    counts = [each.counts.named(each.file.path.name) if several else each.counts for each in files]
    if not (total := sum(counts, Counts())).rows:
        with naming(source.name):
            raise ReadError("it has a header but no rows")
    return summarize(predictor, total, _notes(files) if several else files[0].file.notes)


def _parts(files: list[Reading], begin: Begin) -> Iterator[tuple[Reading, Begun]]:
    for each in files:
        try:
            for part in begin(each.file):
                yield each, part
                if each.again:
                    break
        except (Reconsider, ReadError) as fault:  # it is its turn after the parts before it
            failed: Future[Scored] = Future()
            failed.set_exception(fault)
            yield each, (None, failed.result)


def _judge(files: list[Reading]) -> None:
    """Look at what each file shows, and then at rows that are the sum of all others in all files."""
    for each in files:
        with each.looked_at():
            each.file = each.file.judged(each.counts.seen)
    if len(files) == 1 or any(each.again for each in files):
        return
    whole = sum((each.counts.seen for each in files), NOTHING)
    rows, times, step = whole.totals()
    currencies = frozenset[str]().union(*(each.file.currencies for each in files))
    for each in files:
        seen, dialect = each.counts.seen, each.file.dialect
        each.file = replace(each.file, seen=replace(each.file.seen, currencies=currencies))
        with each.looked_at():
            if step and step[:2] in [row[:2] for row in seen.steps]:
                raise ReadError(BESIDE.format(step.line), option=whole.option)
            if lines := [row.line for row in seen.largest if row in rows]:
                if times > 1:
                    raise ReadError(BEYOND.format(lines[0]), option=whole.option)
                raise Reconsider(replace(dialect, summaries=dialect.summaries | dict.fromkeys(lines, TOTAL)))


def _notes(files: list[Reading]) -> list[str]:
    """Give the notes on several files, each with the first that it is on."""
    names: dict[str, list[str]] = {}
    for each in files:
        for note in each.file.notes:
            names.setdefault(note, []).append(each.file.path.name)
    return [f"{on[0]}{f' and {len(on) - 1} more' if on[1:] else ''}: {note}" for note, on in names.items()]


def begun_ahead(items: Iterator[T], most: int) -> Iterator[T]:
    """Give items in their order, `most` more of them begun before each."""
    waiting = deque(islice(items, most))
    for item in items:
        waiting.append(item)
        yield waiting.popleft()
    yield from waiting
