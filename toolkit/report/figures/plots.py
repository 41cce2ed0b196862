"""The kinds of figure, each a function from a report to a figure. All are called inside `canvas.drawing`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from toolkit.evaluation.base import SCORERS
from toolkit.evaluation.longterm import f_score
from toolkit.evaluation.metrics import Curve
from toolkit.evaluation.records import EvaluationReport, TrackerScores
from toolkit.registry import Registry
from toolkit.report.figures.canvas import GRAY, MOST_TRACKERS, Entry, Style, entries, figure_of, new_axes, with_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Drawing = Callable[[EvaluationReport, Style], "Figure"]
FIGURES: Registry[Drawing] = Registry("figure")
"""Figures that scorers ask for by name, beside the curves and the ranking that every protocol has."""


def curve_figure(report: EvaluationReport, style: Style, curve: Curve, attribute: str | None = None) -> Figure:
    """`curve` of every tracker, on the whole benchmark or on what carries `attribute`."""
    found = [(e, curve_of(e.tracker, curve, attribute)) for e in entries(report, curve.metric, attribute)]
    lines = [(entry, y) for entry, y in found if np.isfinite(y).any()]
    axes, x = new_axes(style), report.axes[curve.key]
    for entry, y in lines:
        _line(axes, entry, x, y)
    axes.set(xlim=(x[0], x[-1]), ylim=(0, 1), xlabel=curve.x, ylabel=curve.y)
    legend = curve.legend
    if curve.read_at is not None:
        axes.axvline(curve.read_at, color=GRAY, linewidth=0.6 * style.line, zorder=0.5)
    if curve.key in report.windows:
        low, high = report.windows[curve.key]
        legend += f" ({low:.0f} to {high:.0f} frames)"
        axes.axvspan(low, high, color="0.93", zorder=0)
        # Before the window all curves fall from 1, long after it only a few sequences are left.
        axes.set_xlim(right=min(x[-1], 1.5 * high))
        best = max(float(np.interp(low, x, y)) for _, y in lines)
        if best > 0:
            axes.set_ylim(top=min(1.0, 1.25 * best))
    axes.set_title(_title(report, curve.title, attribute))
    return with_legend(axes, [entry for entry, _ in lines], legend, style)


def curve_of(tracker: TrackerScores, curve: Curve, attribute: str | None) -> NDArray[np.float64]:
    """The ordinates of a tracker's `curve`, on the whole benchmark or on what carries `attribute`; NaN: not known."""
    return (tracker.curves if attribute is None else tracker.attribute_curves[attribute])[curve.key]


def ranking_figure(report: EvaluationReport, style: Style) -> Figure:
    """The headline number of every tracker, best at the top, with its interval where the report holds one."""
    scorer = SCORERS[report.protocol]
    key, title = scorer.headline, scorer.metric(scorer.headline).title
    shown = entries(report, key)
    row = 1.5 * style.font / 72
    height = row * (len(shown) + 5) if style.legend_below else style.height
    axes = new_axes(style, height)
    font = min(style.font, 0.75 * 72 * height / (len(shown) + 5))
    for place, entry in enumerate(shown):
        color = entry.look.color
        interval = entry.tracker.ci.get(key)
        if interval is not None:
            axes.plot([interval.low, interval.high], [place, place], color=color, solid_capstyle="butt")
        axes.plot(entry.score, place, color=color, marker=entry.look.marker)
        axes.annotate(
            entry.number,
            (1, place),
            xycoords=("axes fraction", "data"),
            xytext=(0.4 * font, 0),
            textcoords="offset points",
            va="center",
            fontsize=0.9 * font,
        )
    # Letters are about 0.6 of the font wide; the names may take 45 % of the figure.
    longest = max(len(entry.name) for entry in shown)
    name_font = min(font, 0.45 * 72 * style.width / (0.6 * longest))
    axes.set_yticks(range(len(shown)), [entry.name for entry in shown], fontsize=name_font)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.margins(x=0.08)
    has_intervals = any(entry.tracker.ci for entry in shown)
    axes.set_xlabel(f"{title}, 95 % interval over sequences" if has_intervals else title)
    axes.set_title(_title(report, f"{title} ranking"))
    return figure_of(axes)


