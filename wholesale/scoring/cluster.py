"""Files scored on a Dask cluster: the same loop over the same blocks, so with the same answers.

Workers read the portions of files for themselves, from a file system that they share with this machine, and
write the answers into files of their own; put in order, these are the output.
"""

import logging
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from copy import copy
from dataclasses import replace
from functools import partial
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from wholesale.predict import Predictor
from wholesale.reading import CustomerFile, ReadError, Settings, open_customers
from wholesale.reading.dialect import Reconsider
from wholesale.reading.records import Block
from wholesale.reading.tables import group_ends, plain_type
from wholesale.scoring import Begun, Progress, Reading, Scored, Written, run
from wholesale.scoring.output import TableFile, check_free, folder_aside, part_name, writing
from wholesale.scoring.summary import Counts, Summary

if TYPE_CHECKING:
    from distributed import Client, Future

PORTION, ROWS = 1 << 25, 1 << 19  # bytes of text, or rows of whole row groups, in a portion, or a little more
AHEAD = 64  # portions begun before the first of them is done; or four to a thread, if that is more
PATIENCE = 30  # seconds to wait for a scheduler to answer, and for its first worker

LOCAL = "local"


class ClusterError(ValueError):
    """There is no cluster, or it cannot do the work; the message says why."""


def score_cluster(
    source: Path | str,
    output: Path | str,
    predictor: Predictor,
    *,
    address: str = LOCAL,
    rejected: Path | str | None = None,
    settings: Settings | None = None,
    force: bool = False,
    progress: Progress = lambda rows, share: None,
) -> Summary:
    """Score customers on a Dask cluster, of which each machine sees the same files as this one.

    The address is the scheduler's, or ``"local"`` for a process per core here, ended afterwards. The source
    is a file as for `score_file`, a folder of files, or a pattern such as ``part-*.csv``: parts of one
    table, read in order of name. The output is a folder of Parquet files that hold the rows in their order;
    the rejected rows of several files have a column ``file``. A `ReadError`, `OutputError` or `ClusterError`
    leaves nothing behind under the final names.
    """
    source, output = Path(source), Path(output).absolute()  # workers may be in other folders
    rejected = output.with_suffix(".rejected.csv") if rejected is None else Path(rejected)
    settings = replace(settings or Settings(), categories=predictor.categories)
    readings = [Reading(open_customers(path.resolve(), settings), []) for path in _paths(source)]
    _check_columns(readings)
    sources = [each.file.path for each in readings]
    with writing(), TableFile(rejected, optional=True, new=not force) as reject:
        check_free(output, sources, force=force, folder=True)
        check_free(rejected, sources, force=force, other=output)
        with folder_aside(output, new=not force) as (parts, work):
            with connected(address) as client:
                # A task, not data, as Dask makes it anew if all workers that have it die.
                shared = client.submit(copy, predictor, pure=False)

                def begin(file: CustomerFile) -> Iterator[Begun]:
                    for portion, share in portions(file):
                        promise = client.submit(score_portion, file, portion, work, shared, pure=False)
                        yield share, partial(_outcome, promise)

                ahead = max(AHEAD, 4 * sum(client.nthreads().values()))
                summary = run(readings, begin, predictor, source, progress=progress, ahead=ahead)
            _check_columns(readings)
            _gather(readings, parts, reject)
            reject.complete()
    return summary


def _paths(source: Path) -> list[Path]:
    """Give a file, all files in a folder, or those of a pattern, in order of name."""
    if source.is_dir():
        found = [path for path in source.iterdir() if path.is_file() and path.name[0] not in "._"]
    elif has_magic(str(source)) and not source.exists():
        root = Path(source.anchor)
        found = [path for path in root.glob(str(source.relative_to(root))) if path.is_file()]
    else:
        return [source]
    if not found:
        raise ReadError(f"{'there is no file in' if source.is_dir() else 'no file is'} {source.name}")
    return sorted(found)


def _check_columns(readings: list[Reading]) -> None:
    """Refuse files that are not parts of one table."""
    first, *others = [each.file for each in readings]
    for file in others:
        if _columns(file) != _columns(first):
            raise ReadError(f"{file.path.name} has not the same columns as {first.path.name}")


