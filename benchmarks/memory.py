"""What pages cost the server: proportional set size (PSS) of process trees, and when it is given back."""

import contextlib
import time
from pathlib import Path
from subprocess import DEVNULL

import psutil
from jupyter_client.manager import start_new_kernel
from playwright.sync_api import Browser, Error, Page

from benchmarks.driving import leave, open_page
from benchmarks.servers import Site, rest, tree

KERNEL = "JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"
STOCK = """
import ipywidgets, pandas, sklearn.cluster, sklearn.mixture
from wholesale.bundle import load_bundle
bundle = load_bundle()
"""
FORGOTTEN = 180  # seconds after which a kernel counts as never stopped


def pss(pids: list[int]) -> float:
    """Sum the PSS of processes, in MB: memory shared between them is counted once."""
    total = 0
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total * 1024 / 1e6


def measure_pages(browser: Browser, site: Site, most: int) -> dict[str, float]:
    """Measure a server with 0, 1 and `most` open pages, in MB, and what each further page adds."""
    rest(site.pid)
    used = {0: _of_tree(site)}
    with browser.new_context() as context:
        for n in range(1, most + 1):
            open_page(context, site)
            rest(site.pid)
            if n in (1, most):
                used[n] = _of_tree(site)
        for page in context.pages:
            leave(page)
    further = (used[most] - used[1]) / (most - 1)
    return {"none_mb": used[0], "one_mb": used[1], "many_mb": used[most], "further_mb": further}


def measure_stock(most: int) -> float:
    """Measure what a further kernel with pandas, scikit-learn, ipywidgets and our models costs, in MB."""
    with contextlib.ExitStack() as stack:
        pids, used = [], {}
        for n in range(1, most + 1):
            manager, client = start_new_kernel(kernel_name="python3", stderr=DEVNULL)
            stack.callback(manager.shutdown_kernel, now=True)
            stack.callback(client.stop_channels)
            reply = client.execute_interactive(STOCK, timeout=120)
            assert reply["content"]["status"] == "ok"
            pids.append(manager.provisioner.pid)  # type: ignore[union-attr]
            if n in (1, most):
                used[n] = pss(pids)
        return (used[most] - used[1]) / (most - 1)


def measure_goodbye(browser: Browser, site: Site, *, crash: bool) -> float | None:
    """Close a page, or crash its tab, and wait for its kernel's process to end; seconds."""
    with browser.new_context() as context:
        page, _ = open_page(context, site)
        name = page.evaluate(KERNEL)
        (kernel,) = (one for one in tree(site.pid) if any(name in word for word in one.cmdline()))
        rest(site.pid)
        _crash(page) if crash else leave(page)
        return _seconds_until_gone(kernel)


def _of_tree(site: Site) -> float:
    return pss([process.pid for process in tree(site.pid)])


def _crash(page: Page) -> None:
    with contextlib.suppress(Error):  # the tab is gone before it could answer
        page.goto("chrome://crash", timeout=2_000)


def _seconds_until_gone(kernel: psutil.Process) -> float | None:
    started = time.monotonic()
    while time.monotonic() - started < FORGOTTEN:
        if not kernel.is_running() or kernel.status() == psutil.STATUS_ZOMBIE:
            return time.monotonic() - started
        time.sleep(0.05)
    return None
