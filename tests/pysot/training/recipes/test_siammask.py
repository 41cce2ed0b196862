"""SiamMask's two runs: what each learns, what each leaves alone, and that a cell's mask means the same in training and
in tracking."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from yacs.config import CfgNode

from pysot.config.loading import load_config
from pysot.core.crop import get_subwindow
from pysot.core.errors import ConfigError
from pysot.datasets.builder import build_training_data
from pysot.datasets.targets import AnchorTargets
from pysot.models.meta_arch.siamese import MaskFeatures, SiamMask
from pysot.tracker.base import SearchRegion
from pysot.tracker.builder import build_tracker
from pysot.tracker.siamese import SiameseCandidate
from pysot.tracker.siammask import SiamMaskTracker
from pysot.training.builder import build_recipe
from pysot.training.losses import Mean, mask_cells, mask_windows
from pysot.training.optim import build_optimizer
from pysot.training.recipes import siamese
from pysot.training.recipes.base import BackbonePlan, Batch
from pysot.training.recipes.siamese import SiamMaskRecipe
from tests.pysot.training.small_mask import LAYERS, small_siammask
from tests.pysot.training.small_run import small_config

WEIGHTS = {"cls": 1.0, "loc": 1.2, "mask": 36.0, "refine": 36.0}
PLAN = BackbonePlan(LAYERS, unfreeze_epoch=1, factor=0.1)
SIDE = 255


def mask_config(videos: Path, run: Path, **overrides: Any) -> CfgNode:
    masks: dict[str, Any] = {"MASK": {"MASK": True}, "REFINE": {"REFINE": True}, "TRACK": {"TYPE": "SiamMaskTracker"}}
    masks |= {"BACKBONE__TYPE": "resnet18", "BACKBONE__KWARGS": {"used_layers": [0, 1, 2, 3]}}  # as `small_siammask`
    masks["ADJUST__KWARGS"] = {"out_channels": [16]}
    return load_config(small_config(videos, run, **{**masks, "DATASET__NEG": 0.0, **overrides}))


@pytest.fixture
def batch(videos: Path, tmp_path: Path) -> Batch:
    """Two pairs of drawn images, one with a mask."""
    pairs = build_training_data(mask_config(videos, tmp_path))
    made: Batch = torch.utils.data.default_collate([pairs[0], pairs[1]])
    made["has_mask"][1] = False
    return made


@pytest.fixture
def model() -> SiamMask:
    torch.manual_seed(0)
    return small_siammask()


def value(part: Mean) -> Tensor:
    return part.value()


def learn(recipe: SiamMaskRecipe, batch: Batch, stage: int, steps: int, rate: float) -> list[dict[str, float]]:
    """The losses of every step on one batch."""
    optimizer = build_optimizer("adam", recipe.enter(stage), rate, 0.9, 1e-4)
    rows = []
    for _ in range(steps):
        optimizer.zero_grad()
        losses = recipe.losses(batch, value)
        recipe.total(losses).backward()
        optimizer.step()
        rows.append({name: loss.item() for name, loss in losses.items()})
    return rows


def changed(model: SiamMask, before: dict[str, Tensor]) -> set[str]:
    """The parts of `model` in which any weight or statistic is another than `before`."""
    return {key.split(".")[0] for key, now in model.state_dict().items() if not torch.equal(now, before[key])}


def state(model: SiamMask) -> dict[str, Tensor]:
    return {key: now.clone() for key, now in model.state_dict().items()}


def test_first_run_learns_all_but_the_refinement(model: SiamMask, batch: Batch) -> None:
    recipe, before = SiamMaskRecipe(model, WEIGHTS, PLAN), state(model)
    rows = learn(recipe, batch, stage=0, steps=8, rate=5e-3)
    assert rows[0].keys() == {"cls", "loc", "mask"}
    assert rows[-1]["mask"] < 0.8 * rows[0]["mask"], rows
    assert changed(model, before) == {"neck", "rpn_head", "mask_head"}
    learn(recipe, batch, stage=1, steps=1, rate=1e-3)
    assert changed(model, before) == {"backbone", "neck", "rpn_head", "mask_head"}
    assert [recipe.stage(epoch) for epoch in range(3)] == [0, 1, 1]


def test_refinement_run_leaves_everything_else_bit_equal(model: SiamMask, batch: Batch) -> None:
    """Also the batch norms' statistics and counters."""
    recipe, before = SiamMaskRecipe(model, WEIGHTS, PLAN, refine_only=True), state(model)
    rows = learn(recipe, batch, stage=0, steps=5, rate=1e-2)
    assert rows[0].keys() == {"refine"} and rows[-1]["refine"] < 0.7 * rows[0]["refine"], rows
    assert changed(model, before) == {"refine_head"}
    assert {recipe.stage(epoch) for epoch in range(3)} == {0}
    assert [(group.name, group.factor) for group in recipe.enter(0)] == [("refine_head", 1.0)]


def test_only_samples_with_masks_teach_masks(model: SiamMask, batch: Batch) -> None:
    """A damaged mask of a sample that has none changes nothing; without any mask the loss is 0, not NaN."""
    recipe = SiamMaskRecipe(model, WEIGHTS, PLAN)
    recipe.enter(0)
    first = recipe.losses(batch, value)["mask"]
    batch["mask"][1] = ~batch["mask"][1]
    torch.testing.assert_close(recipe.losses(batch, value)["mask"], first)
    batch["has_mask"][:] = False
    for refine_only, name in ((False, "mask"), (True, "refine")):
        recipe = SiamMaskRecipe(model, WEIGHTS, PLAN, refine_only=refine_only)
        groups = recipe.enter(0)
        loss = recipe.losses(batch, value)[name]
        loss.backward()
        assert loss.item() == 0
        assert not any(p.grad.any() for group in groups for p in group.parameters if p.grad is not None)


