"""The page's server: Voila in this process, settings from ``voila.json``, one notebook, and the JSON API.

Plain Voila sends some ninety scripts one by one, uncompressed, and again at later visits. Here those that
every page loads come compressed and joined to the main one, and a file whose address changes with its content
(a hash in its name, ``?v=``, or the folder of Voila's own, named after a hash of them all) is asked for once.
"""

import asyncio
import errno
import gzip
import hashlib
import logging
import mimetypes
import os
import re
import shutil
import socket
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import brotli
import psutil
import zmq
from jupyter_server.services.kernels.handlers import _kernel_id_regex
from tornado.ioloop import IOLoop
from tornado.log import access_log
from tornado.web import HTTPError, RequestHandler
from traitlets import Instance
from voila.app import Voila
from voila.handler import BaseVoilaHandler
from voila.paths import collect_static_paths

from wholesale.app.server import answers, api
from wholesale.app.server.access import HOST, Access, Login, Site, Visitors
from wholesale.app.server.kernels import SPARE, Channels, Goodbye, Kernel, Unasked
from wholesale.app.server.upload import keep_little
from wholesale.app.templates import COMPILED, compile_into
from wholesale.manifest import MODELS_FOLDER, MODELS_VARIABLE, PACKAGE, ROOT
from wholesale.predict import Predictor, load_predictor

try:
    import fcntl
except ImportError:  # no POSIX system; there, what a killed server left stays
    fcntl = None  # type: ignore[assignment]

HOMES = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")  # else the user's
NOTEBOOK = ROOT / "notebooks" / "05_predictor.ipynb"
FOR_GOOD = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"  # it may be kept, but its ETag is to be checked each time
MAIN = "voila.js"
HEADERS_WITHIN = 60  # seconds, the time that a connection waits for its next request included
KERNEL = 60 * 2**20  # bytes of memory of an open page, and some to spare
FILES, FILES_OF_A_PAGE, MANY = 200, 15, 2**16  # open files of the server, of each page, and at most
PACKERS = {
    "br": partial(brotli.compress, quality=9),
    "gzip": partial(gzip.compress, compresslevel=6, mtime=0),
}
_HASHED = re.compile(r"(?:^|[./-])[0-9a-f]{16,}\.")

# What an installed package has in its folder "shipped", by which it knows itself to be one.
NOT_CODE = shutil.ignore_patterns("models", "dataset", "notebooks")
PREFIX, LOCK = "wholesale_", "lock"  # of the server's own folder, and what is locked in it
STARTUP = """\
# It would listen, on a port, for what forks of the kernel print; a page's kernel has no forks.
from ipykernel.kernelapp import IPKernelApp
_thread = IPKernelApp.instance().iopub_thread
_thread._pipe_flag = False
_thread.io_loop.add_callback(_thread._pipe_in.close)
"""
"""What IPython runs at the start of each kernel, if the folder is its home."""

CHUNKS = tomllib.loads(Path(__file__).with_name("chunks.toml").read_text(encoding="utf-8"))
"""The scripts that every page loads, by number: Voila's, and those of its extensions."""


class Assets(RequestHandler):
    """Serves the files below some folders and nothing else; the first folder that has a file wins.

    `for_good` says that the address holds a hash of all that may be asked for; the scripts `joined` are sent
    in front of the main one. Tornado adds the ETag, and sends nothing where the browser has it.
    """

    def initialize(self, roots: Sequence[Path], for_good: bool = False, joined: Sequence[Path] = ()) -> None:
        self.roots, self.for_good, self.joined = roots, for_good, joined

    async def get(self, path: str) -> None:
        if (file := find(self.roots, path)) is None:
            raise HTTPError(404)
        accepted = re.findall(r"[\w*]+", self.request.headers.get("Accept-Encoding", ""))
        how = next((each for each in PACKERS if each in accepted), "")
        files = (*self.joined, file) if path == MAIN else (file,)
        body, packed = await asyncio.to_thread(load, files, how)
        lasting = self.for_good or "v" in self.request.arguments or _HASHED.search(path)
        self.set_header("Content-Type", mimetypes.guess_type(path)[0] or "application/octet-stream")
        self.set_header("Cache-Control", FOR_GOOD if lasting else ASK_AGAIN)
        self.set_header("Vary", "Accept-Encoding")
        if packed:
            self.set_header("Content-Encoding", packed)
        self.finish(body)

    head = get


