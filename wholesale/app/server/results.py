"""What the page shows of a scored file, as HTML."""

import re
from html import escape

from wholesale.app.many import SIGNS
from wholesale.app.markup import bars, card, note, table
from wholesale.app.sentences import NO_MIXTURE
from wholesale.app.server.upload import ROWS, Scored
from wholesale.columns import LABELS, MODELS, SPEND_COLUMNS
from wholesale.palette import segment_colours
from wholesale.predict import UNFAMILIAR, Predictor
from wholesale.scoring import Summary
from wholesale.scoring.drift import FAR, LIKE, Drift
from wholesale.wording import format_amount, format_share

OWN = 2
"""Columns of the file, amounts left out, that the table shows before the answers."""

TRAIN = "python -m wholesale train"


def result(predictor: Predictor, scored: Scored) -> str:
    """Write all there is to say of a scored file; the rows of the customers' table are the browser's part.

    Parameters
    ----------
    predictor : Predictor
    scored : Scored

    Returns
    -------
    str
        HTML.
    """
    summary = scored.summary
    parts = [_hero(summary)]
    if summary.accepted:
        parts += [f'<div class="wc-three">{_segments(predictor, summary)}</div>']
    side = [_drift(summary) if summary.accepted else "", _rejected(scored) if summary.rejected else ""]
    several = "wc-two" if all(side) else "wc-answer"
    parts += [f'<div class="{several}">{"".join(f"<div>{its}</div>" for its in side if its)}</div>']
    if summary.accepted:
        parts += [_customers(predictor, scored.names)]
    return f'<div class="wc-answer">{"".join(parts)}</div>'


def _hero(summary: Summary) -> str:
    spoken = escape(summary.verdict).replace(TRAIN, f"<code>{TRAIN}</code>")
    verdict = f'<p class="wc-warning">{spoken}</p>' if summary.other_market else f"<h2>{spoken}</h2>"
    counts = [f"{format_amount(summary.accepted)} scored", f"{format_amount(summary.rejected)} rejected"]
    if summary.unfamiliar:
        counts += [f"{format_amount(summary.unfamiliar)} unlike 99% of those on record"]
    chips = "".join(f'<span class="wc-chip">{count}</span> ' for count in counts)
    notes = "".join(f"<p>{escape(_on_the_page(each))}</p>" for each in summary.notes)
    saves = [("scored", "Download scored CSV")] * bool(summary.accepted)
    saves += [("rejected", "Download rejected rows")] * bool(summary.rejected)
    buttons = " ".join(
        f'<button type="button" class="{kind} wc-save" data-part="{part}">{label}</button>'
        for kind, (part, label) in zip(("wc-strong", "wc-plain"), saves, strict=False)
    )
    return (
        '<section class="wc-card wc-hero wc-verdict-card" aria-label="Summary"><p class="wc-by"></p>'
        f'{verdict}{notes}<p class="wc-chips">{chips}</p><p class="wc-saves">{buttons}</p></section>'
    )


def _on_the_page(sentence: str) -> str:
    """Write a note with the page's own way to decide otherwise in place of the command line's."""
    chosen = {sign: words.partition(":")[0] for sign, words in SIGNS.items()}
    sentence = sentence.replace("say --blank zero", "write 0 for them")
    return re.sub(r"say --decimal (\w+)", lambda its: f"choose {chosen[its[1]]} under Decimal sign", sentence)


def _segments(predictor: Predictor, summary: Summary) -> str:
    colours = segment_colours(predictor.overlap)
    cards = []
    for model, label in predictor.models.items():
        counts = [count for _, count in summary.segments[model]]
        names = tuple(f"{name}: {format_amount(count)}" for name, count in summary.segments[model])
        shares = [(format_share(count / summary.accepted), count / summary.accepted) for count in counts]
        heading = label + (", for analysis" if model == "ward" else "")
        said = note(_placed(predictor)) if model == "ward" else ""
        bars_of_all = bars("Customers in each segment", names, shares, colours[model])
        cards.append(card(bars_of_all + said, heading=heading))
    return "".join(cards) + ("" if predictor.has_mixture else card(note(NO_MIXTURE), heading=MODELS["gmm"]))


def _placed(predictor: Predictor) -> str:
    """Say why Ward's counts here are not those of its tree, even for the customers on record."""
    share = predictor.self_placement
    agree = "" if share is None else f" The two agree for {format_share(share)} of these."
    return f"Counted by its rule for new customers; Segments counts those on record by the tree.{agree}"


def _drift(summary: Summary) -> str:
    rows = [_drifted(column, each) for column, each in summary.drift.items()]
    said = note(
        "D is the largest gap between the shares of customers, here and on record, who spend no more than "
        f"some amount: 0 if they spend alike, 1 if nothing is in common. Up to {LIKE} we say as on record, "
        f"beyond {FAR} much higher or lower; a small file needs more to be called different."
    )
    body = table(
        ("Category", "0 to 1", "D", "Spending"),
        rows,
        caption="Spending here and on record",
        classes="wc-drift",
    )
    return card(body + said, heading=f"Beside the {summary.on_record} on record")


