"""Files of customers, opened and read."""

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from pathlib import Path
from typing import TypeVar
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wholesale.amounts import CURRENCY_SIGNS, shown
from wholesale.columns import SPEND_COLUMNS
from wholesale.reading.blocks import BLOCK, Block
from wholesale.reading.form import SIGNS, Form, Reconsider, Settings
from wholesale.reading.formulas import is_ours, restore_names
from wholesale.reading.header import ReadError, naming
from wholesale.reading.numerals import Decimal, decide
from wholesale.reading.seen import Seen, beside, beyond
from wholesale.reading.sorting import REJECTED, read_block
from wholesale.reading.tables import excel_blocks, excel_form, parquet_blocks, parquet_form
from wholesale.reading.text import SAMPLE, ZIP, encoding_of, is_archive, sniff, text_blocks

T = TypeVar("T")
SHEETS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
OLD = b"\xd0\xcf\x11\xe0"
"""How spreadsheets are called, and how the old ones begin."""


@dataclass(frozen=True)
class CustomerFile:
    """A file of customers, and how it is to be read.

    Attributes
    ----------
    path : Path
    settings : Settings
        What the user said of it.
    form : Form
        What was found out.
    """

    path: Path
    settings: Settings
    form: Form

    @cached_property
    def kind(self) -> str:
        """``"text"``, ``"parquet"`` or ``"excel"``."""
        return _kind(self.path)

    @property
    def notes(self) -> list[str]:
        """Sentences on what was decided and could have been decided otherwise."""
        return self.form.notes

    def blocks(self, size: int = BLOCK) -> Iterator[Block]:
        """Cut the file into blocks for :func:`read_block`; text into about `size` bytes each."""
        try:
            yield from self._cut(size)
        except (OSError, pa.ArrowInvalid, BadZipFile, zlib.error) as error:
            raise ReadError(f"it cannot be read to its end ({error})") from None

    def _cut(self, size: int) -> Iterator[Block]:
        if self.kind == "parquet":
            return parquet_blocks(self.path)
        if self.kind == "excel":
            return excel_blocks(self.path, self.form)
        return text_blocks(self.path, self.form, size)

    def reconsidered(self, form: Form) -> "CustomerFile":
        """Give the same file to be read in another form, which some of it has called for."""
        if form.encoding != self.form.encoding:  # the header, too, is in another encoding
            form = _form(self.path, self.settings, form.encoding)
        return replace(self, form=form)

    def judged(self, seen: Seen) -> "CustomerFile":
        """Give the same file, with what the whole of it shows.

        Raises
        ------
        Reconsider
            If it has been read in another form, or with rows of totals.
        ReadError
            If it contradicts itself.
        """
        form, before = (
            self.form.rewritten(evidence=seen.evidence, currencies=seen.currencies, called=seen.called),
            self.form.decimal,
        )
        if not before.told:
            form = form.rewritten(decimal=decide(seen.evidence))
        if form.decimal.doubtful:
            raise ReadError(form.contradiction, option="say --decimal point or --decimal comma")
        if (form.decimal.sign, form.decimal.unclear) != (before.sign, before.unclear):
            raise Reconsider(form)
        if lines := self._totals(seen):
            raise Reconsider(form.rewritten(totals=(*form.totals, *lines)))
        if means := seen.means():
            raise Reconsider(form.rewritten(means=(*form.means, *means)))
        return replace(self, form=form)

    def _totals(self, seen: Seen) -> list[int]:
        """Find the lines of rows that are sums of others."""
        rows, times = seen.totals()
        lines, part = [row.line for row in rows], None if rows else seen.step()
        if times > 1 or part:
            accepted = pa.concat_tables([read_block(self.form, block).accepted for block in self.blocks()])
            accepted = accepted.filter(pc.invert(pc.is_in(accepted[0], pa.array(lines, pa.int64()))))
            amounts = np.array([accepted[column].to_numpy() for column in SPEND_COLUMNS]).T
            subtotals = seen.subtotals(rows[0] if rows else None, accepted[0].to_numpy(), amounts)
            if not subtotals:
                raise ReadError(beside(part.line) if part else beyond(lines[0]))
            lines += subtotals
        return lines


