"""One block of a file, from text to scored rows: the same function on one machine and on a cluster."""

from dataclasses import replace
from typing import NamedTuple

import pyarrow as pa

from wholesale.predict import Predictor
from wholesale.reading import read_block
from wholesale.reading.blocks import Block
from wholesale.reading.form import Form
from wholesale.reading.sorting import LINE
from wholesale.scoring.table import score_table
from wholesale.scoring.tally import Tally, tally


class Scored(NamedTuple):
    """What becomes of a block: its customers with answers, their lines, its rejected rows, and counts."""

    table: pa.Table
    lines: pa.ChunkedArray
    rejected: pa.Table
    counts: Tally


def score_block(predictor: Predictor, form: Form, block: Block) -> Scored:
    """Read and score one block; pure, so that blocks can be scored anywhere and in any order.

    Raises
    ------
    ReadError, Reconsider
        As :func:`wholesale.reading.read_block`.
    """
    part = read_block(form, block)
    scored = score_table(predictor, part.accepted)
    counts = replace(tally(predictor, scored, part.rejected), seen=part.seen)
    return Scored(scored, part.accepted.column(LINE), part.rejected, counts)
