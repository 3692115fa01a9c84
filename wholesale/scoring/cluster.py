"""Files scored on a Dask cluster: the same function over the same blocks, so with the same answers."""

import logging
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wholesale.predict import Predictor
from wholesale.reading import CustomerFile, ReadError, Settings
from wholesale.scoring.files import Progress
from wholesale.scoring.folder import check_folder, folder_aside
from wholesale.scoring.output import TableFile, check_free, writing
from wholesale.scoring.parts import gather
from wholesale.scoring.portions import open_all
from wholesale.scoring.run import ClusterError, Run
from wholesale.scoring.summary import Summary, summarize

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

LOCAL = "local"
_LOCAL: dict[str, Any] = {
    **{"n_workers": os.cpu_count(), "threads_per_worker": 1, "processes": True},
    **{"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "scheduler_kwargs": {"dashboard": False}},
    **{"silence_logs": logging.CRITICAL, "env": {"DASK_LOGGING__DISTRIBUTED": "critical"}},
}
"""A cluster on this machine: a process per core, out of reach from elsewhere, without a dashboard, silent."""

PATIENCE = 30
"""Seconds to wait for a scheduler to answer, and for its first worker."""


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
    """Score customers on a Dask cluster, whose machines share a file system with this one.

    Parameters
    ----------
    source : path
        A file, as for :func:`wholesale.scoring.score_file`; a folder of files; or a pattern such as
        ``part-*.csv``. Several files must have the same columns, and are read in order of name.
    output : path
        A folder of Parquet files, ``part-00000.parquet`` and so on, which hold the rows in their order.
    predictor : Predictor
    address : str
        The scheduler's, such as ``tcp://10.0.0.1:8786``; or ``"local"``, for a process per core of this
        machine, ended afterwards.
    rejected, settings, force, progress
        As for :func:`wholesale.scoring.score_file`; where there are several files, the rejected rows have a
        column ``file``.

    Returns
    -------
    Summary

    Raises
    ------
    ReadError, OutputError
        As :func:`wholesale.scoring.score_file`, and as completely.
    ClusterError
        If there is no such cluster, or its workers die of the work.
    """
    source, output = Path(source), Path(output).absolute()  # workers may be in other folders
    rejected = output.with_suffix(".rejected.csv") if rejected is None else Path(rejected)
    files = open_all(source, settings)
    paths = [file.path for file in files]
    with writing(), TableFile(rejected, optional=True, new=not force) as reject:
        check_folder(output, force=force, sources=paths)
        for path in paths:
            check_free(rejected, force=force, source=path)
        with folder_aside(output, new=not force) as (parts, work):
            with connected(address) as client:
                files, done = Run(client, files, predictor, work, progress).whole()
            total = gather(files, done, parts, reject)
            if total is None or not total.rows:
                raise ReadError(f"{source.name}: it has a header but no rows")
            reject.complete()
    return summarize(predictor, total, _notes(files))


@contextmanager
def connected(address: str) -> Iterator["Client"]:
    """Connect to a cluster, or make one.

    Raises
    ------
    ClusterError
        If it is not there, or has no workers; or if Dask is not installed.
    """
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
            with _not_to_be_interrupted():
                place = LocalCluster(**_LOCAL)
            stack.callback(_close, place)
        try:
            client = stack.enter_context(Client(place, timeout=PATIENCE))
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise ClusterError(f"no Dask scheduler with workers answers at {address}") from None
        except (OSError, ValueError):
            raise ClusterError(f"no Dask scheduler answers at {address}") from None
        yield client


def _close(cluster: "LocalCluster") -> None:
    """End the workers; one that is just being born again makes Dask complain, which is no news by then."""
    with suppress(OSError, RuntimeError, AssertionError):
        cluster.close()


@contextmanager
def _not_to_be_interrupted() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach, as this one ends them; only its main thread can do so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _notes(files: list[CustomerFile]) -> list[str]:
    """Give the notes on all files, each with the name of the first that it is on, if there are several."""
    if len(files) == 1:
        return files[0].notes
    on: dict[str, list[str]] = {}
    for file in files:
        for note in file.notes:
            on.setdefault(note, []).append(file.path.name)
    more = {note: f" and {len(names) - 1} more" if len(names) > 1 else "" for note, names in on.items()}
    return [f"{names[0]}{more[note]}: {note}" for note, names in on.items()]
