"""Portions scored into files of their own, and these put together."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pyarrow.parquet as pq

from wholesale.predict import Predictor
from wholesale.reading import CustomerFile, ReadError
from wholesale.reading.form import Reconsider
from wholesale.scoring.blocks import score_block
from wholesale.scoring.folder import part_name
from wholesale.scoring.output import TableFile
from wholesale.scoring.portions import Portion, blocks
from wholesale.scoring.tally import Tally


class Done(NamedTuple):
    """What became of a portion: where its customers and its rejected rows are, and their counts."""

    part: Path
    rejected: Path
    counts: Tally


def score_portion(portion: Portion, work: Path, predictor: Predictor) -> Done | Exception | None:
    """Score a portion into files that no other run of it has, so that it can be run again at any time.

    What is wrong with the file is given rather than raised, as Dask would log it; None if there is no row.
    """
    name, form = uuid4().hex, portion.file.form
    done: Done | None = None
    part, rejected = work / f"{name}.parquet", work / f"{name}.rejected.parquet"
    try:
        with TableFile(part) as accept, TableFile(rejected, optional=True) as reject:
            for block in blocks(portion):
                scored = score_block(predictor, form, block)
                accept.write(accept.prepare(scored.table))
                reject.write(reject.prepare(scored.rejected))
                counts = done.counts.plus(scored.counts) if done else scored.counts
                done = Done(part, rejected, counts)
    except (Reconsider, ReadError, OSError) as fault:
        return fault
    return done


def gather(
    files: Sequence[CustomerFile], done: list[list[Done]], parts: Path, reject: TableFile
) -> Tally | None:
    """Put the parts of all files into one folder, in order, and their rejected rows into one table."""
    total: Tally | None = None
    portions = [(file, each) for file, its in zip(files, done, strict=True) for each in its]
    for i, (file, each) in enumerate(portions):
        each.part.replace(parts / part_name(i))
        counts, name = each.counts, file.path.name
        if len(files) > 1:
            counts = replace(counts, examples=[f"{name}, {example}" for example in counts.examples])
        if counts.rejected:
            table = pq.ParquetFile(each.rejected).read()
            table = table.add_column(0, "file", [[name] * len(table)]) if len(files) > 1 else table
            reject.write(reject.prepare(table))
        total = total.plus(counts) if total else counts
    return total
