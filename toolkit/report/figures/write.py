"""Which figures a report gets, and their files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from toolkit.errors import ResultError
from toolkit.evaluation.base import SCORERS
from toolkit.evaluation.records import EvaluationReport
from toolkit.report.figures.canvas import STYLES, drawing, encode
from toolkit.report.figures.plots import FIGURES, Drawing, curve_figure, ranking_figure

FORMATS = ("svg", "png")


def write_figures(
    report: EvaluationReport, folder: str | Path, formats: Sequence[str] = FORMATS, style: str = "paper"
) -> list[Path]:
    """Draws every figure of a report into `folder`: `<benchmark>_<figure>[_<attribute>].svg` and `.png`.

    One-pass evaluation has success, precision and normalized precision on the whole benchmark and per attribute; VOT
    the expected overlap (per tag too) and accuracy against robustness; long-term tracking precision against recall, and
    F; all have a ranking by their headline number. The best 30 trackers are drawn.

    Args:
        report: from `toolkit.evaluate`; a report without trackers has no figures.
        folder: created when it does not exist; files of the same name are replaced.
        formats: of `FORMATS`.
        style: `paper` or `slides`.

    Returns:
        The files written.

    Raises:
        ToolkitError: matplotlib is not installed.
        ResultError: a file cannot be written.
    """
    folder, sizes = Path(folder), STYLES[style]
    written = []
    with drawing(sizes):
        for name, draw in _drawings(report):
            figure = draw(report, sizes)
            for form in formats:
                path = folder / f"{_file_name(report.benchmark)}_{_file_name(name)}.{form}"
                _write(path, encode(figure, form))
                written.append(path)
    return written


def _drawings(report: EvaluationReport) -> Iterator[tuple[str, Drawing]]:
    if not report.trackers:
        return
    scorer = SCORERS[report.protocol]
    for curve in scorer.curves:
        yield curve.key, partial(curve_figure, curve=curve)
        for attribute in report.attributes:
            if all(attribute in tracker.attribute_curves for tracker in report.trackers.values()):
                yield f"{curve.key}_{attribute}", partial(curve_figure, curve=curve, attribute=attribute)
    yield f"{scorer.headline}_ranking", ranking_figure
    for name in scorer.figures:
        yield name, FIGURES[name]


def _file_name(text: str) -> str:
    return re.sub(r"[^\w.+-]+", "_", text)


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise ResultError(f"{path}: cannot write figures: {error.strerror}. Check the disk and --figures.") from error