def open_customers(path: Path | str, settings: Settings | None = None) -> CustomerFile:
    """Open a file of customers: text of any dialect, Parquet, or a sheet of an Excel file.

    Parameters
    ----------
    path : path
        Text may be compressed (``.gz``, ``.bz2``, ``.zst``).
    settings : Settings, optional

    Returns
    -------
    CustomerFile

    Raises
    ------
    ReadError
        In one sentence: it is not there, is empty, is not a table, or lacks one of the six columns.
    """
    path, settings = Path(path), settings or Settings()
    try:
        if path.exists() and not path.is_file() and not path.is_dir():  # merely opened, it may never answer
            raise ReadError(f"{path.name} is no file that can be read twice: write what it gives into one")
        with naming(path.name):
            return CustomerFile(path, settings, _form(path, settings))
    except FileNotFoundError:
        raise ReadError(f"{path.name} is not there") from None
    except OSError as error:
        raise ReadError(f"{path.name} cannot be read ({error.strerror or error})") from None


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        beginning = file.read(SAMPLE)
    if beginning.startswith(OLD) or (beginning.startswith(ZIP) and not is_archive(path)):
        return "excel"
    if (
        path.suffix.lower() in SHEETS
        and b"\0" in beginning
        and not encoding_of(beginning).startswith("utf-16")
    ):
        return "excel"  # damaged; what is text is read as text, as many programs export it under these names
    return "parquet" if beginning.startswith(b"PAR1") else "text"


def _form(path: Path, settings: Settings, encoding: str | None = None) -> Form:
    kind = _kind(path)
    if settings.sheet and kind != "excel":
        raise ReadError(f"it has no sheets, so --sheet {shown(settings.sheet)} cannot be meant")
    if kind == "parquet":
        form = parquet_form(path, settings)
    else:
        form = excel_form(path, settings) if kind == "excel" else sniff(path, settings, encoding)
    names, ours = list(form.names), kind == "text" and is_ours(form.names)
    names = restore_names(names) if ours else names
    names = [f"{name} (not used)" if name in SPEND_COLUMNS else name for name in names]
    for column, i in zip(SPEND_COLUMNS, form.spend, strict=True):
        names[i] = column
    # We write commas between fields and points in amounts; another program may have changed both.
    told = settings.decimal or ("point" if ours and form.delimiter == "," else None)
    decimal = Decimal(SIGNS[told], settled=True, told=True) if told else form.decimal
    heads = tuple(form.names[i] for i in form.spend)
    form = form.rewritten(heads=heads, currencies=frozenset(CURRENCY_SIGNS).intersection("".join(heads)))
    return form.rewritten(names=tuple(names), ours=ours, decimal=decimal, zeros=settings.blank == "zero")


def whole(file: CustomerFile, run: Callable[[CustomerFile], T]) -> T:
    """Read a file by `run`, once more from the start if a part of it shows another form than its beginning.

    Raises
    ------
    ReadError
        With the file's name.
    """
    form = file.form
    while True:
        try:
            with naming(file.path.name):
                file = file if form is file.form else file.reconsidered(form)
                return run(file)
        except Reconsider as other:
            form = other.form


def read_customers(path: Path | str, columns: Mapping[str, str] | None = None) -> tuple[pa.Table, pa.Table]:
    """Read a file of customers into memory.

    Parameters
    ----------
    path : path
        As for :func:`open_customers`.
    columns : mapping of str to str, optional
        For a category, the file's own name of that column.

    Returns
    -------
    accepted : Table
        ``line``, the line of the file on which a record starts, then the file's columns in their order: the
        six amounts, in m.u., as floats under their own names, all others as they are.
    rejected : Table
        ``line``, ``column``, ``value`` and ``reason`` (of the first fault, and of all), and the ``record``.
        Together the two hold every record of the file; empty lines are none.

    Raises
    ------
    ReadError
        In one sentence, if the file cannot be read at all, or holds no record.
    """
    return whole(open_customers(path, Settings(columns or {})), read_tables)


def read_tables(file: CustomerFile) -> tuple[pa.Table, pa.Table]:
    """Read an open file into memory, as `read_customers` does."""
    parts = [read_block(file.form, block) for block in file.blocks()]
    if not any(len(part.accepted) or len(part.rejected) for part in parts):
        raise ReadError("it has a header but no rows")
    judged = file.judged(reduce(Seen.plus, (part.seen for part in parts)))
    if judged.notes != file.notes:  # who has read them beforehand is to have those on the whole file
        raise Reconsider(judged.form)
    accepted = pa.concat_tables([part.accepted for part in parts])
    return accepted, pa.concat_tables([REJECTED.empty_table(), *(part.rejected for part in parts)])
