"""Boxes, scores and polygons, frame by frame, against what the reference implementations recorded."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import pysot
from pysot.config.loading import load_config
from pysot.models.builder import build_model
from pysot.models.inference import prepare_for_inference
from pysot.tracker.builder import build_tracker
from tests.golden import recorded
from tests.golden.recipe import BAG_BOX, bag_frames, fill_weights_by_hash, golden_model, hash_uniform

PIXELS, SCORE = 5e-3, 1e-4
CPU = torch.device("cpu")


@pytest.mark.parametrize("name", ["siamrpn_alex_dwxcorr", "siamrpn_r50_l234_dwxcorr", "siammask_r50_l3"])
def test_recorded_track(shared: Path, name: str) -> None:
    cfg = load_config(name)
    model = prepare_for_inference(golden_model(name, build_model(cfg)), CPU)
    tracker = build_tracker(cfg, model)
    recorded = json.loads((shared / "golden" / f"{name}_track.json").read_text())["track"]
    if name == "siamrpn_r50_l234_dwxcorr":
        recorded = recorded[:8]  # a second per frame
    frames = bag_frames(shared, len(recorded) + 1)
    tracker.init(frames[0], BAG_BOX)
    for frame, expected in zip(frames[1:], recorded, strict=True):
        result = tracker.track(frame)
        assert result["bbox"] == pytest.approx(expected["bbox"], abs=PIXELS)
        assert result["best_score"] == pytest.approx(expected["best_score"], abs=SCORE)
        if "polygon" in expected:
            assert same_quadrilateral(result["polygon"], expected["polygon"])
            assert result["mask"].sum() == pytest.approx(expected["mask_sum"], rel=1e-4)


def same_quadrilateral(found: np.ndarray, expected: list[float]) -> bool:
    """Equal corners, whichever of them comes first."""
    corners, wanted = np.reshape(found, (4, 2)), np.reshape(expected, (4, 2))
    return any(np.abs(np.roll(corners, k, axis=0) - wanted).max() < 1e-2 for k in range(4))


@pytest.mark.parametrize(
    ("version", "sequence"), [(1, "Skiing"), (1, "bag"), (2, "Skiing_no1based_shift"), (2, "bag"), (2, "Skiing")]
)
def test_nanotrack_with_real_weights(
    shared: Path, monkeypatch: pytest.MonkeyPatch, version: int, sequence: str
) -> None:
    monkeypatch.setenv("PYSOT_ZOO", str(shared / "data" / "weights"))
    recorded = json.loads((shared / "golden" / f"nanotrackv{version}_track.json").read_text())[sequence]
    if sequence == "bag":
        frames = bag_frames(shared, 196)
    else:
        folder = shared / "data" / "sequences_otb" / "Skiing" / "img"
        frames = [np.asarray(cv2.imread(str(path)), np.uint8) for path in sorted(folder.glob("*.jpg"))]
    tracker = pysot.load_tracker(f"nanotrack_v{version}", device="cpu")
    tracker.init(frames[0], recorded["init"])
    for index in range(1, len(frames)):
        result = tracker.track(frames[index])
        assert result.box == pytest.approx(recorded["bbox"][index], abs=PIXELS)
        assert result.score == pytest.approx(recorded["score"][index], abs=SCORE)


def test_nanotrack_v3_with_real_weights(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSOT_ZOO", str(shared / "data" / "weights"))
    expected = {  # docs/systems/nanotrack.md, Check values
        1: (264.754, 119.420, 141.769, 134.974),
        2: (257.670, 110.092, 134.238, 137.286),
        20: (247.051, 100.304, 79.056, 125.751),
        195: (131.214, 101.334, 177.423, 165.100),
    }
    frames = bag_frames(shared, 196)
    tracker = pysot.load_tracker("nanotrack_v3", device="cpu")
    tracker.init(frames[0], BAG_BOX)
    for index in range(1, len(frames)):
        result = tracker.track(frames[index])
        if index in expected:
            assert result.box == pytest.approx(expected[index], abs=PIXELS)


def test_second_independent_reference() -> None:
    golden = recorded("second_reference.json")["siamrpn_alex_dwxcorr"]["tracker"]
    frames = [
        np.floor(256 * hash_uniform(240 * 320 * 3, phase)).astype(np.uint8).reshape(240, 320, 3)
        for phase in (10, 11, 12)
    ]
    cfg = load_config("siamrpn_alex_dwxcorr")
    model = build_model(cfg)
    fill_weights_by_hash(model, golden["head3_factor"])
    tracker = build_tracker(cfg, prepare_for_inference(model, CPU))
    tracker.init(frames[0], golden["init"])
    for frame, expected in zip(frames[1:], golden["frames"], strict=True):
        result = tracker.track(frame)
        assert result.box == pytest.approx(expected["bbox"], abs=1)
        assert result.score == pytest.approx(expected["score"], abs=0.01)
