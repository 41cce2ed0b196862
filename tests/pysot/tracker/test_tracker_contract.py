"""What every tracker promises: checked input, `locate` without side effects, the same boxes for the same frames."""

from __future__ import annotations

import pickle
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pysot.config.loading import load_config
from pysot.core.anchors import ResponseGrid, anchor_grid, anchor_sizes, point_grid
from pysot.core.errors import BadBoxError, ConfigError, DeviceError, ImageError, SotError
from pysot.models.builder import build_model
from pysot.models.inference import prepare_for_inference
from pysot.tracker.base import State, Tracker, TrackResult
from pysot.tracker.builder import build_tracker, device_for, load_tracker
from pysot.tracker.siamese import SiameseCandidate, change_penalty, clip_state, cosine_window
from pysot.tracker.siammask import rotated_box
from pysot.tracker.siamrpn import SiamRPNLTTracker
from tests.golden.recipe import fill_weights_by_hash

SMALL = {  # one small network per tracker class
    "SiamRPNTracker": ("siamrpn_alex_dwxcorr", ["BACKBONE.KWARGS.width_mult", "0.25", "RPN.KWARGS.in_channels", "64"]),
    "SiamRPNLTTracker": (
        "siamrpn_alex_dwxcorr",
        ["BACKBONE.KWARGS.width_mult", "0.25", "RPN.KWARGS.in_channels", "64", "TRACK.TYPE", "SiamRPNLTTracker"],
    ),
    "SiamMaskTracker": ("siammask_r50_l3", []),
    "NanoTracker": ("nanotrack_v2", []),
    "TADTTracker": ("tadt_tiny", []),
    "ATOMTracker": ("atom_tiny", ["TRACK.ONLINE.IMAGE_SAMPLE_SIZE", "128", "TRACK.ONLINE.INIT_CG_ITER", "12"]),
    "DiMPTracker": ("dimp_tiny", ["TRACK.ONLINE.IMAGE_SAMPLE_SIZE", "128"]),
    "LMTTracker": ("lmt_tiny", ["TRACK.LMT.BBREG.NUM", "50", "TRACK.LMT.ITER_UPDATE", "2"]),
}
FRAME = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
NEXT = np.roll(FRAME, 4, axis=1)
BOX = (60.0, 40.0, 30.0, 24.0)


def make(kind: str) -> Tracker:
    name, opts = SMALL[kind]
    cfg = load_config(name, opts)
    model = build_model(cfg)
    fill_weights_by_hash(model, 1e-4)
    return build_tracker(cfg, prepare_for_inference(model, torch.device("cpu")))


@pytest.fixture(scope="module", params=SMALL)
def tracker(request: pytest.FixtureRequest) -> Tracker:
    return make(request.param)


def state_of(tracker: Tracker) -> bytes:
    return pickle.dumps({k: v for k, v in vars(tracker).items() if k not in ("model", "decoder", "kernels")})


@pytest.mark.parametrize(
    "kind", ["SiamRPNTracker", "SiamRPNLTTracker", "SiamMaskTracker", "NanoTracker", "TADTTracker"]
)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_outputs_that_stop_being_finite_are_named(kind: str, value: float) -> None:
    tracker = make(kind)
    tracker.init(FRAME, BOX)
    tracker.track(NEXT)
    with torch.inference_mode():
        for weight in tracker.model.parameters():
            weight.fill_(value)
    with pytest.raises(SotError, match=rf"are not finite.*{type(tracker.model).__name__}.*another snapshot"):
        tracker.track(NEXT)
    with pytest.raises(SotError, match=r"first frame.* not finite"):
        tracker.init(FRAME, BOX)


def test_locate_changes_nothing_and_commit_answers(tracker: Tracker) -> None:
    tracker.init(FRAME, BOX)
    before = state_of(tracker)
    candidate = tracker.locate(NEXT, tracker.search_region())
    elsewhere = tracker.locate(NEXT, replace(tracker.search_region(), center_xy=(20.0, 20.0)))
    after = state_of(tracker)
    assert before == after
    assert elsewhere.region.center_xy == (20.0, 20.0)
    result = tracker.commit(NEXT, candidate)
    assert 0 <= result.score <= 1 and all(np.isfinite(result.box)) and result.box[2] >= 1
    assert result.score == candidate.score


def test_same_frames_give_the_same_boxes(tracker: Tracker) -> None:
    def run() -> list[tuple[float, ...]]:
        tracker.init(FRAME, BOX)
        return [tracker.track(frame).box for frame in (NEXT, FRAME, NEXT)]

    assert run() == run()


def test_two_trackers_share_one_model(tracker: Tracker) -> None:
    other = type(tracker)(tracker.model, tracker.params)
    tracker.init(FRAME, BOX)
    alone = [tracker.track(NEXT).box, tracker.track(FRAME).box]
    tracker.init(FRAME, BOX)
    other.init(NEXT, (10, 10, 40, 40))
    mixed = []
    for frame in (NEXT, FRAME):
        mixed.append(tracker.track(frame).box)
        other.track(frame)
    assert mixed == alone


