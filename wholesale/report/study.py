"""Customers of one's own: read, scored by models at hand, fitted anew."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from wholesale.bundle import Bundle, train
from wholesale.columns import SPEND_COLUMNS
from wholesale.evidence import models_agreeing
from wholesale.manifest import MODELS_FOLDER, ROOT
from wholesale.own import Own
from wholesale.predict import Predictor, load_predictor
from wholesale.scoring import Summary, score_table
from wholesale.scoring.summary import summarize
from wholesale.scoring.tally import tally

SAMPLE = ROOT / "dataset" / "second_wholesaler.csv"
"""Customers of a fictitious second wholesaler; ``dataset/README.md`` says how they were made."""

FEWEST, MOST = 2, 8
"""Numbers of segments that can be asked for."""


@dataclass(frozen=True, eq=False)
class Scored:
    """What models at hand say of them: the columns of a scored file, by line, and its summary.

    ``models`` is the name of the models' folder, empty for the shipped ones.
    """

    predictor: Predictor
    summary: Summary
    answers: pd.DataFrame
    models: str = ""

    @property
    def on_record(self) -> bool:
        """Whether these are the very customers that the models were made from, in their order."""
        return np.array_equal(self.answers[list(SPEND_COLUMNS)].to_numpy(), self.predictor.amounts)


@dataclass(frozen=True)
class Unfitted:
    """Why no models could be fitted."""

    segments: int
    refusal: str


@dataclass(frozen=True, eq=False)
class Fitted:
    """Three models fitted on the customers, and what they say of every one."""

    segments: int
    bundle: Bundle
    answers: pd.DataFrame

    def sizes(self, model: str) -> list[int]:
        """Count the customers in each segment, those too that were placed but not fitted."""
        return np.bincount(self.answers[f"{model}_segment"] - 1, minlength=self.segments).tolist()

    @property
    def all_fitted(self) -> bool:
        """Whether the models were fitted on all customers, not on some drawn at random."""
        return self.bundle.manifest["customers"] == len(self.answers)


Outcome = Fitted | Unfitted


def score(own: Own, models: Path | str | None = None) -> Scored:
    """Score customers with the models in a folder; by default, the shipped ones.

    Raises
    ------
    BundleError
        If the folder holds no models.
    ReadError
        If the file has a column of its own that is named as an answer is.
    """
    predictor = load_predictor(models)
    scored = score_table(predictor, own.accepted)
    summary = summarize(predictor, tally(predictor, scored, own.rejected), own.notes)
    folder = Path(models or MODELS_FOLDER)
    name = "" if folder.resolve() == MODELS_FOLDER.resolve() else folder.name
    its = Scored(predictor, summary, _frame(scored, own), name)
    if not its.on_record:
        return its
    sizes = list(zip(predictor.names["ward"], predictor.sizes["ward"].tolist(), strict=True))
    summary = replace(summary, segments=summary.segments | {"ward": sizes})
    return replace(its, summary=summary, answers=_by_the_tree(its.answers, predictor))


def fit(own: Own, segments: int) -> Outcome:
    """Fit three models on customers, or say why it cannot be done."""
    if not FEWEST <= segments <= MOST:
        return Unfitted(segments, f"between {FEWEST} and {MOST} segments can be asked for")
    try:
        bundle = train(own.customers, segments, source=own.source)
    except ValueError as error:
        return Unfitted(segments, str(error))
    answers = _frame(score_table(bundle.predictor, own.accepted), own)
    fitted = Fitted(segments, bundle, answers)
    return replace(fitted, answers=_by_the_tree(answers, bundle.predictor)) if fitted.all_fitted else fitted


def _by_the_tree(answers: pd.DataFrame, predictor: Predictor) -> pd.DataFrame:
    """Give customers on record their own segments of Ward's tree: its rule for new ones can differ."""
    its, labels = predictor.segments["ward"], predictor.segments
    names = np.array(predictor.names["ward"])[its - 1]
    return answers.assign(ward_segment=its, ward_name=names, agreement=models_agreeing(labels))


def _frame(scored: pa.Table, own: Own) -> pd.DataFrame:
    """Give a scored table by line; a name that comes twice is kept once, as our own columns never do."""
    first = [scored.column_names.index(name) for name in dict.fromkeys(scored.column_names)]
    return scored.select(first).to_pandas().set_axis(_lines(own.accepted))


def _lines(accepted: pa.Table) -> pd.Index:
    return pd.Index(accepted["line"].to_pandas(), name="line")