def test_a_warning_when_nothing_has_a_mask(
    model: SiamMask, batch: Batch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(siamese, "PATIENCE", 2)
    recipe = SiamMaskRecipe(model, WEIGHTS, PLAN)
    batch["has_mask"][:] = False
    with caplog.at_level(logging.WARNING), torch.no_grad():
        for _ in range(4):
            recipe.losses(batch, value)
    assert caplog.text.count("None of the first 2 batches had a mask") == 1


def test_chosen_cells_are_those_of_the_whole_map(model: SiamMask, batch: Batch) -> None:
    cells = torch.tensor([[0, 0, 0], [1, 12, 7], [0, 24, 24], [1, 3, 24]])
    with torch.no_grad():
        model.eval().double()
        _, features = model.forward_with_mask(batch["template"].double(), batch["search"].double())
        number, row, column = cells.unbind(1)
        torch.testing.assert_close(model.mask_cells(features, cells), model.mask(features)[number, :, row, column])
        refined = model.refine_cells(features, cells)
        for (b, r, c), logits in zip(cells.tolist(), refined, strict=True):
            torch.testing.assert_close(model.refine(features, (r, c))[b], logits)


def drawn_object(center_xy: tuple[float, float], radius: float) -> NDArray[np.bool_]:
    """(240, 320) a shape that looks different from every side."""
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    reach = radius * (0.75 + 0.25 * np.sin(angles) * np.cos(2 * angles + 1))
    points = np.stack([center_xy[0] + reach * np.cos(angles), center_xy[1] + 0.7 * reach * np.sin(angles)], axis=1)
    canvas = np.zeros((240, 320), np.uint8)
    cv2.fillPoly(canvas, [points.round().astype(np.int32)], 1)
    return canvas > 0


def iou(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    return float((first & second).sum() / (first | second).sum())


@pytest.mark.parametrize("side", [200, 255, 331])
def test_a_cell_means_the_same_in_training_and_tracking(
    side: int, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window that training wants of a cell, pasted back by the tracker for that cell, is the object again."""
    cfg = mask_config(videos, tmp_path)
    center, object_mask = (150.0, 120.0), drawn_object((163.0, 108.0), radius=side / 6)
    whole = np.repeat(object_mask[..., None], 3, axis=2).astype(np.uint8) * 255
    view = get_subwindow(whole, center, SIDE, side, np.zeros(3))[..., 0] > 127
    rows, columns = np.nonzero(view)
    box_xyxy = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], dtype=np.float64)
    label = torch.from_numpy(AnchorTargets.from_config(cfg)(box_xyxy, False, np.random.default_rng(0))["label_cls"])
    cells = mask_cells(label[None], torch.tensor([True]))
    assert len(cells) >= 3
    windows = mask_windows(torch.from_numpy(view)[None], cells)

    model = small_siammask().eval()
    tracker = build_tracker(cfg, model)
    assert isinstance(tracker, SiamMaskTracker)
    region = SearchRegion(center, (60.0, 40.0), SIDE)
    for (_, row, column), window in zip(cells.tolist(), windows, strict=True):
        monkeypatch.setattr(model, "refine", lambda features, cell, window=window: window[None] * 20)
        overlaps = []
        for moved in (0, 1):  # the same window, taken for the neighbor's, must not fit
            candidate = SiameseCandidate(
                box_cxcywh=(0.0, 0.0, 0.0, 0.0),
                score=1.0,
                region=region,
                penalty=1.0,
                index=2 * 625 + row * 25 + column + moved,
                crop_side=side,
                features=MaskFeatures(torch.zeros(1, 1, 25, 25), []),
            )
            overlaps.append(iou(tracker._mask_in_image(candidate, (240, 320)) > 0.5, object_mask))
        assert overlaps[0] > 0.95 and overlaps[1] < 0.85, (row, column, overlaps)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"TRAIN__PARTS": "mask"}, "TRAIN.PARTS is 'mask'; expected all or refine"),
        ({"TRAIN__PARTS": "refine"}, "TRAIN.PRETRAINED is empty"),
        ({"TRAIN__PARTS": "refine", "REFINE__REFINE": False, "TRACK__TYPE": "SiamRPNTracker"}, "needs a SiamMask"),
        ({"TRAIN__DISTILL": {"TEACHER": "nanotrack_v3"}}, "does not learn from a teacher"),
    ],
)
def test_what_cannot_be_trained_is_said_at_the_start(
    overrides: dict[str, Any], message: str, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pysot.training.builder.build_model", lambda cfg: small_siammask())
    cfg = mask_config(videos, tmp_path, BACKBONE__TRAIN_LAYERS=list(LAYERS), BACKBONE__TRAIN_EPOCH=0, **overrides)
    with pytest.raises(ConfigError, match=message):
        build_recipe(cfg, torch.device("cpu"))


def test_refinement_run_needs_a_refinement() -> None:
    with pytest.raises(ConfigError, match=r"Set REFINE\.REFINE True"):
        SiamMaskRecipe(small_siammask(refine=False), WEIGHTS, PLAN, refine_only=True)
