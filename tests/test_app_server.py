import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import psutil
import pytest
import requests
from jupyter_client.manager import KernelManager
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from servers import Server, free_port, kernels, refused, running, wait_for
from visitor import OPENING, PATIENCE, Visitor
from voila.paths import collect_template_paths

from wholesale.app.server import page as server
from wholesale.app.server.kernels import PageKernelManager
from wholesale.app.server.page import pool_size
from wholesale.columns import SPEND_COLUMNS
from wholesale.manifest import MODELS_FOLDER, MODELS_VARIABLE, ROOT, SHIPPED


def test_a_taken_port_gets_one_sentence_and_a_failing_exit(tmp_path):
    with socket.create_server((server.HOST, 0)) as holder:
        port = holder.getsockname()[1]
        said = rf"Port {port} is already in use; .*--port \d+ \(or make app PORT=\d+\)\n"
        assert re.fullmatch(said, refused(port, tmp_path))


@pytest.mark.parametrize("host", ["none.invalid", "a..b", "192.0.2.1", "2001:db8::1", "::none"])
def test_a_host_that_this_machine_is_not_is_said_and_no_other_port_advised(host):
    with pytest.raises(SystemExit, match=f"^--host {host} names no address of this machine; give another$"):
        server.check_port(free_port(), host)


def test_a_free_port_is_left_free():
    for port in [free_port()] * 2:
        server.check_port(port)


def test_nowhere_to_write_is_said_in_a_sentence(monkeypatch):
    nowhere = FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")
    monkeypatch.setattr(server.tempfile, "TemporaryDirectory", Mock(side_effect=nowhere))
    said = r"^No temporary folder can be written \(.*\); name another .* TMPDIR$"
    with pytest.raises(SystemExit, match=said):
        server.serve(free_port())


def test_a_kernel_counts_as_idle_only_from_when_a_page_took_it(monkeypatch):
    kernel, seen, long_ago = KernelManager(), [], datetime(2000, 1, 1, tzinfo=UTC)

    async def cull(manager: PageKernelManager, kernel_id: str) -> None:
        seen.append(kernel.last_activity)

    monkeypatch.setattr(AsyncMappingKernelManager, "cull_kernel_if_idle", cull)
    monkeypatch.setattr(PageKernelManager, "get_kernel", lambda manager, kernel_id: kernel)
    manager = PageKernelManager()
    for _ in range(2):
        kernel.last_activity = long_ago
        asyncio.run(manager.cull_kernel_if_idle("id"))
    assert datetime.now(UTC) - seen[0] < timedelta(minutes=1) and seen[1] == long_ago


def test_a_kernel_that_ends_while_the_idle_are_looked_for_is_no_fault():
    asyncio.run(PageKernelManager().cull_kernel_if_idle("00000000-0000-4000-8000-000000000000"))


@pytest.mark.parametrize(("cores", "kernels"), [(None, 2), (1, 2), (2, 2), (3, 3), (64, 4)])
def test_one_kernel_per_core_is_held_ready_from_two_to_four(monkeypatch, cores, kernels):
    monkeypatch.setattr(server.os, "cpu_count", lambda: cores)
    assert server.pool_size() == kernels


@pytest.mark.skipif(os.name != "posix", reason="it is on POSIX systems that open files are limited")
@pytest.mark.parametrize(
    ("memory", "files", "pages"), [(2**33, 2**16, 131), (2**33, 1024, 54), (0, 2**16, 8), (2**33, 100, 8)]
)
def test_pages_are_as_many_as_memory_and_open_files_take(monkeypatch, memory, files, pages):
    monkeypatch.setattr(server.psutil, "virtual_memory", lambda: Mock(available=memory))
    monkeypatch.setattr("resource.getrlimit", lambda _: (100, files))
    monkeypatch.setattr("resource.setrlimit", raised := Mock())
    assert server.most_pages() == pages
    assert raised.call_args.args[1] == (files, files)


def test_the_settings_serve_no_file_and_no_traceback():
    settings = json.loads((ROOT / "voila.json").read_text(encoding="utf-8"))["VoilaConfiguration"]
    told = {"template": "wholesale", "file_allowlist": [], "show_tracebacks": False}
    assert settings | told == settings and not MODELS_FOLDER.is_relative_to(server.NOTEBOOK.parent)


def test_the_installed_template_is_the_repository_s():
    ours = ROOT / "share" / "jupyter" / "voila" / "templates" / "wholesale"
    installed = Path(collect_template_paths(["voila"], "wholesale", prune=True)[0])
    for file in filter(Path.is_file, ours.rglob("*")):
        copy = (installed / file.relative_to(ours)).read_bytes()
        assert copy == file.read_bytes(), "the page's template is stale: run make setup"


