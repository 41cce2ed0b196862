"""PySOT's three figures of scores, drawn without LaTeX; where no window can open, they are only returned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from toolkit.compat.benchmarks import Curves
from toolkit.evaluation.longterm import f_score
from toolkit.evaluation.ope import AT_20, NORM_PRECISION_THRESHOLDS, PRECISION_THRESHOLDS, SUCCESS_THRESHOLDS

COLOR = tuple(plt.get_cmap("tab20")(index % 20)[:3] for index in (*range(0, 20, 2), *range(1, 20, 2)))
LINE_STYLE = ("-", "--", ":", "-.")
MARKER_STYLE = ("o", "v", "<", "*", "D", "x", ".", "s", ">", "^")
TAG_NAMES = {
    "all": "Overall",
    "camera_motion": "Camera motion",
    "illum_change": "Illumination change",
    "motion_change": "Motion change",
    "size_change": "Size change",
    "occlusion": "Occlusion",
    "empty": "Unassigned",
}


def draw_success_precision(
    success_ret: Curves,
    name: str,
    videos: Iterable[str],
    attr: str,
    precision_ret: Curves | None = None,
    norm_precision_ret: Curves | None = None,
    bold_name: str | None = None,
    axis: Sequence[float] = (0, 1),
) -> list[Figure]:
    """Success, precision and normalized precision over the sequences `videos`, a figure each, best tracker first.

    Args:
        success_ret, precision_ret, norm_precision_ret: what `OPEBenchmark` evaluates.
        name: of the benchmark, for titles; `attr` is named instead unless it is "ALL".
        bold_name: a tracker whose legend is bold.
        axis: range of the vertical axis.
    """
    kinds: list[tuple[str, Curves | None, NDArray[Any], str, str, Callable[[NDArray[Any]], Any]]] = [
        ("Success", success_ret, SUCCESS_THRESHOLDS, "Overlap threshold", "Success rate", np.mean),
        ("Precision", precision_ret, PRECISION_THRESHOLDS, "Location error threshold", "Precision", _at_20),
        ("Normalized precision", norm_precision_ret, NORM_PRECISION_THRESHOLDS, "Location error threshold",
         "Precision", _at_20),
    ]  # fmt: skip
    where, wanted = (f"on {name}" if attr == "ALL" else f"- {attr}"), set(videos)
    figures = []
    for title, curves, thresholds, across, up, score in kinds:
        if not curves:
            continue
        means = {
            tracker: np.mean([values for video, values in by_video.items() if video in wanted], axis=0)
            for tracker, by_video in curves.items()
        }
        figure, axes = plt.subplots()
        order = sorted(means, key=lambda tracker: float(score(means[tracker])), reverse=True)
        for rank, tracker in enumerate(order):
            label = f"[{float(score(means[tracker])):.3f}] {tracker}"
            axes.plot(thresholds, means[tracker], color=_color(rank), linestyle=_style(rank), label=label, linewidth=2)
        axes.set(title=f"{title} plots of OPE {where}", xlabel=across, ylabel=up)
        axes.set_xlim(thresholds[0], thresholds[-1])
        axes.set_ylim(*axis)
        axes.grid(visible=True)
        _legend(axes, order, bold_name, "lower left" if title == "Success" else "lower right")
        figures.append(figure)
    return _shown(figures)


def draw_eao(result: Mapping[str, Mapping[str, float]]) -> Figure:
    """The EAO of every tag around a circle, each in shares of the best tracker's.

    `result` is what `EAOBenchmark` evaluates with several tags.
    """
    tags = list(next(iter(result.values())))
    values = np.array([[scores[tag] for tag in tags] for scores in result.values()])
    best, worst = values.max(axis=0), values.min(axis=0)
    angles = np.linspace(0, 2 * np.pi, len(tags), endpoint=False)
    figure = plt.figure()
    axes: Any = figure.add_subplot(111, projection="polar")
    for rank, (tracker, row) in enumerate(zip(result, values / best, strict=True)):
        closed = [*row, row[0]]
        marker = MARKER_STYLE[rank % len(MARKER_STYLE)]
        axes.plot([*angles, angles[0]], closed, color=_color(rank), marker=marker, label=tracker, linewidth=1.5)
    ranges = zip(tags, worst, best, strict=True)
    labels = [f"{TAG_NAMES.get(tag, tag)}\n({low:.3f}, {high:.3f})" for tag, low, high in ranges]
    axes.set_thetagrids(np.degrees(angles), labels)
    axes.spines["polar"].set_visible(False)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.07), frameon=False, ncol=5)
    axes.grid(visible=False)
    axes.set_ylim(0, 1.18)
    axes.set_yticks([])
    return _shown([figure])[0]


def draw_f1(result: Mapping[str, Any], bold_name: str | None = None) -> Figure:
    """Precision against recall of long-term runs over lines of equal F, the best point marked.

    `result` is what `F1Benchmark` evaluates; a tracker called `bold_name` stands out in the legend.
    """
    figure, axes = plt.subplots()
    for level in np.arange(0.1, 1, 0.1):
        recall = np.linspace(level / 2 + 1e-3, 1, 200)
        axes.plot(recall, level * recall / (2 * recall - level), color=(0.7, 0.9, 0.7), linewidth=0.5)
    curves = {
        name: tuple(np.mean(list(by_video[key].values()), axis=0) for key in ("precision", "recall"))
        for name, by_video in result.items()
    }
    scores = {name: f_score(*pair) for name, pair in curves.items()}
    order = sorted(scores, key=lambda name: float(scores[name].max()), reverse=True)
    for rank, name in enumerate(order):
        (precision, recall), at = curves[name], int(scores[name].argmax())
        label = f"[{scores[name].max():.3f}] {name}"
        axes.plot(recall[:-1], precision[:-1], color=_color(rank), label=label)
        axes.plot(recall[at], precision[at], color="black", marker="o", markerfacecolor=_color(rank), markersize=5)
    axes.set(title="Precision against recall", xlabel="Recall", ylabel="Precision", xlim=(0, 1), ylim=(0, 1), aspect=1)
    axes.set_xticks(np.linspace(0, 1, 11))
    axes.set_yticks(np.linspace(0, 1, 11))
    axes.grid(visible=True)
    _legend(axes, order, bold_name, "lower left")
    return _shown([figure])[0]


def _at_20(curve: NDArray[Any]) -> Any:
    return curve[AT_20]


def _color(rank: int) -> tuple[float, ...]:
    return COLOR[rank % len(COLOR)]


def _style(rank: int) -> str:
    return LINE_STYLE[rank % len(LINE_STYLE)]


def _legend(axes: Any, order: Sequence[str], bold_name: str | None, place: str) -> None:
    texts = axes.legend(loc=place, labelspacing=0.2).get_texts()
    for name, text in zip(order, texts, strict=True):
        text.set_fontweight("bold" if name == bold_name else "normal")


def _shown(figures: list[Figure]) -> list[Figure]:
    if plt.get_backend().lower() not in ("agg", "cairo", "pdf", "pgf", "ps", "svg", "template"):
        plt.show()
    return figures
