"""What a scorer declares of its numbers and curves: their keys, and how tables and figures show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One number: a column of a table.

    Attributes:
        key: its name in `TrackerScores.scores`.
        title: of the column.
        decimals: shown.
        higher_is_better: which of two trackers is better.
        label: what figures call it where the title says too little.
        on_axis: from the score to its place on the axis of a figure.
    """

    key: str
    title: str
    decimals: int = 3
    higher_is_better: bool = True
    label: str = ""
    on_axis: Callable[[float], float] = float


@dataclass(frozen=True)
class Curve:
    """A curve that a report holds for every tracker: a figure.

    Attributes:
        key: its name in `TrackerScores.curves`.
        metric: the score it is summed up by.
        title, x, y: of the figure and its axes.
        legend: what the numbers in the legend are.
        read_at: abscissa at which the score is read; None for an average.
    """

    key: str
    metric: str
    title: str
    x: str
    y: str
    legend: str
    read_at: float | None = None
