"""Scripts and styles for the browser: compressed once, joined, and kept for good where their address allows.

Plain Voila sends some ninety scripts one by one, uncompressed, and the browser asks for each again at later
visits. Here the scripts that every page loads come joined to the main one. A file whose address changes with
its content is never asked for again: a name with a hash, ``?v=``, or Voila's own files, which get a folder
named after the hash of them all.
"""

import asyncio
import gzip
import hashlib
import mimetypes
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from tornado.web import HTTPError, RequestHandler

FOR_GOOD = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"  # it may be kept, but its ETag is to be checked each time
MAIN = "voila.js"
_HASHED = re.compile(r"(?:^|[./-])[0-9a-f]{16,}\.")

# What the page was seen to load, by webpack's numbers, which change with Voila's version. Webpack first looks
# for what has already arrived: a number too few costs a request, one too many some bytes, and nothing breaks.
CHUNKS = """
73 143 225 431 457 614 630 1187 1601 1621 1670 1996 2121 2296 2772 2829 2930 3144 3249 3307 3311 3459 3649
3916 3989 3992 4041 4135 4173 4222 4371 4486 4653 4729 4875 4972 5044 5312 5688 5764 5767 5992 6008 6049 6074
6305 6382 6468 6573 7155 7245 7259 7393 7483 7556 7598 7770 7883 8017 8135 8487 8766 8773 8862 8925 9081 9151
9212 9582 9684 9890 9981
"""
EXTENSION_CHUNKS = {
    "@jupyter-widgets/jupyterlab-manager": "7 32 84 121 160 170 452 704 718 967",
    "@voila-dashboards/widgets-manager8": "496 883",
}


class Stored(NamedTuple):
    """A file's bytes, plain and compressed, and a hash of the plain ones."""

    plain: bytes
    packed: bytes
    digest: str


class Assets(RequestHandler):
    """Serves the files below some folders and nothing else; the first folder that has a file wins.

    `for_good` says that the address holds a hash of all that may be asked for; the scripts `joined` are sent
    in front of the main one.
    """

    etag: str | None = None

    def initialize(self, roots: Sequence[Path], for_good: bool = False, joined: Sequence[Path] = ()) -> None:
        self.roots, self.for_good, self.joined = roots, for_good, joined

    async def get(self, path: str) -> None:
        """Send a file, compressed if the browser can read that."""
        stored = await asyncio.get_running_loop().run_in_executor(None, self._load, path)
        reads = "gzip" in self.request.headers.get("Accept-Encoding", "")
        packed = reads and len(stored.packed) < 0.9 * len(stored.plain)
        lasting = self.for_good or "v" in self.request.arguments or _HASHED.search(path)
        self.set_header("Content-Type", mimetypes.guess_type(path)[0] or "application/octet-stream")
        self.set_header("Cache-Control", FOR_GOOD if lasting else ASK_AGAIN)
        self.set_header("Vary", "Accept-Encoding")
        if packed:
            self.set_header("Content-Encoding", "gzip")
        self.etag = f'"{stored.digest}{"-gzip" if packed else ""}"'
        self.finish(stored.packed if packed else stored.plain)

    head = get

    def compute_etag(self) -> str | None:
        """Give the hash that `get` knows; Tornado compares it with the browser's and answers 304."""
        return self.etag

    def _load(self, path: str) -> Stored:
        file = find(self.roots, path)
        if file is None:
            raise HTTPError(404)
        return load((*self.joined, file) if path == MAIN else (file,))


def find(roots: Sequence[Path], path: str) -> Path | None:
    """Find a file below one of `roots`, with links followed; None if there is none."""
    for root in roots:
        try:
            file = (root / path).resolve()
            if file.is_relative_to(root.resolve()) and file.is_file():
                return file
        except (OSError, ValueError):  # no path on this system: too long, or with a null byte
            return None
    return None


def load(files: Sequence[Path]) -> Stored:
    """Read and compress the last of `files`, the others joined before it; anew only when one has changed."""
    return _load(tuple((file, file.stat().st_mtime_ns) for file in files))


@lru_cache(maxsize=512)
def _load(files: tuple[tuple[Path, int], ...]) -> Stored:
    *before, last = (file.read_bytes() for file, _ in files)
    # Each in a function of its own, so that a "use strict" at its head holds for it, and for it alone.
    plain = b"".join(b"(()=>{" + script + b"\n})();\n" for script in before) + last
    digest = hashlib.sha256(plain).hexdigest()[:32]
    return Stored(plain, gzip.compress(plain, compresslevel=6, mtime=0), digest)


def shared_scripts(static: Sequence[Path], extensions: Sequence[Path]) -> list[Path]:
    """List the scripts that every page loads, from Voila's folders and those of its extensions."""
    found = [find(static, f"{number}.{MAIN}") for number in CHUNKS.split()]
    for name, numbers in EXTENSION_CHUNKS.items():
        for number in numbers.split():
            files = (file for root in extensions for file in (root / name / "static").glob(f"{number}.*.js"))
            found.append(next(files, None))
    return [file for file in found if file]


def fingerprint(roots: Sequence[Path], joined: Sequence[Path]) -> str:
    """Hash all that may be sent from `roots`; 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for file in (*joined, *(file for root in roots for file in sorted(root.rglob("*")) if file.is_file())):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:16]
