"""Tables written aside and renamed when they are whole, as CSV that no spreadsheet runs or as Parquet."""

import csv
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from wholesale.columns import SPEND_COLUMNS
from wholesale.manifest import aside
from wholesale.reading import ReadError
from wholesale.reading.customers import SHEETS
from wholesale.reading.formulas import guard, guard_names

SHORT = 1e10
"""From here on, Arrow writes whole numbers with an exponent."""


class OutputError(Exception):
    """The output cannot be written; the message says why."""


class Piece(NamedTuple):
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

    def prepare(self, table: pa.Table) -> Piece:
        """Do, in any thread, what can be done before it is the rows' turn."""
        return Piece(table.column_names, len(table), table if self.parquet else to_csv(table))

    def write(self, piece: Piece) -> None:
        """Append rows."""
        if self.optional and not piece.rows:
            return
        if self.file is None:
            self.file = self.open.enter_context(aside(self.path))
            if not self.parquet:
                self.file.write(csv_header(piece.names))
        if isinstance(piece.content, bytes):
            self.file.write(piece.content)
            return
        if self.writer is None:
            self.writer = self.open.enter_context(pq.ParquetWriter(self.file, piece.content.schema))
        self.writer.write_table(piece.content)

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
    """Say in a sentence what hinders writing.

    Raises
    ------
    OutputError
    """
    try:
        yield
    except OSError as error:
        raise OutputError(f"stopped, and kept nothing: {error.strerror or error}") from None


def check_all_free(output: Path, rejected: Path, *, force: bool, sources: Iterable[Path]) -> None:
    """Refuse as `check_free` does; nor may the two outputs be one.

    Raises
    ------
    OutputError
        In one sentence.
    """
    if output.absolute() == rejected.absolute():
        raise OutputError(f"{output.name} cannot hold the rejected rows too; choose another file for them")
    for source in sources:
        check_free(output, force=force, source=source)
        check_free(rejected, force=force, source=source, option="--rejected")


def check_free(path: Path, *, force: bool, source: Path, option: str = "-o") -> None:
    """Refuse an output that is there already, is the source itself, or cannot be written.

    Raises
    ------
    OutputError
        In one sentence.
    """
    if path.suffix.lower() in SHEETS:
        raise OutputError(f"{path.name} would not be an Excel file; choose another name with {option}")
    if not path.parent.is_dir():
        raise OutputError(f"there is no folder {path.parent.name} for {path.name}")
    if path.is_dir():
        raise OutputError(f"{path.name} is a folder")
    if path.exists() and not path.is_file():
        raise OutputError(f"{path.name} is not a file")
    if path.exists() and path.samefile(source):
        raise OutputError(f"{path.name} is what is read; choose another output with {option}")
    if path.exists() and not force:
        raise OutputError(
            f"{path.name} is there already; replace it with --force, or choose another with {option}"
        )
    if (path.exists() and not path.stat().st_mode & 0o200) or not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path.name} cannot be written: it is read-only")


def to_csv(table: pa.Table) -> bytes:
    """Write rows as CSV, text guarded, without a header.

    Raises
    ------
    ReadError
        If a column holds what CSV cannot.
    """
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
