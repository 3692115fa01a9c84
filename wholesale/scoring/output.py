"""Tables written aside and renamed when they are whole, as CSV that no spreadsheet runs or as Parquet."""

import io
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from wholesale.manifest import aside
from wholesale.reading import ReadError
from wholesale.reading.formulas import guard
from wholesale.reading.records import table_of
from wholesale.reading.text import SHEETS
from wholesale.wording import csv_of

TEXTS = (".csv", ".tsv", ".txt", ".gz")
BYTES = {kind.id for kind in (pa.binary(), pa.binary(1), pa.large_binary(), pa.large_string())}
SHORT = 1e10  # from here on, Arrow writes whole numbers with an exponent
Rows: TypeAlias = pa.Table | tuple[bytes, bytes] | None  # of CSV, the header and the text


class OutputError(ValueError):
    """The output cannot be written; the message says why."""


@contextmanager
def writing() -> Iterator[None]:
    """Say in a sentence what hinders writing."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"stopped, and kept nothing: {error.strerror or error}") from None


class TableFile:
    """A table on disk in the making: Parquet or CSV by its name, which it takes only when it is whole.

    If it is `optional`, one without rows is left out, and a file of that name removed. If it is `new`, what
    has taken the name meanwhile stays, and this is refused. `amounts` are the columns of amounts.
    """

    def __init__(self, path: Path, amounts: tuple = (), *, optional: bool = False, new: bool = False) -> None:
        self.path, self.optional, self.new, self.named, self.amounts = path, optional, new, False, amounts
        self.writer: pq.ParquetWriter | None = None
        self.file: BinaryIO | None = None
        self.open = ExitStack()

    def prepare(self, table: pa.Table) -> Rows:
        """Do, in any thread, what can be done before it is the rows' turn."""
        if self.optional and not len(table):
            return None
        if self.path.suffix == ".parquet":
            return table
        return csv_header(table.column_names), to_csv(table, self.amounts)

    def write(self, rows: Rows) -> None:
        if rows is None:
            return
        begun = self.file is not None
        self.file = self.file or self.open.enter_context(aside(self.path))
        if isinstance(rows, tuple):
            self.file.write(rows[1] if begun else b"".join(rows))
        else:
            self.writer = self.writer or self.open.enter_context(pq.ParquetWriter(self.file, rows.schema))
            self.writer.write_table(rows)

    def restart(self) -> None:
        self.file = self.writer = None
        self.open.__exit__(InterruptedError, InterruptedError(), None)  # so nothing takes the name

    def complete(self) -> None:
        """Put all of it on the disk, so that what is left to do is to give it its name."""
        if self.writer:
            self.writer.close()
        if self.file:
            self.file.flush()
            os.fsync(self.file.fileno())
            if self.new:
                self._claim(Path(self.file.name))

    def _claim(self, part: Path) -> None:
        """Take the name if it is still free: another run may have begun when this one did."""
        with suppress(OSError):  # the disk knows no links
            os.link(part, self.path)
        if not (self.path.exists() and self.path.samefile(part)):
            try:
                self.path.touch(exist_ok=False)
            except FileExistsError:
                message = f"{self.path.name} was made by another run meanwhile; kept nothing"
                raise OutputError(message) from None
        self.named = True

    def __enter__(self) -> "TableFile":
        return self

    def __exit__(self, *fault: Any) -> None:
        self.open.__exit__(*fault)
        if self.named if fault[0] else self.file is None and not self.new:
            self.path.unlink(missing_ok=True)


def to_csv(table: pa.Table, amounts: Sequence[str] = ()) -> bytes:
    """Write rows as CSV, text guarded, without a header; what CSV cannot hold is a `ReadError`."""
    named = zip(table.column_names, table.columns, strict=True)
    columns = [_ready(column, of_amounts=name in amounts) for name, column in named]
    text = io.BytesIO()
    try:
        pacsv.write_csv(table_of(columns), text, pacsv.WriteOptions(include_header=False))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise ReadError(f"a CSV cannot hold its columns ({error}); choose an output in .parquet") from None
    return text.getvalue()


