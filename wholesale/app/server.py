"""The page's server: Voila in this process, settings from ``voila.json``, one notebook."""

import asyncio
import errno
import logging
import os
import socket

from tornado.ioloop import IOLoop
from tornado.web import HTTPError
from voila.app import Voila
from voila.handler import BaseVoilaHandler

from wholesale.manifest import ROOT
from wholesale.predict import load_predictor

HOST = "127.0.0.1"
NOTEBOOK = ROOT / "notebooks" / "05_predictor.ipynb"


class NoFiles(BaseVoilaHandler):
    """In place of the files beside the notebook, where Voila also sends every path that it does not know."""

    def get(self) -> None:
        """Say that there is no such page, in the page's own look."""
        raise HTTPError(404)


class PageServer(Voila):
    """Voila that serves one page and no files, and says when it is ready to answer."""

    def init_handlers(self) -> list:
        """Put this project's own handlers before Voila's."""
        nothing = (r"/voila/files/.*", NoFiles, {"voila_configuration": self.voila_configuration})
        return [nothing, *super().init_handlers()]

    def start(self) -> None:
        IOLoop.current().add_callback(self._say_when_ready)
        super().start()

    async def _say_when_ready(self) -> None:
        # Voila keeps no public record of when a preheated kernel has run the notebook.
        for pool in self.kernel_manager._pools.values():
            for kernel in pool[:1]:
                await asyncio.wait([(await kernel)["task"]])  # a failed one has its own sentence on the page
        print(f"The page is at http://{HOST}:{self.port}/ (Ctrl+C stops it)", flush=True)


def serve(port: int = 8866) -> None:
    """Serve the page on this machine until interrupted.

    Parameters
    ----------
    port : int

    Raises
    ------
    BundleError
        If the model files cannot be used.
    SystemExit
        If the port is taken or not allowed, in one sentence.
    """
    load_predictor()
    check_port(port)
    server = PageServer(
        notebook_path=str(NOTEBOOK),
        root_dir=str(NOTEBOOK.parent),
        config_file_paths=[str(ROOT)],
        ip=HOST,
        port=port,
        port_retries=0,
        open_browser=False,
        log_level=logging.ERROR,
    )
    server.initialize(argv=[])
    logging.getLogger("tornado.general").setLevel(logging.ERROR)  # it warns of Jupyter's own settings
    if os.name == "posix":  # no listening ports but the page's own
        server.config.KernelManager.transport = "ipc"
    server.start()


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
