"""The one place of the report that displays."""

from typing import cast

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Markdown, display
from matplotlib.axes import Axes
from matplotlib.figure import Figure

NUMBER = r"(?:[<>−-]?[\d.,\u00a0]+%?(?: of \d+)?|–|)"


def show(*parts: str | pd.DataFrame | Axes | None) -> None:
    """Display sentences (as Markdown), tables and figures in turn, and nothing for what is missing.

    A figure's titles are its text for those who cannot see it.
    """
    for part in parts:
        if isinstance(part, Axes):
            figure = cast(Figure, part.figure)
            titles = [ax.get_title(loc="left") for ax in figure.axes if ax.get_visible()]
            display(figure, metadata={"image/png": {"alt": f"Figure: {'; '.join(titles)}."}})
            plt.close(figure)
        elif isinstance(part, str):
            if part:
                display(Markdown(part))
        elif part is not None:
            display({"text/html": to_html(part), "text/plain": part.to_string()}, raw=True)


def to_html(table: pd.DataFrame) -> str:
    """Write a table in full; its classes tell a style which headings and cells are words, to stand left."""
    levels = table.index.nlevels
    words = [i for i, name in enumerate(table, 1) if not table[name].astype(str).str.fullmatch(NUMBER).all()]
    heads = [*range(1, levels + 1), *(levels + i for i in words)]
    classes = [*(f"th-{i}" for i in heads), *(f"td-{i}" for i in words)]
    with pd.option_context("display.max_colwidth", None):
        return table.to_html(classes=classes, border=0)