def find(roots: Sequence[Path], path: str) -> Path | None:
    """Find a file below one of `roots`, with links followed; None if there is none."""
    with suppress(OSError, ValueError):  # no path on this system: too long, or with a null byte
        for root in roots:
            file = (root / path).resolve()
            if file.is_relative_to(root.resolve()) and file.is_file():
                return file
    return None


def load(files: Sequence[Path], how: str) -> tuple[bytes, str]:
    """Read the last of `files`, the others joined before it, packed one way if that pays; give the way."""
    return _load(tuple((file, file.stat().st_mtime_ns) for file in files), how)


@lru_cache(maxsize=512)
def _load(files: tuple[tuple[Path, int], ...], how: str) -> tuple[bytes, str]:
    *before, last = (file.read_bytes() for file, _ in files)
    # Each in a function of its own, so that a "use strict" at its head holds for it, and for it alone.
    plain = b"".join(b"(()=>{" + script + b"\n})();\n" for script in before) + last
    packed = PACKERS[how](plain) if how else plain
    return (packed, how) if len(packed) < 0.9 * len(plain) else (plain, "")


def shared_scripts(static: Sequence[Path], extensions: Sequence[Path]) -> list[Path]:
    """List the scripts that every page loads, from Voila's folders and those of its extensions."""
    found = [find(static, f"{number}.{MAIN}") for number in CHUNKS["voila"].split()]
    for name, numbers in CHUNKS["extensions"].items():
        folders = [root / name / "static" for root in extensions]
        for number in numbers.split():
            found += [file for folder in folders for file in folder.glob(f"{number}.*.js")][:1]
    return [file for file in found if file]


def fingerprint(roots: Sequence[Path], joined: Sequence[Path]) -> str:
    """Hash all that may be sent from `roots`; 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for file in (*joined, *(file for root in roots for file in sorted(root.rglob("*")) if file.is_file())):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:16]


class LivePage(Unasked, BaseVoilaHandler):
    """The page, on a kernel of the visitor's own."""

    async def prepare(self) -> None:
        """Give kernels to people who open the page, not to another site's pictures, scripts or guesses."""
        await super().prepare()
        said = self.request.headers
        how = [said.get("Sec-Fetch-Mode"), said.get("Sec-Fetch-Dest")]
        self.doubtful = how == [None, None]  # an old browser, a program, or http from another machine
        if how not in ([None, None], ["navigate", "document"]) or "Sec-Purpose" in said:  # that is a guess
            raise HTTPError(403)
        await self.kernel_manager.renew()  # Jupyter notices within three seconds only that a kernel died

    async def get(self) -> None:
        self.identity_provider.remember(self)
        self.set_header("Cache-Control", "no-store")
        address = self.request.remote_ip if self.doubtful else None
        kernel = await self.kernel_manager.hand_out(self.current_user.username, address)
        sent = len(kernel["renderer"].rendered_cache)
        self.write("".join(kernel["renderer"].rendered_cache))
        self.flush()
        try:
            rendered, rest = await kernel["task"]
        except RuntimeError:  # nbclient's, of a kernel that died; its head is sent
            self.finish('<p class="wc-notice wc-bad">The page could not start. Reload it in a moment.</p>')
            return
        self.write("".join(rendered[sent:]))
        async for html, _ in rest:
            self.write(html)
            self.flush()
        self.kernel_manager.end_if_raised(kernel)


class Missing(Unasked, BaseVoilaHandler):
    """Any other address: a word in the page's look."""

    async def prepare(self, **_: Any) -> None:
        await super().prepare()
        raise HTTPError(404)


