"""Tables written aside and renamed when they are whole, as CSV that no spreadsheet runs or as Parquet."""

import csv
import io
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from wholesale.columns import SPEND_COLUMNS
from wholesale.manifest import aside
from wholesale.reading import ReadError
from wholesale.reading.formulas import guard, guard_names
from wholesale.reading.text import SHEETS

SHORT = 1e10
"""From here on, Arrow writes whole numbers with an exponent."""

TEXTS = (".csv", ".tsv", ".txt", ".gz")


class OutputError(Exception):
    """The output cannot be written; the message says why."""


class _Forgotten(Exception):
    """Rows that were written are not wanted."""


class Rows(NamedTuple):
    """Rows made ready to be written: text, or a table."""

    names: list[str]
    rows: int
    content: bytes | pa.Table


class TableFile:
    """A table on disk in the making: nothing has its name before it is whole.

    Parameters
    ----------
    path : Path
        Parquet if it ends in ``.parquet``, else CSV: UTF-8, commas, decimal points, text guarded.
    optional : bool
        Whether a table without rows is left out; a file of that name is then removed, unless it must be new.
    new : bool
        Whether what has taken the name by the end stays, and this is refused.
    """

    def __init__(self, path: Path, *, optional: bool = False, new: bool = False) -> None:
        self.path, self.optional, self.new, self.named = path, optional, new, False
        self.parquet = path.suffix == ".parquet"
        self.writer: pq.ParquetWriter | None = None
        self.file: BinaryIO | None = None
        self.open = ExitStack()

    def prepare(self, table: pa.Table) -> Rows:
        """Do, in any thread, what can be done before it is the rows' turn."""
        return Rows(table.column_names, len(table), table if self.parquet else to_csv(table))

    def write(self, rows: Rows) -> None:
        """Append rows."""
        if self.optional and not rows.rows:
            return
        if self.file is None:
            self.file = self.open.enter_context(aside(self.path))
            if not self.parquet:
                self.file.write(csv_header(rows.names))
        if isinstance(rows.content, bytes):
            self.file.write(rows.content)
            return
        if self.writer is None:
            self.writer = self.open.enter_context(pq.ParquetWriter(self.file, rows.content.schema))
        self.writer.write_table(rows.content)

    def restart(self) -> None:
        """Forget all rows."""
        with suppress(_Forgotten), self.open:
            self.file = self.writer = None
            raise _Forgotten

    def complete(self) -> None:
        """Put all of it on the disk, so that what is left to do is to give it its name."""
        if self.writer is not None:
            self.writer.close()
        if self.file is not None:
            self.file.flush()
            os.fsync(self.file.fileno())
            if self.new:
                self._take_name(Path(self.file.name))

    def _take_name(self, part: Path) -> None:
        """Take the name if it is still free: another run may have begun when this one did."""
        try:
            try:
                os.link(part, self.path)
            except FileExistsError:
                raise
            except OSError:  # the disk knows no links
                self.path.touch(exist_ok=False)
        except FileExistsError:
            raise OutputError(f"{self.path.name} was made by another run meanwhile; kept nothing") from None
        self.named = True

    def __enter__(self) -> "TableFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open.__exit__(kind, error, trace)
        if self.named if kind else self.file is None and not self.new:
            self.path.unlink(missing_ok=True)


@contextmanager
def writing() -> Iterator[None]:
    """Say in a sentence what hinders writing."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"stopped, and kept nothing: {error.strerror or error}") from None


def check_free(
    path: Path, *, force: bool, source: Path, option: str = "-o", other: Path | None = None
) -> None:
    """Refuse an output that is there already, is the source or the `other` output, or cannot be written.

    Raises
    ------
    OutputError
        In one sentence.
    """
    there, name, sheet = path.exists(), path.name, path.suffix.lower() in SHEETS
    same = other is not None and other.absolute() == path.absolute()
    locked = (there and not path.stat().st_mode & 0o200) or not os.access(path.parent, os.W_OK)
    again = f"{name} is there already; replace it with --force, or choose another with {option}"
    reasons = {
        f"{name} cannot hold the rejected rows too; choose another file for them": same,
        f"{name} would not be an Excel file; choose another name with {option}": sheet,
        f"there is no folder {path.parent.name} for {name}": not path.parent.is_dir(),
        f"{name} is a folder": path.is_dir(),
        f"{name} is not a file": there and not path.is_file(),
        f"{name} is what is read; choose another output with {option}": there and path.samefile(source),
        again: there and not force,
        f"{name} cannot be written: it is read-only": locked,
    }
    _refuse(reasons)


def check_folder(folder: Path, *, force: bool, sources: Iterable[Path]) -> None:
    """Refuse a folder that is there already, is read from, or would be replaced though it holds other things.

    Raises
    ------
    OutputError
        In one sentence.
    """
    name, there, kind = folder.name, folder.is_dir(), folder.suffix.lower()
    names = {each.name for each in folder.iterdir()} if there else set()
    strange = sorted(names - {part_name(i) for i in range(len(names))})
    read = there and any(folder.samefile(source.parent) for source in sources)
    other = "choose another with -o"
    reasons = {
        f"there is no folder {folder.parent.name} for {name}": not folder.parent.is_dir(),
        f"a cluster writes a folder of Parquet files, not {name}: {other}": kind in TEXTS,
        f"{name} cannot be written: it is read-only": not os.access(folder.parent, os.W_OK),
        f"{name} is a file, but a cluster writes a folder: {other}": folder.exists() and not there,
        f"{name} is what is read; choose another output with -o": read,
        f"{name} is there already; replace it with --force, or {other}": there and not force,
        f"{name} holds more than parts, {''.join(strange[:1])} for one; {other}": strange,
    }
    _refuse(reasons)


def _refuse(reasons: Mapping[str, object]) -> None:
    """Say the first reason that holds."""
    for reason, holds in reasons.items():
        if holds:
            raise OutputError(reason)


def part_name(i: int) -> str:
    """Name a part, counted from 0."""
    return f"part-{i:05d}.parquet"


@contextmanager
def folder_aside(folder: Path, *, new: bool = False) -> Iterator[tuple[Path, Path]]:
    """Give a folder for parts, which takes the name of `folder` only if all goes well, and one for work.

    If it is to be `new`, one that another run has made meanwhile is an OSError.
    What still is in the work folder at the end, or comes into it later, is nobody's.
    """
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


def to_csv(table: pa.Table) -> bytes:
    """Write rows as CSV, text guarded, without a header; what CSV cannot hold is a `ReadError`."""
    columns = [_ready(name, column) for name, column in zip(table.column_names, table.columns, strict=True)]
    positions = [str(i) for i in range(len(columns))]
    text = io.BytesIO()
    try:
        pacsv.write_csv(pa.table(columns, positions), text, pacsv.WriteOptions(include_header=False))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise ReadError(f"a CSV cannot hold its columns ({error}); choose an output in .parquet") from None
    return text.getvalue()


def _ready(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Guard text; make whole amounts integers, which are written alike but faster."""
    if pa.types.is_string(column.type):
        return guard(column)
    if name in SPEND_COLUMNS and pc.max(column).as_py() is not None and pc.max(column).as_py() < SHORT:
        with suppress(pa.ArrowInvalid):  # not whole
            return pc.cast(column, pa.int64())
    return column


def csv_header(names: list[str]) -> bytes:
    """Write a header as CSV, guarded."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(guard_names(names))
    return text.getvalue().encode()
