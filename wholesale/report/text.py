"""What the report says, as Markdown: the sentences that carry a decision, true for any customers."""

import shlex
from bisect import bisect_left
from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_rand_score

from wholesale.app.sentences import CLOSE, mixture
from wholesale.columns import LABELS, SPEND_COLUMNS, UNIT
from wholesale.customers import Customers
from wholesale.palette import SIMILAR
from wholesale.report.study import (
    CountEvidence,
    Fitted,
    Placement,
    Refused,
    leading,
    unless_refused,
)
from wholesale.report.tables import SHOWN, difference
from wholesale.scoring.summary import LIKE, UNKNOWN, by_chance, unfamiliar_by_chance
from wholesale.wording import NUMBERS, are, counted, format_amount, format_share, listed, of_all

FEW = 100
"""Below this many customers, every figure is said to be uncertain; our convention."""

SMALL = 10
"""M.u. below which log(1 + amount) is far from the logarithm of the amount."""

RARE = 0.1
"""Share of searches below which an optimum is called rarely reached; our convention."""


def reading(customers: Customers) -> str:
    """Say how many records are customers, where the others are at fault, and how far to trust so few."""
    accepted, rejected = len(customers.accepted), len(customers.rejected)
    said = [f"**{escaped(customers.file)}** holds {counted(accepted + rejected, 'record')}."]
    if rejected:
        faults = customers.rejected["column"].to_pylist()
        columns = {"": "the form of the record", **LABELS}
        where = [f"{label} ({faults.count(name)})" for name, label in columns.items() if name in faults]
        said += [f"Read as customers: {of_all(accepted, accepted + rejected)}."]
        said += [f"Rejected: {of_all(rejected, accepted + rejected)}, at fault first in {listed(where)}."]
    else:
        said += ["Every one is a customer; none was rejected."]
    said += map(escaped, customers.notes)
    if accepted < FEW:
        said += [f"With {counted(accepted, 'customer')}, every figure below is uncertain: another year, or a"]
        said += ["few others, could change it."]
    return " ".join(said)


