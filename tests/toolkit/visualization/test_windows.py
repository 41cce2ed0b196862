"""Windows show what they are given, end when the user says so, and say why they cannot open."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest

from toolkit.errors import ToolkitError
from toolkit.protocols.session import FrameEvent
from toolkit.regions import Mask, Polygon, Rectangle, Region
from toolkit.visualization import BenchmarkWindow, VideoWindow, draw_event, why_no_display, windows

IMAGE = np.zeros((60, 80, 3), np.uint8)


class FakeScreen:
    """Stands in for OpenCV's windows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, keys: Sequence[int] = (), drawn: Sequence[Any] = ()) -> None:
        self.shown: list[tuple[str, np.ndarray]] = []
        self.keys, self.drawn, self.visible = list(keys), list(drawn), 1.0
        monkeypatch.setattr(windows, "why_no_display", lambda: None)
        for name in ("namedWindow", "destroyAllWindows"):
            monkeypatch.setattr(cv2, name, lambda *_: None)
        monkeypatch.setattr(cv2, "imshow", lambda title, image: self.shown.append((title, image)))
        monkeypatch.setattr(cv2, "waitKey", lambda _: self.keys.pop(0) if self.keys else -1)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: self.visible)
        monkeypatch.setattr(cv2, "selectROI", lambda *_, **__: self.drawn.pop(0))


def test_without_a_display_no_window_opens_and_the_reason_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows.sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert why_no_display() == "there is no display (DISPLAY is not set)"
    with VideoWindow("video") as window:
        assert not window.is_open
        assert window.reason == why_no_display()
        with pytest.raises(ToolkitError, match="DISPLAY is not set"):
            window.pick_boxes(IMAGE, 1)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays are X11's here")
def test_a_display_that_does_not_answer_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":77")
    assert why_no_display() is not None


def test_a_window_that_is_not_wanted_has_no_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeScreen(monkeypatch)
    with VideoWindow("video", wanted=False) as window:
        assert (window.is_open, window.reason) == (False, None)
        with pytest.raises(ToolkitError, match="no window is wanted"):
            window.pick_boxes(IMAGE, 1)


@pytest.mark.parametrize("key", [ord("q"), ord("Q"), 27])
def test_q_and_esc_end_a_video(key: int, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = FakeScreen(monkeypatch, keys=[-1, ord("x"), key])
    with VideoWindow("video") as window:
        assert [window.show(IMAGE) for _ in range(3)] == [True, True, False]
    assert [title for title, _ in screen.shown] == ["video"] * 3


def test_closing_the_window_ends_a_video(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeScreen(monkeypatch).visible = 0.0
    with VideoWindow("video") as window:
        assert not window.show(IMAGE)


def test_targets_are_drawn_with_the_mouse(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeScreen(monkeypatch, drawn=[(4, 3, 24, 20), (6, 4, 10, 10), (0, 0, 0, 0)])
    with VideoWindow("video") as window:
        assert window.pick_boxes(IMAGE, 2) == [(4.0, 3.0, 24.0, 20.0), (6.0, 4.0, 10.0, 10.0)]
        with pytest.raises(ToolkitError, match="Target 1 was not drawn"):
            window.pick_boxes(IMAGE, 1)
    assert IMAGE.max() == 0


def test_a_benchmark_is_shown_a_window_per_sequence_without_skipped_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = FakeScreen(monkeypatch)
    images = {"a": [IMAGE, None, IMAGE], "b": [IMAGE]}
    with BenchmarkWindow() as window:
        for name, frames in images.items():
            for index, image in enumerate(frames):
                window.show(FrameEvent(name, index, image, np.array([5.0, 35, 20, 20]), None, None, 0.1))
    assert [title for title, _ in screen.shown] == ["a", "a", "b"]


@pytest.mark.parametrize(
    "region",
    [
        Rectangle(50, 40, 12, 12),
        Polygon(np.array([[50, 40], [70, 45], [60, 55], [48, 50]], float)),
        Mask(np.pad(np.ones((10, 10), bool), ((40, 10), (50, 20)))),
    ],
)
def test_truth_is_green_and_the_result_yellow(region: Region) -> None:
    drawn = draw_event(FrameEvent("s", 3, IMAGE, np.array([5.0, 35, 20, 20]), region, 1.0, 0.1))
    assert tuple(drawn[35, 10]) == windows.GREEN
    assert drawn[40:57, 45:75, 1].max() > 100
    assert drawn[40:57, 45:75, 0].max() == 0
    assert IMAGE.max() == 0
