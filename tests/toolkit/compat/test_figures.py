"""PySOT's figures: what they show, without LaTeX and without a window."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

plt = pytest.importorskip("matplotlib.pyplot")

SUCCESS = {name: {video: np.linspace(top, 0, 21) for video in "abc"} for name, top in (("low", 0.5), ("high", 0.9))}
PRECISION = {name: {video: np.linspace(0, top, 51) for video in "abc"} for name, top in (("low", 0.6), ("high", 0.8))}


@pytest.fixture(autouse=True)
def _no_window() -> Iterator[None]:
    plt.switch_backend("agg")
    yield
    plt.close("all")


def labels(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def test_success_and_precision() -> None:
    from toolkit.visualization import draw_success_precision

    figures = draw_success_precision(SUCCESS, "OTB100", ["a", "b"], "ALL", PRECISION, PRECISION, bold_name="low")
    assert [figure.axes[0].get_title().split(" plots")[0] for figure in figures] == [
        "Success", "Precision", "Normalized precision",
    ]  # fmt: skip
    assert labels(figures[0]) == ["[0.450] high", "[0.250] low"]
    assert labels(figures[1]) == [f"[{0.8 * 20 / 50:.3f}] high", f"[{0.6 * 20 / 50:.3f}] low"]
    assert figures[0].axes[0].get_legend().get_texts()[1].get_fontweight() == "bold"
    first = figures[0].axes[0].get_lines()[0]
    np.testing.assert_allclose(first.get_ydata(), SUCCESS["high"]["a"])
    assert "on OTB100" in figures[0].axes[0].get_title()
    (one,) = draw_success_precision(SUCCESS, "OTB100", ["a"], "FM", axis=[0, 0.9])
    assert "- FM" in one.axes[0].get_title() and one.axes[0].get_ylim() == (0, 0.9)


def test_eao_by_tag() -> None:
    from toolkit.visualization import draw_eao

    figure = draw_eao(
        {"a": {"all": 0.4, "occlusion": 0.2, "empty": 0.3}, "b": {"all": 0.2, "occlusion": 0.4, "empty": 0.1}}
    )
    first = figure.axes[0].get_lines()[0]
    np.testing.assert_allclose(first.get_ydata(), [1, 0.5, 1, 1])
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()][1] == "Occlusion\n(0.200, 0.400)"


def test_precision_against_recall() -> None:
    from toolkit.visualization import draw_f1

    result = {
        name: {
            "precision": {v: np.linspace(1, low, 100) for v in "ab"},
            "recall": {v: np.linspace(0, 0.8, 100) for v in "ab"},
        }
        for name, low in (("good", 0.7), ("bad", 0.3))
    }
    figure = draw_f1(result, bold_name="good")
    best = max(2 * p * r / (p + r) for p, r in zip(np.linspace(1, 0.7, 100), np.linspace(0, 0.8, 100), strict=True))
    assert labels(figure)[0] == f"[{best:.3f}] good" and len(labels(figure)) == 2
