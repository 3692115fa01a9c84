"""Customers scored: a table, or whole files part by part, in the order of the file and in bounded memory.

`Run` is the one loop over parts, which an executor scores: blocks of one file in threads of this process
(`Threads`), or portions of files on the workers of a Dask cluster (`cluster.Cluster`).
"""

import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add
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
from wholesale.reading.totals import Seen, beside, beyond
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
    answers = _answers(predictor, spend(accepted))
    if taken := [name for name in names if name in answers and name not in old]:
        raise ReadError(f"its column {taken[0]} has the name of an answer: rename it")
    kept = accepted.select([i for i, name in enumerate(names) if i and name not in old])
    return pa.table([*kept.columns, *answers.values()], [*kept.column_names, *answers])


def _answers(predictor: Predictor, amounts: np.ndarray) -> dict[str, pa.Array]:
    """Answer as `predict_segments` does, in Arrow's columns, null for NaN; amounts have shape (n, 6)."""
    slices = [amounts[i : i + SLICE] for i in range(0, max(len(amounts), 1), SLICE)]
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
    file, new = open_customers(source, settings), not force
    with writing():
        check_free(output, force=force, source=source)
        check_free(rejected, force=force, source=source, option="--rejected", other=output)
        with TableFile(output, new=new) as accept, TableFile(rejected, optional=True, new=new) as reject:
            with ThreadPoolExecutor(workers) as pool:
                threads = Threads(predictor, pool, accept, reject, lines)
                summary = Run([file], predictor, progress, threads).run(source, ahead=2 * workers)
            accept.complete()
            reject.complete()
    return summary


class Scored(NamedTuple):
    """What becomes of a part of a file; its two tables in memory, ready to be written, or names of files."""

    customers: Any
    rejected: Any
    counts: Counts
    lines: pa.ChunkedArray = None


def score_block(predictor: Predictor, form: Dialect, block: Block) -> Scored:
    """Read and score one block; pure, so that blocks can be scored anywhere and in any order."""
    part = read_block(form, block)
    scored = score_table(predictor, part.accepted)
    counts = count(predictor, scored, part.rejected, part.seen)
    return Scored(scored, part.rejected, counts, part.accepted.column(0))


@dataclass
class Threads:
    """Blocks of one file, scored in threads of this process and written when it is their turn."""

    predictor: Predictor
    pool: ThreadPoolExecutor
    accept: TableFile
    reject: TableFile
    lines: list[int] | None

    def parts(self, file: CustomerFile) -> Iterator[tuple[Block, float | None]]:
        length = file.length
        for block in file.blocks():
            yield block, block.end / length if length else None

    def submit(self, file: CustomerFile, part: Block) -> "Future[Scored]":
        return self.pool.submit(self._score, file.dialect, part)

    def _score(self, form: Dialect, block: Block) -> Scored:
        scored = score_block(self.predictor, form, block)
        customers, rejected = self.accept.prepare(scored.customers), self.reject.prepare(scored.rejected)
        return scored._replace(customers=customers, rejected=rejected)

    def result(self, promise: "Future[Scored]") -> Scored:
        return promise.result()

    def keep(self, i: int, scored: Scored) -> None:
        self.accept.write(scored.customers)
        self.reject.write(scored.rejected)
        if self.lines is not None:
            self.lines.extend(scored.lines.to_pylist())

    def forget(self, i: int) -> None:
        self.accept.restart()
        self.reject.restart()
        if self.lines is not None:
            self.lines.clear()


