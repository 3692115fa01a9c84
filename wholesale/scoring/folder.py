"""A folder of Parquet parts, put together aside and renamed when it is whole."""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from wholesale.scoring.output import OutputError


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


def check_folder(folder: Path, *, force: bool, sources: Iterable[Path]) -> None:
    """Refuse a folder that is there already, is read from, or would be replaced though it holds other things.

    Raises
    ------
    OutputError
        In one sentence.
    """
    if not folder.parent.is_dir():
        raise OutputError(f"there is no folder {folder.parent.name} for {folder.name}")
    if folder.suffix.lower() in (".csv", ".tsv", ".txt", ".gz"):
        raise OutputError(
            f"a cluster writes a folder of Parquet files, not {folder.name}: choose another with -o"
        )
    if not os.access(folder.parent, os.W_OK):
        raise OutputError(f"{folder.name} cannot be written: it is read-only")
    if folder.exists():
        _check_replaceable(folder, force, sources)


def _check_replaceable(folder: Path, force: bool, sources: Iterable[Path]) -> None:
    if not folder.is_dir():
        raise OutputError(f"{folder.name} is a file, but a cluster writes a folder: choose another with -o")
    if any(folder.samefile(source.parent) for source in sources):
        raise OutputError(f"{folder.name} is what is read; choose another output with -o")
    if not force:
        raise OutputError(
            f"{folder.name} is there already; replace it with --force, or choose another with -o"
        )
    names = {each.name for each in folder.iterdir()}
    if others := sorted(names - {part_name(i) for i in range(len(names))}):
        raise OutputError(f"{folder.name} holds more than parts, {others[0]} for one; choose another with -o")
