"""What the report computes: customers placed by models at hand, numbers of segments compared, a new fit."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial, wraps
from pathlib import Path
from statistics import multimode
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.metrics import adjusted_rand_score

from wholesale.app.sentences import CLOSE
from wholesale.bundle import Bundle, train
from wholesale.criteria import PER_SEGMENT, check_fit
from wholesale.customers import Customers
from wholesale.evidence import Recommendation, models_agreeing, recommend
from wholesale.evidence.nulls import NULLS, cloud_criteria
from wholesale.evidence.recommend import OBSERVED, thresholds
from wholesale.manifest import MODELS_FOLDER, ROOT
from wholesale.models import SEED
from wholesale.predict import Predictor, load_predictor
from wholesale.preprocessing import log_standardizer
from wholesale.scoring import Summary, score_table
from wholesale.scoring.summary import count, summarize

SAMPLE = ROOT / "dataset" / "second_wholesaler.csv"  # fictitious; dataset/README.md says how it was made
FEWEST, MOST = 2, 8  # numbers of segments that can be asked for
# Numbers of segments are compared up to the last of these, on so many customers at most, drawn so often,
# beside so many clouds of each kind, all with the same effort: two minutes for 440 on two cores.
DRAWN, DRAWS, CLOUDS, LARGEST_K = 1000, 3, 20, 5
EFFORT = {"starts": 10, "restarts": 1, "references": 1, "splits": 4}

Made = TypeVar("Made")


@dataclass(frozen=True)
class Refused:
    """Why something could not be computed; it is false."""

    reason: str

    def __bool__(self) -> bool:
        return False


def unless_refused(make: Callable[..., Made]) -> Callable[..., Made | None]:
    """Decorate what is made of its first argument: nothing, where that was `Refused`."""
    return wraps(make)(lambda computed, *others: make(computed, *others) if computed else None)


@dataclass(frozen=True, eq=False)
class Answered:
    """What models say of the customers: the columns of a scored file, by line."""

    predictor: Predictor
    answers: pd.DataFrame

    @property
    def amounts(self) -> pd.DataFrame:
        return self.answers[list(self.predictor.categories.columns)]

    @property
    def on_record(self) -> bool:
        """Whether these are the very customers that the models were made from, in their order."""
        return np.array_equal(self.amounts.to_numpy(), self.predictor.amounts)

    @property
    def doubts(self) -> pd.DataFrame:
        """Why a customer's segment is in doubt: ``disagreed``, ``close``, ``unfamiliar``."""
        disagreed = self.answers["agreement"] < len(self.predictor.models)
        return self.answers[["unfamiliar"]].assign(disagreed=disagreed, close=self.answers["clarity"] < CLOSE)

    @cached_property
    def sizes(self) -> pd.DataFrame:
        """Describe every model's segments, by model and number; who was placed but not fitted counts too."""
        amounts, numbers = self.amounts, range(1, self.predictor.n_segments + 1)
        spending, zeros = amounts.sum(axis=1), (amounts == 0).any(axis=1)
        facts = pd.DataFrame({"customers": 1, "spending": spending, "zeros": zeros})
        segments = {model: self.answers[f"{model}_segment"] for model in self.predictor.models}
        sums = {model: facts.groupby(segment).sum() for model, segment in segments.items()}
        sizes = pd.concat({model: each.reindex(numbers, fill_value=0) for model, each in sums.items()})
        sizes["share"] = sizes["customers"] / len(amounts)
        sizes["spending"] /= spending.sum() or 1
        sizes["zeros"] /= sizes["customers"].clip(lower=1)
        sizes["name"] = np.concatenate([*self.predictor.names.values()])
        return sizes


@dataclass(frozen=True, eq=False)
class Placement(Answered):
    """Customers placed by models at hand, and the name of their folder, if they are not the shipped ones."""

    summary: Summary
    folder: str

    @property
    def record(self) -> pd.DataFrame:
        return pd.DataFrame(self.predictor.amounts, columns=list(self.predictor.categories.columns))


@dataclass(frozen=True, eq=False)
class Fitted(Answered):
    """Three models fitted on the customers, and what they say of every one."""

    bundle: Bundle


@dataclass(frozen=True, eq=False)
class CountEvidence:
    """Evidence for a number of segments: a row per number, and the same of clouds without any."""

    counts: pd.DataFrame  # without what is too slow here or undefined
    nulls: pd.DataFrame | None  # None if none were asked for, or can be drawn
    customers: int
    redrawn: list[list[int]] = field(default_factory=list)  # the numbers that lead in further draws
    undrawn: bool = False  # whether clouds were asked for, but none can be drawn

    @cached_property
    def advice(self) -> Recommendation:
        """The votes, and which of them count."""
        return recommend(self.counts, self.nulls)

    @property
    def votes(self) -> dict[str, int]:
        """The number of segments that each criterion prefers."""
        return self.advice.votes

    @property
    def leaders(self) -> list[int]:
        """The number that is recommended; of votes that are not weighed, all that share the lead."""
        return sorted(multimode(self.votes.values())) if self.nulls is None else [self.advice.recommended]

    @cached_property
    def clouds(self) -> pd.DataFrame:
        """K-Means' silhouettes of the clouds, a column per number; empty if there are none."""
        if self.nulls is None or "kmeans_silhouette" not in self.nulls:
            return pd.DataFrame()
        silhouettes = self.nulls["kmeans_silhouette"].drop(OBSERVED, level="null").unstack("k")
        return silhouettes.dropna(axis="columns", how="all")

    def clouds_as_high(self, segments: int) -> int | None:
        """Count the clouds whose silhouette by K-Means is as high; None if there is nothing to compare."""
        if segments not in self.clouds:
            return None
        return int((self.clouds[segments] >= self.counts.loc[segments, "kmeans_silhouette"]).sum())

    def by_chance_too(self, segments: int) -> bool:
        """Whether a kind of clouds often has as high a silhouette; False if none can be compared."""
        if self.nulls is None or self.clouds_as_high(segments) is None:
            return False
        limit = thresholds(self.nulls).loc[segments, "silhouette of K-Means"]
        return bool(self.counts.loc[segments, "kmeans_silhouette"] <= limit)

    def better_than(self, segments: int) -> list[int]:
        """Give the numbers that lead without `segments`, if they divide."""
        return [] if segments in self.leaders else [k for k in self.leaders if k >= FEWEST]


