from __future__ import annotations

import numpy as np
from fake_trackers import Scripted, make_sequence, true_box

from toolkit.protocols.longterm import run_longterm
from toolkit.regions import Polygon, Rectangle, Special


def test_one_pass_with_confidences_and_no_restart() -> None:
    truth = np.array([true_box(k) for k in range(8)])
    truth[3:6] = np.nan
    tracker = Scripted(away=(2, 3, 4))
    run = run_longterm(tracker, make_sequence(count=8, ground_truth=truth))
    assert run.regions[0] == Special(1)
    assert run.regions[7] == Rectangle(*true_box(7))
    assert tracker.started == [0]
    assert np.isnan(run.scores[0])
    assert np.isfinite(run.scores[1:]).all()
    assert len(run.seconds) == 8


def test_polygons_are_kept() -> None:
    run = run_longterm(Scripted(polygon=True), make_sequence(count=3))
    assert isinstance(run.regions[1], Polygon)