def _columns(file: CustomerFile) -> list[tuple[str, str]]:
    """Name the columns, and the types of those that are passed through."""
    names, spend = file.dialect.names, file.dialect.spend
    types = pq.read_schema(file.path).types if file.kind == "parquet" else [pa.string()] * len(names)
    passed = ["string" if i in spend else str(plain_type(kind)) for i, kind in enumerate(types)]
    return list(zip(names, passed, strict=True))


def _outcome(promise: "Future") -> Scored:
    from distributed import CancelledError, KilledWorker

    try:
        outcome = promise.result()
    except KilledWorker:
        raise ClusterError("the cluster's workers die of this file; do they have enough memory?") from None
    except (CancelledError, OSError, RuntimeError, ImportError) as error:
        raise ClusterError(f"the cluster gave up ({error})") from None
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _gather(files: list[Reading], parts: Path, reject: TableFile) -> None:
    """Put the answers of all portions into one folder, in order, and rejected rows into one table."""
    done = [(each.file.path.name, scored) for each in files for scored in each.kept]
    for number, (name, scored) in enumerate(done):
        scored.customers.replace(parts / part_name(number))
        if scored.counts.rejected:
            table = pq.ParquetFile(scored.rejected).read()
            table = table.add_column(0, "file", [[name] * len(table)]) if len(files) > 1 else table
            reject.write(reject.prepare(table))


def score_portion(file: CustomerFile, portion: Block, work: Path, predictor: Predictor) -> Scored | Exception:
    """Score a portion into files of its own; faults of its file are given, not raised (Dask logs those)."""
    counts, name = Counts(), uuid4().hex
    answers, faults = work / f"{name}.parquet", work / f"{name}.rejected.parquet"
    try:
        if not file.path.exists():
            raise ReadError("a worker does not see it: a cluster needs a folder that all its machines share")
        with TableFile(answers) as accept, TableFile(faults, optional=True) as reject:
            written = Written(accept, reject)
            for block in file.blocks(portion=portion):
                scored = written.prepare(predictor, file.dialect, block)
                written.append(scored)
                counts += scored.counts
    except (Reconsider, ReadError, OSError) as fault:
        return fault
    return Scored(answers, faults, counts)


def portions(file: CustomerFile) -> Iterator[tuple[Block, float]]:
    """Cut a file, with shares of it up to each end; only as much is read as tells where its records end."""
    length, start = file.length, 0
    if not length:
        yield Block(b"", file.dialect.line), 1.0
    elif file.kind == "parquet":
        for end in group_ends(file.path):
            if end - start >= ROWS or start < end == length:
                yield Block(b"", start + 1, start, end), end / length
                start = end
    else:
        for block in file.blocks(PORTION):
            yield block._replace(content=b""), block.end / length


@contextmanager
def connected(address: str) -> Iterator["Client"]:
    """Connect to a cluster, or make one; if there is none to be had, that is a `ClusterError`."""
    try:
        import dask

        with dask.config.set({"logging.distributed": "error"}):  # read when it is imported first
            from distributed import Client, LocalCluster
    except ImportError:
        raise ClusterError("Dask is not installed; install it with: pip install 'wholesale[dask]'") from None
    with ExitStack() as stack:
        place: Any = address
        if address == LOCAL:
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="wholesale-dask-"))
            stack.enter_context(dask.config.set({"temporary-directory": scratch}))
            with _not_to_be_interrupted():  # a process per core, out of reach from elsewhere, silent
                place = LocalCluster(
                    n_workers=os.cpu_count(), threads_per_worker=1, processes=True,
                    host="127.0.0.1", dashboard_address="127.0.0.1:0",
                    scheduler_kwargs={"dashboard": False},
                    silence_logs=logging.CRITICAL, env={"DASK_LOGGING__DISTRIBUTED": "critical"},
                )  # fmt: skip
            stack.callback(_close, place)
        try:
            client = stack.enter_context(Client(place, timeout=PATIENCE))
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise ClusterError(f"no Dask scheduler with workers answers at {address}") from None
        except (OSError, ValueError):
            raise ClusterError(f"no Dask scheduler answers at {address}") from None
        yield client


def _close(cluster: Any) -> None:
    """End the workers; one that is just being born again makes Dask complain, which is no news by then."""
    with suppress(OSError, RuntimeError, AssertionError):
        cluster.close()


@contextmanager
def _not_to_be_interrupted() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach, as this one ends them; only its main thread can do so."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None
    try:
        yield
    finally:
        if main:
            signal.signal(signal.SIGINT, before)
