"""LMT tracks: a moving square with random weights, what it does when the target is gone, and how quickly it starts."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pysot.config.loading import load_config
from pysot.config.params import params_from_config
from pysot.core.errors import ConfigError, SotError
from pysot.models.builder import build_model
from pysot.models.inference import prepare_for_inference
from pysot.models.meta_arch.lmt import LmtNet
from pysot.tracker.base import State
from pysot.tracker.builder import build_tracker, load_tracker
from pysot.tracker.lmt.frame_view import FrameView
from pysot.tracker.lmt.params import LmtParams
from pysot.tracker.lmt.tracker import LmtTracker

torch.set_num_threads(1)
NARROW = [
    *("BACKBONE.KWARGS.widths", "[8, 16, 16, 16]", "BACKBONE.KWARGS.blocks", "[0, 0, 0]"),
    *("HEAD.KWARGS.width", "16", "HEAD.KWARGS.size", "3", "HEAD.KWARGS.hidden", "32", "TRACK.LMT.BBREG.NUM", "60"),
]


def tracker(*opts: str, rate: float = 3e-3) -> LmtTracker:
    """A narrow network with random weights, the same for all rates."""
    torch.manual_seed(0)
    cfg = load_config("lmt_tiny", [*NARROW, *opts])
    model = build_model(cfg)
    assert isinstance(model, LmtNet)
    with torch.no_grad():
        for value in model.rates.parameters():
            value.fill_(rate)
        for layer in model.backbone.modules():
            if isinstance(layer, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(layer.weight)
        model.backbone.get_submodule("stem.0").weight.mul_(0.01)  # type: ignore[operator, union-attr]  # gray levels
    made = build_tracker(cfg, prepare_for_inference(model, torch.device("cpu")))
    assert isinstance(made, LmtTracker)
    return made


def frame(x: float, y: float, side: float = 40) -> NDArray[np.uint8]:
    """A patterned square on a background with clutter."""
    clutter = np.random.default_rng(0).integers(60, 120, (120, 160, 3), dtype=np.uint8)
    image = np.asarray(cv2.GaussianBlur(clutter, (0, 0), 2), dtype=np.uint8)
    pattern = np.zeros((8, 8, 3), np.uint8)
    pattern[::2, ::2], pattern[1::2, 1::2] = (0, 0, 255), (255, 255, 0)
    size = round(side)
    image[round(y) : round(y) + size, round(x) : round(x) + size] = cv2.resize(pattern, (size, size), interpolation=0)
    return image


def test_equal_seeds_give_equal_boxes_and_others_do_not() -> None:
    def run(seed: str) -> list[tuple[float, ...]]:
        made = tracker("TRACK.LMT.SEED", seed, "TRACK.LMT.LONG_INTERVAL", "2")
        made.init(frame(60, 40), (60, 40, 40, 40))
        return [made.track(frame(60 + 3 * step, 40)).box for step in range(4)]

    assert run("0") == run("0") != run("1")


def test_crops_and_shared_maps_give_the_same_features() -> None:
    """Of boxes as large as the target, displaced by whole cells of 16 patch pixels; this shallow network does not see
    as far as the crop's border."""
    cell = 16 * 80 / 127
    boxes = np.array([[60.0, 40, 40, 40], [60 + cell, 40, 40, 40], [60 - 2 * cell, 40 + cell, 40, 40]])
    found = []
    for features in ("crops", "shared"):
        made = tracker("TRACK.LMT.FEATURES", features)
        made.init(frame(60, 40), (60, 40, 40, 40))
        found.append(made._view(frame(60, 40), made.search_region(), made.learned).features(boxes).flatten(1))
    apart = torch.cdist(found[0], found[0]).sum(1) / (len(boxes) - 1)
    assert bool(((found[0] - found[1]).norm(dim=1) < 0.02 * apart).all())


def test_a_target_that_leaves_for_good_is_reported_where_it_was() -> None:
    made = tracker("TRACK.LMT.SUCCESS_THR", "1000", "TRACK.LMT.SHORT_INTERVAL", "2")
    made.init(frame(60, 40), (60.0, 40.0, 40.0, 40.0))
    for _ in range(5):
        result = made.track(np.full((120, 160, 3), 90, np.uint8))
        assert result.state is State.LOST and result.box == (60.0, 40.0, 40.0, 40.0) and math.isfinite(result.score)
    assert made.lost and len(made.positives) == 1 and made.lost_frames == 5


