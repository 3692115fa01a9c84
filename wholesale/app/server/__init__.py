"""What serves the page: Voila in this process, files for browsers, and the JSON API beside it."""

from wholesale.app.server.page import HOST, serve

__all__ = ["HOST", "serve"]
