"""What the report computes: customers placed by models at hand, numbers of segments compared, a new fit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
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
from wholesale.scoring.summary import count, summarize

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
    """Why something could not be computed."""

    reason: str


def unless_refused(said: str = "") -> Callable[[Callable[..., Made]], Callable[..., Made | str]]:
    """Decorate what is made of its first argument: for one that is `Refused`, `said` is given, with why."""

    def decorate(make: Callable[..., Made]) -> Callable[..., Made | str]:
        @wraps(make)
        def made(computed: object, *others: object) -> Made | str:
            return said.format(computed.reason) if isinstance(computed, Refused) else make(computed, *others)

        return made

    return decorate


@dataclass(frozen=True, eq=False)
class Placement:
    """What models at hand say of the customers.

    ``answers`` are the columns of a scored file, by line; ``folder`` is the name of the models' folder, empty
    for the shipped ones.
    """

    predictor: Predictor
    summary: Summary
    answers: pd.DataFrame
    folder: str = ""

    @property
    def on_record(self) -> bool:
        """Whether these are the very customers that the models were made from, in their order."""
        return np.array_equal(self.answers[list(SPEND_COLUMNS)].to_numpy(), self.predictor.amounts)


@dataclass(frozen=True, eq=False)
class CountEvidence:
    """Evidence for a number of segments.

    Attributes
    ----------
    counts : DataFrame
        From :func:`wholesale.evidence.compare_cluster_counts`, without what is too slow here or undefined.
    clouds : DataFrame
        Silhouettes of clouds without segments, a column per k; empty if there can be none.
    customers : int
        How many it rests on.
    redrawn : list of list of int
        If they were drawn from more: the numbers that lead in further draws of as many.
    """

    counts: pd.DataFrame
    clouds: pd.DataFrame
    customers: int
    redrawn: list[list[int]] = field(default_factory=list)

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
        """The fitted numbers."""
        return self.bundle.predictor

    @property
    def all_fitted(self) -> bool:
        """Whether the models were fitted on all customers, not on some drawn at random."""
        return self.bundle.manifest["customers"] == len(self.answers)

    @property
    def doubts(self) -> pd.DataFrame:
        """Why a customer's segment is in doubt: ``disagreed``, ``close``, ``unfamiliar``."""
        answers, models = self.answers, len(self.predictor.models)
        why = {"disagreed": answers["agreement"] < models, "close": answers["clarity"] < CLOSE}
        return pd.DataFrame({**why, "unfamiliar": answers["unfamiliar"]})


def place(customers: Customers, models: Path | str | None = None) -> Placement:
    """Place customers by the models in a folder; by default, the shipped ones.

    Raises
    ------
    BundleError
        If the folder holds no models.
    ReadError
        If the file has a column of its own that is named as an answer is.
    """
    predictor = load_predictor(models)
    scored = score_table(predictor, customers.accepted)
    summary = summarize(predictor, count(predictor, scored, customers.rejected), customers.notes)
    folder = Path(models or MODELS_FOLDER)
    name = "" if folder.resolve() == MODELS_FOLDER.resolve() else folder.name
    placement = Placement(predictor, summary, _by_line(scored, customers), name)
    if not placement.on_record:
        return placement
    sizes = list(zip(predictor.names["ward"], predictor.sizes["ward"].tolist(), strict=True))
    summary = replace(summary, segments=summary.segments | {"ward": sizes})
    return replace(placement, summary=summary, answers=_by_the_tree(placement.answers, predictor))


def compare_counts(customers: Customers) -> CountEvidence | Refused:
    """Compare the numbers of segments from 1 to 6, or fewer where customers are few; about half a minute.

    The gap statistic and bootstraps are left out, as they take minutes. Of more than a thousand customers as
    many are drawn at random, three times, as the numbers that lead may change.
    """
    amounts = customers.amounts
    draws = [amounts]
    if len(amounts) > DRAWN:
        draws = [amounts.sample(DRAWN, random_state=SEED + i) for i in range(DRAWS)]
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
        redrawn = [leading(recommend(other).votes) for other in others]
        clouds = _clouds(matrices[0], range(FEWEST, last + 1))
        return CountEvidence(counts, clouds, len(draws[0]), redrawn)


def fit(customers: Customers, segments: int) -> Fitted | Refused:
    """Fit three models on customers, or say why it cannot be done."""
    if not FEWEST <= segments <= MOST:
        return Refused(f"between {FEWEST} and {MOST} segments can be asked for")
    try:
        bundle = train(customers.table, segments, source=customers.source)
    except ValueError as error:
        return Refused(str(error))
    answers = _by_line(score_table(bundle.predictor, customers.accepted), customers)
    fitted = Fitted(bundle, answers)
    return replace(fitted, answers=_by_the_tree(answers, bundle.predictor)) if fitted.all_fitted else fitted


def leading(votes: Mapping[str, int]) -> list[int]:
    """Give the number of segments with most votes, or the numbers that share the lead."""
    cast = list(votes.values())
    return sorted({k for k in cast if cast.count(k) == max(map(cast.count, cast))})


def _criteria(X: np.ndarray, last: int) -> pd.DataFrame:
    """Leave out the gap, and what has nothing to choose from."""
    counts = compare_cluster_counts(X, range(1, last + 1), restarts=4, references=1, splits=10)
    return counts[[name for name in counts if not name.startswith("gap") and counts[name].count() > 1]]


def _clouds(X: np.ndarray, ks: range) -> pd.DataFrame:
    try:
        return silhouettes_without_segments(X, ks, samples=CLOUDS)
    except np.linalg.LinAlgError:  # one category follows from others: there is no such Gaussian
        return pd.DataFrame()


def _by_the_tree(answers: pd.DataFrame, predictor: Predictor) -> pd.DataFrame:
    """Give customers on record their own segments of Ward's tree: its rule for new ones can differ."""
    labels, names = predictor.segments, np.array(predictor.names["ward"])
    agreement = models_agreeing(labels)
    return answers.assign(
        ward_segment=labels["ward"], ward_name=names[labels["ward"] - 1], agreement=agreement
    )


def _by_line(scored: pa.Table, customers: Customers) -> pd.DataFrame:
    """Give a scored table by line; a name that comes twice is kept once, as our own columns never do."""
    first = [scored.column_names.index(name) for name in dict.fromkeys(scored.column_names)]
    lines = pd.Index(customers.accepted["line"].to_pandas(), name="line")
    return scored.select(first).to_pandas().set_axis(lines)
