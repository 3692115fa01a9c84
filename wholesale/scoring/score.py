"""Whole files scored, part by part and some at a time, in the order of the file and in bounded memory.

`Run` is the one loop: in threads, where a part is a block of one file, or on a cluster (`cluster.Cluster`).
"""

import os
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from wholesale.predict import Predictor
from wholesale.reading import CustomerFile, ReadError, Settings, open_customers, read_block
from wholesale.reading.dialect import Dialect, Reconsider
from wholesale.reading.header import naming
from wholesale.reading.records import Block
from wholesale.reading.totals import Seen, beside, beyond
from wholesale.scoring.output import Rows, TableFile, check_free, writing
from wholesale.scoring.summary import Counts, Summary, count, summarize
from wholesale.scoring.table import score_table

T = TypeVar("T")
Progress = Callable[[int, float | None], object]
"""What is told the rows read so far and, where it is known, their share (0…1) of all."""


class Scored(NamedTuple, Generic[T]):
    """What becomes of a part of a file: its customers with answers, its rejected rows, and counts.

    The two are tables, then rows ready to be written, or files that a cluster's worker has written.
    """

    customers: T
    rejected: T
    counts: Counts
    lines: pa.ChunkedArray


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
    """Score a file of customers.

    Parameters
    ----------
    source : path
        As for :func:`wholesale.reading.open_customers`.
    output : path
        Written as Parquet if it ends in ``.parquet``, else as CSV: the columns of `source` in their order,
        then the answers.
    predictor : Predictor
    rejected : path, optional
        A CSV of the rejected rows, written only if there are any; by default `output` with the suffix
        ``.rejected.csv``.
    settings : Settings, optional
        How to read `source`.
    force : bool
        Whether to replace files that are there already.
    workers : int, optional
        Threads; by default one per core.
    progress : callable
        Told the rows read so far and, where it is known, their share (0…1) of the file.
    lines : list of int, optional
        Filled with each customer's line in `source`, in the order of `output`.

    Returns
    -------
    Summary

    Raises
    ------
    ReadError
        If `source` cannot be read.
    OutputError
        If an output cannot be written. Neither error leaves anything behind under the final names.
    """
    source, output, workers = Path(source), Path(output), workers or os.cpu_count() or 1
    rejected = output.with_suffix(".rejected.csv") if rejected is None else Path(rejected)
    file, new = open_customers(source, settings), not force
    with writing():
        check_free(output, force=force, source=source)
        check_free(rejected, force=force, source=source, option="--rejected", other=output)
        with TableFile(output, new=new) as accept, TableFile(rejected, optional=True, new=new) as reject:
            with ThreadPoolExecutor(workers) as pool:
                threads = Threads([file], predictor, progress, pool, accept, reject, lines)
                summary = threads.run(source, ahead=2 * workers)
            accept.complete()
            reject.complete()
    return summary


def score_block(predictor: Predictor, form: Dialect, block: Block) -> Scored[pa.Table]:
    """Read and score one block; pure, so that blocks can be scored anywhere and in any order."""
    part = read_block(form, block)
    scored = score_table(predictor, part.accepted)
    counts = count(predictor, scored, part.rejected, part.seen)
    return Scored(scored, part.rejected, counts, part.accepted.column(0))


