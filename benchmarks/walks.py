"""How much of the package two everyday walks pass through: ``python -m benchmarks.walks``.

Counted are calls of code under ``wholesale/``, in all threads; lambdas and comprehensions are functions too.
"""

import sys
import threading
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from wholesale.app.view import CustomerView
from wholesale.manifest import PACKAGE, SHIPPED
from wholesale.predict import load_predictor
from wholesale.scoring import score_file

calls: Counter[tuple[str, str]] = Counter()


def count(frame: FrameType, event: str, _: object) -> None:
    if event == "call" and frame.f_code.co_filename.startswith(str(PACKAGE)):
        calls[frame.f_code.co_filename, frame.f_code.co_qualname] += 1


predictor = load_predictor()
milk = CustomerView(predictor).inputs["Milk"]
with TemporaryDirectory() as folder:
    source = Path(folder, "ten.csv")
    source.write_text("\n".join(SHIPPED.read_text(encoding="utf-8").splitlines()[:11]), encoding="utf-8")
    walks = {"one changed amount": lambda value: milk.set_trait("value", value)}
    walks["a file of ten rows"] = lambda name: score_file(source, Path(folder, name), predictor)
    for name, walk in walks.items():
        walk("9000")  # so that what is done only once is not counted
        calls.clear()
        threading.setprofile(count)
        sys.setprofile(count)
        walk("9123")
        sys.setprofile(None)
        threading.setprofile(None)
        files = len({file for file, _ in calls})
        print(f"{name}: {files} files, {len(calls)} functions, {calls.total()} calls")
