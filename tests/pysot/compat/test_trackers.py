"""PySOT's models and trackers under PySOT's names: recorded tracks of PySOT, and what programs do with the classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pysot.config.loading import load_config
from pysot.core.config import cfg
from pysot.core.errors import BadBoxError, ConfigError
from pysot.models.builder import build_model
from pysot.models.model_builder import ModelBuilder
from pysot.tracker import builder
from pysot.tracker.base import TrackResult
from pysot.tracker.base_tracker import BaseTracker, SiameseTracker
from pysot.tracker.siammask_tracker import SiamMaskTracker
from pysot.tracker.siamrpn_tracker import SiamRPNTracker
from pysot.tracker.siamrpnlt_tracker import SiamRPNLTTracker
from pysot.tracker.tracker_builder import build_tracker
from tests.golden import recorded
from tests.golden.recipe import BAG_BOX, bag_frames, fill_weights

ALEX = "siamrpn_alex_dwxcorr"
PIXELS = 5e-3


def model_of(name: str) -> Any:
    """The network of an experiment, merged into the shared config, with the weights of PySOT's recorded tracks."""
    cfg.merge_from_file(name)
    model = ModelBuilder()
    fill_weights(model, recorded("gains.json")[name])
    return model


@pytest.fixture
def frames() -> list[np.ndarray]:
    """Three frames of a bright square that moves over noise."""
    noise = np.random.RandomState(0).randint(0, 90, (240, 320, 3), dtype=np.uint8)
    images = [noise.copy() for _ in range(3)]
    for step, image in enumerate(images):
        image[80 : 80 + 60, 100 + 8 * step : 160 + 8 * step] = 220
    return images


@pytest.mark.parametrize(("name", "count"), [(ALEX, 20), ("siamrpn_r50_l234_dwxcorr", 3), ("siammask_r50_l3", 5)])
def test_tracks_as_recorded_of_pysot(shared: Path, name: str, count: int) -> None:
    track = json.loads((shared / "golden" / f"{name}_track.json").read_text())["track"][:count]
    tracker = build_tracker(model_of(name))
    images = bag_frames(shared, count + 1)
    tracker.init(images[0], BAG_BOX)
    for image, expected in zip(images[1:], track, strict=True):
        outputs = tracker.track(image)
        assert outputs["bbox"] == pytest.approx(expected["bbox"], abs=PIXELS)
        assert outputs["best_score"] == pytest.approx(expected["best_score"], abs=1e-4)
        assert ("polygon" in outputs) == ("polygon" in expected)
        if "mask" in outputs:
            assert outputs["mask"].sum() == pytest.approx(expected["mask_sum"], rel=1e-4)


def test_published_keys_and_single_maps() -> None:
    cfg.merge_from_file(ALEX)
    model = ModelBuilder().eval()
    published = {key: tuple(shape) for key, shape, _ in recorded(f"{ALEX}_state.json")}
    assert {key: tuple(value.shape) for key, value in model.state_dict().items()} == published
    zf, xf = (model.backbone(torch.zeros(1, 3, side, side)) for side in (127, 287))
    cls, loc = model.rpn_head(zf, xf)
    assert (zf.shape, cls.shape, loc.shape) == ((1, 256, 6, 6), (1, 10, 21, 21), (1, 20, 21, 21))


def test_the_kept_template_is_a_programs_to_change(frames: list[np.ndarray]) -> None:
    model = model_of(ALEX)
    tracker = build_tracker(model)
    tracker.init(frames[0], (100, 80, 60, 60))
    kept, state = model.zf, (tracker.center_pos, tracker.size)
    first = tracker.track(frames[1])
    tracker.center_pos, tracker.size = state
    model.zf = kept * 0.5 + 0.5
    assert tracker.track(frames[1])["best_score"] != first["best_score"]


def test_hyper_parameters_are_read_when_they_are_used(frames: list[np.ndarray]) -> None:
    tracker = build_tracker(model_of(ALEX))
    tracker.init(frames[0], (100, 80, 60, 60))
    cfg.TRACK.LR = 0.0
    assert tracker.track(frames[1])["bbox"][2:] == [60, 60]


