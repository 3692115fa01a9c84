"""Any file of customers, by pyarrow and without pandas: which rows are customers, which are not, and why.

`text` and `tables` open a file and find its `dialect`; blocks of `records` are sorted into customers and
others, and what they show only together, as `totals`, may have the file read once more in another dialect.
"""

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa

from wholesale.amounts import CURRENCY_CODES, CURRENCY_SIGNS, shown
from wholesale.columns import ANSWERS, WHOLESALE, Categories
from wholesale.reading.dialect import MONEY, NAMED, OTHER, SIGNS, Decimal, Dialect, Marks, Reconsider, decide
from wholesale.reading.formulas import restore
from wholesale.reading.header import SCALE, ReadError, Settings, naming
from wholesale.reading.records import BLOCK, CUT, Block
from wholesale.reading.sorting import Part, read_block
from wholesale.reading.tables import excel_blocks, excel_dialect, group_ends, parquet_blocks, parquet_dialect
from wholesale.reading.text import kind_of, text_blocks, text_dialect
from wholesale.reading.totals import BESIDE, BEYOND, MEAN, NOTHING, TOTAL, Seen
from wholesale.wording import counted, format_amount, listed

ENCODINGS = {"cp1252": "Windows-1252", "latin-1": "Latin-1", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}


class Note(str):
    """What was decided in reading a file; as text with the command line's way to decide otherwise."""

    reason: str
    setting: str
    value: str

    def __new__(cls, reason: str, setting: str, value: str) -> "Note":
        note = super().__new__(cls, f"{reason}, say --{setting} {value}.")
        note.reason, note.setting, note.value = reason, setting, value
        return note


DAMAGED = (OSError, pa.ArrowException, BadZipFile, NotImplementedError, zlib.error)
"""What is raised where a file, or what is packed in it, is not as it was written."""


