"""What serves the page: Voila in this process, files for browsers, and the JSON API beside it."""

from wholesale.app.server.access import HOST, settle
from wholesale.app.server.page import serve

__all__ = ["HOST", "serve", "settle"]
