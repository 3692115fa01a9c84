"""Records that have not as many fields as the header: which can be read without anything being shifted.

A blank too many at the end may be a program's habit, or the last column after an unquoted comma; a field too
few, a blank left out there, or any other that is missing. The file's other records tell the two apart.
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from wholesale.reading.numerals import is_amount

if TYPE_CHECKING:
    from wholesale.reading.form import Form

Fields = list[str]
_SPLIT = re.compile(r" *[1-9]\d{0,2},\d{3}(?:\.\d*)? *")
ROW_NAMES = "Records have one field more than the header; the first is read as the name of the row."
OPEN = "The header ends in a separator, the records do not; no column is read there."
CUT = "Some records leave out columns at their end, read as blank where nothing else can be missing."


class Shape(NamedTuple):
    """What is known of a file's uneven records; what its later parts show only makes this stricter."""

    note: str = ""  # on all of them
    spare: bool | None = None  # whether blanks beyond the header are dropped; None until a record has some
    every: int = 0  # how many of them every record has
    counts: frozenset[int] | None = None  # columns after the six with amounts; None until one is short

    def notes(self, width: int) -> list[str]:
        """Say how uneven records are read, where that could have been otherwise."""
        cut = self.counts is not None and len(self.counts) < width
        return [self.note] * bool(self.note) + [CUT] * cut


EVEN = Shape()


def shaped(form: "Form", records: list[Fields]) -> "Form":
    """Find out from a file's first records how wide they are beside its header."""
    names, spend, shape = form.names, form.spend, EVEN
    usual = Counter(map(len, records)).most_common(1)[0][0] if records else len(names)
    rows = [(i, fields) for i, fields in enumerate(records, start=1) if len(fields) == usual]
    if max(spend) < usual < len(names) and not _rest(names, usual):
        names, shape = names[:usual], Shape(OPEN)
    elif usual == len(names) + 1 and _have_names(form, records, rows):
        names, spend, shape = ("", *names), tuple(i + 1 for i in spend), Shape(ROW_NAMES)
    elif all(len(fields) != len(names) for fields in records):  # none shows what stands where
        blank = usual > len(names) and not any(_rest(its, len(names)) for its in records if len(its) <= usual)
        every = usual - len(names) if blank and not all(_may_be_moved(form, its) for _, its in rows) else 0
        cut = usual < len(names) and _begin_alike(rows, spend)
        shape = Shape("", bool(every), every, frozenset() if cut else frozenset(range(len(names))))
    return form.rewritten(names=names, spend=spend, shape=shape)


def _rest(fields: Sequence[str], width: int) -> str:
    """Give what a record has beyond the header's columns, if it is more than blanks."""
    return "".join(fields[width:]).strip()


def _have_names(form: "Form", records: list[Fields], rows: list[tuple[int, Fields]]) -> bool:
    """Say whether the amounts stand one field further on, and only a row's name can be before them."""
    width, first = len(form.names), min(form.spend)
    here, moved = (any(all(is_amount(its[i + k]) for i in form.spend) for _, its in rows) for k in (0, 1))
    even = len(rows) > 1 and all(len(fields) != width for fields in records)
    numbered = even and all(fields[0] == str(i) for i, fields in rows)
    if here and first > 0:  # the file's own first column may be numbered, too
        plain = any(not _may_be_moved(form, fields) for _, fields in rows)
        return moved and numbered and plain and any(_rest(fields, width) for _, fields in rows)
    return moved and (numbered or (not here and first == 0))


def _begin_alike(rows: list[tuple[int, Fields]], spend: tuple[int, ...]) -> bool:
    """Say whether nothing can be missing before the six amounts: none is, or what is there is no amount."""
    first = min(spend)
    together = len(rows) > 1 and max(spend) - first == len(spend) - 1
    return together and (first == 0 or any(not is_amount(fields[first - 1]) for _, fields in rows))


def _may_be_moved(form: "Form", fields: Fields) -> bool:
    """Say whether a record may have a field too many because of a comma before or within an amount."""
    first, last = min(form.spend), max(form.spend)
    split = any(map(_SPLIT.fullmatch, map(",".join, pairwise(fields[first : last + 2]))))
    before = not all(map(is_amount, fields[:first])) and len(fields[first].strip()) < 5  # a house's number
    return form.delimiter == "," and (split or before) and any(map(is_amount, fields[last + 1 : last + 2]))


def fitted(form: "Form", fields: Fields) -> Fields | None:
    """Give a record as many fields as the header has names, if that is safe."""
    width, last, (_, spare, every, counts) = len(form.names), max(form.spend), form.shape
    missing = width - len(fields)
    if missing == -every:
        return fields[:width] if not _rest(fields, width) else None
    if every or missing <= 0 or len(fields) <= last or counts is None:
        safe = not every and missing < 0 and spare and not _rest(fields, width)
    else:  # were a field missing further ahead, some amount here would be from a column after it
        safe = any(
            is_amount(fields[i]) and counts.isdisjoint(range(i + 1, i + missing + 1))
            for i in range(last, len(fields))
        )
    return (fields + [""] * missing)[:width] if safe and not _may_be_moved(form, fields) else None


def judged(form: "Form", table: pa.Table, ragged: list[tuple[int, Fields]]) -> Shape:
    """Give what is known of a file's shape after some more records: those that fit, and those that do not."""
    width, last, (note, spare, every, counts) = len(form.names), max(form.spend), form.shape
    uneven = [fields for _, fields in ragged]
    short = any(last < len(fields) < width for fields in uneven)
    rests = [_rest(its, width) for its in uneven if width < len(its) <= width + (every or len(its))]
    if counts is not None or short:
        counts = counts or frozenset()
        for i in set(range(last + 1, width)) - counts:
            cells = [*table.column(i).unique().to_pylist(), *(its[i] for its in uneven if len(its) > i)]
            counts |= {i} if any(map(is_amount, cells)) else set()
    if spare is None and not all(rests):
        spare = True
    elif spare and (any(rests) or not (every or (_is_filled(table.column(width - 1)) and not short))):
        spare = False  # what is blank beyond it may be its own last column, moved there
    return Shape(note, spare, every, counts)


def _is_filled(column: pa.ChunkedArray) -> bool:
    return not pc.any(pc.equal(pc.utf8_trim_whitespace(column.cast(pa.string())), "")).as_py()
