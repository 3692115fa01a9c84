"""Whole files scored, block by block on all cores, in the order of the file and in bounded memory."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

import pyarrow.parquet as pq

from wholesale.predict import Predictor
from wholesale.reading import CustomerFile, ReadError, Settings, open_customers, whole
from wholesale.reading.blocks import Block
from wholesale.reading.form import Form
from wholesale.reading.text import is_archive
from wholesale.scoring.blocks import score_block
from wholesale.scoring.output import TableFile, check_all_free, writing
from wholesale.scoring.summary import Summary, summarize
from wholesale.scoring.tally import Tally

A = TypeVar("A")
B = TypeVar("B")
Progress = Callable[[int, float | None], None]


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
    source, output = Path(source), Path(output)
    rejected = output.with_suffix(".rejected.csv") if rejected is None else Path(rejected)
    file = open_customers(source, settings)
    outputs = partial(_score, output=output, rejected=rejected, lines=lines, new=not force)
    run = partial(outputs, predictor=predictor, workers=workers, progress=progress)
    with writing():
        check_all_free(output, rejected, force=force, sources=[source])
        return whole(file, run)


def _score(
    file: CustomerFile,
    *,
    output: Path,
    rejected: Path,
    new: bool,
    predictor: Predictor,
    workers: int | None,
    progress: Progress,
    lines: list[int] | None,
) -> Summary:
    if lines:  # of a reading in another form
        lines.clear()
    total: Tally | None = None
    with TableFile(output, new=new) as accept, TableFile(rejected, optional=True, new=new) as reject:
        work = partial(_work, predictor, file.form, accept.prepare, reject.prepare)
        length = _length(file)
        with closing(in_order(work, file.blocks(), workers or os.cpu_count() or 1)) as done:
            for end, good, bad, counts, places in done:
                accept.write(good)
                reject.write(bad)
                if lines is not None:
                    lines += places.to_pylist()
                total = counts if total is None else total.plus(counts)
                progress(total.rows, min((file.form.start + end) / length, 1) if length else None)
        if total is None or not total.rows:
            raise ReadError("it has a header but no rows")
        file = file.judged(total.seen)
        accept.complete()
        reject.complete()
    return summarize(predictor, total, file.notes)


def _work(predictor: Predictor, form: Form, accept: Callable, reject: Callable, block: Block) -> tuple:
    scored = score_block(predictor, form, block)
    return block.end, accept(scored.table), reject(scored.rejected), scored.counts, scored.lines


def in_order(function: Callable[[A], B], items: Iterable[A], workers: int) -> Generator[B, None, None]:
    """Map in threads, some items ahead, and give the results in the order of the items."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _length(file: CustomerFile) -> int | None:
    """Give a file's length in the unit of ``Block.end``, if it can be known beforehand."""
    if file.kind == "parquet":
        return pq.read_metadata(file.path).num_rows
    return file.path.stat().st_size if is_divisible(file) else None


def is_divisible(file: CustomerFile) -> bool:
    """Say whether a text file can be read from its middle: not if it is compressed, or of UTF-16."""
    compressed = file.path.suffix in (".gz", ".bz2", ".zst", ".lz4") or is_archive(file.path)
    return file.kind == "text" and not file.form.encoding.startswith("utf-16") and not compressed
