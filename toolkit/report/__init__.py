"""Reports of an evaluation: console, Markdown, LaTeX and CSV tables, JSON, and figures."""

from toolkit.report.figures import write_figures
from toolkit.report.formats import Table, to_console, to_csv, to_latex, to_markdown
from toolkit.report.tables import by_attribute, by_sequence, comparison, overview, tidy, to_json

__all__ = [
    "Table",
    "by_attribute",
    "by_sequence",
    "comparison",
    "overview",
    "tidy",
    "to_console",
    "to_csv",
    "to_json",
    "to_latex",
    "to_markdown",
    "write_figures",
]
