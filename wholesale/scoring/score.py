"""Whole files scored, part by part and some at a time, in the order of the file and in bounded memory.

`Run` is the one loop; what scores a part, and what becomes of it, is an `Executor`'s: `Threads` here, where a
part is a block of one file, and Dask's in :mod:`wholesale.scoring.cluster`.
"""

import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from wholesale.predict import Predictor
from wholesale.reading import CustomerFile, ReadError, Settings, open_customers, read_block
from wholesale.reading.blocks import Block
from wholesale.reading.form import Form, Reconsider
from wholesale.reading.header import naming
from wholesale.reading.seen import Seen, beside, beyond
from wholesale.reading.sorting import LINE
from wholesale.reading.text import is_archive
from wholesale.scoring.output import Rows, TableFile, check_free, writing
from wholesale.scoring.summary import Counts, Summary, count, summarize
from wholesale.scoring.table import score_table

T = TypeVar("T")


class Progress(Protocol):
    """What is told the rows read so far and, where it is known, their share (0…1) of all."""

    def __call__(self, rows: int, share: float | None, /) -> object:
        """Tell it."""


class Scored(NamedTuple, Generic[T]):
    """What becomes of a part of a file: its customers with answers, its rejected rows, and counts.

    The two are tables, then rows ready to be written, or files that a cluster's worker has written.
    """

    customers: T
    rejected: T
    counts: Counts
    lines: pa.ChunkedArray


class Promise(Protocol):
    """A part that is being scored."""

    def result(self) -> Scored[Any] | None:
        """Wait for it, or raise what is wrong with it; None if there is no row in it."""

    def cancel(self) -> object:
        """Do without it."""


class Executor(Protocol):
    """What scores parts of files."""

    @property
    def ahead(self) -> int:
        """How many parts are begun before the first is looked at."""

    def begin(self, i: int) -> None:
        """Forget what was scored of file `i`, as it is read from its start."""

    def parts(self, file: CustomerFile) -> Iterator[tuple[Any, float | None]]:
        """Cut a file into parts, each with the share (0…1) of the file up to its end, where it is known."""

    def submit(self, part: Any) -> Promise:
        """Begin to score a part."""

    def take(self, i: int, scored: Scored[Any]) -> None:
        """Keep what was scored of file `i`, in the order of its parts."""


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
    file = open_customers(source, settings)
    with writing():
        check_free(output, force=force, source=source)
        check_free(rejected, force=force, source=source, option="--rejected", other=output)
        with (
            TableFile(output, new=not force) as accept,
            TableFile(rejected, optional=True, new=not force) as reject,
            ThreadPoolExecutor(workers) as pool,
        ):
            threads = Threads(predictor, accept, reject, pool, 2 * workers, [] if lines is None else lines)
            summary = Run([file], threads, progress).summary(source, predictor)
            accept.complete()
            reject.complete()
    return summary


def score_block(predictor: Predictor, form: Form, block: Block) -> Scored[pa.Table]:
    """Read and score one block; pure, so that blocks can be scored anywhere and in any order.

    Raises
    ------
    ReadError, Reconsider
        As :func:`wholesale.reading.read_block`.
    """
    part = read_block(form, block)
    scored = score_table(predictor, part.accepted)
    counts = count(predictor, scored, part.rejected, part.seen)
    return Scored(scored, part.rejected, counts, part.accepted.column(LINE))