@dataclass(frozen=True)
class CustomerFile:
    """A file of customers, and how it is to be read."""

    path: Path
    settings: Settings  # what the user said of it
    kind: str  # "text", "zip" (of text), "parquet" or "excel"
    dialect: Dialect  # what was found out
    seen: Seen = NOTHING  # what the whole of it shows, once it has been read

    @property
    def length(self) -> int:
        """Its bytes or rows, where it can be read from its middle: not compressed text, or UTF-16; else 0."""
        if self.kind == "parquet":
            return group_ends(self.path)[-1]
        whole = self.kind == "text" and self.path.suffix not in (".gz", ".bz2", ".zst", ".lz4")
        return self.path.stat().st_size if whole and not self.dialect.encoding.startswith("utf-16") else 0

    def blocks(self, size: int = BLOCK, portion: Block | None = None) -> Iterator[Block]:
        """Cut the file, or a portion of it, into blocks; text into about `size` bytes each."""
        portion = portion if portion and portion.end else None
        try:
            if self.kind == "parquet":
                yield from parquet_blocks(self.path, portion)
            elif self.kind == "excel":
                yield from excel_blocks(self.path, self.dialect)
            else:
                yield from text_blocks(self.path, self.kind, self.dialect, size, portion)
        except DAMAGED as error:
            raise ReadError(f"it cannot be read to its end ({error})") from None

    def reconsidered(self, dialect: Dialect) -> "CustomerFile":
        """Give the same file to be read in another dialect, which some of it has called for."""
        if dialect.encoding != self.dialect.encoding:  # the header, too, is in another encoding
            dialect = _dialect(self.path, self.kind, self.settings, dialect.encoding)
        return replace(self, dialect=dialect)

    def judged(self, seen: Seen) -> "CustomerFile":
        """Give the same file with what the whole of it shows, or raise `Reconsider` if it was read wrong."""
        dialect, before = self.dialect, self.dialect.decimal
        decimal = before if before.told else decide(seen.marks)
        if decimal.doubtful:
            point, comma = seen.marks["."], seen.marks[","]
            reason = (
                f"its decimal sign is not clear: {counted(point.clear, 'amount')} can only have a point,"
                f" {format_amount(comma.clear)} only a comma, and"
                f" {format_amount(point.either + comma.either)} such as {point.example or comma.example}"
                " could be either"
            )
            raise ReadError(reason, option="say --decimal point or --decimal comma")
        if decimal[:2] != before[:2]:
            raise Reconsider(replace(dialect, decimal=decimal))
        if summaries := dict.fromkeys(self._totals(seen), TOTAL) or dict.fromkeys(seen.means(), MEAN):
            raise Reconsider(replace(dialect, summaries=dialect.summaries | summaries))
        return replace(self, dialect=replace(dialect, decimal=decimal), seen=seen)

    def _totals(self, seen: Seen) -> list[int]:
        """Find the lines of rows that are sums of others."""
        rows, times, part = seen.totals()
        lines = [row.line for row in rows]
        of_two = None if rows or part else seen.totals(fewest=2)[2]  # which may be by chance
        if times > 1 or part or of_two:
            dialect = replace(self.dialect, summaries=self.dialect.summaries | dict.fromkeys(lines, TOTAL))
            accepted = pa.concat_tables(read_block(dialect, block).accepted for block in self.blocks())
            amounts = np.array([accepted[column].to_numpy() for column in dialect.categories.columns]).T
            subtotals = seen.subtotals(rows[0] if rows else None, accepted[0].to_numpy(), amounts)
            if not (subtotals or of_two):
                reason = BESIDE.format(part.line) if part else BEYOND.format(lines[0])
                raise ReadError(reason, option=seen.option)
            lines += subtotals if not of_two or len(subtotals) > 1 else []
        return lines

    def read(self, size: int = BLOCK) -> tuple[pa.Table, pa.Table, list[str]]:
        """Give accepted and rejected rows, as `read_customers` does, and notes on the whole file."""
        file, parts = self, list[Part]()
        with naming(self.path.name):
            while not parts:
                try:
                    parts = [read_block(file.dialect, block) for block in file.blocks(size)]
                    if not any(len(part.accepted) or len(part.rejected) for part in parts):
                        raise ReadError("it has a header but no rows")
                    file = file.judged(reduce(add, (part.seen for part in parts)))
                except Reconsider as other:
                    file, parts = file.reconsidered(other.dialect), []
        accepted, rejected = (pa.concat_tables(tables) for tables in list(zip(*parts, strict=True))[:2])
        return accepted, rejected, [*file.notes, *blank_advice(file.seen.blanks, len(rejected))]

    @property
    def currencies(self) -> frozenset[str]:
        """The names of the currencies on amounts, or in the names of their columns."""
        heads = re.findall(
            rf"[{CURRENCY_SIGNS}]|\b(?:{CURRENCY_CODES})\b", " ".join(self.dialect.heads).replace("_", " ")
        )
        return self.seen.currencies.union(MONEY[name] for name in heads)

    @property
    def notes(self) -> list[str]:
        """Sentences on what was decided and could have been decided otherwise."""
        dialect, called = self.dialect, self.seen.called
        notes = [*dialect.remarks, *filter(None, [dialect.shape.note])]
        if dialect.shape.counts is not None and len(dialect.shape.counts) < len(dialect.names):
            notes.append(CUT)
        if dialect.encoding in ENCODINGS:
            notes.append(f"The text is not UTF-8; it is read as {ENCODINGS[dialect.encoding]}.")
        names, said = dict.fromkeys(MONEY.values()), self.currencies
        first, *others = [name for name in names if name in said] or [""]
        if others:
            notes.append(
                f"Some amounts bear {first}, others {listed(others)}; they are read as they stand, as if in"
                " one currency."
            )
        if scaled := [head for head in dialect.heads if SCALE.search(head.replace("_", " ").casefold())]:
            notes.append(f"Amounts are read as they stand, although a column is called {shown(scaled[0])}.")
        if called:
            more = f", and {len(called) - 1} more" if called[1:] else ""
            notes.append(
                f"Read as a customer, but called a total, average or the like: line {called[0]}{more};"
                " delete what is no customer."
            )
        if dialect.decimal.sign:
            implied = dialect.decimal.told and not self.settings.decimal
            notes += _decimal_notes(dialect.decimal, self.seen.marks, implied)
        return notes


def blank_advice(blanks: int, rejected: int) -> list[str]:
    """Say what to do where most rejects have only blanks or dashes at fault."""
    said = f"Blanks are why {blanks} of the rejected {rejected} are; if a blank means 0"
    return [Note(said, "blank", "zero")] if 2 * blanks > rejected else []


