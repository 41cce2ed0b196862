"""Tables and the four forms they are written in: console, Markdown, LaTeX and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

_LATEX_ESCAPES = str.maketrans(
    {c: "\\" + c for c in "_&%#${}"}
    | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "\\": r"\textbackslash{}"}
)


@dataclass(frozen=True)
class Table:
    """Text in rows and columns; the first column is a name, the others are numbers.

    Attributes:
        title: above the table.
        header: one entry per column.
        rows: as many entries per row as there are columns.
        notes: lines below the table, e.g. what was left out.
        best: (row, column) of entries to be set in bold where the form can.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    best: frozenset[tuple[int, int]] = frozenset()


def to_console(table: Table) -> str:
    """The table framed with `|` and `-`, as PySOT prints it, then its notes."""
    widths = [max(map(len, column)) for column in zip(table.header, *table.rows, strict=True)]
    rule = "-" * (sum(widths) + 3 * len(widths) + 1)
    header, *rows = (_piped(map(str.center, row, widths)) for row in (table.header, *table.rows))
    return "\n".join([table.title, rule, header, rule, *rows, rule, *table.notes]) + "\n"


def to_markdown(table: Table) -> str:
    """A GitHub-flavored Markdown table, the notes as a list below it."""
    lines = [f"**{table.title}**", "", _piped(table.header), _piped(["---", *["---:"] * (len(table.header) - 1)])]
    for k, row in enumerate(table.rows):
        lines.append(_piped(_emphasize(table, k, "**", "**", [cell.replace("|", "\\|") for cell in row])))
    notes = ["", *(f"- {note}" for note in table.notes)] if table.notes else []
    return "\n".join(lines + notes) + "\n"


def to_latex(table: Table) -> str:
    """A `tabular` with booktabs rules inside a `table`; the notes are comments."""
    title, *header = (text.translate(_LATEX_ESCAPES) for text in (table.title, *table.header))
    lines = [
        r"\begin{table}",
        r"  \centering",
        f"  \\caption{{{title}}}",
        f"  \\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
        r"    \toprule",
        "    " + " & ".join(header) + r" \\",
        r"    \midrule",
    ]
    for k, row in enumerate(table.rows):
        cells = _emphasize(table, k, r"\textbf{", "}", [cell.translate(_LATEX_ESCAPES) for cell in row])
        lines.append("    " + " & ".join(cells) + r" \\")
    lines += [r"    \bottomrule", r"  \end{tabular}", r"\end{table}"]
    return "\n".join([*lines, *(f"% {note}" for note in table.notes)]) + "\n"


def to_csv(table: Table) -> str:
    """Comma-separated values, one header line, no notes."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([table.header, *table.rows])
    return buffer.getvalue()


def _piped(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _emphasize(table: Table, row: int, before: str, after: str, cells: list[str]) -> list[str]:
    return [before + cell + after if (row, k) in table.best else cell for k, cell in enumerate(cells)]
