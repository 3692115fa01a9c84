"""Pieces of HTML that several parts of the page share; every text given here is escaped."""

from collections.abc import Iterable
from html import escape


def card(body: str, *classes: str, heading: str = "") -> str:
    """Wrap HTML in a card with a heading, if any."""
    title = f"<h2>{escape(heading)}</h2>" if heading else ""
    return f'<section class="{" ".join(["wc-card", *classes])}">{title}{body}</section>'


def note(sentence: str, *classes: str) -> str:
    """Write a sentence in small print, or nothing."""
    return f'<p class="{" ".join(["wc-note", *classes])}">{escape(sentence)}</p>' if sentence else ""


def named(name: str, colour: str) -> str:
    """Write a segment's name after a dot of its colour."""
    return f'<i class="wc-dot" style="--seg:{colour}"></i>{escape(name)}'


def bars(
    title: str, names: tuple[str, ...], values: list[tuple[str, float]], colours: tuple[str, ...]
) -> str:
    """List the segments with what is said of each, and a bar of that share (0…1)."""
    rows = "".join(
        f'<li><span>{escape(name)}</span><i class="wc-track" style="--seg:{colour};--share:{share:.4f}"></i>'
        f" <b>{escape(said)}</b></li>"
        for name, (said, share), colour in zip(names, values, colours, strict=True)
    )
    return f'<p class="wc-bars-title">{escape(title)}</p><ul class="wc-bars">{rows}</ul>'


def swing(value: float, *, towards: str, away: str, said: str) -> str:
    """Draw a bar from the middle to the right (`value` > 0, colour `towards`) or left (`away`), −1…1.

    `said` is its text equivalent.
    """
    value = min(max(value, -1), 1)
    side, colour = ("wc-right", towards) if value > 0 else ("wc-left", away)
    return (
        f'<i class="wc-swing {side}" style="--seg:{colour};--share:{abs(value):.3f}"'
        f' title="{escape(said)}"></i>'
        f'<span class="wc-unseen">{escape(said)}</span>'
    )


def table(head: Iterable[str], rows: Iterable[Iterable[str]], *, caption: str, classes: str = "") -> str:
    """Write a table; `rows` are HTML, `head` and `caption` are escaped, and each row's first cell names it.

    Every other cell carries its column's name, so that a phone can show a row as a block.
    """
    head = list(head)
    titles = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    return (
        f'<table class="wc-table {classes}"><caption class="wc-unseen">{escape(caption)}</caption>'
        f"<thead><tr>{titles}</tr></thead><tbody>{''.join(_row(head, row) for row in rows)}</tbody></table>"
    )


def _row(head: list[str], row: Iterable[str]) -> str:
    first, *others = row
    cells = zip(head[1:], others, strict=True)
    return (
        f'<tr><th scope="row">{first}</th>'
        + "".join(f'<td data-label="{escape(name)}">{cell}</td>' for name, cell in cells)
        + "</tr>"
    )
