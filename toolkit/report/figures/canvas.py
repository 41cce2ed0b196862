"""What all figures share: sizes and fonts, one look per tracker, legends that fit, and bytes that can be repeated."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.errors import ToolkitError
from toolkit.evaluation.records import EvaluationReport, TrackerScores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_TRACKERS = 30
"""Trackers in a figure; more cannot be told apart."""
_LONGEST_NAME = 64
GRAY = "0.7"
"""Of lines that are not data."""
# Okabe and Ito's palette, made for all kinds of color vision, without its yellow, which is too pale for lines.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_DASHES = ("solid", (0, (5, 1.4)), (0, (1.2, 1.2)), (0, (6, 1.4, 1.4, 1.4)), (0, (3, 1, 1, 1, 1, 1)))
_MARKERS = "os^DvPX<>"
_MARKER_DISTANCE = 0.2


@dataclass(frozen=True)
class Style:
    """Sizes of a figure.

    Attributes:
        width, height: of the figure in inches; a legend below adds to the height.
        font: of labels, in points.
        legend_below: below the axes in columns, else beside them.
        legend_fits: (columns, font in points) of the legend; the first that fits is taken, else the last.
        line: width of curves in points.
        dpi: pixels per inch of a PNG.
    """

    width: float
    height: float
    font: float
    legend_below: bool
    legend_fits: tuple[tuple[int, float], ...]
    line: float
    dpi: int


STYLES: Mapping[str, Style] = {
    "paper": Style(3.5, 2.5, 8, True, ((3, 7), (2, 7), (2, 6), (2, 5.5), (1, 7), (1, 6), (1, 5), (1, 4)), 1.1, 300),
    "slides": Style(10, 5.625, 16, False, tuple((1, size) for size in range(14, 5, -1)), 2.2, 200),
}
"""`paper` is as wide as a column of a two-column paper, `slides` has their 16:9."""


@dataclass(frozen=True)
class Look:
    """How a tracker is drawn, the same in every figure of a report.

    Attributes:
        color, dash, marker: as matplotlib takes them.
        mark_every: where the first marker stands along a curve and how far apart they are, in diagonals of the axes.
    """

    color: str
    dash: Any
    marker: str
    mark_every: tuple[float, float]


@dataclass(frozen=True)
class Entry:
    """A tracker in one figure: the score it is sorted by there, and its look."""

    tracker: TrackerScores
    score: float
    look: Look

    @property
    def name(self) -> str:
        """The tracker's, its middle left out where it is longer than a figure is wide."""
        name, half = self.tracker.name, _LONGEST_NAME // 2
        return name if len(name) <= _LONGEST_NAME else f"{name[: half - 1]}…{name[-half:]}"

    @property
    def number(self) -> str:
        """The score with three decimals, a dash when it is undefined."""
        return f"{self.score:.3f}" if math.isfinite(self.score) else "–"

    @property
    def label(self) -> str:
        """For the legend; the score comes first so that scores stand below each other."""
        return f"[{self.number}] {self.name}"


def look_of(rank: int) -> Look:
    """Look of the tracker at a place of the overall ranking; color and dash together differ for 35 places."""
    first = _MARKER_DISTANCE * (rank * 0.382 % 1)  # neighbors of the ranking often share a path; not their markers
    return Look(
        _COLORS[rank % len(_COLORS)],
        _DASHES[rank % len(_DASHES)],
        _MARKERS[rank % len(_MARKERS)],
        (first, _MARKER_DISTANCE),
    )


def entries(report: EvaluationReport, metric: str, attribute: str | None = None) -> list[Entry]:
    """The best `MOST_TRACKERS` of a report, sorted by `metric` (on `attribute`), undefined scores last."""
    found = []
    for rank, tracker in enumerate(list(report.trackers.values())[:MOST_TRACKERS]):
        scores = tracker.scores if attribute is None else tracker.attributes[attribute]
        found.append(Entry(tracker, scores[metric], look_of(rank)))
    return sorted(found, key=lambda entry: (math.isnan(entry.score), -entry.score))


def require_matplotlib() -> None:
    """Raises `ToolkitError` with the command to type when matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401  (imported here because the toolkit works without it)
    except ImportError:
        raise ToolkitError("Figures need matplotlib, which is not installed. Run: pip install matplotlib") from None


@contextmanager
def drawing(style: Style) -> Iterator[None]:
    """Matplotlib's own defaults with `style` on top while entered; what the user has set is back afterwards."""
    require_matplotlib()
    from matplotlib import style as matplotlib_style

    settings = {
        "font.size": style.font,
        "axes.titlesize": style.font,
        "axes.labelsize": style.font,
        "xtick.labelsize": 0.9 * style.font,
        "ytick.labelsize": 0.9 * style.font,
        "axes.linewidth": 0.08 * style.font,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": "0.9",
        "grid.linewidth": 0.06 * style.font,
        "figure.constrained_layout.w_pad": 0.006 * style.font,
        "figure.constrained_layout.h_pad": 0.006 * style.font,
        "lines.linewidth": style.line,
        "lines.markersize": 0.42 * style.font,
        "legend.frameon": False,
        "legend.handlelength": 2.8,
        "legend.labelspacing": 0.25,
        "legend.columnspacing": 0.8,
        "text.parse_math": False,  # a tracker's name may hold a dollar sign
        "svg.hashsalt": "toolkit",
        "savefig.dpi": style.dpi,
    }
    with matplotlib_style.context(["default", settings]):
        yield


def new_axes(style: Style, height: float | None = None) -> Axes:
    """Empty axes that fill a figure of their own; `height` in inches replaces the style's."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(style.width, height or style.height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def figure_of(axes: Axes) -> Figure:
    """The figure that `new_axes` made."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    return figure


def with_legend(axes: Axes, shown: list[Entry], title: str, style: Style, lines: bool = True) -> Figure:
    """The figure of `axes` with one line per tracker outside them; `lines` shows dashes beside markers."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=e.look.color, linestyle=e.look.dash if lines else "none", marker=e.look.marker)
        for e in shown
    ]
    figure = figure_of(axes)
    for columns, font in style.legend_fits:
        legend = figure.legend(
            handles,
            [entry.label for entry in shown],
            title=title,
            ncols=columns,
            fontsize=font,
            title_fontsize=font,
            loc="outside lower center" if style.legend_below else "outside right center",
        )
        box = legend.get_window_extent()
        width, height = box.width / figure.dpi, box.height / figure.dpi
        widest = style.width * (0.98 if style.legend_below else 0.45)
        if width <= widest and (style.legend_below or height < style.height):
            break
        if (columns, font) != style.legend_fits[-1]:
            legend.remove()
    if style.legend_below:
        figure.set_size_inches(style.width, style.height + height)
    return figure


def encode(figure: Figure, form: str) -> bytes:
    """The figure as `svg` or `png`, without the date and hence the same every time."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form, metadata={"Date": None} if form == "svg" else None)
    return buffer.getvalue()