def test_a_subclass_that_overrides_only_track(frames: list[np.ndarray]) -> None:
    class Wide(SiamRPNTracker):
        def track(self, img: np.ndarray) -> dict[str, Any]:
            crop = self.get_subwindow(img, self.center_pos, cfg.TRACK.INSTANCE_SIZE, 300, self.channel_average)
            outputs = self.model.track(crop)
            score = self._convert_score(outputs["cls"])
            box = self._convert_bbox(outputs["loc"], self.anchors)
            best = int(np.argmax(score * 0.5 + self.window * 0.5))
            cx, cy, w, h = self._bbox_clip(*(self.center_pos + box[:2, best]), *self.size, img.shape[:2])
            return {"bbox": [cx - w / 2, cy - h / 2, w, h], "best_score": score[best]}

    tracker = Wide(model_of(ALEX))
    tracker.init(frames[0], [100, 80, 60, 60])
    assert tracker.track(frames[1])["bbox"][2:] == [60, 60]


def test_a_subclass_changes_a_step(frames: list[np.ndarray]) -> None:
    class Scoreless(SiamRPNTracker):
        def _convert_score(self, score: torch.Tensor) -> np.ndarray:
            return np.zeros_like(super()._convert_score(score))

    tracker = Scoreless(model_of(ALEX))
    tracker.init(frames[0], [100, 80, 60, 60])
    assert tracker.track(frames[1])["best_score"] == 0


def test_float_frames_and_boxes_without_area(frames: list[np.ndarray]) -> None:
    tracker = build_tracker(model_of(ALEX))
    results = []
    for kind in (np.uint8, np.float32):
        tracker.init(frames[0].astype(kind), (100, 80, 60, 60))
        results.append(tracker.track(frames[1].astype(kind))["bbox"])
    assert results[0] == pytest.approx(results[1], abs=1)
    tracker.init(frames[0], (100, 80, 60, 0))
    assert np.isfinite(tracker.track(frames[1])["bbox"]).all()
    with pytest.raises(BadBoxError, match="above 0"):
        tracker.init(frames[0], (100, 80, 0, 0))


def test_longterm_state(frames: list[np.ndarray]) -> None:
    model = model_of(ALEX)
    cfg.TRACK.TYPE, cfg.TRACK.LOST_INSTANCE_SIZE, cfg.TRACK.CONFIDENCE_LOW = "SiamRPNLTTracker", 407, 1.0
    tracker = build_tracker(model)
    tracker.init(frames[0], (100, 80, 60, 60))
    states = [(tracker.track(frame), tracker.longterm_state)[1] for frame in frames[1:]]
    assert states == [True, True]
    assert tracker.center_pos.tolist() == [129.5, 109.5]


def test_classes_are_related_as_in_pysot() -> None:
    assert issubclass(SiamMaskTracker, SiamRPNTracker)
    assert issubclass(SiamRPNLTTracker, SiamRPNTracker)
    assert issubclass(SiamRPNTracker, SiameseTracker)
    assert issubclass(SiameseTracker, BaseTracker)


def test_models_and_builders_that_do_not_belong_together() -> None:
    cfg.merge_from_file(ALEX)
    with pytest.raises(ConfigError, match=r"pysot\.tracker\.builder\.build_tracker"):
        build_tracker(build_model(load_config(ALEX)))
    with pytest.raises(ConfigError, match=r"pysot\.tracker\.tracker_builder\.build_tracker"):
        builder.build_tracker(load_config(ALEX), ModelBuilder())
    with pytest.raises(ConfigError, match="without mask_head"):
        SiamMaskTracker(ModelBuilder())


def test_architectures_that_pysot_does_not_have(frames: list[np.ndarray]) -> None:
    cfg.merge_from_file("nanotrack_v2")
    tracker = build_tracker(ModelBuilder())
    tracker.init(frames[0], (100, 80, 60, 60))
    assert len(tracker.track(frames[1])["bbox"]) == 4


def test_a_result_is_a_mapping() -> None:
    result = TrackResult((1.0, 2.0, 3.0, 4.0), 0.5)
    assert list(result) == ["bbox", "best_score", "state"]
    assert dict(result)["bbox"] == [1.0, 2.0, 3.0, 4.0]
    assert "polygon" not in result
    assert result.get("mask") is None