READY = r"The page is at http://127.0.0.1:\d+/ \(Ctrl\+C stops it\)\n"


@pytest.fixture
def serve(tmp_path: Path, temporary: Path) -> Callable[..., AbstractContextManager[Server]]:
    """Run the server with its temporary files in a folder of its own."""
    return partial(running, "wholesale", "serve", folder=tmp_path, TMPDIR=str(temporary))


def kill(server: Server) -> None:
    for kernel in (dead := kernels(server)):
        kernel.kill()
    # Its parent can learn of it only when the last thread has ended, a little after the first.
    wait_for(lambda: not any(kernel.is_running() and kernel.num_threads() > 1 for kernel in dead))
    wait_for(lambda: not set(dead) & set(kernels(server)))


def end(server: Server) -> None:
    wait_for(lambda: server.log.read_text())
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(PATIENCE) == 0


def test_a_running_server_answers_from_what_it_read(serve, tmp_path, temporary):
    for name in ("wholesale", "notebooks", "dataset", "models"):
        models = shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "voila.json", tmp_path)
    with serve(PYTHONPATH=str(tmp_path)) as server:
        (private,) = temporary.glob("wholesale_*")
        assert private.stat().st_mode & 0o777 == 0o700
        assert (private / "predictor.json").read_bytes() == (models / "predictor.json").read_bytes()
        shutil.rmtree(models)
        for module in (tmp_path / "wholesale" / "app").rglob("*.py"):
            module.write_text("another version")
        for _ in range(4):  # more than the kernels that were ready before
            assert Visitor(server).has_widgets()
        end(server)
    assert list(temporary.iterdir()) == []
    assert re.fullmatch(READY, server.log.read_text())


def test_memory_that_files_took_is_given_back(serve):
    head, rows = SHIPPED.read_bytes().split(b"\n", 1)
    with serve() as server, ThreadPoolExecutor(3) as several:
        process = psutil.Process(server.process.pid)
        how = {"headers": {"Content-Type": "text/csv"}, "timeout": PATIENCE}

        def send(body: bytes) -> None:
            assert requests.post(f"{server.address}api/score", body, **how).ok

        send(head + b"\n" + rows)
        before = process.memory_info().rss
        list(several.map(send, [head + b"\n" + rows * 50] * 9))
        assert process.memory_info().rss < before + 30e6, (before, process.memory_info().rss)


@pytest.mark.parametrize(("home", "long"), [("/proc/none", False), ("file/none", False), ("none", True)])
def test_no_home_is_needed_and_none_is_made_nor_a_short_temporary_folder(serve, tmp_path, home, long):
    (tmp_path / "file").touch()
    (far := tmp_path / ("x" * 90)).mkdir()
    more = {"TMPDIR": str(far)} if long else {}
    with serve(HOME=str(tmp_path / home), **more) as server:
        assert Visitor(server).has_widgets()
        end(server)
    assert re.fullmatch(READY, server.log.read_text())
    assert not (tmp_path / "none").exists()


def start_kernels_by(folder: Path, *command: str) -> None:
    """Say so where `JUPYTER_PATH` is this folder."""
    (spec := folder / "kernels" / "python3").mkdir(parents=True)
    about = {"argv": command, "display_name": "", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(about))


def test_a_kernel_that_does_not_start_ends_the_server_in_a_sentence(tmp_path):
    start_kernels_by(tmp_path, "none-such")
    said = refused(free_port(), tmp_path, JUPYTER_PATH=str(tmp_path))
    assert re.fullmatch(r"The page has no kernel to run in: .*none-such.*", said.splitlines()[-1])


def test_a_kernel_that_was_killed_while_it_waited_is_handed_to_nobody(serve):
    with serve() as server:
        wait_for(lambda: server.log.read_text())
        ready = len(kernels(server))
        kill(server)
        assert all(Visitor(server).has_widgets() for _ in range(ready))
        kill(server)
        wait_for(lambda: len(kernels(server)) == ready)  # without a visitor, once Jupyter has noticed
        assert Visitor(server).has_widgets()
        assert re.fullmatch(READY, server.log.read_text())


def health(server: Server) -> tuple[int, str]:
    said = (reply := requests.get(f"{server.address}api/health", timeout=PATIENCE)).json()
    return reply.status_code, said["errors"][0]["reason"] if "errors" in said else said["status"]


