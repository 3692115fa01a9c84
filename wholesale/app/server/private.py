"""The folder of all that the server writes: its user's alone, and gone with the server or by the next."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import zmq

try:
    import fcntl
except ImportError:  # no POSIX system; there, what a killed server left stays
    fcntl = None  # type: ignore[assignment]

PREFIX, LOCK = "wholesale_", "lock"
STARTUP = """\
# It would listen, on a port, for what forks of the kernel print; a page's kernel has no forks.
from ipykernel.kernelapp import IPKernelApp
_thread = IPKernelApp.instance().iopub_thread
_thread._pipe_flag = False
_thread.io_loop.add_callback(_thread._pipe_in.close)
"""
"""What IPython runs at the start of each kernel, if the folder is its home."""


def private_folder() -> tempfile.TemporaryDirectory:
    """Make the folder; those of servers that were killed go."""
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
