"""How much of the package two everyday walks pass through: ``python -m benchmarks.walks``.

One changed amount on the page, and a file of ten rows scored. Counted are calls of code under ``wholesale/``
by ``sys.setprofile``, in all threads: the files, the distinct functions (lambdas and comprehensions included)
and the calls.
"""

import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

import typer

import wholesale
from wholesale.app.view import CustomerView
from wholesale.predict import load_predictor
from wholesale.scoring import score_file

PACKAGE = str(Path(wholesale.__file__).parent)
ROWS = 10


def walk(step: Callable[[], object]) -> Counter[tuple[str, str]]:
    """Take a step, and count its calls by file and function."""
    calls: Counter[tuple[str, str]] = Counter()

    def count(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            calls[frame.f_code.co_filename, frame.f_code.co_qualname] += 1

    threading.setprofile(count)
    sys.setprofile(count)
    try:
        step()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
    return calls


def main() -> None:
    """Print both walks; each is taken once beforehand, so that what is done only once is not counted."""
    predictor = load_predictor()
    view = CustomerView(predictor)
    milk = view.inputs["Milk"]
    milk.value = "9000"
    _tell("one changed amount", walk(lambda: milk.set_trait("value", "9123")))
    with TemporaryDirectory() as folder:
        source = Path(folder, "ten.csv")
        shipped = Path("dataset/wholesale_customers.csv").read_text(encoding="utf-8").splitlines()
        source.write_text("\n".join(shipped[: ROWS + 1]), encoding="utf-8")
        score_file(source, Path(folder, "first.csv"), predictor)
        _tell("a file of ten rows", walk(lambda: score_file(source, Path(folder, "again.csv"), predictor)))


def _tell(name: str, calls: Counter[tuple[str, str]]) -> None:
    files = len({file for file, _ in calls})
    typer.echo(f"{name}: {files} files, {len(calls)} functions, {calls.total()} calls")


if __name__ == "__main__":
    main()
