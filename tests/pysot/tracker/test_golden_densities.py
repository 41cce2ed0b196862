"""PrDiMP-18 and DiMP-50 on the video of the reference's runs, frame by frame."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pysot.config.loading import load_config
from pysot.config.params import params_from_config
from pysot.models.builder import build_model
from pysot.models.meta_arch.dimp import DimpNet
from pysot.tracker.base import State
from pysot.tracker.dimp import DimpParams, DimpTracker
from tests.golden.recipe import BAG_BOX, bag_frames, fill_dimp, first_fill, published_shapes

STATES = {"normal": State.TRACKED, "hard_negative": State.TRACKED, "not_found": State.LOST, "uncertain": State.LOST}


def filled(experiment: str, listing: str, gain: float) -> DimpNet:
    model = build_model(load_config(experiment))
    assert isinstance(model, DimpNet)
    shapes = {key: shape for key, shape in published_shapes(listing).items() if ".filter_optimizer." not in key}
    return fill_dimp(model, first_fill(shapes, {"bb_regressor.iou_predictor.weight": gain}))


CASES = [
    ("prdimp_r18", "prdimp18", "track_deterministic", {}),
    ("prdimp_r18", "prdimp18", "track_updates", {"train_skipping": 3}),
    ("prdimp_r50", "prdimp18", "track_deterministic_352_inside_major", {}),
    ("dimp_r50", "dimp50", "track_deterministic", {}),
    ("dimp_r50", "dimp50", "track_forced_found", {"not_found_thr": -1e9}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("experiment", "net", "track", "changes"), CASES)
def test_recorded_run(shared: Path, experiment: str, net: str, track: str, changes: dict[str, float]) -> None:
    """The parameters are the experiment's; PrDiMP-50's are run on PrDiMP-18's network, as they were recorded."""
    recorded = json.loads((shared / "golden" / f"pytracking_{net}_track.json").read_text())
    params = params_from_config(load_config(experiment), DimpParams)
    aug, box = replace(params.aug, random_shift=0.0, dropout_num=0), replace(params.box, num_random=0)
    found = {key: value for key, value in changes.items() if key == "not_found_thr"}
    rest = {key: int(value) for key, value in changes.items() if key != "not_found_thr"}
    localization = replace(params.localization, **found)
    params = replace(params, integer_division=False, aug=aug, box=box, localization=localization, **rest)  # type: ignore[arg-type]
    trained = "prdimp_r18" if net == "prdimp18" else experiment
    model = filled(
        trained, f"pytracking_{net.removeprefix('pr')}", recorded["gains"]["bb_regressor.iou_predictor.weight"]
    )
    tracker = DimpTracker(model.eval().requires_grad_(False), params)
    run = recorded[track]
    frames = bag_frames(shared, len(run["bbox"]) + 1)
    tracker.init(frames[0], BAG_BOX)
    for frame, box_xywh, score, flag in zip(frames[1:], run["bbox"], run["score"], run["flag"], strict=True):
        result = tracker.track(frame)
        assert result.box == pytest.approx(box_xywh, abs=1e-2)
        assert result.score == pytest.approx(score, abs=1e-4)
        assert result.state is STATES[flag]
