"""Losses against recorded values and plain formulas; gradients; batches without a target."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pysot.datasets.targets import AnchorTargets
from pysot.models.head.mask import at_cells
from pysot.training.losses import (
    Mean,
    anchor_cls_loss,
    anchor_loc_loss,
    mask_cells,
    mask_loss,
    mask_windows,
    point_cls_loss,
    point_loc_loss,
    refined_mask_loss,
)
from tests.golden import recorded


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.RandomState(seed).standard_normal(shape))


def labels(*shape: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.RandomState(seed).randint(-1, 2, shape))


def half_each(cls: Tensor, label: Tensor) -> Tensor:
    positive, negative = anchor_cls_loss(cls, label)
    return 0.5 * positive.value() + 0.5 * negative.value()


def test_anchor_losses_equal_pysots() -> None:
    facts = recorded("pysot_units.json")
    arrays = recorded("pysot_units.npz")
    logits = normal(2, 5, 25, 25, 2, seed=1).movedim(-1, 1).reshape(2, 10, 25, 25)
    label = torch.from_numpy(np.stack([arrays["at0_cls"], arrays["at2_cls"]]))
    assert float(half_each(logits.float(), label)) == pytest.approx(facts["cls_loss"], rel=1e-5)
    delta = AnchorTargets()(np.array(facts["at0"]["box"]), False, np.random.default_rng(0))["label_loc"]
    weight = np.stack([arrays["at0_w"], np.zeros_like(arrays["at0_w"])])
    loc = normal(2, 20, 25, 25, seed=2).float()
    loss = anchor_loc_loss(loc, torch.from_numpy(np.stack([delta, delta])), torch.from_numpy(weight))
    assert float(loss.value()) == pytest.approx(facts["loc_loss"], rel=1e-5)


def test_cls_loss_is_cross_entropy_of_each_side() -> None:
    logits, label = normal(3, 10, 4, 4), labels(3, 5, 4, 4)
    positive, negative = anchor_cls_loss(logits, label)
    scores = F.log_softmax(logits.view(3, 2, 5, 4, 4), dim=1)
    assert torch.isclose(positive.value(), -scores[:, 1][label == 1].mean())
    assert torch.isclose(negative.value(), -scores[:, 0][label == 0].mean())
    assert int(positive.count) == int((label == 1).sum()) and int(negative.count) == int((label == 0).sum())


def test_point_cls_loss_is_the_same_for_one_cell() -> None:
    logits, label = normal(3, 2, 4, 4), labels(3, 4, 4)
    positive, negative = point_cls_loss(logits, label)
    assert torch.isclose(positive.value(), F.cross_entropy(logits, torch.where(label == 1, 1, -100)))
    assert torch.isclose(negative.value(), F.cross_entropy(logits, torch.where(label == 0, 0, -100)))


def test_point_loc_loss_is_the_linear_iou() -> None:
    """One cell by hand: 10 x 10 predicted around a 10 x 20 box, half of it covered."""
    loc, label = torch.full((1, 4, 2, 2), 5.0), torch.full((1, 4, 2, 2), 5.0)
    label[:, 3] = 15.0
    label_cls = torch.tensor([[[-1, 1], [0, -1]]])
    loss = point_loc_loss(loc, label_cls, label)
    assert float(loss.count) == 1 and float(loss.value()) == pytest.approx(1 - 101 / 201)
    assert float(point_loc_loss(label, label_cls, label).value()) == pytest.approx(0)
    with torch.no_grad():  # other cells have no influence, whatever they hold
        loc[0, :, 0, 0] = math.inf
    assert float(point_loc_loss(loc, label_cls, label).value()) == pytest.approx(1 - 101 / 201)


def unfolded(mask: Tensor) -> Tensor:
    """SiamMask's windows of all cells: (B, S, S, 127, 127)."""
    signed = mask.float()[:, None] * 2 - 1
    return F.unfold(signed, (127, 127), padding=32, stride=8).movedim(1, 2).reshape(len(mask), 25, 25, 127, 127)


