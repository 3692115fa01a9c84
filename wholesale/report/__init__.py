"""A report on customers of one's own: what notebook 6 computes and says, and its export as one HTML file.

Every sentence is made from the numbers, and so true for any customers. ``study`` and ``weighing`` compute;
``words``, ``place``, ``number``, ``findings``, ``advice``, ``tables`` and ``figures`` take what they give;
``export`` runs the notebook.
"""

from wholesale.report import advice, figures, findings, number, place, study, tables, weighing, words
from wholesale.report.export import ReportError, write_report
from wholesale.report.show import show

__all__ = [
    "ReportError",
    "advice",
    "figures",
    "findings",
    "number",
    "place",
    "show",
    "study",
    "tables",
    "weighing",
    "words",
    "write_report",
]