def test_health_fails_when_the_models_are_lost(serve, temporary):
    with serve() as server:
        wait_for(lambda: server.log.read_text())
        assert health(server) == (200, "ok")
        (private,) = temporary.glob("wholesale_*")
        (private / "predictor.json").unlink()
        assert health(server) == (503, "no page can be opened: the models are lost")
        assert requests.get(f"{server.address}api/metrics", timeout=PATIENCE).status_code == 503


FRAIL = """import sys, os
if os.path.exists({broken!r}): {then}
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
NO_MODELS = f"os.environ[{MODELS_VARIABLE!r}] = '/none'"
FAULTS = {"sys.exit(1)": "could not start. Reload it", NO_MODELS: "could not start: its model files"}


@pytest.mark.parametrize(("then", "said"), FAULTS.items(), ids=["it ends", "a cell raises"])
def test_health_fails_while_kernels_do_and_who_opens_the_page_is_told(serve, tmp_path, then, said):
    frail = ("-c", FRAIL.format(broken=str(tmp_path / "broken"), then=then))
    start_kernels_by(tmp_path, sys.executable, *frail, "-m", "ipykernel_launcher", "-f", "{connection_file}")
    with serve(JUPYTER_PATH=str(tmp_path)) as server:
        wait_for(lambda: server.log.read_text())
        assert health(server) == (200, "ok")
        (tmp_path / "broken").touch()
        kill(server)
        told = lambda: said in requests.get(server.address, headers=OPENING, timeout=PATIENCE).text  # noqa: E731
        assert told() and told() and told()
        wait_for(lambda: health(server) == (503, "no page can be opened: kernels fail as they start"))
        wait_for(lambda: then != NO_MODELS or len(kernels(server)) == pool_size())
        (tmp_path / "broken").unlink()
        wait_for(lambda: not told() and health(server) == (200, "ok"))
        assert Visitor(server).has_widgets()
        assert "Traceback" not in server.log.read_text()


def test_each_request_and_each_file_gets_a_line_if_that_is_asked_for_and_no_amount_does(serve):
    with serve("--log-requests") as server:
        wait_for(lambda: "The page is at" in server.log.read_text())
        customer = dict.fromkeys(SPEND_COLUMNS, 98765)
        requests.post(f"{server.address}api/predict", json=customer, timeout=PATIENCE)
        rows = {"data": SHIPPED.read_bytes(), "headers": {"Content-Type": "text/csv"}, "timeout": PATIENCE}
        requests.post(f"{server.address}api/score", **rows)
        requests.get(f"{server.address}none", timeout=PATIENCE)
        size = len(rows["data"])
        lines = ["begun: models of ", "The page is at", "200 POST /api/predict (127.0.0.1)"]
        lines += [f"scored 440 customers of a file of {size} bytes, rejected 0 rows", "200 POST /api/score"]
        lines += ["404 GET /none"]
        wait_for(lambda: lines[-1] in server.log.read_text())
        found = [line for line in server.log.read_text().splitlines() if "voila.js" not in line]
        assert all(part in line for part, line in zip(lines, found, strict=True)), found
        assert "98765" not in server.log.read_text()


@pytest.mark.parametrize("moment", ["first kernel", "refill"])
def test_ending_the_server_at_any_moment_leaves_nothing(serve, temporary, moment):
    with serve() as server:
        wait_for(lambda: kernels(server))
        if moment == "refill":
            wait_for(lambda: server.log.read_text())
            Visitor(server)
            time.sleep(0.5)  # Voila starts the next then
        left = kernels(server)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE) == 0
    assert not psutil.wait_procs(left, timeout=1)[1]
    assert list(temporary.iterdir()) == []
    assert re.fullmatch(f"({READY})?", server.log.read_text())


def test_a_run_of_tests_ended_by_sigterm_leaves_no_server_and_no_kernel(tmp_path):
    slow = "import time\ndef test_slow(address):\n    print('ready', flush=True)\n    time.sleep(60)\n"
    (tmp_path / "test_slow.py").write_text(slow)
    command = [sys.executable, "-m", "pytest", "-s", "-q", "-p", "conftest", "-p", "no:cacheprovider"]
    command += ["--rootdir", str(tmp_path), "test_slow.py"]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    with subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True) as run:
        while (line := run.stdout.readline()) and "ready" not in line:
            pass
        of_run = psutil.Process(run.pid)
        wait_for(lambda: len(of_run.children(recursive=True)) >= 2)  # a server and a kernel
        left = of_run.children(recursive=True)
        run.send_signal(signal.SIGTERM)
        run.stdout.read()
    assert run.returncode == 2  # interrupted
    assert psutil.wait_procs(left, timeout=5)[1] == []
