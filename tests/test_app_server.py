import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import psutil
import pytest
from jupyter_client.manager import KernelManager
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from servers import Server, free_port, kernels, refused, running, wait_for
from visitor import PATIENCE, Visitor
from voila.paths import collect_template_paths

from wholesale.app.server import page as server
from wholesale.app.server.kernels import PageKernelManager
from wholesale.manifest import MODELS_FOLDER, ROOT, BundleError


def test_a_taken_port_gets_one_sentence_and_a_failing_exit(tmp_path):
    with socket.socket() as holder:
        holder.bind((server.HOST, 0))
        holder.listen()
        port = holder.getsockname()[1]
        said = rf"Port {port} is already in use; .*--port \d+ \(or make app PORT=\d+\)\n"
        assert re.fullmatch(said, refused(port, tmp_path))


def test_a_free_port_is_left_free_and_one_that_does_not_exist_is_refused():
    port = free_port()
    server.check_port(port)
    server.check_port(port)
    with pytest.raises(SystemExit, match="does not exist"):
        server.check_port(70000)


def test_missing_models_are_refused_before_anything_is_served(monkeypatch):
    monkeypatch.setattr(server, "load_predictor", Mock(side_effect=BundleError("models/ is missing")))
    monkeypatch.setattr(server, "PageServer", None)
    with pytest.raises(BundleError):
        server.serve()


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
    limits = Mock(return_value=(100, files))
    monkeypatch.setattr("resource.getrlimit", limits)
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


Serve = Callable[..., AbstractContextManager[Server]]
READY = r"The page is at http://127.0.0.1:\d+/ \(Ctrl\+C stops it\)\n"


@pytest.fixture
def temporary() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:  # with a shorter name than pytest's
        yield Path(folder)


@pytest.fixture
def serve(tmp_path: Path, temporary: Path) -> Serve:
    """Run the server with its temporary files in a folder of its own."""

    def run(*options: str, **env: str) -> AbstractContextManager[Server]:
        env = {"TMPDIR": str(temporary)} | env
        return running("wholesale", "serve", *options, folder=tmp_path, **env)

    return run


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
    models = shutil.copytree(MODELS_FOLDER, tmp_path / "models")
    with serve("--models", str(models)) as server:
        (private,) = temporary.glob("wholesale_*")
        assert private.stat().st_mode & 0o777 == 0o700
        assert (private / "predictor.json").read_bytes() == (models / "predictor.json").read_bytes()
        shutil.rmtree(models)
        for _ in range(4):  # more than the kernels that were ready before
            assert Visitor(server).has_widgets()
        end(server)
    assert list(temporary.iterdir()) == []
    assert re.fullmatch(READY, server.log.read_text())


@pytest.mark.parametrize(("home", "long"), [("/proc/none", False), ("file/none", False), ("none", True)])
def test_no_home_is_needed_and_none_is_made_nor_a_short_temporary_folder(serve, tmp_path, home, long):
    (tmp_path / "file").touch()
    (tmp_path / ("x" * 90)).mkdir()
    more = {"TMPDIR": str(tmp_path / ("x" * 90))} if long else {}
    with serve(HOME=str(tmp_path / home), **more) as server:
        assert Visitor(server).has_widgets()
        end(server)
    assert re.fullmatch(READY, server.log.read_text())
    assert not (tmp_path / "none").exists()


def test_a_kernel_that_does_not_start_ends_the_server_in_a_sentence(tmp_path):
    spec = tmp_path / "kernels" / "python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text('{"argv": ["none-such"], "display_name": "", "language": "python"}')
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
    psutil.wait_procs(left, timeout=1)
    assert not any(process.is_running() for process in left)
    assert list(temporary.iterdir()) == []
    assert re.fullmatch(f"({READY})?", server.log.read_text())


SLOW = """import time
def test_slow(address):
    print("ready", flush=True)
    time.sleep(60)
"""


def test_a_run_of_tests_ended_by_sigterm_leaves_no_server_and_no_kernel(tmp_path):
    (tmp_path / "test_slow.py").write_text(SLOW)
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
