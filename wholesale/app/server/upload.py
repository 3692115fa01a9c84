"""A file sent to the page's server: how it is to be read, what becomes of it, and what is shown of it."""

import csv
import ctypes
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from wholesale.amounts import shown
from wholesale.app.server.answers import ROWS, Refused, fault
from wholesale.app.tabs import COMMAND, LIMIT
from wholesale.app.templates import render
from wholesale.columns import ANSWERS, Categories
from wholesale.predict import Predictor
from wholesale.reading import Note, ReadError, Settings
from wholesale.reading.dialect import SIGNS
from wholesale.reading.formulas import restore
from wholesale.reading.header import nearest
from wholesale.scoring import OutputError, Progress, Summary, score_file
from wholesale.scoring.summary import FAR, LIKE

# What may unpack to many times its size, or keeps Python busy for long, is left to the command line.
PACKED = dict.fromkeys((b"\x1f\x8b", b"BZh", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18"), "compressed")
PACKED |= {b"PK\x03\x04": "an Excel file or an archive", b"\xd0\xcf\x11\xe0": "an Excel file"}
PACKED |= {b"PAR1": "a Parquet file"}

M_ARENA_MAX = -8  # glibc's option: how many pools there are, by default eight per core


@dataclass(frozen=True)
class Scored:
    """What becomes of a file; `scored` and `rejected` are CSV files beside the one that was sent."""

    summary: Summary
    rows: list[dict]  # the first rejected ones; without any there is no file of them
    lines: list[int]  # of each scored row in the file that was sent
    scored: Path
    rejected: Path


def keep_little() -> None:
    """Have memory that files took given back to the system, where its library can be told to."""
    pa.set_memory_pool(pa.system_memory_pool())  # Arrow's others keep it for the next file
    with suppress(AttributeError, OSError, TypeError):  # no glibc
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


def read_query(arguments: Mapping[str, Sequence[str]], categories: Categories) -> Settings:
    """Read ``column=Fresh=fresh_products`` (as often as needed) and ``decimal=comma``, or refuse with 422."""
    unknown = [name for name in arguments if name not in ("column", "decimal")]
    faults = [fault(f"unknown: {shown(name)}", field=name) for name in unknown]
    pairs = [each.partition("=")[::2] for each in arguments.get("column", ())]
    if not all(category and name for category, name in pairs):
        example = f"{categories.columns[0]}={categories.columns[0].lower()}_products"
        faults.append(fault(f"column must be of the form CATEGORY=NAME, e.g. {example}", field="column"))
    decimals = [sign for sign in arguments.get("decimal", ()) if sign]
    if any(sign not in SIGNS for sign in decimals):
        faults.append(fault(f"decimal must be {' or '.join(SIGNS)}", field="decimal"))
    if faults:
        raise Refused(422, *faults)
    return Settings(dict(pairs), decimals[-1] if decimals else None, categories=categories)


def score_upload(predictor: Predictor, source: Path, settings: Settings, progress: Progress) -> Scored:
    """Score a file that was sent, beside it, or refuse it; what `progress` raises ends the work."""
    scored, rejected, lines = source.with_name("scored.csv"), source.with_name("rejected.csv"), list[int]()
    with source.open("rb") as file:
        beginning = file.read(4)
    if kinds := [kind for mark, kind in PACKED.items() if beginning.startswith(mark)]:
        raise Refused(422, fault(f"it is {kinds[0]}; save it as CSV, or use {COMMAND}"))
    try:
        summary = score_file(
            source, scored, predictor, rejected=rejected, settings=settings, progress=progress, lines=lines,
            workers=1,  # the other cores are for the page's visitors
        )  # fmt: skip
    except OutputError as error:
        raise Refused(507, fault(f"the file could not be scored: {error}")) from None
    except ReadError as error:
        mends = {"header": [*error.header], "columns": _guess(error.header, settings)}
        named = len(error.header) >= len(predictor.categories.columns)  # but not which is which
        raise Refused(422, fault(error.reason), **mends if named else {}) from None
    finally:
        pa.default_memory_pool().release_unused()
    return Scored(summary, _first_rows(rejected) if summary.rejected else [], lines, scored, rejected)


def result(predictor: Predictor, scored: Scored) -> str:
    names = [ANSWERS[0]]
    if scored.summary.accepted:
        with scored.scored.open(encoding="utf-8", newline="") as file:
            names = next(csv.reader(file))
    columns, before = predictor.categories.columns, enumerate(names[: names.index(ANSWERS[0])])
    return render(
        "scored.html",
        summary=scored.summary,
        notes=map(_on_the_page, scored.summary.notes),
        predictor=predictor,
        names=names,
        others=[i for i, name in before if name not in columns],
        amounts={each: names.index(each) for each in columns if each in names},
        rejects=scored.rows,
        listed=ROWS,
        like=LIKE,
        far=FAR,
    )


def _on_the_page(note: str) -> str:
    """Write a note with the page's own way to decide otherwise."""
    if not isinstance(note, Note):
        return note
    advice = {"decimal": f"choose {note.value.capitalize()} under Decimal sign", "blank": "write 0 for them"}
    return f"{note.reason}, {advice[note.setting]}."


def _first_rows(rejected: Path) -> list[dict]:
    kinds = {"line": pa.int64(), "column": pa.string(), "value": pa.string(), "reason": pa.string()}
    reader = pacsv.open_csv(
        rejected,
        pacsv.ReadOptions(block_size=3 * LIMIT, use_threads=False),  # quoted, a record may be twice as long
        pacsv.ParseOptions(newlines_in_values=True),
        pacsv.ConvertOptions(include_columns=[*kinds], column_types=kinds, strings_can_be_null=False),
    )
    line, *texts = pa.table(reader.read_next_batch().slice(0, ROWS)).columns
    return pa.table([line, *map(restore, texts)], [*kinds]).to_pylist()


def _guess(header: Sequence[str], settings: Settings) -> dict[str, str | None]:
    """Give each category the nearest name that no other category has."""
    free = {settings.plain(name): name for name in header if settings.plain(name)}
    columns = settings.categories.columns
    guess = {each: free.pop(settings.plain(settings.columns.get(each, each)), None) for each in columns}
    for column in (column for column, name in guess.items() if not name):
        near = nearest(column, list(free.values()), settings)
        guess[column] = free.pop(settings.plain(near[0])) if near else None
    return guess