def _drifted(column: str, each: Drift) -> tuple[str, ...]:
    tint = "--warn" if each.verdict == "far" else "--acc"
    bar = f'<i class="wc-track" style="--seg:var({tint});--share:{each.distance:.3f}"></i>'
    return escape(LABELS[column]), bar, f"{each.distance:.2f}", escape(each.words)


def _rejected(scored: Scored) -> str:
    rows = [
        (
            str(row["line"]),
            escape(LABELS.get(row["column"], row["column"])),
            _value(row),
            escape(row["reason"]),
        )
        for row in scored.rows
    ]
    body = table(("Line", "Column", "Value", "Reason"), rows, caption="Rejected rows", classes="wc-rejects")
    scroll = (
        f'<div class="wc-scroll wc-tall" role="region" aria-label="Rejected rows" tabindex="0">{body}</div>'
    )
    total = scored.summary.rejected
    more = note(f"The first {format_amount(ROWS)} of {format_amount(total)}; the download has all of them.")
    return card(scroll + (more if total > ROWS else ""), heading=f"Rejected: {format_amount(total)}")


def _value(row: dict) -> str:
    value = row["value"]
    return escape(value if len(value) <= 40 else f"{value[:39]}…")


def _customers(predictor: Predictor, names: list[str]) -> str:
    """Write the table's head and what it is filtered by; a column is known by its place in the file."""
    heads = [_head("Line", -1, "number")]
    own = [i for i in range(names.index("kmeans_segment")) if names[i] not in SPEND_COLUMNS]
    heads += [_head(names[i], i, "text") for i in own[:OWN]]
    heads += [
        _head(label, names.index(f"{model}_segment"), model) for model, label in predictor.models.items()
    ]
    answers = {"Models agree": "agreement", "Times clearer": "clarity"}
    answers |= {"More unusual": "familiarity"} if predictor.has_mixture else {}
    heads += [_head(label, names.index(name), name) for label, name in answers.items()]
    body = (
        '<div class="wc-scroll" role="region" aria-label="Scored customers" tabindex="0">'
        '<table class="wc-table wc-customers"><caption class="wc-unseen">Scored customers</caption>'
        f"<thead><tr>{''.join(heads)}</tr></thead><tbody></tbody></table></div>"
    )
    pages = (
        '<p class="wc-pages"><button type="button" class="wc-plain" data-step="-1">Previous</button> '
        '<span class="wc-range" role="status"></span> '
        '<button type="button" class="wc-plain" data-step="1">Next</button></p>'
    )
    legend = note(
        "Press a heading to sort. Models agree: K-Means and those whose segment is the same or similar, "
        "whatever its name. Times clearer: how many times nearer the K-Means centre is than the next. More "
        "unusual: the share of the customers on record who are more unusual than this one; under "
        f"{UNFAMILIAR:.0%} is called unfamiliar."
    )
    places = f'data-unfamiliar="{names.index("unfamiliar")}" data-own="{own}"'
    return card(
        f"<div {places}>{_filters(predictor, names, searchable=bool(own))}{body}{pages}{legend}</div>",
        heading="Scored customers",
    )


def _head(label: str, column: int, kind: str) -> str:
    words = ' class="wc-words"' if kind in MODELS else ""
    return (
        f'<th scope="col"{words} aria-sort="none" data-kind="{kind}"><button type="button"'
        f' data-column="{column}">{escape(label)}</button></th>'
    )


def _filters(predictor: Predictor, names: list[str], *, searchable: bool) -> str:
    colours = segment_colours(predictor.overlap)
    groups = ""
    for model, label in predictor.models.items():
        column = names.index(f"{model}_segment")
        options = "".join(
            f'<option value="{column}={i}" data-colour="{colour}" label="{escape(f"{label}: {name}")}">'
            f"{escape(name)}</option>"
            for i, (name, colour) in enumerate(
                zip(predictor.names[model], colours[model], strict=True), start=1
            )
        )
        groups += f'<optgroup label="{label}" data-model="{model}">{options}</optgroup>'
    return (
        '<form class="wc-filters" role="search" aria-label="Scored customers">'
        '<p class="wc-choice"><label for="wc-segment">Segment</label> <select id="wc-segment">'
        f'<option value="">All</option>{groups}</select></p>'
        f'<p class="wc-choice"{"" if searchable else " hidden"}><label for="wc-search">Columns of your own'
        ' contain</label> <input type="search" id="wc-search"></p>'
        '<p class="wc-check"><input type="checkbox" id="wc-unfamiliar"> <label for="wc-unfamiliar">'
        "Only the unfamiliar</label></p></form>"
    )