def test_resolution_may_change_inside_a_sequence(tracker: Tracker) -> None:
    tracker.init(FRAME, BOX)
    result = tracker.track(np.ascontiguousarray(FRAME[:50, :60]))
    x, y, width, height = result.box
    assert width <= 60 and height <= 50 and -30 <= x <= 60 and -25 <= y <= 50


def test_nothing_black_is_nan(tracker: Tracker) -> None:
    black = np.zeros_like(FRAME)
    tracker.init(black, BOX)
    assert all(np.isfinite(tracker.track(black).box))


@pytest.mark.parametrize("box", [(-20, -20, 25, 25), (150, 110, 40, 40), (-50, -50, 400, 400), (10, 10, 0.5, 2)])
def test_boxes_at_and_over_the_border(tracker: Tracker, box: tuple[float, ...]) -> None:
    tracker.init(FRAME, box)
    assert all(np.isfinite(tracker.track(NEXT).box))


def test_a_crop_takes_no_more_memory_for_a_target_that_fills_a_4k_frame(tracker: Tracker) -> None:
    """Time goes with it (docs/performance.md), but cannot be measured while other tests run."""
    frame = FRAME.repeat(18, axis=0).repeat(24, axis=1)
    height, width = frame.shape[:2]
    tracker.init(frame, (0.02 * width, 0.02 * height, 0.95 * width, 0.95 * height))
    tracemalloc.start()
    tracker.locate(frame, tracker.search_region())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24 * 2**20, f"{peak / 2**20:.0f} MiB"


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (FRAME[..., 0], r"shape \(120, 160\).*COLOR_GRAY2BGR"),
        (FRAME[..., :1], "COLOR_GRAY2BGR"),
        (np.dstack([FRAME, FRAME[..., 0]]), "alpha"),
        (FRAME.astype(np.uint16), "type uint16.*16 bits"),
        (FRAME / 255.0, "type float64"),
        (None, "NoneType.*cv2.imread returns None"),
        (np.zeros((0, 5, 3), np.uint8), "no pixels"),
    ],
)
def test_images_that_are_none(tracker: Tracker, image: object, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        tracker.init(image, BOX)  # type: ignore[arg-type]
    tracker.init(FRAME, BOX)
    with pytest.raises(ImageError, match=message):
        tracker.track(image)  # type: ignore[arg-type]
    assert tracker.track(NEXT).box


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((1, 2, float("nan"), 4), "not finite"),
        ((1, 2, float("inf"), 4), "not finite"),
        ((10, 10, 0, 5), "no area"),
        ((10, 10, 5, -5), "no area"),
        ((160, 10, 5, 5), "outside the image of 160 x 120"),
        ((-30, 10, 30, 5), "outside the image"),
        ((-5e5, -5e5, 1e6, 1e6), "more than 10 times as large as the image of 160 x 120"),
        ((0.1, 0.2, 1, 1e30), "more than 10 times"),
        ((0.25, 0.5, 0.2, 0.125), "shares of the image. Multiply x and width by 160, y and height by 120"),
        ((0, 0, 1, 1), "shares of the image"),
        ((1, 2, 3), "expected four numbers"),
        ("1,2,3,4", "expected four numbers"),
    ],
)
def test_boxes_that_cannot_be_tracked(box: object, message: str) -> None:
    tracker = make("SiamRPNTracker")
    with pytest.raises(BadBoxError, match=message):
        tracker.init(FRAME, box)  # type: ignore[arg-type]
    with pytest.raises(SotError, match="before init"):
        tracker.track(FRAME)


def test_result_answers_like_pysots_dictionary() -> None:
    result = TrackResult((1.0, 2.0, 3.0, 4.0), 0.5)
    assert result["bbox"] == [1, 2, 3, 4] and result["best_score"] == 0.5
    assert result.get("polygon") is None and "polygon" not in result and "bbox" in result
    assert result.region == (1, 2, 3, 4) and result.state is State.TRACKED
    with pytest.raises(KeyError):
        result["polygon"]
    turned = replace(result, polygon=np.arange(8.0))
    assert turned.region == tuple(range(8)) and "polygon" in turned


def candidate_with(tracker: SiamRPNLTTracker, score: float) -> SiameseCandidate:
    region = tracker.search_region()
    return SiameseCandidate((80.0, 60.0, 30.0, 24.0), score, region, penalty=1.0, index=0, crop_side=100)


