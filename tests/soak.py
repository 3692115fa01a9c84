"""A server's long day in minutes (``make soak``), or a crowd within a minute (``make soak CROWD=100``).

Visitors come, predict and go, some without a goodbye, while programs ask the API and send files. Each
answer is held against the one computed here. In the end, the server must be as it was before.
"""

import json
import os
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

import requests
from playwright.sync_api import sync_playwright
from servers import Server, running, state, wait_for
from visit import SAME, open_page, predict
from visitor import PATIENCE, Client

from wholesale.app import tabs
from wholesale.app.server.answers import answer
from wholesale.columns import SPEND_COLUMNS
from wholesale.manifest import SHIPPED
from wholesale.predict import load_predictor

PREDICTOR, (HEADER, ROWS) = load_predictor(), SHIPPED.read_bytes().split(b"\n", 1)
AWAKE = ["--no-sandbox", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows"]
counts: Counter[str] = Counter()


def customer() -> dict[str, float]:
    return dict(zip(SPEND_COLUMNS, (float(random.randrange(100_000)) for _ in range(6)), strict=True))


def visit(server: Server, predictions: int = 4, goodbyes: float = 0.7, after: float = 0) -> None:
    """Come, predict and go: with a goodbye, or just away."""
    time.sleep(after)
    client = Client(server)
    client.begin()
    for _ in range(predictions):
        said = client.answer(amounts := customer())
        counts["answers" if said == "".join(tabs.answer(PREDICTOR, amounts)) else "WRONG answers"] += 1
        time.sleep(2 * random.random())
    client.socket.close()
    if random.random() < goodbyes:
        client.end()


def browse(server: Server, pages: int, predictions: int) -> None:
    """Do as `visit` does in a browser's pages; what its console calls an error is kept."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=AWAKE)
        opened = [browser.new_context().new_page() for _ in range(pages)]
        for page in opened:
            page.on("console", lambda said: said.type == "error" and counts.update([f"WRONG: {said.text}"]))
            open_page(page, server.address)
        for page in opened * predictions:
            amounts = customer()
            page.bring_to_front()
            predict(page, [f"{amount:.0f}" for amount in amounts.values()])
            page.wait_for_function(SAME, arg="".join(tabs.answer(PREDICTOR, amounts)), polling=50)
            counts["answers in browsers"] += 1


def ask(server: Server) -> None:
    body = {"customers": [customer() for _ in range(random.choice((1, 1, 20)))]}
    said = requests.post(f"{server.address}api/predict", json=body, timeout=PATIENCE).json()
    right = json.loads(json.dumps(answer(PREDICTOR, json.dumps(body).encode())))
    counts["answers of the API" if said == right else "WRONG of the API"] += len(body["customers"])
    time.sleep(0.1)


def upload(server: Server) -> None:
    """Send a file, or send it and go before it is scored."""
    body, kind = HEADER + b"\n" + ROWS * random.choice((1, 5, 50)), {"Content-Type": "text/csv"}
    try:
        patience = random.choice((120, 120, 120, 0.05))
        said = requests.post(f"{server.address}api/score", body, headers=kind, timeout=patience).json()
        counts["files" if said["accepted"] == body.count(b"\n") - 1 else "WRONG files"] += 1
    except requests.Timeout:
        counts["files abandoned"] += 1
    time.sleep(1)


def work(jobs: list[tuple], minutes: float, look: Callable[[], dict]) -> None:
    """Do all at once, and each again until the time is over; what fails is counted as lost."""
    end, seen = time.monotonic() + 60 * minutes, 0.0
    with ThreadPoolExecutor(len(jobs)) as pool:
        at_work = {pool.submit(*job): job for job in jobs}
        while at_work:
            for done in wait(at_work, timeout=1, return_when=FIRST_COMPLETED).done:
                job, error = at_work.pop(done), done.exception()
                counts.update([f"LOST: {job[0].__name__}: {error!r}"[:200]] if error else [])
                if time.monotonic() < end:
                    at_work[pool.submit(*job)] = job
            if time.monotonic() > seen + 10:
                print(look(), flush=True)
                seen = time.monotonic()


def rest(server: Server, temporary: Path) -> dict[str, int]:
    health = f"{server.address}api/health"
    wait_for(lambda: requests.get(health, timeout=PATIENCE).json()["open_pages"] == 0, 90)
    time.sleep(5)
    return state(server, temporary)


def main(minutes: float, size: int, browsers: int, folder: Path) -> None:
    (temporary := folder / "t").mkdir()
    with running("wholesale", "serve", folder=folder, TMPDIR=str(temporary)) as server:
        visit(server), ask(server), upload(server)
        before = rest(server, temporary)
        jobs: list[tuple] = [(what, server) for what in (visit, visit, visit, ask, upload)]
        if size:  # within a minute
            jobs = [(visit, server, 20, 1, 60 * i / size) for i in range(size - browsers)]
            jobs += [(browse, server, browsers, 20)] * (browsers > 0)
        work(jobs, 0 if size else minutes, lambda: state(server, temporary))
        after = rest(server, temporary)
    print(f"before {before}\nafter  {after}\n{dict(counts)}\n{(log := server.log.read_text())}")
    grown = [name for name in before if "MB" not in name and after[name] > before[name] + 2]
    assert not grown and not [each for each in counts if each.startswith(("LOST", "WRONG"))], grown
    assert "Traceback" not in log


if __name__ == "__main__":
    given = [float(os.environ.get(name) or 0) for name in ("MINUTES", "CROWD", "BROWSERS")]
    with tempfile.TemporaryDirectory(prefix="soak") as made:
        main(given[0] or 30, int(given[1]), int(given[2]), Path(made))