class PageServer(Voila):
    """Voila that serves one page, its JSON API and no files, and says when it is ready to answer."""

    predictor, access = Instance(Predictor), Instance(Access)

    def init_settings(self) -> dict:
        """Give Voila's own scripts an address that changes with them, before it draws a page."""
        self.static = [*map(Path, self.static_paths)]
        self.extensions = [*map(Path, self.labextensions_path)]
        self.joined = shared_scripts(self.static, self.extensions)
        self.version = fingerprint(self.static, self.joined)
        self.script = [*self.joined, *filter(None, [find(self.static, MAIN)])]
        measured, size = self.predictor.categories, sum(file.stat().st_size for file in self.script)
        ours = {"fullStaticUrl": f"{self.base_url}voila/static/{self.version}", "bytes": size}
        ours |= {"title": measured.title, "labels": measured.labels}
        ours["login"] = f"{self.base_url}login" if self.access.password else ""
        self.voila_configuration.page_config_hook = lambda page_config, **_: page_config | ours
        settings = super().init_settings()
        settings["jinja2_env"] = settings["voila_jinja2_env"]  # Jupyter's error pages lack a setting here
        settings["jinja2_env"].globals["title"] = measured.title
        settings |= {"xsrf_cookie_kwargs": {"samesite": "Strict"}, "websocket_compression_options": {}}
        settings["cookie_secret"] = self.access.secret
        self.kernel_manager.allowed_message_types = []  # `Channels` knows
        return settings

    def init_handlers(self) -> list:
        """List all that is served, and no more: what a later Voila adds is not."""
        page = {"voila_configuration": self.voila_configuration}
        template = self.voila_configuration.template
        style = {"roots": [*map(Path, collect_static_paths(["voila", "nbconvert"], template))]}
        for_good = {"roots": self.static, "for_good": True, "joined": self.joined}
        served = [
            *api.handlers(self.predictor, self.kernel_manager, self.base_url),
            (rf"/api/kernels/{_kernel_id_regex}", Kernel),
            (rf"/api/kernels/{_kernel_id_regex}/channels", Channels),
            (rf"/voila/api/shutdown/{_kernel_id_regex}", Goodbye),
            (r"/api(?:/.*)?", api.Stranger),
            (rf"/voila/static/{self.version}/(.*)", Assets, for_good),
            (r"/voila/static/(.*)", Assets, {"roots": self.static}),
            (r"/voila/labextensions/(.*)", Assets, {"roots": self.extensions}),
            (rf"/voila/templates/{template}/static/(.*)", Assets, style),
            *([("/login", Login, page)] if self.access.password else []),
            (r"/", LivePage, page),
        ]
        below = [(re.escape(self.base_url[:-1]) + path, *more) for path, *more in served]
        return [*below, (r".*", Missing, page)]

    def start(self) -> None:
        """Listen as Voila does, but as a `Site`."""
        self.connection_dir = tempfile.mkdtemp(prefix="voila_", dir=self.connection_dir_root)
        settings = self.init_settings()
        self.app = Site(self.access, partial(answers.bare_health, self.kernel_manager), **settings)
        self.app.add_handlers(".*$", self.init_handlers())
        self.app.listen(
            self.port, self.access.host, idle_connection_timeout=HEADERS_WITHIN, ssl_options=self.access.tls,
            xheaders=bool(self.access.proxies), trusted_downstream=[*self.access.proxies],
        )  # fmt: skip
        self.ioloop = IOLoop.current()
        self.ioloop.add_callback(self._say_when_ready)
        try:
            with suppress(KeyboardInterrupt):
                self.ioloop.start()
        finally:
            self.ioloop.run_sync(self.kernel_manager.end)

    def _handle_signal_stop(self, number: int, frame: Any) -> None:
        if not hasattr(self, "ioloop"):  # it knows it only from when it listens
            sys.exit(128 + number)
        super()._handle_signal_stop(number, frame)

    async def _say_when_ready(self) -> None:
        for how in PACKERS:  # before the first visitor asks
            await asyncio.to_thread(load, self.script, how)
        # Voila keeps no public record of when a preheated kernel has run the notebook.
        for kernel in self.kernel_manager.pool[:1]:
            await asyncio.wait([kernel])
            if error := kernel.exception():
                raise SystemExit(f"The page has no kernel to run in: {error}")
            await asyncio.wait([kernel.result()["task"]])  # a failed one has its own sentence on the page
        trained, most = self.predictor.manifest["trained"], self.kernel_manager.at_most
        access_log.info("begun: models of %s, at most %d pages", trained, most)
        print(f"The page is at {self.access.shown(self.port)} (Ctrl+C stops it)", flush=True)