def place(customers: Customers, models: Path | str | None = None) -> Placement:
    """Place customers by the models in a folder, by default the shipped ones."""
    predictor, folder = load_predictor(models), Path(models or MODELS_FOLDER)
    scored = score_table(predictor, customers.accepted)
    summary = summarize(predictor, count(predictor, scored, customers.rejected), customers.notes)
    name = "" if folder.resolve() == MODELS_FOLDER.resolve() else folder.name
    return Placement(predictor, _answers(predictor, scored, customers), summary, name)


def _answers(predictor: Predictor, scored: pa.Table, customers: Customers) -> pd.DataFrame:
    """Give a scored table by line; who is on record has the segment of Ward's tree, not of its rule."""
    first = [scored.column_names.index(name) for name in dict.fromkeys(scored.column_names)]
    lines = pd.Index(customers.accepted.column(0).to_pandas(), name="line")
    answers = scored.select(first).to_pandas().set_axis(lines)
    if not Answered(predictor, answers).on_record:
        return answers
    ward, agreement = predictor.segments["ward"], models_agreeing(predictor.segments)
    names = np.array(predictor.names["ward"])[ward - 1]
    return answers.assign(ward_segment=ward, ward_name=names, agreement=agreement)


def compare_counts(customers: Customers, clouds: int = CLOUDS) -> CountEvidence | Refused:
    """Compare the numbers of segments from 1 to 5, or fewer where customers are few; up to two minutes.

    The gap statistic and bootstraps are left out, as they take minutes. Of more than a thousand customers as
    many are drawn at random, three times, as the numbers that lead may change. Without `clouds` of each kind
    it takes some seconds, and the votes are not weighed.
    """
    amounts = customers.amounts
    draws = [amounts.sample(DRAWN, random_state=SEED + i) for i in range(DRAWS) if len(amounts) > DRAWN]
    draws = draws or [amounts]
    matrices = [log_standardizer().fit_transform(draw) for draw in draws]
    last = min(LARGEST_K, len(np.unique(matrices[0], axis=0)) // PER_SEGMENT)
    try:
        for X in matrices:
            check_fit(X, labels=customers.settings.categories.labels)
    except ValueError as error:
        return Refused(str(error))
    if last < FEWEST:
        return Refused("the distinct customers are too few")
    of = partial(cloud_criteria, ks=range(1, last + 1), effort=EFFORT, n_jobs=-1)
    tables = [of(X, OBSERVED, range(1)).filter(regex="^(?!gap)") for X in matrices]
    observed = [table.loc[:, table.count() > 1] for table in tables]  # else there is nothing to choose from
    try:
        drawn = [of(matrices[0], kind, range(clouds)) for kind in NULLS if clouds]
    except (np.linalg.LinAlgError, ValueError):  # one category follows from others: there is no such cloud
        drawn = []
    nulls = [pd.concat([each, *drawn], join="inner") if drawn else None for each in observed]
    pairs = zip((each.loc[OBSERVED, 0] for each in observed), nulls, strict=True)
    undrawn = bool(clouds and not drawn)
    first, *others = [CountEvidence(*pair, len(draws[0]), undrawn=undrawn) for pair in pairs]
    return replace(first, redrawn=[other.leaders for other in others])


def fit(customers: Customers, segments: int) -> Fitted | Refused:
    """Fit three models on customers, or say why it cannot be done."""
    if not FEWEST <= segments <= MOST:
        return Refused(f"between {FEWEST} and {MOST} segments can be asked for")
    try:
        measured = customers.settings.categories
        bundle = train(customers.table, segments, categories=measured, source=customers.source)
    except ValueError as error:
        return Refused(str(error))
    scored = score_table(bundle.predictor, customers.accepted)
    return Fitted(bundle.predictor, _answers(bundle.predictor, scored, customers), bundle)


def largest_tenth(customers: Customers) -> tuple[int, float]:
    """Give how many the largest tenth are, and their share of all spending."""
    totals = np.sort(customers.amounts.sum(axis=1))
    tenth = max(1, len(totals) // 10)
    return tenth, totals[-tenth:].sum() / (totals.sum() or 1)


def adjusted_rand(fitted: Fitted, placement: Placement) -> float:
    """Compare the new K-Means segments with those of the models at hand; never a negative zero."""
    old, new = placement.answers["kmeans_segment"], fitted.answers["kmeans_segment"]
    return round(adjusted_rand_score(old, new), 2) + 0
