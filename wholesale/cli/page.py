"""The command that serves the page."""

import signal
import sys
from typing import Annotated

import typer

from wholesale.cli.common import Folder, refuse
from wholesale.manifest import MODELS_FOLDER, BundleError


def serve(
    models: Folder = MODELS_FOLDER,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 8866,
) -> None:
    """Serve the page on this machine and print its address."""
    from wholesale.app.server import serve as run

    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # temporary files go then as well
    try:
        run(port, models)
    except BundleError as error:
        refuse(error)
