"""What the report computes: customers placed by models at hand, numbers of segments compared, a new fit."""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from wholesale.app.sentences import CLOSE
from wholesale.bundle import Bundle, check_customers, train
from wholesale.checks import PER_SEGMENT
from wholesale.columns import SPEND_COLUMNS
from wholesale.customers import Customers
from wholesale.evidence import (
    compare_cluster_counts,
    models_agreeing,
    recommend,
    silhouettes_without_segments,
)
from wholesale.manifest import MODELS_FOLDER, ROOT
from wholesale.models import SEED
from wholesale.predict import Predictor, load_predictor
from wholesale.preprocessing import log_standardizer
from wholesale.scoring import Summary, score_table
from wholesale.scoring.summary import count, summarize, unfamiliar_by_chance

SAMPLE = ROOT / "dataset" / "second_wholesaler.csv"
"""Customers of a fictitious second wholesaler; ``dataset/README.md`` says how they were made."""

FEWEST, MOST = 2, 8
"""Numbers of segments that can be asked for."""

DRAWN, DRAWS, CLOUDS, LARGEST_K = 1000, 3, 20, 6
"""Customers on whom numbers of segments are compared at most, how often so many are drawn, clouds to compare
with, the last number."""

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
class Placement:
    """What models say of the customers: columns of a scored file, by line, and the models' folder's name."""

    predictor: Predictor
    summary: Summary
    answers: pd.DataFrame
    folder: str = ""  # of the shipped ones

    @property
    def on_record(self) -> bool:
        """Whether these are the very customers that the models were made from, in their order."""
        return np.array_equal(self.answers[list(SPEND_COLUMNS)].to_numpy(), self.predictor.amounts)


@dataclass(frozen=True, eq=False)
class CountEvidence:
    """Evidence for a number of segments: a row per number, and silhouettes of clouds without any."""

    counts: pd.DataFrame  # without what is too slow here or undefined
    clouds: pd.DataFrame  # a column per number; empty if there can be none
    customers: int
    redrawn: list[list[int]] = field(default_factory=list)  # the numbers that lead in further draws

    @property
    def votes(self) -> dict[str, int]:
        """The number of segments that each criterion prefers."""
        return recommend(self.counts).votes

    def clouds_as_high(self, segments: int) -> int | None:
        """Count the clouds whose silhouette by K-Means is as high; None if there is nothing to compare."""
        if segments not in self.clouds or "kmeans_silhouette" not in self.counts:
            return None
        return int((self.clouds[segments] >= self.counts.loc[segments, "kmeans_silhouette"]).sum())

    def by_chance_too(self, segments: int) -> bool:
        """Whether more than one cloud in twenty has as high a silhouette; False if none can be compared."""
        return (self.clouds_as_high(segments) or 0) > len(self.clouds) / 20

    def better_than(self, segments: int) -> list[int]:
        """Give the numbers that lead without `segments`, but for those that chance gives too."""
        leaders = leading(self.votes)
        divided = [k for k in leaders if k >= FEWEST and not self.by_chance_too(k)]
        return [] if segments in leaders else divided


@dataclass(frozen=True, eq=False)
class Fitted:
    """Three models fitted on the customers, and what they say of every one, by line."""

    bundle: Bundle
    answers: pd.DataFrame

    @property
    def predictor(self) -> Predictor:
        return self.bundle.predictor

    @property
    def all_fitted(self) -> bool:
        """Whether the models were fitted on all customers, not on some drawn at random."""
        return self.bundle.manifest["customers"] == len(self.answers)

    @property
    def doubts(self) -> pd.DataFrame:
        """Why a customer's segment is in doubt: ``disagreed``, ``close``, ``unfamiliar``."""
        disagreed = self.answers["agreement"] < len(self.predictor.models)
        return self.answers[["unfamiliar"]].assign(disagreed=disagreed, close=self.answers["clarity"] < CLOSE)

    def sizes(self, model: str) -> pd.DataFrame:
        """Describe a model's segments; customers who were placed but not fitted count too."""
        amounts, k = self.answers[list(SPEND_COLUMNS)], self.predictor.n_segments
        facts = {"customers": 1, "spending": amounts.sum(axis=1), "zeros": (amounts == 0).any(axis=1)}
        sums = pd.DataFrame(facts).groupby(self.answers[f"{model}_segment"]).sum()
        sums = sums.reindex(range(1, k + 1), fill_value=0)
        sums["share"] = sums["customers"] / len(amounts)
        sums["spending"] /= sums["spending"].sum() or 1
        sums["zeros"] /= sums["customers"].clip(lower=1)
        return sums.set_axis(self.predictor.names[model])


