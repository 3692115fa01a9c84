"""The page: widgets, the HTML of the answer cards, and the server."""

from wholesale.app.view import build_app

__all__ = ["build_app"]