def spending(customers: Customers) -> str:
    """Say how much the largest bring, and where amounts are so small that the unit matters."""
    totals = np.sort(customers.amounts.sum(axis=1))
    tenth = max(1, len(totals) // 10)
    who = "largest customer brings" if tenth == 1 else f"largest {format_amount(tenth)} bring"
    said = f"The {who} {format_share(totals[-tenth:].sum() / (totals.sum() or 1))} of all spending."
    small = [LABELS[str(name)] for name, median in customers.amounts.median().items() if median < SMALL]
    if not small:
        return said
    return (
        f"{said} Half of the customers or more spend under {SMALL} {UNIT} on {listed(small)}: there the"
        " logarithm hardly acts, and in a smaller unit the segments would be others."
    )


def market(customers: Customers, placement: Placement) -> str:
    """Say whether the customers are of the market that the models at hand were made from."""
    summary = placement.summary
    record = f"the {format_amount(summary.on_record)} customers on record"
    if placement.on_record:
        return f"**They are {record}** that the models at hand were made from."
    shifted = [
        f"{LABELS[column]} ({difference(customers, placement, column)})"
        for column, drift in summary.drift.items()
        if drift.verdict != "alike"
    ]
    kind = "Another market, perhaps, or another mix:" if summary.other_market else "Somewhat different:"
    differ = f"**{kind}** they differ from {record} in {listed(shifted)}."
    if not shifted:
        kind = kind if summary.other_market else "No clear difference:"
        differ = f"**{kind}** no category alone differs clearly from {record}."
    return f"{differ} {unfamiliar(summary.unfamiliar, summary.accepted, summary.on_record)}{_unit(placement)}"


def chance(customers: Customers, placement: Placement) -> str:
    """Say how far chance alone takes the drift of so few customers."""
    if placement.on_record:
        return "There is no drift, and nothing to be learned from its absence."
    largest = by_chance(len(customers.accepted), placement.summary.on_record)
    if largest <= LIKE:
        return ""
    return (
        f"With {counted(len(customers.accepted), 'customer')}, chance alone takes the largest D up to about"
        f" {min(largest, 1):.2f} in 19 of 20 cases, so a smaller one is called no clear difference; that does"
        " not show that there is none."
    )


def unfamiliar(customers: int | None, n: int, on_record: int) -> str:
    """Judge their number by that of n like those on record, from whom the limit is only an estimate."""
    if customers is None:
        return f"{UNKNOWN[0].upper()}{UNKNOWN[1:]}."
    fewest, most = (
        bisect_left(range(n), share, key=lambda c: 1 - unfamiliar_by_chance(c + 1, n, on_record))
        for share in (0.025, 0.975)
    )
    within = f"{format_amount(fewest)} to" if fewest else "up to"
    usual = f"{within} {format_amount(most)} would be nothing unusual" if most else "none would be expected"
    said = f"{are(customers, n)} unlike 99% of those on record; among as many of the same kind, {usual}."
    few = " So few are unusual too: were only ordinary customers chosen?" if customers < fewest else ""
    return f"{said[0].upper()}{said[1:]}{few}"


def _unit(placement: Placement) -> str:
    """Ask for the unit if all six amounts differ much on the same side."""
    drifts = placement.summary.drift.values()
    sides = {drift.direction for drift in drifts}
    if len(sides) > 1 or any(drift.verdict != "far" for drift in drifts):
        return ""
    return f" All six amounts are much {sides.pop()}: are they a year's, and in the unit of those on record?"


def agreement(placed: Placement | Fitted) -> str:
    """Say on how many customers all models agree."""
    models, new = len(placed.predictor.models), "new " if isinstance(placed, Fitted) else ""
    agreed = int((placed.answers["agreement"] == models).sum())
    return f"The {NUMBERS[models]} {new}models agree on {of_all(agreed, len(placed.answers))}"


@unless_refused("Numbers of segments were not compared: {}.")
def how_many(evidence: CountEvidence, segments: int) -> str:
    """Say what the criteria prefer, what becomes of the number asked for, and how doubtful both are."""
    cast, leaders = list(evidence.votes.values()), leading(evidence.votes)
    if segments not in evidence.counts.index:
        asked = f"The {segments} asked for were not compared, only up to {evidence.counts.index.max()}."
    elif leaders == [segments]:
        asked = "That is the number asked for."
    else:
        asked = f"The {segments} segments asked for have {cast.count(segments) or 'none'} of the votes."
    chance = _by_chance(evidence, [segments, *leaders])
    said = [_leader(leaders, cast), asked, _redrawn(evidence, leaders), chance]
    return " ".join(filter(None, said))


def _leader(leaders: list[int], cast: list[int]) -> str:
    most, total = cast.count(leaders[0]), len(cast)
    if len(leaders) > 1:
        ks = listed([str(k) for k in leaders])
        return f"The votes of {total} criteria are split: {ks} segments have {most} each."
    what = "one segment, that is, no division" if leaders == [1] else f"{leaders[0]} segments"
    if total == 1:
        return f"The one criterion that has a choice prefers {what}."
    return f"{most} of {total} criteria prefer {what}; no other number has as many."


def _redrawn(evidence: CountEvidence, leaders: list[int]) -> str:
    """Say whether further draws lead to the same."""
    if not evidence.redrawn:
        return ""
    drawn = f"All that is of {counted(evidence.customers, 'customer')} drawn at random;"
    others = ", then ".join(" or ".join(map(str, ks)) for ks in evidence.redrawn)
    same = all(ks == leaders for ks in evidence.redrawn)
    prefer = "the same" if same else f"{others}: no number is settled"
    return f"{drawn} {len(evidence.redrawn)} further draws prefer {prefer}."


def _by_chance(evidence: CountEvidence, ks: list[int]) -> str:
    """Say whether clouds without segments score as high, cut into so many."""
    known = {k: n for k in ks if (n := evidence.clouds_as_high(k)) is not None}
    if not known:
        return ""
    clouds = f"{len(evidence.clouds)} clouds without any segments"
    if any(known.values()):
        as_high = listed([f"{n or 'none'} when cut into {k}" for k, n in known.items()])
        return f"Of {clouds}, {as_high} scored as high: such a cut may be no more than a convenience."
    into = " or ".join(map(str, known))
    return (
        f"None of {clouds} scored as high, cut into {into}: segments can do that, but so can skewed"
        " amounts, or many zeros."
    )


@unless_refused("**No models were fitted:** {}.")
def fit(fitted: Fitted) -> str:
    """Say who was fitted, and how far the mixture can be trusted."""
    manifest, said = fitted.bundle.manifest, []
    if fitted.predictor.has_mixture:
        searches = manifest["metrics"]["gmm"]["restarts"]
        reached, tried = searches["reached"], searches["tried"]
        another = "; another could be about as good" if reached < RARE * tried else ""
        said += [f"The mixture kept is where {reached} of {tried} searches ended{another}."]
    said += [mixture(fitted.predictor)]
    if not fitted.all_fitted:
        drawn = counted(manifest["customers"], "customer")
        said += [f"{drawn}, drawn at random, were fitted; all were placed."]
    return " ".join(filter(None, said))


@unless_refused()
def kinship(fitted: Fitted, placement: Placement) -> str:
    """Say how the new K-Means segments relate to those of the models at hand."""
    old, new = placement.answers["kmeans_segment"], fitted.answers["kmeans_segment"]
    if old.nunique() == 1:
        return "The models at hand put everybody into one K-Means segment; the new ones divide it."
    rand = round(adjusted_rand_score(old, new), 2) + 0
    return f"Adjusted Rand of the new K-Means segments with those of the models at hand: {rand:.2f}."


def found(
    customers: Customers,
    placement: Placement,
    evidence: CountEvidence | Refused,
    fitted: Fitted | Refused,
    segments: int,
) -> str:
    """List what was found."""
    rejected = counted(len(customers.rejected), "record") if len(customers.rejected) else "no record"
    return _points(
        f"**{counted(len(customers.accepted), 'customer')} read,** {rejected} rejected.",
        market(customers, placement),
        f"**How many segments?** {how_many(evidence, segments)}",
        _segments(fitted),
        _agreed(fitted),
    )


@unless_refused("**No segments of their own:** {}.")
def _segments(fitted: Fitted) -> str:
    total = fitted.answers[list(SPEND_COLUMNS)].sum(axis=1)
    segment = fitted.answers["kmeans_segment"]
    named = [
        f"*{name}* ({counted(int((segment == i).sum()), 'customer')}, {format_share((segment == i).mean())};"
        f" {format_share(total[segment == i].sum() / (total.sum() or 1))} of all spending)"
        for i, name in enumerate(fitted.predictor.names["kmeans"], start=1)
    ]
    return f"**Segments of their own,** by K-Means: {listed(named)}."


@unless_refused()
def _agreed(fitted: Fitted) -> str:
    predictor = fitted.predictor
    overlaps = {
        label: predictor.overlap[model] for model, label in predictor.models.items() if model != "kmeans"
    }
    alone = [label for label, overlap in overlaps.items() if overlap.max() < SIMILAR]
    why = "; ".join(f"no segment of {label} resembles one of K-Means" for label in alone)
    return f"**{agreement(fitted)}**{why and f': {why}'}."


def next_steps(
    customers: Customers, placement: Placement, evidence: CountEvidence | Refused, fitted: Fitted | Refused
) -> str:
    """List what can be done with it."""
    lines = [str(line) for line in customers.rejected["line"].to_pylist()]
    where = listed(lines) if len(lines) <= SHOWN else f"{', '.join(lines[:SHOWN])} and further ones"
    mend = f"**Mend the rejected record{'s' * (len(lines) > 1)}** (line {where}) and run this again."
    more = "**Bring more customers, if there are any:** with so few, all of this is uncertain."
    models = [f"--models {shlex.quote(placement.folder)}"] if placement.folder else []
    score = f"**To score every row** with the models at hand: {command('score', customers, *models)}."
    careful = "**Be careful with the models at hand:** these customers may not be like those they know."
    if isinstance(fitted, Refused):
        own = [_fittable(evidence) or f"**See to what stands in the way of segments:** {fitted.reason}."]
    else:
        own = [
            _more_votes(evidence, fitted.predictor.n_segments),
            *_own_segments(customers, evidence, fitted),
        ]
    return _points(
        mend if lines else "",
        more if len(customers.accepted) < FEW else "",
        careful if placement.summary.other_market else score,
        *own,
    )


def _own_segments(customers: Customers, evidence: CountEvidence | Refused, fitted: Fitted) -> list[str]:
    k, doubtful, answers = (
        fitted.predictor.n_segments,
        fitted.doubts.any(axis=1),
        f"{Path(customers.file).stem}.own.csv",
    )
    train = command("train", customers, f"--segments {k}", "-o own")
    score = command("score", customers, "--models own", f"-o {shlex.quote(answers)}")
    if doubtful.all():
        care = "**Act on no segment without other grounds:** every customer is contested."
    else:
        care = (
            f"**Take care with the contested customers,** {format_amount(int(doubtful.sum()))} in all: look"
            f" at one before acting on its segment. `{answers}` tells them by `agreement` under"
            f" {len(fitted.predictor.models)}, `clarity` under {CLOSE}, `unfamiliar`; Ward's rule for new"
            " customers counts there, so a few others may be."
        )
    return [
        f"**To keep the new segments{_by_chance_too(evidence, k)}:** {train}; then {score} writes every"
        " customer's, and `python -m wholesale serve --models own` answers for one at a time.",
        care if doubtful.any() else "",
        "**Ask of each segment what would be done differently for it.** That decides its use.",
    ]


@unless_refused()
def _fittable(evidence: CountEvidence) -> str:
    return f"**Ask for {evidence.counts.index.max()} segments:** so many can be fitted."


@unless_refused()
def _more_votes(evidence: CountEvidence, segments: int) -> str:
    better = listed([str(k) for k in evidence.better_than(segments)])
    return f"**Compare with {better} segments,** for which most votes are cast." if better else ""


@unless_refused()
def _by_chance_too(evidence: CountEvidence, segments: int) -> str:
    return ", though chance might give as good ones" if evidence.by_chance_too(segments) else ""


def command(name: str, customers: Customers, *options: str) -> str:
    """Write a command that reads the file as it was read here."""
    told = customers.settings
    read = [f"--column {shlex.quote(f'{category}={column}')}" for category, column in told.columns.items()]
    named = {"decimal": told.decimal, "sheet": told.sheet, "blank": told.blank}
    read += [f"--{option} {shlex.quote(value)}" for option, value in named.items() if value]
    return f"`{' '.join(['python -m wholesale', name, shlex.quote(customers.file), *read, *options])}`"


def _points(*points: str) -> str:
    return "\n".join(f"- {point}" for point in points if point)


def escaped(text: str) -> str:
    """Keep Markdown and HTML from reading a name as anything but a name."""
    safe = "".join(f"\\{sign}" if sign in r"\`*_{}[]()#+-!|~$:" else sign for sign in text)
    return safe.replace("&", "&amp;").replace("<", "&lt;")
