"""The page's server: Voila in this process, settings from ``voila.json``, one notebook, and the JSON API."""

import asyncio
import errno
import logging
import os
import socket
from pathlib import Path
from typing import Any as Anything

from tornado.ioloop import IOLoop
from tornado.web import HTTPError
from traitlets import Any
from voila.app import Voila
from voila.handler import BaseVoilaHandler
from voila.paths import collect_static_paths

from wholesale.app.server import api, assets
from wholesale.manifest import MODELS_FOLDER, MODELS_VARIABLE, ROOT
from wholesale.predict import load_predictor

HOST = "127.0.0.1"
NOTEBOOK = ROOT / "notebooks" / "05_predictor.ipynb"


class NoFiles(BaseVoilaHandler):
    """In place of the files beside the notebook, where Voila also sends every path that it does not know."""

    def get(self) -> None:
        """Say that there is no such page, in the page's own look."""
        raise HTTPError(404)


class PageServer(Voila):
    """Voila that serves one page, its JSON API and no files, and says when it is ready to answer."""

    predictor = Any()

    def init_settings(self) -> dict:
        """Give Voila's own scripts an address that changes with them, before it draws a page."""
        self.static = _folders(self.static_paths)
        self.extensions = _folders(self.labextensions_path)
        self.joined = assets.shared_scripts(self.static, self.extensions)
        self.version = assets.fingerprint(self.static, self.joined)
        self.voila_configuration.page_config_hook = self._with_version
        return super().init_settings()

    def _with_version(self, page_config: dict, **_: Anything) -> dict:
        return page_config | {"fullStaticUrl": f"/voila/static/{self.version}"}

    def init_handlers(self) -> list:
        """Put this project's own handlers before Voila's."""
        voila = super().init_handlers()
        kernels = [handler for handler in voila if handler[0].startswith("/api/kernels/")]
        nothing = (
            r"/voila/(?:files|templates)/.*",
            NoFiles,
            {"voila_configuration": self.voila_configuration},
        )
        return [
            *api.handlers(self.predictor),
            *kernels,
            api.elsewhere(self.predictor),
            *self._assets(),
            nothing,
            *voila,
        ]

    def _assets(self) -> list:
        template = self.voila_configuration.template
        style = _folders(collect_static_paths(["voila", "nbconvert"], template))
        ours = {"roots": self.static, "for_good": True, "joined": self.joined}
        return [
            (rf"/voila/static/{self.version}/(.*)", assets.Assets, ours),
            (r"/voila/static/(.*)", assets.Assets, {"roots": self.static}),
            (r"/voila/labextensions/(.*)", assets.Assets, {"roots": self.extensions}),
            (rf"/voila/templates/{template}/static/(.*)", assets.Assets, {"roots": style}),
        ]

    def start(self) -> None:
        IOLoop.current().add_callback(self._say_when_ready)
        super().start()

    async def _say_when_ready(self) -> None:
        main = assets.find(self.static, assets.MAIN)
        if main:  # compressed before the first visitor asks
            await IOLoop.current().run_in_executor(None, assets.load, (*self.joined, main))
        # Voila keeps no public record of when a preheated kernel has run the notebook.
        for pool in self.kernel_manager._pools.values():
            for kernel in pool[:1]:
                await asyncio.wait([(await kernel)["task"]])  # a failed one has its own sentence on the page
        print(f"The page is at http://{HOST}:{self.port}/ (Ctrl+C stops it)", flush=True)


def _folders(paths: list[str]) -> list[Path]:
    return [Path(path) for path in paths if Path(path).is_dir()]


def serve(port: int = 8866, models: Path = MODELS_FOLDER) -> None:
    """Serve the page on this machine until interrupted.

    Parameters
    ----------
    port : int
    models : Path
        Folder of the models that the page and the API answer from.

    Raises
    ------
    BundleError
        If the model files cannot be used.
    SystemExit
        If the port is taken or not allowed, in one sentence.
    """
    predictor = load_predictor(models)
    check_port(port)
    os.environ[MODELS_VARIABLE] = str(models.resolve())  # the kernels inherit it, and answer from there too
    server = PageServer(
        predictor=predictor,
        notebook_path=str(NOTEBOOK),
        root_dir=str(NOTEBOOK.parent),
        config_file_paths=[str(ROOT)],
        ip=HOST,
        port=port,
        port_retries=0,
        open_browser=False,
        log_level=logging.ERROR,
        # Another site must not get at the page by pointing its own name at this machine.
        tornado_settings={"allow_remote_access": False, "websocket_compression_options": {}},
    )
    server.initialize(argv=[])
    server.voila_configuration.default_pool_size = pool_size()
    for name in ("general", "access"):  # they warn of Jupyter's own settings and of refused requests
        logging.getLogger(f"tornado.{name}").setLevel(logging.ERROR)
    if os.name == "posix":  # no listening ports but the page's own
        server.config.KernelManager.transport = "ipc"
    server.start()


def pool_size() -> int:
    """Say how many kernels to hold ready: one per core, from two to four, at about 50 MB each."""
    return min(max(os.cpu_count() or 2, 2), 4)


def check_port(port: int) -> None:
    """Exit in one sentence unless the page can listen on `port`."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = "is already in use" if taken else f"cannot be used ({error.strerror})"
            other = port + 1 if port < 65535 else port - 1
            hint = f"choose another, for example --port {other} (or make app PORT={other})"
            raise SystemExit(f"Port {port} {reason}; {hint}") from None
        except OverflowError:
            raise SystemExit(f"Port {port} does not exist; choose one from 1024 to 65535") from None
