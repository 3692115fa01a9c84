"""A file sent to the page's server: how it is to be read, what becomes of it, and what is said of it."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from wholesale.amounts import shown
from wholesale.app.many import COMMAND, LIMIT
from wholesale.app.sentences import NO_MIXTURE
from wholesale.app.server.answers import Errors, Refused, fault
from wholesale.app.templates import render
from wholesale.columns import LABELS, MODELS, SPEND_COLUMNS
from wholesale.palette import segment_colours
from wholesale.predict import UNFAMILIAR, Predictor
from wholesale.reading import Note, ReadError, Settings
from wholesale.reading.dialect import SIGNS
from wholesale.reading.formulas import restore
from wholesale.reading.header import nearest, plain
from wholesale.scoring import OutputError, Summary, score_file
from wholesale.scoring.score import Progress
from wholesale.scoring.summary import FAR, LIKE, Drift

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

TOO_LARGE = f"the file is too large for the page; send at most {LIMIT // 10**6} MB, or use {COMMAND}"
"""What may be sent, and what takes larger files."""


@dataclass(frozen=True)
class Count:
    """A segment, and how many of the file's customers are in it."""

    segment: int
    name: str
    customers: int


@dataclass(frozen=True)
class Counts:
    """The customers in each segment, by model."""

    kmeans: list[Count]
    gmm: list[Count] | None
    ward: list[Count]


@dataclass(frozen=True)
class RejectedRow:
    """A row that is no customer's, and why."""

    line: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True)
class Said:
    """What there is to say of a scored file, with the first rejected rows."""

    accepted: int
    rejected: int
    rejected_by_column: dict[str, int]
    rejected_examples: list[str]
    segments: Counts
    unfamiliar: int | None
    drift: dict[str, Drift]
    other_market: bool
    verdict: str
    notes: list[str]
    rejected_rows: list[RejectedRow]


@dataclass(frozen=True)
class Unmatched(Errors):
    """A file that lacks a category, or has two for one: its names, and a guess of which is which."""

    header: list[str]
    columns: dict[str, str | None]


@dataclass(frozen=True)
class Scored:
    """What becomes of a file; `scored` and `rejected` are CSV files beside the one that was sent."""

    summary: Summary
    rows: list[RejectedRow]  # the first ones
    lines: list[int]  # of each scored row in the file that was sent
    scored: Path
    rejected: Path  # without rejected rows there is no such file

    @property
    def names(self) -> list[str]:
        """The columns of the scored file."""
        with self.scored.open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file))

    @property
    def said(self) -> Said:
        """What there is to say of it."""
        return Said(**self.summary.as_dict(), rejected_rows=self.rows)


def read_query(arguments: Mapping[str, Sequence[str]]) -> Settings:
    """Read ``column=Fresh=fresh_products`` (as often as needed) and ``decimal=comma``, or refuse with 422."""
    unknown = arguments.keys() - {"column", "decimal"}
    faults = [fault(f"unknown: {shown(name)}", field=name) for name in arguments if name in unknown]
    pairs = [each.partition("=") for each in arguments.get("column", ())]
    if not all(category and name for category, _, name in pairs):
        example = f"{SPEND_COLUMNS[0]}={SPEND_COLUMNS[0].lower()}_products"
        faults.append(fault(f"column must be of the form CATEGORY=NAME, e.g. {example}", field="column"))
    decimals = [sign for sign in arguments.get("decimal", ()) if sign]
    if any(sign not in SIGNS for sign in decimals):
        faults.append(fault(f"decimal must be {' or '.join(SIGNS)}", field="decimal"))
    if faults:
        raise Refused(422, *faults)
    return Settings({category: name for category, _, name in pairs}, decimals[-1] if decimals else None)


def score_upload(predictor: Predictor, source: Path, settings: Settings, progress: Progress) -> Scored:
    """Score a file that was sent, beside it, or refuse it; what `progress` raises ends the work."""
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
        raise _unreadable(error, settings.columns) from None
    return Scored(summary, _first_rows(rejected) if summary.rejected else [], lines, scored, rejected)


def result(predictor: Predictor, scored: Scored) -> str:
    """Write what the page shows of a scored file, as HTML."""
    summary = scored.summary
    names = scored.names if summary.accepted else []
    answers = names.index("kmeans_segment") if names else 0
    return render(
        "scored.html",
        summary=summary,
        notes=[_on_the_page(note) for note in summary.notes],
        predictor=predictor,
        colours=segment_colours(predictor.overlap),
        names=names,
        others=[i for i, name in enumerate(names[:answers]) if name not in SPEND_COLUMNS],
        rejects=scored.rows,
        listed=ROWS,
        labels=LABELS,
        no_mixture=(MODELS["gmm"], NO_MIXTURE),
        like=LIKE,
        far=FAR,
        unfamiliar=UNFAMILIAR,
    )


def _on_the_page(note: str) -> str:
    """Write a note with the page's own way to decide otherwise."""
    if not isinstance(note, Note) or not note.setting:
        return note
    advice = {"decimal": f"choose {note.value.capitalize()} under Decimal sign", "blank": "write 0 for them"}
    return f"{note.reason}, {advice[note.setting]}."


def _check_plain(source: Path) -> None:
    with source.open("rb") as file:
        beginning = file.read(4)
    for mark, kind in PACKED.items():
        if beginning.startswith(mark):
            raise Refused(422, fault(f"it is {kind}; save it as CSV, or use {COMMAND}"))


def _first_rows(rejected: Path) -> list[RejectedRow]:
    kinds = {"line": pa.int64(), "column": pa.string(), "value": pa.string(), "reason": pa.string()}
    reader = pacsv.open_csv(
        rejected,
        # A record in quotes may take twice its length.
        pacsv.ReadOptions(block_size=3 * LIMIT, use_threads=False),
        pacsv.ParseOptions(newlines_in_values=True),
        pacsv.ConvertOptions(include_columns=[*kinds], column_types=kinds, strings_can_be_null=False),
    )
    table = pa.table(reader.read_next_batch().slice(0, ROWS))
    texts = (restore(table[name]).to_pylist() for name in [*kinds][1:])
    return [*map(RejectedRow, table["line"].to_pylist(), *texts)]


def _unreadable(error: ReadError, columns: Mapping[str, str]) -> Refused:
    """Say why a file cannot be read, with what mends it if its names are all that is at fault."""
    if len(error.header) < len(SPEND_COLUMNS):
        return Refused(422, fault(error.reason))
    header = list(error.header)
    return Refused(422, fault(error.reason), kind=Unmatched, header=header, columns=_guess(header, columns))


def _guess(header: list[str], columns: Mapping[str, str]) -> dict[str, str | None]:
    """Give each category the nearest name that no other category has."""
    free = {plain(name): name for name in header if plain(name)}
    guess: dict[str, str | None] = {}
    for column in SPEND_COLUMNS:
        told = plain(columns.get(column, column))
        guess[column] = free.pop(told, None)
    for column in (column for column, name in guess.items() if not name):
        near = nearest(column, list(free.values()))
        guess[column] = free.pop(plain(near[0])) if near else None
    return guess