@FIGURES.register("accuracy_robustness")
def accuracy_robustness_figure(report: EvaluationReport, style: Style) -> Figure:
    """Accuracy against robustness, as the metrics of these names say; the best trackers are at the top right.

    With restarts robustness is the chance to follow a target for some frames (Kristan et al., TPAMI 2016); without, the
    share of frames before the failure.
    """
    scorer = SCORERS[report.protocol]
    accuracy, robustness, headline = map(scorer.metric, ("accuracy", "robustness", scorer.headline))
    shown = entries(report, scorer.headline)
    axes = new_axes(style)
    for entry in shown:
        scores = entry.tracker.scores
        x, y = robustness.on_axis(scores["robustness"]), accuracy.on_axis(scores["accuracy"])
        axes.plot(x, y, color=entry.look.color, marker=entry.look.marker, markersize=0.7 * style.font)
    axes.margins(0.12)
    axes.set(xlabel=robustness.label or robustness.title, ylabel=accuracy.label or accuracy.title)
    axes.set_title(_title(report, "accuracy and robustness"))
    return with_legend(axes, shown, headline.label or headline.title, style, lines=False)


@FIGURES.register("precision_recall")
def precision_recall_figure(report: EvaluationReport, style: Style) -> Figure:
    """Long-term precision against recall over all confidence thresholds; a marker where F is largest, levels of F."""
    shown = entries(report, "f1")
    axes = new_axes(style)
    grid = np.linspace(0, 1, 201)
    recall, precision = np.meshgrid(grid, grid)
    levels = axes.contour(
        grid, grid, f_score(precision, recall), np.arange(0.1, 1, 0.1), colors=GRAY, linewidths=0.4 * style.line
    )
    axes.clabel(levels, fontsize=0.75 * style.font, fmt="%.1f")
    for entry in shown:
        curves = entry.tracker.curves
        _line(axes, entry, curves["recall"], curves["precision"], [int(curves["f1"].argmax())])
    axes.grid(False)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="Recall", ylabel="Precision")
    axes.set_title(_title(report, "precision and recall"))
    return with_legend(axes, shown, "Largest F", style)


@FIGURES.register("f1")
def f_figure(report: EvaluationReport, style: Style) -> Figure:
    """F over the confidence threshold, as a quantile of each tracker's scores because their scales differ."""
    shown = entries(report, "f1")
    axes = new_axes(style)
    for entry in shown:
        f1 = entry.tracker.curves["f1"]
        _line(axes, entry, np.linspace(0, 1, len(f1)), f1)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="Confidence threshold (quantile, from the highest score)", ylabel="F")
    axes.set_title(_title(report, "F over the threshold"))
    return with_legend(axes, shown, "Largest F", style)


def _line(
    axes: Axes, entry: Entry, x: NDArray[np.float64], y: NDArray[np.float64], marked: list[int] | None = None
) -> None:
    """A curve in its tracker's look, with markers at the indices `marked` or at the look's own distance."""
    look = entry.look
    axes.plot(x, y, color=look.color, linestyle=look.dash, marker=look.marker, markevery=marked or look.mark_every)


def _title(report: EvaluationReport, what: str, attribute: str | None = None) -> str:
    details = []
    if attribute is not None:
        count = len(report.attributes[attribute])
        details.append(f"{attribute} ({count} sequence{'s' if count != 1 else ''})")
    if len(report.trackers) > MOST_TRACKERS:
        details.append(f"best {MOST_TRACKERS} of {len(report.trackers)} trackers")
    return "\n".join([f"{report.benchmark}: {what}", *([", ".join(details)] if details else [])])
