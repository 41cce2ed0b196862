from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_trackers import make_sequence

from toolkit.baselines import WITHOUT_WEIGHTS, OpenCVTracker, available_trackers
from toolkit.datasets.frames import Image, ImageFiles
from toolkit.errors import ProtocolError
from toolkit.protocols.ope import run_ope
from toolkit.protocols.session import StepError
from toolkit.regions.overlap import rectangle_iou


def textured(shift: int = 0) -> Image:
    image = np.full((120, 160, 3), 90, np.uint8)
    target = np.random.default_rng(3).integers(0, 255, (24, 24, 3), dtype=np.uint8)
    image[40:64, 50 + shift : 74 + shift] = cv2.GaussianBlur(target, (5, 5), 0)
    return image


def test_mil_keeps_the_size_and_stays_in_the_image() -> None:
    tracker = OpenCVTracker("mil")
    tracker.init(textured(), (50.0, 40.0, 24.0, 24.0))
    results = [tracker.track(textured(step)) for step in range(1, 5)]
    assert [result["best_score"] for result in results] == [1.0] * 4
    for result in results:
        x, y, width, height = result["bbox"]
        assert (width, height) == (24, 24)
        assert 0 <= x <= 160
        assert 0 <= y <= 120


def test_boxes_are_clipped_to_the_image() -> None:
    tracker = OpenCVTracker("MIL")
    tracker.init(textured(), (-5.0, 40.0, 30.0, 24.0))
    assert len(tracker.track(textured())["bbox"]) == 4


@pytest.mark.parametrize("box", [(500.0, 10.0, 20.0, 20.0), (10.0, 10.0, 0.2, 0.2), (float("nan"), 1.0, 2.0, 3.0)])
def test_boxes_outside_the_image_are_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(ProtocolError, match="no pixel inside the 160x120 image"):
        OpenCVTracker("MIL").init(textured(), box)


def test_tracking_needs_a_start() -> None:
    with pytest.raises(ProtocolError, match="Call init first"):
        OpenCVTracker("MIL").track(textured())


def test_unknown_names_list_what_there_is() -> None:
    with pytest.raises(ProtocolError, match=r"no tracker 'GOTURN'.*MIL"):
        OpenCVTracker("GOTURN")


def test_trackers_this_build_lacks_name_the_package() -> None:
    missing = [name for name in WITHOUT_WEIGHTS if name not in available_trackers()]
    if not missing:
        pytest.skip("this OpenCV build has every tracker")
    with pytest.raises(ProtocolError, match="opencv-contrib-python"):
        OpenCVTracker(missing[0])


def test_a_lost_target_keeps_its_box_with_score_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    class Blind:
        def init(self, image: Image, box: tuple[int, int, int, int]) -> None: ...

        def update(self, image: Image) -> tuple[bool, tuple[int, int, int, int]]:
            return False, (0, 0, 0, 0)

    monkeypatch.setattr(cv2, "TrackerMIL_create", Blind)
    tracker = OpenCVTracker("MIL")
    tracker.init(textured(), (50, 40, 24, 24))
    assert tracker.track(textured()) == {"bbox": [50, 40, 24, 24], "best_score": 0.0}


def test_errors_of_opencv_name_the_frame() -> None:
    with pytest.raises(StepError, match="seq#0"):
        run_ope(OpenCVTracker("MIL"), make_sequence(count=3, ground_truth=np.array([[400.0, 400, 10, 10]])))


def test_follows_a_real_target(shared: Path) -> None:
    """In these frames of Man a box that stays overlaps by 0.27; MIL, which is random, loses the target now and then."""
    folder, shown = shared / "data" / "sequences_otb" / "Man", slice(30, 45)
    truth = np.loadtxt(folder / "groundtruth_rect.txt", delimiter=",")[shown] - [1, 1, 0, 0]
    frames = ImageFiles(sorted((folder / "img").glob("*.jpg"))[shown])
    overlaps = []
    for _ in range(3):
        run = run_ope(OpenCVTracker("MIL"), make_sequence(count=15, frames=frames, ground_truth=truth))
        assert run.boxes_xywh[0].tolist() == truth[0].tolist()
        overlaps.append(rectangle_iou(run.boxes_xywh, truth).mean())
    assert max(overlaps) > 0.6
