"""Whole files of customers scored, on one machine or on a cluster."""

from wholesale.scoring.output import OutputError
from wholesale.scoring.score import score_file
from wholesale.scoring.summary import Summary
from wholesale.scoring.table import score_table

__all__ = ["OutputError", "Summary", "score_file", "score_table"]
