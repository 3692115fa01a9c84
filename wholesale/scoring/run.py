"""The portions of files on their way through a Dask cluster."""

from collections import deque
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from wholesale.predict import Predictor
from wholesale.reading import CustomerFile, ReadError
from wholesale.reading.form import Reconsider
from wholesale.reading.header import naming
from wholesale.reading.seen import Seen, beside, beyond
from wholesale.scoring.files import Progress
from wholesale.scoring.parts import Done, score_portion
from wholesale.scoring.portions import Portion, check_columns, portions

if TYPE_CHECKING:
    from distributed import Client, Future

AHEAD = 64
"""Portions given to the cluster before the first of them is done, or four to a thread if that is more."""


class ClusterError(ValueError):
    """There is no cluster, or it cannot do the work; the message says why."""


class Run:
    """The portions of all files on their way through a cluster, some ahead, and looked at in their order."""

    def __init__(
        self,
        client: "Client",
        files: list[CustomerFile],
        predictor: Predictor,
        work: Path,
        progress: Progress,
    ) -> None:
        self.client, self.work, self.progress = client, work, progress
        self.files, self.done = list(files), [list[Done]() for _ in files]
        self.plans = deque((i, portions(file)) for i, file in enumerate(files))
        self.waiting: deque[tuple[int, float, Future | Exception]] = deque()
        self.ahead = max(AHEAD, 4 * sum(client.nthreads().values()))
        self.rows, self.read = [0] * len(files), [0.0] * len(files)
        self.length = sum(file.path.stat().st_size for file in files)
        # A task, not data: Dask makes it anew if all workers that have it die.
        self.predictor = client.submit(_same, predictor, key=f"wholesale-predictor-{uuid4().hex}")

    def whole(self) -> tuple[list[CustomerFile], list[list[Done]]]:
        """Score all files; give them, as they were read in the end, and what became of their portions."""
        while self._plan() or self._judge():
            i, weight, future = self.waiting.popleft()
            outcome = future if isinstance(future, Exception) else _result(future)
            with naming(self.files[i].path.name):
                if isinstance(outcome, Reconsider):
                    self._reconsider(i, outcome)
                elif isinstance(outcome, Exception):
                    raise outcome
            if isinstance(outcome, Done):
                self.done[i].append(outcome)
                self._tell(i, outcome.counts.rows, weight)
        check_columns(self.files)
        return self.files, self.done

    def _plan(self) -> bool:
        """Give the cluster work, and say whether there is any that is not looked at."""
        while self.plans and len(self.waiting) < self.ahead:
            i, plan = self.plans[0]
            try:
                portion = next(plan, None)
            except (Reconsider, ReadError) as fault:  # it is its turn after the portions before it
                self.waiting.append((i, 0, fault))
                portion = None
            if portion is None:
                self.plans.popleft()
            else:
                self.waiting.append((i, portion.weight, self._submit(portion)))
        return bool(self.waiting)

    def _submit(self, portion: Portion) -> "Future":
        task = partial(score_portion, portion, self.work)
        return self.client.submit(task, self.predictor, key=f"wholesale-portion-{uuid4().hex}")

    def _reconsider(self, i: int, other: Reconsider) -> None:
        """Begin a file once more, in another form; what is waiting of it is dropped, and so cancelled."""
        self.files[i] = self.files[i].reconsidered(other.form)
        self.done[i], self.rows[i], self.read[i] = [], 0, 0
        self.waiting = deque(item for item in self.waiting if item[0] != i)
        others = [plan for plan in self.plans if plan[0] != i]
        self.plans = deque([(i, portions(self.files[i])), *others])

    def _judge(self) -> bool:
        """Look at what each file shows, and all together; say whether any is begun once more."""
        seen = [reduce(Seen.plus, (each.counts.seen for each in its), Seen()) for its in self.done]
        for i, file in enumerate(self.files):
            with naming(file.path.name):
                try:
                    self.files[i] = file.judged(seen[i])
                except Reconsider as other:
                    self._reconsider(i, other)
        if not self.plans:
            self._judge_together(seen)
        return self._plan()

    def _judge_together(self, seen: list[Seen]) -> None:
        """Find rows that are the sum of all others in all files."""
        all_files = reduce(Seen.plus, seen)
        rows, times = all_files.totals()
        part = None if rows else all_files.step()
        for i, file in enumerate(self.files):
            lines = [row.line for row in seen[i].largest if row in rows]
            if part and part[:2] in [row[:2] for row in seen[i].steps]:
                raise ReadError(f"{file.path.name}: {beside(part.line)}")
            if lines and times > 1:
                raise ReadError(f"{file.path.name}: {beyond(lines[0])}")
            if lines:
                self._reconsider(i, Reconsider(file.form.rewritten(totals=(*file.form.totals, *lines))))

    def _tell(self, i: int, rows: int, weight: float) -> None:
        self.rows[i] += rows
        self.read[i] += weight
        self.progress(sum(self.rows), min(sum(self.read) / self.length, 1))


def _same(predictor: Predictor) -> Predictor:
    return predictor


def _result(future: "Future") -> Done | Exception | None:
    """Wait for a portion.

    Raises
    ------
    ClusterError
    """
    from distributed import CancelledError, KilledWorker

    try:
        return future.result()
    except KilledWorker:
        raise ClusterError("the cluster's workers die of this file; do they have enough memory?") from None
    except (CancelledError, OSError, RuntimeError, ImportError) as error:
        raise ClusterError(f"the cluster gave up ({error})") from None
