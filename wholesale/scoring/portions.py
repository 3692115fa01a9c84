"""Files cut into portions that a cluster's workers read for themselves, from a file system they share."""

import codecs
import io
from collections.abc import Iterator
from glob import has_magic
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from wholesale.reading import CustomerFile, ReadError, Settings, open_customers
from wholesale.reading.blocks import Block, cut_blocks
from wholesale.reading.tables import parquet_blocks, plain_type
from wholesale.reading.text import Utf8
from wholesale.scoring.files import is_divisible

PORTION = 1 << 25
"""Bytes of text in a portion, or a little more."""

ROWS = 1 << 19
"""Rows of a Parquet file in a portion, or more where its row groups are larger."""


class Portion(NamedTuple):
    """A part of a file, small enough to be sent: where it is, not what is in it.

    Attributes
    ----------
    file : CustomerFile
    start, size : int
        Bytes of text as it is on disk, or row groups; a size of 0 stands for the whole file.
    line : int
        The line on which it begins.
    weight : float
        How many bytes of its file it stands for.
    """

    file: CustomerFile
    start: int
    size: int
    line: int
    weight: float


def open_all(source: Path, settings: Settings | None = None) -> list[CustomerFile]:
    """Open a file, all files in a folder, or those of a pattern such as ``part-*.csv``, in order of name.

    Raises
    ------
    ReadError
        If there is none, if one cannot be read, or if two have not the same columns.
    """
    files = [open_customers(path.resolve(), settings) for path in _paths(source)]
    check_columns(files)
    return files


def check_columns(files: list[CustomerFile]) -> None:
    """Refuse files that are not parts of one table.

    Raises
    ------
    ReadError
    """
    for file in files[1:]:
        if _columns(file) != _columns(files[0]):
            raise ReadError(f"{file.path.name} has not the same columns as {files[0].path.name}")


def _paths(source: Path) -> list[Path]:
    if source.is_dir():
        found = [path for path in source.iterdir() if path.is_file() and path.name[0] not in "._"]
    elif has_magic(str(source)) and not source.exists():
        pattern = source.absolute()
        found = list(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))
        found = [path for path in found if path.is_file()]
    else:
        return [source]
    if not found:
        raise ReadError(
            f"there is no file in {source.name}" if source.is_dir() else f"no file is {source.name}"
        )
    return sorted(found)


def _columns(file: CustomerFile) -> list[tuple]:
    """Name the columns, and the types of those that are passed through."""
    names = file.form.names
    if file.kind != "parquet":
        return [(name, "string") for name in names]
    types = [str(plain_type(kind)) for kind in pq.read_schema(file.path).types]
    return [(name, "string" if i in file.form.spend else types[i]) for i, name in enumerate(names)]


def portions(file: CustomerFile) -> Iterator[Portion]:
    """Cut a file; only as much of it is read as tells where its records end.

    Raises
    ------
    ReadError, Reconsider
        As when its blocks are read.
    """
    if file.kind == "parquet":
        return _row_groups(file)
    if is_divisible(file):
        return _ranges(file)
    return iter([Portion(file, 0, 0, file.form.line, file.path.stat().st_size)])


def _row_groups(file: CustomerFile) -> Iterator[Portion]:
    about = pq.read_metadata(file.path)
    per_row = file.path.stat().st_size / max(about.num_rows, 1)
    start, line, rows = 0, file.form.line, 0
    for i in range(about.num_row_groups):
        rows += about.row_group(i).num_rows
        if rows >= ROWS or i + 1 == about.num_row_groups:
            yield Portion(file, start, i + 1 - start, line, rows * per_row)
            start, line, rows = i + 1, line + rows, 0


def _ranges(file: CustomerFile) -> Iterator[Portion]:
    start = _first_record(file)
    for block in file.blocks(PORTION):
        assert isinstance(block.content, bytes)
        size = _on_disk(file, block.content)
        yield Portion(file, start, size, block.line, size)
        start += size


def _first_record(file: CustomerFile) -> int:
    """Give the byte on disk at which the records begin."""
    with pa.input_stream(str(file.path)) as raw:
        mark = len(codecs.BOM_UTF8) if raw.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8 else 0
    with pa.input_stream(str(file.path)) as raw:
        return mark + _on_disk(file, Utf8(raw, file.form.encoding).read(file.form.start))


def _on_disk(file: CustomerFile, text: bytes) -> int:
    """Count the bytes that a text in UTF-8 has on disk; of another divisible encoding, one per character."""
    return len(text) if file.form.encoding == "utf-8" else len(text.decode())


def blocks(portion: Portion) -> Iterator[Block]:
    """Read a portion, in blocks small enough for a cache.

    Raises
    ------
    ReadError
        If it cannot be read here.
    """
    file, form = portion.file, portion.file.form
    if not file.path.exists():
        raise ReadError("a worker does not see it: a cluster needs a folder that all its machines share")
    if not portion.size:
        yield from file.blocks()
    elif file.kind == "parquet":
        groups = range(portion.start, portion.start + portion.size)
        yield from parquet_blocks(file.path, groups, portion.line)
    else:
        yield from cut_blocks(io.BytesIO(_text(portion)), form.delimiter, portion.line)


def _text(portion: Portion) -> bytes:
    encoding = portion.file.form.encoding
    with portion.file.path.open("rb") as raw:
        raw.seek(portion.start)
        content = raw.read(portion.size)
    return content if encoding == "utf-8" else content.decode(encoding).encode()
