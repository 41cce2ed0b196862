"""Which figures a report gets, and their files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from toolkit.errors import ToolkitError, abbreviate
from toolkit.evaluation.base import SCORERS
from toolkit.evaluation.records import EvaluationReport
from toolkit.report.figures.canvas import STYLES, drawing, encode
from toolkit.report.figures.plots import FIGURES, Drawing, curve_figure, curve_of, ranking_figure
from toolkit.results.writer import write_files

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
        ToolkitError: matplotlib is not installed, or figures could not be drawn: they are named, the others written.
        ResultError: a file cannot be written.
    """
    sizes = STYLES[style]
    written: list[Path] = []
    faults: list[str] = []
    with drawing(sizes):
        for name, draw in _drawings(report):
            stem = re.sub(r"[^\w.+-]+", "_", f"{report.benchmark}_{name}")
            try:
                figure = draw(report, sizes)
                files: dict[Path, str | bytes] = {
                    Path(folder) / f"{stem}.{form}": encode(figure, form) for form in formats
                }
            except Exception as error:  # one of many figures must not take the others with it
                faults.append(f"{stem} ({type(error).__name__}: {error})")
                continue
            write_files(files)
            written.extend(files)
    if faults:
        raise ToolkitError(
            f"{len(faults)} figures could not be drawn, please report them: {abbreviate(faults, '; ')}. "
            f"{len(written)} files of the others are in {folder}."
        )
    return written


def _drawings(report: EvaluationReport) -> Iterator[tuple[str, Drawing]]:
    if not report.trackers:
        return
    scorer = SCORERS[report.protocol]
    for curve in scorer.curves:
        yield curve.key, partial(curve_figure, curve=curve)
        trackers = report.trackers.values()
        for attribute in report.attributes:
            known = all(attribute in tracker.attribute_curves for tracker in trackers)
            if known and any(np.isfinite(curve_of(tracker, curve, attribute)).any() for tracker in trackers):
                yield f"{curve.key}_{attribute}", partial(curve_figure, curve=curve, attribute=attribute)
    yield f"{scorer.headline}_ranking", ranking_figure
    for name in scorer.figures:
        yield name, FIGURES[name]