def _ready(column: pa.ChunkedArray, *, of_amounts: bool) -> pa.ChunkedArray:
    """Guard text; make whole amounts integers, which are written alike but faster."""
    if column.type.id in BYTES:
        column = pc.cast(column, options=pc.CastOptions(pa.string(), allow_invalid_utf8=True))
    if pa.types.is_string(column.type):
        return guard(column)
    if of_amounts and (most := pc.max(column).as_py()) is not None and most < SHORT:
        with suppress(pa.ArrowInvalid):  # not whole
            return pc.cast(column, pa.int64())
    return column


def csv_header(names: list[str]) -> bytes:
    """Write a header as CSV, guarded."""
    return csv_of([guard(pa.chunked_array([names], pa.string())).to_pylist()]).encode()


def check_free(
    path: Path, sources: Iterable[Path], *, force: bool, other: Path | None = None, folder: bool = False
) -> None:
    """Refuse an output that is there, is what is read, or cannot be written as a file or a `folder`.

    One for rejected rows cannot be the `other`, of those that are scored.
    """
    there, name, suffix = path.exists(), path.name, path.suffix.lower()
    choose = f"choose another{{}} with {'--rejected' if other else '-o'}".format
    same = other and other.absolute() == path.absolute()
    held = {each.name for each in path.iterdir()} if folder and path.is_dir() else set()
    strange = sorted(held.difference(map(part_name, range(len(held)))))
    read = there and any(path.samefile(each.parent if folder else each) for each in sources)
    locked = not os.access(path.parent, os.W_OK) or (path.is_file() and not path.stat().st_mode & 0o200)
    of_folder = (
        (suffix in TEXTS, f"a cluster writes a folder of Parquet files, not {name}: {choose('')}"),
        (there and not path.is_dir(), f"{name} is a file, but a cluster writes a folder: {choose('')}"),
    )
    of_file = (
        (same, f"{name} cannot hold the rejected rows too; choose another file for them"),
        (suffix in SHEETS, f"{name} would not be an Excel file; {choose(' name')}"),
        (path.is_dir(), f"{name} is a folder"),
        (there and not path.is_file(), f"{name} is not a file"),
    )
    reasons = (
        (not path.parent.is_dir(), f"there is no folder {path.parent.name} for {name}"),
        *(of_folder if folder else of_file),
        (read, f"{name} is what is read; {choose(' output')}"),
        (there and not force, f"{name} is there already; replace it with --force, or {choose('')}"),
        (strange, f"{name} holds more than parts, {''.join(strange[:1])} for one; {choose('')}"),
        (locked, f"{name} cannot be written: it is read-only"),
    )
    for holds, reason in reasons:
        if holds:
            raise OutputError(reason)


def part_name(i: int) -> str:
    return f"part-{i:05d}.parquet"


@contextmanager
def folder_aside(folder: Path, *, new: bool = False) -> Iterator[tuple[Path, Path]]:
    """Give a folder for parts, which is called `folder` only if all goes well, and one for work."""
    stage = folder.with_name(f".{folder.name}.{uuid4().hex[:8]}.part")
    parts, work, replaced = stage / "parts", stage / "work", stage / "replaced"
    try:
        for each in (stage, parts, work):
            each.mkdir()
        yield parts, work
        if folder.exists() and not new:
            folder.replace(replaced)
        parts.replace(folder)
    finally:
        if replaced.exists() and not folder.exists():
            replaced.replace(folder)
        gone = stage.with_name(f"{stage.name}.gone")
        if stage.exists():
            stage.replace(gone)  # a worker that does not know yet cannot write into it any more
        shutil.rmtree(gone, ignore_errors=True)
