"""Tables written aside and renamed when they are whole, as CSV that no spreadsheet runs or as Parquet."""

import csv
import io
import os
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from wholesale.manifest import aside
from wholesale.reading import ReadError
from wholesale.reading.formulas import guard, guard_names


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
        Whether a table without rows is left out; a file of that name is then removed.
    """

    def __init__(self, path: Path, *, optional: bool = False) -> None:
        self.path, self.optional = path, optional
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

    def __enter__(self) -> "TableFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open.__exit__(kind, error, trace)
        if kind is None and self.file is None:
            self.path.unlink(missing_ok=True)


def check_free(path: Path, *, force: bool, source: Path) -> None:
    """Refuse an output that is there already, is the source itself, or cannot be written.

    Raises
    ------
    OutputError
        In one sentence.
    """
    if not path.parent.is_dir():
        raise OutputError(f"there is no folder {path.parent.name} for {path.name}")
    if path.is_dir():
        raise OutputError(f"{path.name} is a folder")
    if path.exists() and path.samefile(source):
        raise OutputError(f"{path.name} is what is read; choose another output with -o")
    if path.exists() and not force:
        raise OutputError(f"{path.name} is there already; replace it with --force, or choose another with -o")
    if (path.exists() and not path.stat().st_mode & 0o200) or not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path.name} cannot be written: it is read-only")


def to_csv(table: pa.Table) -> bytes:
    """Write rows as CSV, text guarded, without a header.

    Raises
    ------
    ReadError
        If a column holds what CSV cannot.
    """
    columns = [guard(column) if pa.types.is_string(column.type) else column for column in table.columns]
    positions = [str(i) for i in range(len(columns))]
    text = io.BytesIO()
    try:
        pacsv.write_csv(pa.table(columns, positions), text, pacsv.WriteOptions(include_header=False))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise ReadError(f"a CSV cannot hold its columns ({error}); choose an output in .parquet") from None
    return text.getvalue()


def csv_header(names: list[str]) -> bytes:
    """Write a header as CSV, guarded."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(guard_names(names))
    return text.getvalue().encode()
