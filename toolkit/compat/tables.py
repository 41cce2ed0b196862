"""The tables that PySOT's benchmark classes print, column for column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from colorama import Fore, Style

from toolkit.evaluation.longterm import f_score

LISTED = 20
"""Trackers that a table shows at most."""


def _show(titles: Sequence[tuple[str, int]], rows: Iterable[Sequence[str]]) -> None:
    """Prints a table; `titles` are (text, width) of its columns."""
    header = "|" + "".join(f"{title:^{width}}|" for title, width in titles)
    bar = "-" * len(header)
    print(f"{bar}\n{header}\n{bar}")
    for row in rows:
        print("|" + "".join(f"{text:^{width}}|" for text, (_, width) in zip(row, titles, strict=True)))
    print(bar)


def _show_videos(
    trackers: Iterable[str], videos: Iterable[str], first: int, columns: Sequence[tuple[str, int]], cells: Any
) -> None:
    """Prints a row per sequence; `cells(tracker, video)` are (value, width, whether it is red)."""
    names, whole = list(trackers), sum(width + 1 for _, width in columns) - 1
    above = f"|{'Tracker name':^{first}}|" + "".join(f"{name:^{whole}}|" for name in names)
    below = f"|{'Video name':^{first}}|" + "".join(f"{title:^{width}}|" for title, width in columns) * len(names)
    bar = "-" * len(above)
    print("\n\n")
    print(f"{bar}\n{above}\n{bar}\n{below}\n{bar}")
    for video in videos:
        parts = chain.from_iterable(cells(name, video) for name in names)
        texts = ((f"{value:^{width}.3f}", red) for value, width, red in parts)
        row = "".join(f"{Fore.RED}{text}{Style.RESET_ALL}|" if red else f"{text}|" for text, red in texts)
        print(f"|{video:^{first}}|{row}")
    print(bar)


def _first_column(names: Iterable[str], title: str) -> tuple[str, int]:
    return title, max(*(len(name) + 2 for name in names), 12)


def _best(scores: Mapping[str, float], count: int = LISTED) -> list[str]:
    return sorted(scores, key=lambda name: scores[name], reverse=True)[:count]


def show_ope(success: Any, precision: Any, norm_precision: Any) -> None:
    """Mean area under the success curve, and both precisions at 20; 0 for what was not evaluated."""

    def at_20(curves: Any, name: str) -> float:
        return 0.0 if curves is None else float(np.mean(list(curves[name].values()), axis=0)[20])

    areas = {name: float(np.mean(list(curves.values()))) for name, curves in success.items()}
    columns = (_first_column(success, "Tracker name"), ("Success", 9), ("Norm Precision", 16), ("Precision", 11))
    numbers = {name: (areas[name], at_20(norm_precision, name), at_20(precision, name)) for name in areas}
    _show(columns, ([name, *(f"{value:.3f}" for value in numbers[name])] for name in _best(areas)))


def show_ope_videos(success: Any, precision: Any, threshold: float) -> None:
    """Mean success and mean precision of every sequence."""

    def cells(name: str, video: str) -> list[tuple[float, int, bool]]:
        means = (float(np.mean(curves[name][video])) for curves in (success, precision))
        return [(mean, width, mean < threshold) for mean, width in zip(means, (9, 11), strict=True)]

    _show_videos(success, list(success.values())[-1], 21, (("success", 9), ("precision", 11)), cells)


def show_ar(result: Mapping[str, Any], eao: Mapping[str, Any] | None) -> None:
    """Accuracy, failures per 100 frames and lost number; with EAO, in its order."""
    columns = [_first_column(result, "Tracker Name"), ("Accuracy", 10), ("Robustness", 12), ("Lost Number", 13)]
    rows = []
    for name in result if eao is None else _best({name: scores["all"] for name, scores in eao.items()}):
        overlaps = result[name]["overlaps"]
        failures = np.sum(list(result[name]["failures"].values()), axis=0)
        robustness = np.mean(failures / sum(map(len, overlaps.values()))) * 100
        accuracy = np.nanmean(list(chain.from_iterable(overlaps.values())))
        rows.append([name, f"{accuracy:.3f}", f"{robustness:.3f}", f"{np.mean(failures):.1f}"])
        if eao is not None:
            rows[-1].append(f"{eao[name]['all']:.3f}")
    _show([*columns, ("EAO", 7)] if eao is not None else columns, rows)


def show_ar_videos(result: Mapping[str, Any], threshold: float) -> None:
    """Accuracy and lost number of every sequence."""

    def cells(name: str, video: str) -> list[tuple[float, int, bool]]:
        accuracy = float(np.nanmean(result[name]["overlaps"][video]))
        lost = float(np.mean(result[name]["failures"][video]))
        return [(accuracy, 8, accuracy < threshold), (lost, 8, lost > 0)]

    videos = list(result.values())[-1]["overlaps"]
    _show_videos(result, videos, 14, (("Acc", 8), ("LN", 8)), cells)


def show_eao(result: Mapping[str, Mapping[str, float]], tags: Sequence[str], count: int) -> None:
    """EAO, by tag where there are several."""
    order = _best({name: scores["all"] for name, scores in result.items()}, count)
    if len(tags) == 1:
        columns = [_first_column(result, "Tracker Name"), ("EAO", 10)]
    else:
        widths = {"all": 7, "camera_motion": 15, "illum_change": 14, "motion_change": 15, "size_change": 13}
        columns = [("Tracker Name", 20), *((tag, widths.get(tag, len(tag) + 2)) for tag in tags)]
    _show(columns, ([name, *(f"{result[name][tag]:.3f}" for tag in tags)] for name in order))


def show_f1(result: Mapping[str, Any]) -> None:
    """Precision, recall and F where F of the mean curves is largest."""
    best = {}
    for name, curves in result.items():
        precision, recall = (np.mean(list(curves[key].values()), axis=0) for key in ("precision", "recall"))
        f1 = f_score(precision, recall)
        at = int(f1.argmax())
        best[name] = (precision[at], recall[at], f1[at])
    columns = (_first_column(result, "Tracker Name"), ("Precision", 11), ("Recall", 8), ("F1", 7))
    order = _best({name: values[2] for name, values in best.items()})
    _show(columns, ([name, *(f"{value:.3f}" for value in best[name])] for name in order))


def show_f1_videos(result: Mapping[str, Any], threshold: float) -> None:
    """Precision, recall and F of every sequence where its own F is largest."""

    def cells(name: str, video: str) -> list[tuple[float, int, bool]]:
        at = int(np.argmax(result[name]["f1"][video]))
        values = [float(result[name][key][video][at]) for key in ("precision", "recall", "f1")]
        return [(value, width, value < threshold) for value, width in zip(values, (11, 8, 7), strict=True)]

    videos = list(result.values())[-1]["precision"]
    _show_videos(result, videos, 14, (("Precision", 11), ("Recall", 8), ("F1", 7)), cells)