def test_long_term_tracker_loses_stays_and_finds_again() -> None:
    tracker = make("SiamRPNLTTracker")
    assert isinstance(tracker, SiamRPNLTTracker)
    tracker.init(FRAME, BOX)
    start = tracker.center_xy
    lost = tracker.commit(NEXT, candidate_with(tracker, 0.5))
    assert lost.state is State.LOST and tracker.center_xy == start
    assert tracker.search_region().input_size == 831 and tracker.search_region().window_influence == 0.001
    between = tracker.commit(NEXT, candidate_with(tracker, 0.9))
    assert between.state is State.LOST and tracker.center_xy == (80.0, 60.0)
    found = tracker.commit(NEXT, candidate_with(tracker, 0.999))
    assert found.state is State.TRACKED and tracker.search_region().input_size == 287
    tracker.commit(NEXT, candidate_with(tracker, 0.1))
    tracker.init(FRAME, BOX)
    assert not tracker.lost and tracker.search_region().input_size == 287


def test_long_term_search_covers_a_map_of_97_cells() -> None:
    assert anchor_grid(anchor_sizes(8, [0.33, 0.5, 1, 2, 3], [8]), ResponseGrid(97, 8)).shape == (5 * 97 * 97, 4)


def test_anchor_sizes_and_order() -> None:
    sizes = anchor_sizes(8, [0.33, 0.5, 1, 2, 3], [8])
    assert sizes.tolist() == [[104, 32], [88, 40], [64, 64], [40, 80], [32, 96]]
    grid = anchor_grid(sizes, ResponseGrid(21, 8))
    assert len(grid) == 2205
    assert grid[0].tolist() == [-80, -80, 104, 32] and grid[-1].tolist() == [80, 80, 32, 96]
    assert grid[1].tolist() == [-72, -80, 104, 32] and float(np.abs(grid).sum(dtype=np.float64)) == 467040.0


def test_point_grid_is_centerd_where_the_published_models_expect_it() -> None:
    even, odd = point_grid(ResponseGrid(16, 16)), point_grid(ResponseGrid(15, 16))
    assert even[0].tolist() == [-128, -128] and even[-1].tolist() == [112, 112] and even[1].tolist() == [-112, -128]
    assert odd[0].tolist() == [-112, -112] and odd[-1].tolist() == [112, 112]


def test_cosine_window_of_the_reference() -> None:
    assert cosine_window(21).sum() * 5 == pytest.approx(500.0)
    assert cosine_window(25).max() == 1 and cosine_window(25)[0] == 0


sides = st.floats(1, 500)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(sides, sides), min_size=1, max_size=8), sides, sides, st.floats(0, 1))
def test_penalty_is_one_without_change_and_below_otherwise(
    sizes: list[tuple[float, float]], width: float, height: float, strength: float
) -> None:
    boxes = np.array([(0.0, 0.0, width, height), *((0.0, 0.0, w, h) for w, h in sizes)])
    penalty = change_penalty(boxes, (width, height), strength)
    assert penalty[0] == pytest.approx(1)
    assert ((penalty > 0) | (penalty == 0)).all() and (penalty <= 1 + 1e-9).all()


@given(st.tuples(*[st.floats(-1e4, 1e4)] * 4))
def test_clipped_state_is_inside_the_image(box: tuple[float, float, float, float]) -> None:
    (x, y), (width, height) = clip_state(box, FRAME)
    assert 0 <= x <= 160 and 0 <= y <= 120 and 10 <= width <= 160 and 10 <= height <= 120


def test_rotated_box_follows_the_largest_blob() -> None:
    bits: NDArray[np.bool_] = np.zeros((60, 80), bool)
    bits[10:31, 20:61] = True
    bits[50:52, 5:8] = True
    corners = rotated_box(bits, (0, 0, 1, 1)).reshape(4, 2)
    assert corners.min(0).tolist() == [20, 10] and corners.max(0).tolist() == [60, 30]
    assert rotated_box(np.zeros((60, 80), bool), (1, 2, 3, 4)).tolist() == [1, 2, 4, 2, 4, 6, 1, 6]


def test_load_tracker_wants_one_source() -> None:
    with pytest.raises(ConfigError, match="both a name"):
        load_tracker("nanotrack_v2", config="nanotrack_v1")
    with pytest.raises(ConfigError, match="without a snapshot"):
        load_tracker(config=load_config("nanotrack_v2"))


def test_cuda_false_means_the_cpu_where_no_device_is_named() -> None:
    cfg = load_config("siamrpn_tiny", ["CUDA", "False"])
    assert device_for(cfg, "auto").type == "cpu"
    with pytest.raises(DeviceError):
        device_for(cfg, "gpu")


def test_a_refined_mask_of_another_size_than_the_configs_is_named() -> None:
    cfg = load_config("siammask_r50_l3", ["TRACK.MASK_OUTPUT_SIZE", "64"])
    tracker = build_tracker(cfg, build_model(cfg).eval())
    tracker.init(np.zeros((120, 160, 3), np.uint8), (60, 40, 30, 30))
    with pytest.raises(ConfigError, match=r"TRACK\.MASK_OUTPUT_SIZE is 64.*127 x 127"):
        tracker.track(np.zeros((120, 160, 3), np.uint8))
