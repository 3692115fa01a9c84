"""The page: widgets, and the HTML that they show; ``server`` serves it."""

from wholesale.app.view import build_app

__all__ = ["build_app"]