def place(customers: Customers, models: Path | str | None = None) -> Placement:
    """Place customers by the models in a folder, by default the shipped ones, or raise `BundleError`.

    Raises `ReadError` if the file has a column of its own that is named as an answer is.
    """
    predictor = load_predictor(models)
    scored = score_table(predictor, customers.accepted)
    summary = summarize(predictor, count(predictor, scored, customers.rejected), customers.notes)
    folder = Path(models or MODELS_FOLDER)
    name = "" if folder.resolve() == MODELS_FOLDER.resolve() else folder.name
    placement = Placement(predictor, summary, _by_line(scored, customers), name)
    if placement.on_record:
        sizes = list(zip(predictor.names["ward"], predictor.sizes["ward"].tolist(), strict=True))
        summary = replace(summary, segments=summary.segments | {"ward": sizes})
        return replace(placement, summary=summary, answers=_by_the_tree(placement.answers, predictor))
    return placement


def compare_counts(customers: Customers) -> CountEvidence | Refused:
    """Compare the numbers of segments from 1 to 6, or fewer where customers are few; about half a minute.

    The gap statistic and bootstraps are left out, as they take minutes. Of more than a thousand customers as
    many are drawn at random, three times, as the numbers that lead may change.
    """
    amounts = customers.amounts
    draws = [amounts.sample(DRAWN, random_state=SEED + i) for i in range(DRAWS) if len(amounts) > DRAWN]
    draws = draws or [amounts]
    matrices = [log_standardizer().fit_transform(draw) for draw in draws]
    last = min(LARGEST_K, len(np.unique(matrices[0], axis=0)) // PER_SEGMENT)
    try:
        for X in matrices:
            check_customers(X)
    except ValueError as error:
        return Refused(str(error))
    if last < FEWEST:
        return Refused("the distinct customers are too few")
    with threadpool_limits(1):  # several times as fast where customers are few
        counts, *others = [_criteria(X, last) for X in matrices]
        try:
            clouds = silhouettes_without_segments(matrices[0], range(FEWEST, last + 1), samples=CLOUDS)
        except np.linalg.LinAlgError:  # one category follows from others: there is no such Gaussian
            clouds = pd.DataFrame()
    redrawn = [leading(recommend(other).votes) for other in others]
    return CountEvidence(counts, clouds, len(draws[0]), redrawn)


def fit(customers: Customers, segments: int) -> Fitted | Refused:
    """Fit three models on customers, or say why it cannot be done."""
    if not FEWEST <= segments <= MOST:
        return Refused(f"between {FEWEST} and {MOST} segments can be asked for")
    try:
        bundle = train(customers.table, segments, source=customers.source)
    except ValueError as error:
        return Refused(str(error))
    fitted = Fitted(bundle, _by_line(score_table(bundle.predictor, customers.accepted), customers))
    by_tree = fitted.all_fitted
    return replace(fitted, answers=_by_the_tree(fitted.answers, bundle.predictor)) if by_tree else fitted


def leading(votes: Mapping[str, int]) -> list[int]:
    """Give the number of segments with most votes, or the numbers that share the lead."""
    cast = list(votes.values())
    return sorted({k for k in cast if cast.count(k) == max(map(cast.count, cast))})


def largest_tenth(customers: Customers) -> tuple[int, float]:
    """Give how many the largest tenth are, and their share of all spending."""
    totals = np.sort(customers.amounts.sum(axis=1))
    tenth = max(1, len(totals) // 10)
    return tenth, totals[-tenth:].sum() / (totals.sum() or 1)


def usually_unfamiliar(n: int, on_record: int) -> tuple[int, int]:
    """Give the fewest and the most that are unfamiliar among `n` of the same kind, in 19 of 20 cases."""
    fewest, most = (
        bisect_left(range(n), share, key=lambda c: 1 - unfamiliar_by_chance(c + 1, n, on_record))
        for share in (0.025, 0.975)
    )
    return fewest, most


def adjusted_rand(fitted: Fitted, placement: Placement) -> float:
    """Compare the new K-Means segments with those of the models at hand; never a negative zero."""
    old, new = placement.answers["kmeans_segment"], fitted.answers["kmeans_segment"]
    return round(adjusted_rand_score(old, new), 2) + 0


def _criteria(X: np.ndarray, last: int) -> pd.DataFrame:
    """Leave out the gap, and what has nothing to choose from."""
    counts = compare_cluster_counts(X, range(1, last + 1), restarts=4, references=1, splits=10)
    return counts[[name for name in counts if not name.startswith("gap") and counts[name].count() > 1]]


def _by_the_tree(answers: pd.DataFrame, predictor: Predictor) -> pd.DataFrame:
    """Give customers on record their own segments of Ward's tree: its rule for new ones can differ."""
    ward, names = predictor.segments["ward"], np.array(predictor.names["ward"])
    agreement = models_agreeing(predictor.segments)
    return answers.assign(ward_segment=ward, ward_name=names[ward - 1], agreement=agreement)


def _by_line(scored: pa.Table, customers: Customers) -> pd.DataFrame:
    """Give a scored table by line; a name that comes twice is kept once, as our own columns never do."""
    first = [scored.column_names.index(name) for name in dict.fromkeys(scored.column_names)]
    lines = pd.Index(customers.accepted.column(0).to_pandas(), name="line")
    return scored.select(first).to_pandas().set_axis(lines)
