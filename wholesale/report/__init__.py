"""A report on customers of one's own: what notebook 6 computes and says, and its export as one HTML file.

``study`` computes; ``text``, ``tables`` and ``figures`` say, list and draw what it gives, true for any
customers; ``export`` displays them, and runs the notebook.
"""

from wholesale.report import figures, study, tables, text
from wholesale.report.export import ReportError, show, write_report

__all__ = ["ReportError", "figures", "show", "study", "tables", "text", "write_report"]