@dataclass
class Run:
    """Files on their way: part by part, some ahead, each looked at in its turn.

    A file is read once more, from its start, where a part of it or all of it shows another form.
    """

    files: list[CustomerFile]
    predictor: Predictor
    progress: Progress
    executor: Any  # which cuts files into parts, scores these, and keeps or forgets what it scored: `Threads`
    counts: dict[int, Counts] = field(default_factory=dict, init=False)
    read: dict[int, float] = field(default_factory=dict, init=False)  # bytes

    def run(self, source: Path, *, ahead: int) -> Summary:
        """Score all files, so many parts ahead; `files` then are as they were read in the end."""
        forms = {i: file.dialect for i, file in enumerate(self.files)}
        while forms:
            for i, form in forms.items():
                with naming(self.files[i].path.name):
                    self.files[i] = self.files[i].reconsidered(form)
                self.executor.forget(i)
                self.counts.pop(i, None)
                self.read.pop(i, None)
            forms = self._read(list(forms), ahead) or self._judge()
        if not any(counts.rows for counts in self.counts.values()):
            with naming(source.name):
                raise ReadError("it has a header but no rows")
        total = reduce(add, (counts for _, counts in sorted(self.counts.items())))
        return summarize(self.predictor, total, self._notes())

    def _read(self, begun: list[int], ahead: int) -> dict[int, Dialect]:
        """Score files from their start; give the form of those that are to be read once more."""
        forms: dict[int, Dialect] = {}
        for i, share, promise in begun_ahead(self._parts(begun, forms), ahead):
            if i in forms:
                continue
            try:
                with naming(self.files[i].path.name):
                    if isinstance(promise, Exception):
                        raise promise
                    if scored := self.executor.result(promise):
                        self._take(i, share, scored)
            except Reconsider as other:
                forms[i] = other.dialect
        return forms

    def _parts(self, begun: list[int], forms: dict[int, Dialect]) -> Iterator[tuple[int, float | None, Any]]:
        for i in begun:
            try:
                for part, share in self.executor.parts(self.files[i]):
                    if i in forms:
                        break
                    yield i, share, self.executor.submit(self.files[i], part)
            except (Reconsider, ReadError) as fault:  # it is its turn after the parts before it
                yield i, None, fault

    def _take(self, i: int, share: float | None, scored: Scored) -> None:
        self.executor.keep(i, scored)
        counts, sizes = scored.counts, [file.path.stat().st_size for file in self.files]
        if len(self.files) > 1:
            named = [f"{self.files[i].path.name}, {example}" for example in counts.examples]
            counts = replace(counts, examples=named)
        self.counts[i] = self.counts[i] + counts if i in self.counts else counts
        self.read[i] = sizes[i] * (share or 0)
        rows = sum(each.rows for each in self.counts.values())
        self.progress(rows, None if share is None else min(sum(self.read.values()) / sum(sizes), 1))

    def _judge(self) -> dict[int, Dialect]:
        """Look at what each file shows, and all together; give the form of those to be read once more."""
        forms: dict[int, Dialect] = {}
        seen = [self.counts[i].seen if i in self.counts else Seen() for i in range(len(self.files))]
        for i, file in enumerate(self.files):
            try:
                with naming(file.path.name):
                    self.files[i] = file.judged(seen[i])
            except Reconsider as other:
                forms[i] = other.dialect
        return forms or (self._judge_together(seen) if len(seen) > 1 else {})

    def _judge_together(self, seen: list[Seen]) -> dict[int, Dialect]:
        """Find rows that are the sum of all others in all files."""
        forms, together = {}, reduce(add, seen)
        rows, times = together.totals()
        step = None if rows else together.step()
        for i, file in enumerate(self.files):
            lines = [row.line for row in seen[i].largest if row in rows]
            with naming(file.path.name):
                if step and step[:2] in [row[:2] for row in seen[i].steps]:
                    raise beside(step.line)
                if lines and times > 1:
                    raise beyond(lines[0])
            if lines:
                forms[i] = replace(file.dialect, totals=(*file.dialect.totals, *lines))
        return forms

    def _notes(self) -> list[str]:
        """Give the notes on all files; if there are several, each with the first that it is on."""
        if len(self.files) == 1:
            return self.files[0].notes
        names: dict[str, list[str]] = {}
        for file in self.files:
            for note in file.notes:
                names.setdefault(note, []).append(file.path.name)
        more = {note: f" and {len(on) - 1} more" if len(on) > 1 else "" for note, on in names.items()}
        return [f"{on[0]}{more[note]}: {note}" for note, on in names.items()]


def begun_ahead(items: Iterator[T], most: int) -> Iterator[T]:
    """Give items in their order, `most` more of them begun before each."""
    waiting: deque[T] = deque()
    for item in items:
        waiting.append(item)
        if len(waiting) > most:
            yield waiting.popleft()
    yield from waiting
