"""What we found, and what to do next: the report in a few points, true for any customers."""

import shlex
from collections.abc import Mapping

from wholesale.columns import LABELS, MODELS
from wholesale.own import Own
from wholesale.report.findings import doubts, named, number, votes
from wholesale.report.study import FEWEST, Fitted, Scored
from wholesale.report.weighing import Weighed
from wholesale.report.words import FEW, SHOWN, of_all
from wholesale.wording import counted, format_amount, listed


def found(own: Own, scored: Scored, weighed: Weighed, fitted: Fitted) -> str:
    """List what was found, as Markdown."""
    number_of = f"**How many segments?** {number(weighed, fitted.segments)}"
    return _points(_read(own), _place(scored), number_of, _segments(fitted), _agreed(fitted))


def next_steps(own: Own, scored: Scored, weighed: Weighed, fitted: Fitted, columns: Mapping[str, str]) -> str:
    """List what can be done with it, as Markdown; `columns` is how the file was read."""
    mapped = "".join(f" --column {shlex.quote(f'{name}={its}')}" for name, its in columns.items())
    file = shlex.quote(own.file) + mapped
    return _points(
        _mend(own),
        _more(own),
        _other(weighed, fitted),
        _keep(fitted, file),
        _use(scored, file),
        _look(fitted),
        "**Ask of each segment what would be done differently for it.** That decides its use.",
    )


def _points(*points: str) -> str:
    return "\n".join(f"- {point}" for point in points if point)


def _read(own: Own) -> str:
    rejected = len(own.rejected)
    apart = counted(rejected, "record") if rejected else "no record"
    return f"**{counted(len(own.accepted), 'customer')} read,** {apart} rejected."


def _place(scored: Scored) -> str:
    summary = scored.summary
    record = f"the {format_amount(summary.on_record)} customers on record"
    if scored.on_record:
        return f"**They are {record}** that the models at hand were made from."
    shifted = [LABELS[column] for column, its in summary.drift.items() if its.verdict != "alike"]
    where = f" in {listed(shifted)}" if shifted else ""
    unlike = f"{of_all(summary.unfamiliar, summary.accepted)} unlike 99% of those on record"
    if summary.other_market:
        return (
            f"**Another market, perhaps, or another mix:** they differ much from {record}{where}; {unlike}."
        )
    if where:
        return f"**Somewhat different** from {record}{where}; {unlike}."
    return f"**No clear difference** from {record} in any category; {unlike}."


def _segments(fitted: Fitted) -> str:
    if fitted.bundle is None:
        return f"**No segments of their own:** {fitted.refusal}."
    return f"**Segments of their own,** by K-Means: {named(fitted.bundle.predictor)}."


def _agreed(fitted: Fitted) -> str:
    if fitted.answers is None:
        return ""
    agreed = int((fitted.answers["agreement"] == len(MODELS)).sum())
    return f"**The three new models agree** on {of_all(agreed, len(fitted.answers))}."


def _mend(own: Own) -> str:
    lines = [str(line) for line in own.rejected["line"].to_pylist()]
    if not lines:
        return ""
    which = "record" if len(lines) == 1 else "records"
    where = listed(lines) if len(lines) <= SHOWN else f"{', '.join(lines[:SHOWN])} and further ones"
    return f"**Mend the rejected {which}** (line {where}) and run this again."


def _more(own: Own) -> str:
    few = len(own.accepted) < FEW
    return "**Bring more customers, if there are any:** with so few, all of this is uncertain." if few else ""


def _other(weighed: Weighed, fitted: Fitted) -> str:
    """Suggest another number of segments: one that can be fitted, or one with more votes."""
    cast, bic = list(votes(weighed).values()), weighed.counts.get("gmm_bic")
    proper = [] if bic is None else [k for k in bic.dropna().index if k >= FEWEST]
    if fitted.bundle is None:
        return f"**Ask for {max(proper)} segments:** so many can be fitted." if proper else ""
    better = [k for k in proper if cast.count(k) > cast.count(fitted.segments)]
    if not better:
        return ""
    k = max(better, key=cast.count)
    return f"**Compare with {k} segments,** which more criteria prefer than {fitted.segments}."


def _keep(fitted: Fitted, file: str) -> str:
    if fitted.bundle is None:
        return ""
    k = fitted.segments
    return (
        f"**To keep the new segments:** `python -m wholesale train {file} --segments {k} -o own`; then"
        " `python -m wholesale serve --models own` answers for one customer at a time."
    )


def _use(scored: Scored, file: str) -> str:
    if scored.summary.other_market:
        return "**Be careful with the models at hand:** these customers differ much from those they know."
    return f"**To score every row** with the models at hand: `python -m wholesale score {file}`."


def _look(fitted: Fitted) -> str:
    if fitted.answers is None or not doubts(fitted.answers).any(axis=None):
        return ""
    return "**Look at the contested customers** by hand before acting on their segment."