def example_masks() -> tuple[Tensor, Tensor]:
    """Two masks, and anchor labels with four cells labeled target."""
    mask = torch.zeros(2, 255, 255, dtype=torch.bool)
    mask[0, 90:160, 100:180] = True
    mask[1, 10:60, 200:250] = True
    label = torch.full((2, 5, 25, 25), -1)
    label[0, 0, 12, 13] = label[0, 3, 12, 13] = label[0, 2, 11, 12] = label[1, 1, 2, 22] = label[1, 4, 24, 0] = 1
    label[0, 1, 5, 5] = 0
    return mask, label


def test_mask_loss_is_siammasks() -> None:
    mask, label = example_masks()
    maps = normal(2, 63 * 63, 25, 25).float()
    cells = mask_cells(label, torch.tensor([True, True]))
    assert cells.tolist() == [[0, 11, 12], [0, 12, 13], [1, 2, 22], [1, 24, 0]]
    windows = mask_windows(mask, cells)
    batch, row, column = cells.unbind(1)
    wanted = unfolded(mask)[batch, row, column]
    torch.testing.assert_close(windows, wanted)
    assert set(windows.unique().tolist()) == {-1, 0, 1}
    logits = maps[batch, :, row, column].view(-1, 1, 63, 63)
    logits = F.interpolate(logits, size=(127, 127), mode="bilinear", align_corners=True)[:, 0]
    expected = F.soft_margin_loss(logits, wanted)
    assert torch.isclose(mask_loss(maps[batch, :, row, column], windows).value(), expected)
    assert torch.isclose(refined_mask_loss(logits, windows).value(), expected)


def test_mask_window_is_centerd_on_its_anchor() -> None:
    mask = torch.zeros(1, 255, 255, dtype=torch.bool)
    mask[0, 127 + 3 * 8, 127 - 2 * 8] = True
    windows = mask_windows(mask, torch.tensor([[0, 15, 10]]))
    assert (windows == 1).nonzero().tolist() == [[0, 63, 63]]


def test_samples_without_a_mask_learn_none() -> None:
    mask, label = example_masks()
    cells = mask_cells(label, torch.tensor([False, True]))
    assert cells[:, 0].tolist() == [1, 1]
    assert mask_windows(mask, cells).shape == (2, 127, 127)


def test_right_masks_cost_almost_nothing_inside_the_view() -> None:
    mask, label = example_masks()
    cells = mask_cells(label, torch.tensor([True, False]))
    windows = mask_windows(mask, cells)
    assert float(refined_mask_loss(windows * 50, windows).value()) < 1e-6
    assert float(refined_mask_loss(-windows * 50, windows).value()) > 49


def test_gradients() -> None:
    check = torch.autograd.gradcheck
    cls, label = normal(2, 4, 3, 3).requires_grad_(), labels(2, 2, 3, 3)
    assert check(lambda x: half_each(x, label), (cls,))
    loc, delta = normal(2, 8, 3, 3, seed=1).requires_grad_(), normal(2, 4, 2, 3, 3, seed=2)
    weight = (label == 1) / 3.0
    assert check(lambda x: anchor_loc_loss(x, delta, weight).value(), (loc,))
    reach = (normal(2, 4, 3, 3, seed=3).exp() * 8).requires_grad_()
    wanted = normal(2, 4, 3, 3, seed=4).exp() * 8
    assert check(lambda x: point_loc_loss(x, label[:, 0], wanted).value(), (reach,))
    maps = normal(2, 25, 3, 3, seed=5).requires_grad_()
    mask = torch.zeros(2, 25, 25, dtype=torch.bool)
    mask[:, 8:15, 10:20] = True
    cells = mask_cells(label, torch.tensor([True, True]))
    windows = mask_windows(mask, cells, window=11, stride=8, padding=1).double()
    assert check(lambda x: mask_loss(at_cells(x, cells).flatten(1), windows).value(), (maps,))
    refined = normal(len(cells), 11, 11, seed=6).requires_grad_()
    assert check(lambda x: refined_mask_loss(x, windows).value(), (refined,))