def serve(
    port: int = 8866, models: Path = MODELS_FOLDER, pages: int | None = None, access: Access | None = None
) -> None:
    """Serve the page until interrupted; page and API answer from `models`, to whom `access` lets in.

    At most `pages` are open at once, by default as many as the memory takes.

    Raises
    ------
    BundleError
        If the model files cannot be used.
    SystemExit
        If the port is taken or not allowed, or there is nowhere to write to, in one sentence.
    """
    access = access or Access()
    check_port(port, access.host)
    keep_little()
    try:
        private = private_folder()
        predictor = load_predictor(models, copy=Path(private.name))
    except OSError as error:
        hint = "name another in the environment variable TMPDIR"
        raise SystemExit(f"No temporary folder can be written ({error.strerror}); {hint}") from None
    with private as folder:
        # The kernels inherit all this. They answer from what was read here, whatever becomes of the models'
        # folder and the code's; neither they nor Jupyter need a home, which a service account may not have.
        code = shutil.copytree(PACKAGE, Path(folder, "code", PACKAGE.name), ignore=NOT_CODE).parent
        compile_into(folder)
        before, tempfile.tempdir = dict(os.environ), folder
        os.environ |= dict.fromkeys((MODELS_VARIABLE, COMPILED, *HOMES), folder)
        os.environ["PYTHONPATH"] = os.pathsep.join([str(code), *filter(None, [before.get("PYTHONPATH")])])
        try:
            most = most_pages()
            _run(predictor, port, folder, pages or most, access)
        finally:
            tempfile.tempdir = None
            os.environ.clear()
            os.environ |= before


def _run(predictor: Predictor, port: int, folder: str, pages: int, access: Access) -> None:
    server = PageServer(
        predictor=predictor,
        access=access,
        base_url=access.base,
        notebook_path=str(NOTEBOOK),
        config_file_paths=[str(ROOT)],
        connection_dir_root=folder,
        port=port,
        identity_provider_class=Visitors,
        log_level=logging.ERROR,
    )
    server.initialize(argv=[])
    server.voila_configuration.default_pool_size = pool_size()
    server.config.PageKernelManager.at_most = pages
    server.config.Visitors.cookie_options = {"samesite": "Lax"}
    for name in ("general", "access", "application"):  # they warn of Jupyter's settings, and of refusals
        logging.getLogger(f"tornado.{name}").setLevel(logging.ERROR)
    if access.log:
        logging.basicConfig(format="%(asctime)s %(message)s")
        access_log.setLevel(logging.INFO)
    if os.name == "posix":  # no listening ports but the page's own
        server.config.KernelManager.transport = "ipc"
    server.start()


def private_folder() -> tempfile.TemporaryDirectory:
    """Make the folder of all that the server writes, its user's alone; those of killed servers go."""
    # Some systems give it a name that is too long for the kernels' sockets in it.
    long = os.name == "posix" and len(os.fsencode(tempfile.gettempdir())) + 85 > zmq.IPC_PATH_MAX_LEN
    parent = Path("/tmp" if long else tempfile.gettempdir())
    for other in parent.glob(f"{PREFIX}*") if fcntl else ():
        with suppress(OSError), (other / LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # not if a server that runs has it
            shutil.rmtree(other)
    private = tempfile.TemporaryDirectory(prefix=PREFIX, dir=parent)
    startup = Path(private.name, "profile_default", "startup", "quiet.py")
    startup.parent.mkdir(parents=True)
    startup.write_text(STARTUP)
    new = Path(private.name, "new")
    private.lock = new.open("w")  # type: ignore[attr-defined]  # let go when the process ends, however it does
    if fcntl:
        fcntl.flock(private.lock, fcntl.LOCK_EX)  # type: ignore[attr-defined]
    new.rename(new.with_name(LOCK))
    return private


def pool_size() -> int:
    return min(max(os.cpu_count() or 2, 2), 4)  # kernels held ready


def most_pages() -> int:
    """Allow all open files that may be; say how many pages these and the free memory take, or a few."""
    files = MANY
    if os.name == "posix":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        files = MANY if hard == resource.RLIM_INFINITY else min(hard, MANY)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    by_memory = (psutil.virtual_memory().available - SPARE) // KERNEL
    return max(8, min(by_memory, (files - FILES) // FILES_OF_A_PAGE))


def check_port(port: int, host: str = HOST) -> None:
    """Exit in one sentence unless the page can listen on `port` of `host`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.getaddrinfo(host, port, family)
        socket.create_server((host, port), family=family).close()
    except (OSError, UnicodeError) as error:
        number = getattr(error, "errno", None)  # of a name that is none, there is no such
        if isinstance(error, socket.gaierror) or number in (None, errno.EADDRNOTAVAIL):
            raise SystemExit(f"--host {host} names no address of this machine; give another") from None
        taken = number == errno.EADDRINUSE
        reason = "is already in use" if taken else f"cannot be used ({os.strerror(number)})"
        other = port + 1 if port < 65535 else port - 1
        hint = f"choose another, for example --port {other} (or make app PORT={other})"
        raise SystemExit(f"Port {port} {reason}; {hint}") from None