@dataclass
class Run(ABC):
    """Files on their way: part by part, some ahead, each looked at in its turn.

    A file is read once more, from its start, where a part of it or all of it shows another form. What scores
    a part, and what becomes of it, is said by `Threads` and `Cluster`.
    """

    files: list[CustomerFile]
    predictor: Predictor
    progress: Progress
    counts: dict[int, Counts] = field(default_factory=dict, init=False)
    read: dict[int, float] = field(default_factory=dict, init=False)

    @abstractmethod
    def parts(self, file: CustomerFile) -> Iterator[tuple[Any, float | None]]:
        """Cut a file into parts, each with the share (0…1) of the file up to its end, where it is known."""

    @abstractmethod
    def submit(self, file: CustomerFile, part: Any) -> Any:
        """Begin to score a part."""

    def result(self, promise: Any) -> Scored[Any] | None:
        """Wait for what was submitted, or raise what is wrong with it; None if there is no row in it."""
        return promise.result()

    @abstractmethod
    def keep(self, i: int, scored: Scored[Any]) -> None:
        """Keep what was scored of file `i`, in the order of its parts."""

    @abstractmethod
    def forget(self, i: int) -> None:
        """Forget what was scored of file `i`, which is read from its start."""

    def run(self, source: Path, *, ahead: int) -> Summary:
        """Score all files, so many parts ahead; `files` then are as they were read in the end."""
        forms = {i: file.dialect for i, file in enumerate(self.files)}
        while forms:
            for i, form in forms.items():
                with naming(self.files[i].path.name):
                    self.files[i] = self.files[i].reconsidered(form)
                self.forget(i)
                self.counts.pop(i, None)
                self.read.pop(i, None)
            forms = self._read(list(forms), ahead) or self._judge()
        if not any(counts.rows for counts in self.counts.values()):
            with naming(source.name):
                raise ReadError("it has a header but no rows")
        total = reduce(Counts.plus, (counts for _, counts in sorted(self.counts.items())))
        return summarize(self.predictor, total, self._notes())

    def _read(self, begun: list[int], ahead: int) -> dict[int, Dialect]:
        """Score files from their start; give the form of those that are to be read once more."""
        forms: dict[int, Dialect] = {}
        for i, share, promise in begun_ahead(self._promises(begun, forms), ahead):
            if i in forms:
                continue
            try:
                with naming(self.files[i].path.name):
                    if isinstance(promise, Exception):
                        raise promise
                    scored = self.result(promise)
                if scored is not None:
                    self._take(i, share, scored)
            except Reconsider as other:
                forms[i] = other.dialect
        return forms

    def _promises(
        self, begun: list[int], forms: dict[int, Dialect]
    ) -> Iterator[tuple[int, float | None, Any]]:
        for i in begun:
            try:
                for part, share in self.parts(self.files[i]):
                    if i in forms:
                        break
                    yield i, share, self.submit(self.files[i], part)
            except (Reconsider, ReadError) as fault:  # it is its turn after the parts before it
                yield i, None, fault

    def _take(self, i: int, share: float | None, scored: Scored[Any]) -> None:
        self.keep(i, scored)
        counts, sizes = scored.counts, [file.path.stat().st_size for file in self.files]
        self.read[i] = sizes[i] * (share or 0)
        if len(self.files) > 1:
            named = [f"{self.files[i].path.name}, {example}" for example in counts.examples]
            counts = replace(counts, examples=named)
        self.counts[i] = self.counts[i].plus(counts) if i in self.counts else counts
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
        forms, together = {}, reduce(Seen.plus, seen)
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


@dataclass
class Threads(Run):
    """Blocks of one file, scored in threads of this process and written when it is their turn."""

    pool: ThreadPoolExecutor
    accept: TableFile
    reject: TableFile
    lines: list[int] | None

    def parts(self, file: CustomerFile) -> Iterator[tuple[Block, float | None]]:
        """Give the blocks of a file."""
        length = None
        if file.kind == "parquet":
            length = pq.read_metadata(file.path).num_rows
        elif is_divisible(file):
            length = file.path.stat().st_size
        for block in file.blocks():
            yield block, (file.dialect.start + block.end) / length if length else None

    def submit(self, file: CustomerFile, part: Block) -> Future:
        """Score a block, and make it ready to be written, in another thread."""
        return self.pool.submit(self._score, file.dialect, part)

    def _score(self, form: Dialect, block: Block) -> Scored[Rows]:
        customers, rejected, counts, lines = score_block(self.predictor, form, block)
        return Scored(self.accept.prepare(customers), self.reject.prepare(rejected), counts, lines)

    def keep(self, _: int, scored: Scored[Rows]) -> None:
        """Write a block."""
        self.accept.write(scored.customers)
        self.reject.write(scored.rejected)
        if self.lines is not None:
            self.lines.extend(scored.lines.to_pylist())

    def forget(self, _: int) -> None:
        """Begin both outputs anew."""
        self.accept.restart()
        self.reject.restart()
        if self.lines is not None:
            self.lines.clear()


def is_divisible(file: CustomerFile) -> bool:
    """Say whether a text file can be read from its middle: not if it is compressed, or of UTF-16."""
    compressed = file.path.suffix in (".gz", ".bz2", ".zst", ".lz4")
    return file.kind == "text" and not file.dialect.encoding.startswith("utf-16") and not compressed