def every_mean(scale: float, label: Tensor, dtype: torch.dtype) -> tuple[list[Mean], list[Tensor]]:
    """All losses of two samples with anchor labels (2, 2, 3, 3), and the tensors they were computed from."""
    cls, loc = (normal(2, 4, 3, 3) * scale).to(dtype), (normal(2, 8, 3, 3, seed=1) * scale).to(dtype)
    reach = (normal(2, 4, 3, 3, seed=3) * min(scale, 2)).exp().to(dtype)
    maps = (normal(2, 25, 3, 3, seed=5) * scale).to(dtype)
    inputs = [x.requires_grad_() for x in (cls, loc, reach, maps)]
    cells = mask_cells(label, torch.tensor([True, True]))
    windows = mask_windows(torch.ones(2, 25, 25, dtype=torch.bool), cells, window=11, stride=8, padding=1)
    means = [
        *anchor_cls_loss(cls, label),
        *point_cls_loss(cls[:, :2], label[:, 0]),
        anchor_loc_loss(loc, torch.zeros(2, 4, 2, 3, 3), (label == 1).float()),
        point_loc_loss(reach, label[:, 0], torch.full((2, 4, 3, 3), -5.0)),
        mask_loss(at_cells(maps, cells).flatten(1), windows),
    ]
    return means, inputs


@pytest.mark.parametrize("value", [-1, 0])
def test_without_a_target_losses_and_gradients_are_zero(value: int) -> None:
    means, inputs = every_mean(1.0, torch.full((2, 2, 3, 3), value), torch.float32)
    silent = [mean for mean in means if mean.count.item() == 0]
    assert len(silent) == (6 if value == -1 else 4)
    assert all(mean.value().item() == 0 for mean in silent)
    total = torch.stack([mean.value() for mean in means]).sum()
    total.backward()
    for x in inputs[1:]:
        assert x.grad is not None and not x.grad.any()
    assert inputs[0].grad is not None and bool(inputs[0].grad.any()) == (value == 0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_large_and_half_precision_logits_stay_finite(dtype: torch.dtype, scale: float) -> None:
    means, inputs = every_mean(scale, labels(2, 2, 3, 3), dtype)
    total = torch.stack([mean.value() for mean in means]).sum()
    assert total.dtype == torch.float32 and torch.isfinite(total)
    total.backward()
    assert all(x.grad is not None and torch.isfinite(x.grad).all() for x in inputs)


def test_parts_add_up_to_the_whole_batch() -> None:
    """What several processes with parts of a batch sum up is what one with all of it has."""
    cls, label = normal(4, 10, 5, 5), labels(4, 5, 5, 5)
    loc, delta, reach = normal(4, 20, 5, 5), normal(4, 4, 5, 5, 5), normal(4, 4, 5, 5).exp()
    wanted, weight = normal(4, 4, 5, 5, seed=7).exp(), (label == 1) / 7.0

    def means(part: slice) -> list[Mean]:
        boxes = point_loc_loss(reach[part], label[part, 0], wanted[part])
        return [*anchor_cls_loss(cls[part], label[part]), anchor_loc_loss(loc[part], delta[part], weight[part]), boxes]

    for whole, first, second in zip(means(slice(4)), means(slice(1)), means(slice(1, 4)), strict=True):
        assert torch.isclose(whole.total, first.total + second.total)
        assert whole.count == first.count + second.count


def test_only_the_hardest_background_counts() -> None:
    """Ten background cells of known loss: a fifth of them are the two most target-like."""
    margin = torch.tensor([-9.0, -8, -7, -6, -5, -4, -3, -2, 2, 4]).reshape(1, 1, 2, 5)
    cls = torch.cat([torch.zeros_like(margin), margin], dim=1)
    label = torch.zeros(1, 1, 2, 5, dtype=torch.int64)
    hard = anchor_cls_loss(cls, label, hardest=0.2).negative
    expected = torch.nn.functional.softplus(torch.tensor([2.0, 4.0])).mean()
    torch.testing.assert_close(hard.value(), expected)
    assert hard.count == 2
    assert anchor_cls_loss(cls, label).negative.count == 10
    assert anchor_cls_loss(cls, label - 1, hardest=0.2).negative.value() == 0  # nothing labeled
