import asyncio
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from voila.paths import collect_template_paths

from wholesale.app.server import page as server
from wholesale.app.server.kernels import PageKernelManager
from wholesale.manifest import MODELS_FOLDER, ROOT, BundleError

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind((server.HOST, 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_a_taken_port_gets_one_sentence_and_a_failing_exit(taken_port, tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "wholesale", "serve", "--port", str(taken_port)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode != 0
    assert run.stdout == ""
    assert re.fullmatch(
        rf"Port {taken_port} is already in use; .*--port \d+ \(or make app PORT=\d+\)\n", run.stderr
    )


def test_a_free_port_is_left_free():
    with socket.socket() as holder:
        holder.bind((server.HOST, 0))
        port = holder.getsockname()[1]
    server.check_port(port)
    server.check_port(port)


def test_a_port_that_does_not_exist_is_refused():
    with pytest.raises(SystemExit, match="does not exist"):
        server.check_port(70000)


def test_missing_models_are_refused_before_anything_is_served(monkeypatch):
    def missing(folder: Path) -> None:
        raise BundleError("models/ is missing")

    monkeypatch.setattr(server, "load_predictor", missing)
    monkeypatch.setattr(server, "PageServer", None)
    with pytest.raises(BundleError):
        server.serve()


def test_a_kernel_counts_as_idle_only_from_when_a_page_took_it(monkeypatch):
    class Kernel:
        last_activity = LONG_AGO

    seen = []

    async def cull(manager: PageKernelManager, kernel_id: str) -> None:
        seen.append(manager.get_kernel(kernel_id).last_activity)

    kernel = Kernel()
    monkeypatch.setattr(AsyncMappingKernelManager, "cull_kernel_if_idle", cull)
    monkeypatch.setattr(PageKernelManager, "get_kernel", lambda manager, kernel_id: kernel)
    manager = PageKernelManager()
    asyncio.run(manager.cull_kernel_if_idle("id"))
    kernel.last_activity = LONG_AGO
    asyncio.run(manager.cull_kernel_if_idle("id"))
    assert datetime.now(UTC) - seen[0] < timedelta(minutes=1)
    assert seen[1] == LONG_AGO


@pytest.mark.parametrize(("cores", "kernels"), [(None, 2), (1, 2), (2, 2), (3, 3), (64, 4)])
def test_one_kernel_per_core_is_held_ready_from_two_to_four(monkeypatch, cores, kernels):
    monkeypatch.setattr(server.os, "cpu_count", lambda: cores)
    assert server.pool_size() == kernels


def test_the_settings_serve_no_file_and_no_traceback():
    settings = json.loads((ROOT / "voila.json").read_text(encoding="utf-8"))["VoilaConfiguration"]
    assert settings["template"] == "wholesale"
    assert settings["file_allowlist"] == []
    assert settings["show_tracebacks"] is False
    assert not MODELS_FOLDER.is_relative_to(server.NOTEBOOK.parent)


def test_the_installed_template_is_the_repository_s():
    ours = ROOT / "share" / "jupyter" / "voila" / "templates" / "wholesale"
    installed = Path(collect_template_paths(["voila"], "wholesale", prune=True)[0])
    for file in ours.rglob("*"):
        if file.is_file():
            copy = installed / file.relative_to(ours)
            assert copy.read_bytes() == file.read_bytes(), "the page's template is stale: run make setup"
