"""The losses of siamese training (docs/systems/siamrpn.md, Losses; docs/systems/siammask.md, Training;
docs/systems/nanotrack.md, Training).

Each loss is returned as a sum and the count that makes it a mean, so that several processes can divide by their
common count. Half-precision inputs are widened to float32.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Mean:
    """A mean, not yet divided: scalars `total` and `count`."""

    total: Tensor
    count: Tensor

    @classmethod
    def of(cls, values: Tensor) -> Mean:
        """The mean over all elements."""
        return cls(values.sum(), values.new_tensor(values.numel()))

    def value(self) -> Tensor:
        """total / count; 0 where there is nothing to average."""
        return self.total / self.count.clamp(min=1)


class ClassLoss(NamedTuple):
    """Cross-entropy of the cells labeled target and of those labeled background."""

    positive: Mean
    negative: Mean


def anchor_cls_loss(cls: Tensor, label: Tensor, hardest: float = 1.0) -> ClassLoss:
    """Cross-entropy over background and target. PySOT minimizes half the mean of each.

    Args:
        cls: (B, 2k, S, S) logits, all k background channels first.
        label: (B, k, S, S) 1 target, 0 background, -1 without influence.
        hardest: share of the background cells, those with the greatest loss in the batch, that count. Below 1 the few
            places that look like the target are not drowned by thousands that do not (Shrivastava et al., Training
            Region-based Object Detectors with Online Hard Example Mining, CVPR 2016).
    """
    background, target = _wide(cls).chunk(2, dim=1)
    margin = target - background  # logsigmoid of it is log_softmax over the two
    positive, negative = -F.logsigmoid(margin), -F.logsigmoid(-margin)
    if hardest >= 1:
        return ClassLoss(_masked(positive, label == 1), _masked(negative, label == 0))
    candidates = negative[label == 0]
    kept = candidates.topk(math.ceil(hardest * len(candidates)), sorted=False).values
    return ClassLoss(_masked(positive, label == 1), Mean.of(kept))


def anchor_loc_loss(loc: Tensor, label: Tensor, weight: Tensor) -> Mean:
    """Weighted L1 distance of the deltas, a mean over the batch (also over its negative pairs, which have weight 0).

    Args:
        loc: (B, 4k, S, S) predicted deltas, coordinate-major.
        label: (B, 4, k, S, S) wanted deltas.
        weight: (B, k, S, S).
    """
    distance = (_wide(loc).view_as(label) - label).abs().sum(dim=1)
    total = (distance * weight).sum()
    return Mean(total, total.new_tensor(len(loc)))


def point_cls_loss(cls: Tensor, label: Tensor, hardest: float = 1.0) -> ClassLoss:
    """`anchor_cls_loss` for one cell per place: cls (B, 2, S, S), label (B, S, S)."""
    return anchor_cls_loss(cls, label[:, None], hardest)


def point_loc_loss(loc: Tensor, label_cls: Tensor, label: Tensor) -> Mean:
    """1 - (I + 1) / (U + 1) of predicted and wanted boxes, a mean over the cells labeled target ("linear IoU").

    Args:
        loc: (B, 4, S, S) predicted positive distances left, top, right, bottom, search pixels.
        label_cls: (B, S, S) 1 where a box is wanted.
        label: (B, 4, S, S) wanted distances.
    """
    wanted = label_cls == 1
    first, second = _wide(loc).movedim(1, -1)[wanted], label.movedim(1, -1)[wanted]
    shared = torch.minimum(first, second)
    intersection = _area(shared)
    union = _area(first) + _area(second) - intersection
    return Mean.of(1 - (intersection + 1) / (union + 1))


def mask_cells(label_cls: Tensor, has_mask: Tensor) -> Tensor:
    """(N, 3) int64 batch index, row and column of the cells that learn a mask: those with a target anchor.

    Args:
        label_cls: (B, k, S, S) labels of the anchors.
        has_mask: (B,) bool, False where the sample has no mask.
    """
    return ((label_cls == 1).any(dim=1) & has_mask[:, None, None]).nonzero()


def mask_windows(mask: Tensor, cells: Tensor, window: int = 127, stride: int = 8, padding: int = 32) -> Tensor:
    """The part of the mask that each cell answers for.

    Args:
        mask: (B, X, X) bool, the object in the search view.
        cells: (N, 3) from `mask_cells`.
        window, stride, padding: cell (row, column) sees rows row * stride - padding onwards, `window` of them.

    Returns:
        (N, window, window) float32: 1 on the object, -1 beside it, 0 outside of the view.
    """
    signed = F.pad(mask.to(torch.int8) * 2 - 1, [padding] * 4)
    views = signed.unfold(1, window, stride).unfold(2, window, stride)  # no copy until cells are picked
    batch, row, column = cells.unbind(dim=1)
    return views[batch, row, column].float()


def mask_loss(logits: Tensor, windows: Tensor) -> Mean:
    """SiamMask's loss of the coarse masks: enlarged to the windows' size, then `refined_mask_loss`.

    Args:
        logits: (N, M * M) of an M x M mask for each of the cells from `mask_cells`.
        windows: (N, W, W) from `mask_windows`.
    """
    side = round(logits.shape[1] ** 0.5)
    # corners on corners, as SiamMask enlarges them
    enlarged = F.interpolate(
        _wide(logits).reshape(-1, 1, side, side), size=windows.shape[-2:], mode="bilinear", align_corners=True
    )
    return refined_mask_loss(enlarged[:, 0], windows)


def refined_mask_loss(logits: Tensor, windows: Tensor) -> Mean:
    """Soft margin loss log(1 + exp(-y x)), a mean over the pixels of all windows.

    Pixels outside of the view (y = 0) count with the constant log 2, as in SiamMask's own training.

    Args:
        logits: (N, W, W).
        windows: (N, W, W) from `mask_windows`.
    """
    return Mean.of(-F.logsigmoid(_wide(logits) * windows))


def _masked(losses: Tensor, chosen: Tensor) -> Mean:
    weight = chosen.to(losses.dtype)
    return Mean((losses * weight).sum(), weight.sum())


def _area(reach: Tensor) -> Tensor:
    """Area of boxes given as distances left, top, right, bottom of a point inside."""
    left, top, right, bottom = reach.unbind(dim=-1)
    return (left + right) * (top + bottom)


def _wide(x: Tensor) -> Tensor:
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
