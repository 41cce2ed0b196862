from __future__ import annotations

import numpy as np
import pytest
from fake_trackers import HEIGHT, WIDTH, Scripted, make_sequence, true_box

from toolkit.errors import ProtocolError
from toolkit.protocols.multistart import run_multistart
from toolkit.protocols.session import StepError
from toolkit.regions import Mask, Rectangle, Special

ANCHORS = np.array([1, 0, 0, 0, 1, 0, 0, -1])


def test_anchors_run_forward_to_the_end_and_backward_to_the_start() -> None:
    tracker = Scripted()
    runs = run_multistart(tracker, make_sequence(count=8, anchors=ANCHORS)).anchors
    assert [(run.anchor, run.forward, len(run.regions)) for run in runs] == [(0, True, 8), (4, True, 4), (7, False, 8)]
    assert tracker.started == [0, 4, 7]
    assert tracker.seen == [*range(8), 4, 5, 6, 7, *range(7, -1, -1)]
    assert runs[2].regions[0] == Special(1)
    assert runs[2].regions[1] == Rectangle(*true_box(6))


def test_an_anchor_at_the_border_is_a_run_of_one_frame() -> None:
    runs = run_multistart(Scripted(), make_sequence(count=3, anchors=np.array([-1, 0, 1]))).anchors
    assert [len(run.regions) for run in runs] == [1, 1]


def test_masks_are_kept() -> None:
    class Masking(Scripted):
        shape = (HEIGHT, WIDTH)

        def track(self, image: np.ndarray) -> dict[str, object]:
            mask = np.zeros(self.shape, np.float32)
            mask[5:9, 4:8] = 0.9
            return {**super().track(image), "mask": mask}

    sequence = make_sequence(count=3, anchors=np.array([1, 0, 0]))
    region = run_multistart(Masking(), sequence).anchors[0].regions[1]
    assert isinstance(region, Mask)
    assert region.bits.sum() == 16

    Masking.shape = (20, 20)
    with pytest.raises(StepError, match=r"mask has shape \(20, 20\)"):
        run_multistart(Masking(), sequence)


@pytest.mark.parametrize("anchors", [None, np.zeros(8, np.int64)])
def test_without_anchors_there_is_nothing_to_run(anchors: np.ndarray | None) -> None:
    with pytest.raises(ProtocolError, match="no anchors"):
        run_multistart(Scripted(), make_sequence(count=8, anchors=anchors))
