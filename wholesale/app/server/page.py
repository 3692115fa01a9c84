"""The page's server: Voila in this process, settings from ``voila.json``, one notebook, and the JSON API."""

import asyncio
import errno
import logging
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any as Anything

import zmq
from tornado.ioloop import IOLoop
from tornado.web import HTTPError
from traitlets import Any
from voila.app import Voila
from voila.handler import BaseVoilaHandler
from voila.paths import collect_static_paths
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from wholesale.app.server import api, assets
from wholesale.app.server.kernels import Channels
from wholesale.app.templates import COMPILED
from wholesale.manifest import MODELS_FOLDER, MODELS_VARIABLE, ROOT
from wholesale.predict import Predictor, load_predictor

HOST = "127.0.0.1"
HOMES = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
"""Variables that name what Jupyter and IPython would otherwise keep below the user's home."""

NOTEBOOK = ROOT / "notebooks" / "05_predictor.ipynb"


class NoFiles(BaseVoilaHandler):
    """In place of the files beside the notebook, where Voila also sends every path that it does not know.

    And in place of what a page without password does not need: a way out, and Voila's socket about requests.
    """

    def get(self) -> None:
        """Say that there is no such page, in the page's own look."""
        raise HTTPError(404)


class Goodbye(VoilaShutdownKernelHandler):
    """Ends the kernel of a page that is left, and is content where it has ended already."""

    async def post(self, kernel_id: str) -> None:
        """Answer 204 either way, as nobody is left to tell."""
        if kernel_id in self.kernel_manager:
            await super().post(kernel_id)
            Channels.close_all(kernel_id)
        else:
            self.set_status(204)
            self.finish()


class LivePage(TornadoVoilaHandler):
    """The page, on a kernel that is alive."""

    async def prepare(self) -> None:
        """See to it that no dead kernel is handed out; Jupyter notices a death only within three seconds."""
        await super().prepare()
        await self.kernel_manager.renew()


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
        settings = super().init_settings()
        settings["jinja2_env"] = settings["voila_jinja2_env"]  # Jupyter's error pages lack a setting here
        return settings

    def _with_version(self, page_config: dict, **_: Anything) -> dict:
        return page_config | {"fullStaticUrl": f"/voila/static/{self.version}"}

    def init_handlers(self) -> list:
        """Put this project's own handlers before Voila's."""
        ours = {
            VoilaKernelWebsocketHandler: Channels,
            TornadoVoilaHandler: LivePage,
            VoilaShutdownKernelHandler: Goodbye,
        }
        voila = [(path, ours.get(kind, kind), *more) for path, kind, *more in super().init_handlers()]
        kernels = [handler for handler in voila if handler[0].startswith("/api/kernels/")]
        nothing = (
            r"/(?:logout|voila/(?:files|templates|query)/.*)",
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

    def stop(self) -> None:
        """End the kernels before their folder goes; Voila does it the other way round."""
        try:
            self.ioloop.run_sync(self.kernel_manager.end)
        finally:
            shutil.rmtree(self.connection_dir, ignore_errors=True)

    def _handle_signal_stop(self, number: int, frame: Anything) -> None:
        if not hasattr(self, "ioloop"):  # Voila knows it only from when it listens
            sys.exit(128 + number)
        super()._handle_signal_stop(number, frame)

    async def _say_when_ready(self) -> None:
        main = assets.find(self.static, assets.MAIN)
        if main:  # compressed before the first visitor asks
            await IOLoop.current().run_in_executor(None, assets.load, (*self.joined, main))
        # Voila keeps no public record of when a preheated kernel has run the notebook.
        for pool in self.kernel_manager._pools.values():
            for kernel in pool[:1]:
                await asyncio.wait([kernel])
                if error := kernel.exception():
                    raise SystemExit(f"The page has no kernel to run in: {error}")
                await asyncio.wait([kernel.result()["task"]])  # a failed one has its own sentence on the page
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
        If the port is taken or not allowed, or there is nowhere to write to, in one sentence.
    """
    check_port(port)
    try:
        # Some systems give it a name that is too long for the kernels' sockets in it.
        long = os.name == "posix" and len(os.fsencode(tempfile.gettempdir())) + 85 > zmq.IPC_PATH_MAX_LEN
        private = tempfile.TemporaryDirectory(prefix="wholesale_", dir="/tmp" if long else None)
        predictor = load_predictor(models, copy=Path(private.name))
    except OSError as error:
        hint = "name another in the environment variable TMPDIR"
        raise SystemExit(f"No temporary folder can be written ({error.strerror}); {hint}") from None
    with private as folder:
        # The kernels inherit all this. They answer from what was read here, whatever becomes of the models'
        # folder; and neither they nor Jupyter need a home, which a service account may not have.
        os.environ |= {MODELS_VARIABLE: folder, COMPILED: folder} | dict.fromkeys(HOMES, folder)
        _run(predictor, port, folder)


def _run(predictor: Predictor, port: int, folder: str) -> None:
    server = PageServer(
        predictor=predictor,
        notebook_path=str(NOTEBOOK),
        root_dir=str(NOTEBOOK.parent),
        config_file_paths=[str(ROOT)],
        connection_dir_root=folder,
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
    for name in ("general", "access", "application"):  # they warn of Jupyter's settings and refused requests
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
