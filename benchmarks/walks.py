"""How much of the package two everyday walks pass through: ``python -m benchmarks.walks``.

Counted are calls of code under ``wholesale/``, in all threads; lambdas and comprehensions are functions too.
"""

import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from wholesale.app.view import CustomerView
from wholesale.manifest import PACKAGE, SHIPPED
from wholesale.predict import load_predictor
from wholesale.scoring import score_file

ROWS = 10


def walk(name: str, step: Callable[[], object]) -> None:
    """Take a step, and print how many files, functions and calls it passed through."""
    calls: Counter[tuple[str, str]] = Counter()

    def count(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(str(PACKAGE)):
            calls[frame.f_code.co_filename, frame.f_code.co_qualname] += 1

    threading.setprofile(count)
    sys.setprofile(count)
    step()
    sys.setprofile(None)
    threading.setprofile(None)
    files = len({file for file, _ in calls})
    print(f"{name}: {files} files, {len(calls)} functions, {calls.total()} calls")


# Each is taken once beforehand, so that what is done only once is not counted.
predictor = load_predictor()
milk = CustomerView(predictor).inputs["Milk"]
milk.value = "9000"
walk("one changed amount", lambda: milk.set_trait("value", "9123"))
with TemporaryDirectory() as folder:
    source = Path(folder, "ten.csv")
    shipped = SHIPPED.read_text(encoding="utf-8").splitlines()
    source.write_text("\n".join(shipped[: ROWS + 1]), encoding="utf-8")
    score_file(source, Path(folder, "first.csv"), predictor)
    walk("a file of ten rows", lambda: score_file(source, Path(folder, "again.csv"), predictor))