def test_the_search_widens_while_the_target_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    made = tracker("TRACK.LMT.BBREG.ENABLED", "False")
    made.init(frame(60, 40), (60, 40, 40, 40))

    drawn: list[NDArray[np.float64]] = []
    read = FrameView.features

    def spy(view: FrameView, boxes_xywh: NDArray[np.float64]) -> torch.Tensor:
        drawn.append(boxes_xywh)
        return read(view, boxes_xywh)

    monkeypatch.setattr(FrameView, "features", spy)

    def spread(lost: bool) -> float:
        made.lost = lost
        made.locate(frame(60, 40), made.search_region())
        return float(drawn[-1][:, 0].std())

    assert spread(True) > 1.5 * spread(False)


def test_no_candidate_inside_the_image() -> None:
    made = tracker()
    made.init(frame(60, 40), (60, 40, 40, 40))
    region = replace(made.search_region(), center_xy=(5000.0, -5000.0))
    candidate = made.locate(frame(60, 40), region)
    assert candidate.score == 0 and candidate.target_score == -math.inf
    result = made.commit(frame(60, 40), candidate)
    assert result.state is State.LOST and result.box == (60, 40, 40, 40)


def test_every_candidate_below_the_threshold() -> None:
    """With the fall-back the frame is losses by the scores alone; without, the target is lost."""
    scores = {}
    for fallback in ("True", "False"):
        made = tracker("TRACK.LMT.IOU_GUIDE.THRESH", "1.0", "TRACK.LMT.IOU_GUIDE.FALLBACK", fallback)
        made.init(frame(60, 40), (60, 40, 40, 40))
        scores[fallback] = made.locate(frame(60, 40), made.search_region()).target_score
    assert scores["False"] == -5.0 < scores["True"]


def test_one_frame_and_starting_again() -> None:
    made = tracker()
    made.init(frame(60, 40), (60, 40, 40, 40))
    first = made.track(frame(62, 41))
    made.init(frame(20, 20), (20, 20, 40, 40))
    made.init(frame(60, 40), (60, 40, 40, 40))
    assert made.track(frame(62, 41)).box == first.box


def test_a_first_box_over_the_border_is_reported_as_given() -> None:
    made = tracker()
    made.init(frame(60, 40), (-20.0, 60.0, 50.0, 40.0))
    assert made.reported_xywh == (-20.0, 60.0, 50.0, 40.0) and made.box_xywh == (0.0, 60.0, 30.0, 40.0)


def test_damaged_rates_stop_the_first_frame() -> None:
    made = tracker(rate=math.nan)
    with pytest.raises(SotError, match=r"not finite.*rates"):
        made.init(frame(60, 40), (60, 40, 40, 40))


def test_parameters_and_bad_ones() -> None:
    params = params_from_config(load_config("lmt_vggm_otb"), LmtParams)
    assert params == LmtParams() and params.guide.thresh == 0.5 and params.bbreg.alpha == 1000
    for opts, message in (
        (["TRACK.LMT.FEATURES", "both"], r"FEATURES is 'both'; expected shared or crops"),
        (["TRACK.LMT.INIT", "sgd"], r"INIT is 'sgd'"),
        (["TRACK.LMT.TOPK", "0"], r"TOPK is 0; expected 1 or more"),
    ):
        with pytest.raises(ConfigError, match=message):
            params_from_config(load_config("lmt_tiny", opts), LmtParams)
    with pytest.raises(ConfigError, match=r"SiamRPNTracker.*LMT.*LMTTracker"):
        load_config("lmt_tiny", ["TRACK.TYPE", "SiamRPNTracker"])


def seconds(work: Callable[[], None]) -> float:
    """CPU time, which other programs do not lengthen much."""
    began = time.process_time()
    work()
    return time.process_time() - began


def test_the_first_frame_takes_less_than_a_tenth_of_mdnets() -> None:
    """Boxes, features, learning and regression of both; MDNet draws 5,500 boxes and takes 50 steps."""
    image, box = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8), (120, 90, 60, 50)
    times = {}
    for init in ("meta", "mdnet"):
        made = load_tracker(config="lmt_tiny", snapshot="lmt_tiny", device="cpu", opts=["TRACK.LMT.INIT", init])
        made.init(image, box)
        times[init] = min(seconds(lambda made=made: made.init(image, box)) for _ in range(2))  # type: ignore[misc]
    assert times["meta"] < times["mdnet"] / 10, times