class Run:
    """Files on their way: part by part, some ahead, each looked at in its turn, in one order.

    A file is read once more, from its start, where a part of it or all of it shows another form.
    """

    def __init__(self, files: list[CustomerFile], executor: Executor, progress: Progress) -> None:
        self.files, self.executor, self.progress = files, executor, progress
        self.counts: dict[int, Counts] = {}
        self.shares: list[float | None] = [0.0] * len(files)
        self.sizes = [file.path.stat().st_size for file in files]

    def summary(self, source: Path, predictor: Predictor) -> Summary:
        """Score all files; what they are in the end is in `files`."""
        forms = {i: file.form for i, file in enumerate(self.files)}
        while forms:
            for i, form in forms.items():
                with naming(self.files[i].path.name):
                    self.files[i] = self.files[i].reconsidered(form)
                self.executor.begin(i)
                self.counts.pop(i, None)
                self.shares[i] = 0.0
            forms = self._read(forms) or self._judge()
        if not any(counts.rows for counts in self.counts.values()):
            with naming(source.name):
                raise ReadError("it has a header but no rows")
        return summarize(predictor, reduce(Counts.plus, self._named_counts()), self._notes())

    def _read(self, begun: Iterable[int]) -> dict[int, Form]:
        """Score files from their start; give the form of those that are to be read once more."""
        forms: dict[int, Form] = {}
        with closing(ahead(self._promises(begun, forms), self.executor.ahead)) as promises:
            for i, share, promise in promises:
                if i in forms:
                    promise.cancel()
                    continue
                try:
                    with naming(self.files[i].path.name):
                        scored = promise.result()
                        if scored is not None:
                            self._take(i, share, scored)
                except Reconsider as other:
                    forms[i] = other.form
        return forms

    def _promises(
        self, begun: Iterable[int], forms: dict[int, Form]
    ) -> Iterator[tuple[int, float | None, Promise]]:
        for i in begun:
            try:
                for part, share in self.executor.parts(self.files[i]):
                    if i in forms:
                        break
                    yield i, share, self.executor.submit(part)
            except (Reconsider, ReadError) as fault:  # it is its turn after the parts before it
                broken: Future = Future()
                broken.set_exception(fault)
                yield i, None, broken

    def _take(self, i: int, share: float | None, scored: Scored[Any]) -> None:
        self.executor.take(i, scored)
        self.counts[i] = self.counts[i].plus(scored.counts) if i in self.counts else scored.counts
        self.shares[i] = share
        read = sum(size * (share or 0) for size, share in zip(self.sizes, self.shares, strict=True))
        whole = None if share is None else min(read / sum(self.sizes), 1)
        self.progress(sum(counts.rows for counts in self.counts.values()), whole)

    def _judge(self) -> dict[int, Form]:
        """Look at what each file shows as a whole; give the form of those that are to be read once more."""
        forms: dict[int, Form] = {}
        for i, file in enumerate(self.files):
            try:
                with naming(file.path.name):
                    self.files[i] = file.judged(self._seen(i))
            except Reconsider as other:
                forms[i] = other.form
        return forms or (self._judge_together() if len(self.files) > 1 else {})

    def _judge_together(self) -> dict[int, Form]:
        """Find rows that are the sum of all others in all files."""
        seen = [self._seen(i) for i in range(len(self.files))]
        forms, together = {}, reduce(Seen.plus, seen)
        rows, times = together.totals()
        step = None if rows else together.step()
        for i, file in enumerate(self.files):
            lines = [row.line for row in seen[i].largest if row in rows]
            with naming(file.path.name):
                if step and step[:2] in [row[:2] for row in seen[i].steps]:
                    raise ReadError(beside(step.line))
                if lines and times > 1:
                    raise ReadError(beyond(lines[0]))
            if lines:
                forms[i] = file.form.rewritten(totals=(*file.form.totals, *lines))
        return forms

    def _seen(self, i: int) -> Seen:
        return self.counts[i].seen if i in self.counts else Seen()

    def _named_counts(self) -> list[Counts]:
        """Give the counts of the files in order, rejected rows under its name if there are several."""
        ordered = [(self.files[i].path.name, counts) for i, counts in sorted(self.counts.items())]
        if len(self.files) == 1:
            return [counts for _, counts in ordered]
        return [
            replace(counts, examples=[f"{name}, {example}" for example in counts.examples])
            for name, counts in ordered
        ]

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


def ahead(
    items: Iterator[tuple[int, T, Promise]], most: int
) -> Generator[tuple[int, T, Promise], None, None]:
    """Give promises in their order, `most` more begun before each; at the end, cancel those not given."""
    waiting: deque[tuple[int, T, Promise]] = deque()
    try:
        for item in items:
            waiting.append(item)
            if len(waiting) > most:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()
    finally:
        for _, _, promise in waiting:
            promise.cancel()


class Threads(NamedTuple):
    """Blocks of one file, scored in threads of this process and written when it is their turn."""

    predictor: Predictor
    accept: TableFile
    reject: TableFile
    pool: ThreadPoolExecutor
    ahead: int
    lines: list[int]

    def begin(self, _: int) -> None:
        """Forget all that was written."""
        self.accept.restart()
        self.reject.restart()
        self.lines.clear()

    def parts(self, file: CustomerFile) -> Iterator[tuple[tuple[Form, Block], float | None]]:
        """Give the blocks of a file, to be read in its form."""
        length = None
        if file.kind == "parquet":
            length = pq.read_metadata(file.path).num_rows
        elif is_divisible(file):
            length = file.path.stat().st_size
        for block in file.blocks():
            yield (file.form, block), min((file.form.start + block.end) / length, 1) if length else None

    def submit(self, part: tuple[Form, Block]) -> Promise:
        """Score a block, and make it ready to be written, in another thread."""
        return self.pool.submit(self._score, *part)

    def _score(self, form: Form, block: Block) -> Scored[Rows]:
        customers, rejected, counts, lines = score_block(self.predictor, form, block)
        return Scored(self.accept.prepare(customers), self.reject.prepare(rejected), counts, lines)

    def take(self, _: int, scored: Scored[Rows]) -> None:
        """Write a block."""
        self.accept.write(scored.customers)
        self.reject.write(scored.rejected)
        self.lines.extend(scored.lines.to_pylist())


def is_divisible(file: CustomerFile) -> bool:
    """Say whether a text file can be read from its middle: not if it is compressed, or of UTF-16."""
    compressed = file.path.suffix in (".gz", ".bz2", ".zst", ".lz4") or is_archive(file.path)
    return file.kind == "text" and not file.form.encoding.startswith("utf-16") and not compressed
