"""A file sent to the page's server: how it is to be read, and what is said of it."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from wholesale.amounts import shown
from wholesale.app.many import COMMAND, LIMIT
from wholesale.app.server.answers import Refused, fault
from wholesale.app.server.matching import refusal
from wholesale.predict import Predictor
from wholesale.reading import ReadError, Settings
from wholesale.reading.form import SIGNS
from wholesale.reading.formulas import restore
from wholesale.scoring import OutputError, Summary, score_file
from wholesale.scoring.files import Progress

ROWS = 1000
"""Rejected rows that an answer lists; the file of rejected rows holds all."""

# What may unpack to many times its size, or keeps Python busy for long, is left to the command line.
PACKED = {
    b"\x1f\x8b": "compressed",
    b"BZh": "compressed",
    b"\x28\xb5\x2f\xfd": "compressed",
    b"\x04\x22\x4d\x18": "compressed",
    b"PK\x03\x04": "an Excel file or an archive",
    b"\xd0\xcf\x11\xe0": "an Excel file",
    b"PAR1": "a Parquet file",
}


@dataclass(frozen=True)
class Scored:
    """What becomes of a file.

    Attributes
    ----------
    summary : Summary
    rows : list of dict
        The first rejected rows: ``line``, ``column``, ``value``, ``reason``.
    lines : list of int
        Each scored row's line in the file that was sent.
    scored, rejected : Path
        CSV files beside the one that was sent; without rejected rows there is no such file.
    """

    summary: Summary
    rows: list[dict]
    lines: list[int]
    scored: Path
    rejected: Path

    @property
    def names(self) -> list[str]:
        """The columns of the scored file."""
        with self.scored.open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file))

    def as_dict(self) -> dict:
        """Give what is said of the file as what JSON knows."""
        return self.summary.as_dict() | {"rejected_rows": self.rows}


def read_query(arguments: Mapping[str, Sequence[str]]) -> Settings:
    """Read ``column=Fresh=fresh_products`` (as often as needed) and ``decimal=comma``.

    Raises
    ------
    Refused
        422, in one sentence for each argument that is none.
    """
    faults = [
        fault(f"unknown: {shown(name)}", field=name)
        for name in arguments
        if name not in ("column", "decimal")
    ]
    pairs = [each.partition("=") for each in arguments.get("column", ())]
    if any(not (category and name) for category, _, name in pairs):
        faults.append(
            fault("column must be of the form CATEGORY=NAME, e.g. Fresh=fresh_products", field="column")
        )
    decimals = [sign for sign in arguments.get("decimal", ()) if sign]
    if any(sign not in SIGNS for sign in decimals):
        faults.append(fault(f"decimal must be {' or '.join(SIGNS)}", field="decimal"))
    if faults:
        raise Refused(422, *faults)
    return Settings({category: name for category, _, name in pairs}, decimals[-1] if decimals else None)


def score_upload(predictor: Predictor, source: Path, settings: Settings, progress: Progress) -> Scored:
    """Score a file that was sent.

    Parameters
    ----------
    predictor : Predictor
    source : Path
        Plain text; the answers are written beside it.
    settings : Settings
    progress : callable
        As for :func:`wholesale.scoring.score_file`; what it raises ends the work.

    Raises
    ------
    Refused
        In one sentence; an `Unmatched` where all that is missing is which column is which category.
    """
    scored, rejected = source.with_name("scored.csv"), source.with_name("rejected.csv")
    lines: list[int] = []
    _check_plain(source)
    try:
        summary = score_file(
            source,
            scored,
            predictor,
            rejected=rejected,
            settings=settings,
            workers=1,  # the other cores are for the page's visitors
            progress=progress,
            lines=lines,
        )
    except OutputError as error:
        raise Refused(507, fault(f"the file could not be scored: {error}")) from None
    except ReadError as error:
        raise refusal(error, settings.columns) from None
    return Scored(summary, _first_rows(rejected) if summary.rejected else [], lines, scored, rejected)


def too_large() -> str:
    """Say how large a file may be, and what takes larger ones."""
    return f"the file is too large for the page; send at most {LIMIT // 10**6} MB, or use {COMMAND}"


def _check_plain(source: Path) -> None:
    with source.open("rb") as file:
        beginning = file.read(4)
    for mark, kind in PACKED.items():
        if beginning.startswith(mark):
            raise Refused(422, fault(f"it is {kind}; save it as CSV, or use {COMMAND}"))


def _first_rows(rejected: Path) -> list[dict]:
    names = ["line", "column", "value", "reason"]
    reader = pacsv.open_csv(
        rejected,
        pacsv.ReadOptions(
            block_size=3 * LIMIT, use_threads=False
        ),  # a record in quotes may take twice its length
        pacsv.ParseOptions(newlines_in_values=True),
        pacsv.ConvertOptions(
            include_columns=names,
            column_types={name: pa.int64() if name == "line" else pa.string() for name in names},
            strings_can_be_null=False,
        ),
    )
    table = pa.table(reader.read_next_batch().slice(0, ROWS))
    text_columns = {name: restore(table[name]).to_pylist() for name in names[1:]}
    rows = zip(table["line"].to_pylist(), *text_columns.values(), strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]