def _decimal_notes(decimal: Decimal, marks: Mapping[str, Marks], implied: bool) -> list[str]:
    taken, other, notes = NAMED[decimal.sign], NAMED[OTHER[decimal.sign]], list[str]()
    (agree, groups, decimals), (against, _, thousands) = marks[decimal.sign], marks[OTHER[decimal.sign]]

    def note(reason: str, value: str = other) -> None:
        notes.append(Note(reason, "decimal", value))

    if agree and against:
        note(
            "Some amounts have a decimal point and some a decimal comma; those with the"
            f" {taken} are read, the others rejected; if that is wrong"
        )
    elif against:
        rejected = f"Rejected: {counted(against, 'amount')} with a decimal {other}"
        note(f"{rejected}, as the others have a decimal {taken}; if that is wrong")
    for mark in (marks[sign] for sign in decimal.unclear):
        rejected = f"Rejected: {counted(mark.either, 'amount')} such as {mark.example}"
        note(
            f"{rejected}, as others have the other mark before three digits; to have all of them read", taken
        )
    grouped = f"{thousands} is read as {thousands.replace(OTHER[decimal.sign], '')}"
    if thousands and not (agree or decimal.told):
        note(f"{grouped}, its {other} as a mark of thousands; if it is a decimal")
    elif thousands and decimals and decimal.told and not implied:
        notes.append(f"{grouped}, but {decimals} with a decimal {taken}, as that was told.")
    if groups > agree and (implied or (agree and not decimal.told)):
        share = f"{counted(agree, 'amount')} of {format_amount(agree + groups)}"
        why = "scored files are written" if implied else f"{share} can only be"
        note(f"{decimals} is read with a decimal {taken}, as {why}; if it marks thousands")
    return notes


def open_customers(path: Path | str, settings: Settings | None = None) -> CustomerFile:
    """Open text of any dialect, perhaps compressed, Parquet, or a sheet of an Excel file.

    A `ReadError` says in a sentence that it is not there, is empty, is no table, or lacks one of the columns.
    """
    path, settings = Path(path), settings or Settings()
    try:
        if path.exists() and not path.is_file() and not path.is_dir():  # merely opened, it may never answer
            raise ReadError(f"{path.name} is no file that can be read twice: write what it gives into one")
        with naming(path.name):
            kind = kind_of(path)
            return CustomerFile(path, settings, kind, _dialect(path, kind, settings))
    except FileNotFoundError:
        raise ReadError(f"{path.name} is not there") from None
    except DAMAGED as error:
        raise ReadError(f"{path.name} cannot be read ({getattr(error, 'strerror', None) or error})") from None


def _dialect(path: Path, kind: str, settings: Settings, encoding: str | None = None) -> Dialect:
    if settings.sheet and kind != "excel":
        raise ReadError(f"it has no sheets, so --sheet {shown(settings.sheet)} cannot be meant")
    if kind in ("parquet", "excel"):
        dialect = (parquet_dialect if kind == "parquet" else excel_dialect)(path, settings)
    else:
        dialect = text_dialect(path, kind, settings, encoding)
    ours = kind in ("text", "zip") and set(ANSWERS) <= set(dialect.names)  # a scored file: text is guarded
    names = restore(pa.chunked_array([dialect.names], pa.string())).to_pylist() if ours else dialect.names
    columns = settings.categories.columns
    names = [f"{name} (not used)" if name in columns else name for name in names]
    for column, i in zip(columns, dialect.spend, strict=True):
        names[i] = column
    # We write commas between fields and points in amounts; another program may have changed both.
    told = settings.decimal or ("point" if ours and dialect.delimiter == "," else None)
    return replace(
        dialect,
        names=tuple(names),
        categories=settings.categories,
        heads=tuple(dialect.names[i] for i in dialect.spend),
        decimal=Decimal(SIGNS[told], told=True) if told else dialect.decimal,
        ours=ours,
        zeros=settings.blank == "zero",
    )


def read_customers(
    path: Path | str, columns: Mapping[str, str] | None = None, categories: Categories = WHOLESALE
) -> tuple[pa.Table, pa.Table]:
    """Read a file of customers into memory.

    Parameters
    ----------
    path : path
        Text of any dialect, perhaps compressed (``.gz``, ``.bz2``, ``.zst``), Parquet, or an Excel file.
    columns : mapping of str to str, optional
        For a category, the file's own name of that column.
    categories : Categories
        What is looked for: by default those of the shipped customers.

    Returns
    -------
    accepted : Table
        ``line``, the line of the file on which a record starts, then the file's columns in their order: the
        amounts as floats under their categories' names, all others as they are.
    rejected : Table
        ``line``, ``column``, ``value`` and ``reason`` (of the first fault, and of all), and the ``record``.
        Together the two hold every record of the file; empty lines are none.

    Raises
    ------
    ReadError
        In one sentence, if the file cannot be read at all, or holds no record.
    """
    return open_customers(path, Settings(columns or {}, categories=categories)).read()[:2]
