"""What we found, and what to do next: the report in a few points, true for any customers."""

import shlex
from pathlib import Path

from wholesale.app.sentences import CLOSE
from wholesale.columns import MODELS
from wholesale.own import Own
from wholesale.palette import SIMILAR
from wholesale.report import number
from wholesale.report.findings import doubts, named
from wholesale.report.place import one_sided, shifted
from wholesale.report.study import FEWEST, Outcome, Scored, Unfitted
from wholesale.report.weighing import Weighed, leading
from wholesale.report.words import FEW, SHOWN
from wholesale.scoring.summary import UNKNOWN
from wholesale.wording import NUMBERS, are, counted, format_amount, listed, of_all


def found(own: Own, scored: Scored, weighed: Weighed, fitted: Outcome) -> str:
    """List what was found, as Markdown."""
    k = fitted.segments
    how_many = f"**How many segments?** {number.preferred(weighed, k)} {number.doubt(weighed, k)}".strip()
    return _points(_read(own), _place(own, scored), how_many, _segments(fitted), _agreed(fitted))


def next_steps(own: Own, scored: Scored, weighed: Weighed, fitted: Outcome) -> str:
    """List what can be done with it, as Markdown."""
    return _points(
        _mend(own),
        _more(own),
        _other(weighed, fitted),
        _keep(own, weighed, fitted),
        _use(own, scored),
        _look(own, fitted),
        _ask(fitted),
    )


def _command(name: str, own: Own, *options: str) -> str:
    """Write a command that reads the file as it was read here."""
    how = own.settings
    read = [f"--column {shlex.quote(f'{category}={its}')}" for category, its in how.columns.items()]
    told = {"decimal": how.decimal, "sheet": how.sheet, "blank": how.blank}
    read += [f"--{name} {shlex.quote(said)}" for name, said in told.items() if said]
    return f"`{' '.join(['python -m wholesale', name, shlex.quote(own.file), *read, *options])}`"


def _points(*points: str) -> str:
    return "\n".join(f"- {point}" for point in points if point)


def _read(own: Own) -> str:
    rejected = len(own.rejected)
    apart = counted(rejected, "record") if rejected else "no record"
    return f"**{counted(len(own.accepted), 'customer')} read,** {apart} rejected."


def _place(own: Own, scored: Scored) -> str:
    summary = scored.summary
    record = f"the {format_amount(summary.on_record)} customers on record"
    if scored.on_record:
        return f"**They are {record}** that the models at hand were made from."
    told = listed(shifted(own, scored))
    unlike = f"{are(summary.unfamiliar or 0, summary.accepted)} unlike 99% of those on record"
    if summary.unfamiliar is None:
        unlike = UNKNOWN
    if summary.other_market:
        where = f"they differ from {record} in {told}" if told else f"no category alone differs from {record}"
        return f"**Another market, perhaps, or another mix:** {where}; {unlike}.{one_sided(scored)}"
    if told:
        return f"**Somewhat different** from {record}, in {told}; {unlike}."
    return f"**No clear difference** from {record} in any category; {unlike}."


def _segments(fitted: Outcome) -> str:
    if isinstance(fitted, Unfitted):
        return f"**No segments of their own:** {fitted.refusal}."
    return f"**Segments of their own,** by K-Means: {named(fitted)}."


def _agreed(fitted: Outcome) -> str:
    if isinstance(fitted, Unfitted):
        return ""
    models = fitted.bundle.predictor.models
    agreed = int((fitted.answers["agreement"] == len(models)).sum())
    overlap = fitted.bundle.predictor.overlap
    alone = [MODELS[model] for model, its in overlap.items() if model != "kmeans" and its.max() < SIMILAR]
    why = "; ".join(f"no segment of {label} resembles one of K-Means" for label in alone)
    who = f"**The {NUMBERS[len(models)]} new models agree**"
    return f"{who} on {of_all(agreed, len(fitted.answers))}{why and f': {why}'}."


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


def _other(weighed: Weighed, fitted: Outcome) -> str:
    """Suggest another number of segments: one that can be fitted, or one with more votes than by chance."""
    tried = [k for k in weighed.counts.index if k >= FEWEST]  # each was fitted to be weighed
    if isinstance(fitted, Unfitted):
        so_many = f"**Ask for {max(tried)} segments:** so many can be fitted." if tried else ""
        return so_many or f"**See to what stands in the way of segments:** {fitted.refusal}."
    leaders = [] if weighed.refusal else leading(weighed.votes)
    better = [str(k) for k in leaders if k in tried and not weighed.by_chance_too(k)]
    if not better or fitted.segments in leaders:
        return ""
    return f"**Compare with {listed(better)} segments,** for which most votes are cast."


def _keep(own: Own, weighed: Weighed, fitted: Outcome) -> str:
    if isinstance(fitted, Unfitted):
        return ""
    train = _command("train", own, f"--segments {fitted.segments}", "-o own")
    score = _command("score", own, "--models own", f"-o {shlex.quote(_scored(own))}")
    doubtful = ", though chance might give as good ones" if weighed.by_chance_too(fitted.segments) else ""
    return (
        f"**To keep the new segments{doubtful}:** {train}; then {score} writes every customer's, and"
        " `python -m wholesale serve --models own` answers for one at a time."
    )


def _scored(own: Own) -> str:
    return f"{Path(own.file).stem}.own.csv"


def _use(own: Own, scored: Scored) -> str:
    if scored.summary.other_market:
        return "**Be careful with the models at hand:** these customers may not be like those they know."
    models = [f"--models {shlex.quote(scored.models)}"] if scored.models else []
    return f"**To score every row** with the models at hand: {_command('score', own, *models)}."


def _look(own: Own, fitted: Outcome) -> str:
    if isinstance(fitted, Unfitted) or not (total := int(doubts(fitted).any(axis=1).sum())):
        return ""
    if total == len(fitted.answers):
        return "**Act on no segment without other grounds:** every customer is contested."
    return (
        f"**Take care with the contested customers,** {format_amount(total)} in all: look at one before"
        f" acting on its segment. `{_scored(own)}` tells them by `agreement` under"
        f" {len(fitted.bundle.names)}, `clarity` under {CLOSE}, `unfamiliar`; Ward's rule for new customers"
        " counts there, so a few others may be."
    )


def _ask(fitted: Outcome) -> str:
    if isinstance(fitted, Unfitted):
        return ""
    return "**Ask of each segment what would be done differently for it.** That decides its use."
