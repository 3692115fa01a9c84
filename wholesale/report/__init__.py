"""A report on customers of one's own: what notebook 6 computes and says, and its export as one HTML file.

``study`` computes; ``exhibits`` tabulates and draws; ``text`` says, by ``templates/sentences.md``.
"""

from wholesale.report import exhibits, study
from wholesale.report.export import ReportError, show, text, write_report

__all__ = ["ReportError", "exhibits", "show", "study", "text", "write_report"]
