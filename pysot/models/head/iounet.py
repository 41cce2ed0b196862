"""The IoU-Net of ATOM: predicts how well boxes fit the target (Danelljan et al., CVPR 2019, section 3.1;
docs/systems/atom.md, Overlap head). Module names are those of the published snapshots.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_linear_bn_weights

from pysot.core.errors import ConfigError
from pysot.core.registry import Registry
from pysot.models.layers.conv import conv_bn
from pysot.models.layers.packed_linear import PackedLinear
from pysot.models.layers.prroi_pool import box_corners, prroi_box_gradient, prroi_pool_boxes
from pysot.models.parts import Delivered

SIDES = (5, 3)
"""Bins of a box along each side, in the two maps."""

MapFunction: TypeAlias = Callable[[Sequence[Tensor]], tuple[Tensor, Tensor]]
"""The backbone's two maps to the two that boxes are pooled from."""


class MapPair(NamedTuple):
    """Where the cells of the two maps look, fine and coarse; see `pysot.models.backbone.FeatureSpec`."""

    strides: tuple[int, int]
    offsets: tuple[float, float]


PUBLISHED = MapPair((8, 16), (0.0, 0.0))


IOU_HEADS: Registry[type[IouNet]] = Registry("overlap head", key="IOU.TYPE")
"""Classes called with `**IOU.KWARGS` and what their `arguments_for` says of the backbone's two maps."""


class LinearBlock(nn.Module):
    """All cells of a pooled box to one vector, batch norm and ReLU: (K, C, side, side) to (K, channels_out)."""

    def __init__(self, channels_in: int, channels_out: int, side: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels_in * side * side, channels_out)
        self.bn = nn.BatchNorm2d(channels_out)

    def forward(self, pooled: Tensor) -> Tensor:
        return torch.relu(self.bn(self.linear(pooled.flatten(1))[..., None, None])).flatten(1)


@IOU_HEADS.register("IouNet")
class IouNet(nn.Module):
    """Overlap of any boxes in a test image with the target of a reference image, about -1 (none) to 1 (perfect).

    Used in three steps, so that each is done as rarely as possible::

        modulation = head.modulation(reference_features, target_box)    # once per target
        iou_features = head.iou_features(test_features)                 # once per image
        iou = head.predict_iou(modulation, iou_features, boxes)         # per step of refinement

    Everything is differentiable, `predict_iou` also in the boxes, and follows the precision of weights and inputs.

    Attributes:
        cells: where the cells of the two maps look.

    Args:
        input_dim: channels of the two backbone maps, a fine and a coarse one.
        pred_input_dim: channels of the maps that `iou_features` makes of them.
        pred_inter_dim: width of the vectors that a pooled box becomes.
        reference_dim: widths of the two maps that the target is pooled from; the second also of its vectors.
        strides, offsets: of the two backbone maps.
    """

    cells = PUBLISHED

    def __init__(
        self,
        input_dim: Sequence[int] = (128, 256),
        pred_input_dim: Sequence[int] = (256, 256),
        pred_inter_dim: Sequence[int] = (256, 256),
        reference_dim: Sequence[int] = (128, 256),
        strides: Sequence[int] = (8, 16),
        offsets: Sequence[float] = (0.0, 0.0),
    ) -> None:
        super().__init__()
        (fine_stride, coarse_stride), (fine_offset, coarse_offset) = strides, offsets
        self.cells = MapPair((fine_stride, coarse_stride), (fine_offset, coarse_offset))
        (fine, coarse), (wide3, wide4), (inter3, inter4) = input_dim, pred_input_dim, pred_inter_dim
        target3, target4 = reference_dim
        conv = partial(conv_bn, kernel=3, padding=1, bias=True, act=nn.ReLU)
        self.conv3_1r = conv(fine, target3)
        self.conv3_1t = conv(fine, wide3)
        self.conv3_2t = conv(wide3, wide3)
        self.fc3_1r = conv(target3, target4, padding=0)
        self.conv4_1r = conv(coarse, target4)
        self.conv4_1t = conv(coarse, wide4)
        self.conv4_2t = conv(wide4, wide4)
        self.fc34_3r = conv(2 * target4, wide3, kernel=1, padding=0)
        self.fc34_4r = conv(2 * target4, wide4, kernel=1, padding=0)
        self.fc3_rt = LinearBlock(wide3, inter3, SIDES[0])
        self.fc4_rt = LinearBlock(wide4, inter4, SIDES[1])
        self.iou_predictor = nn.Linear(inter3 + inter4, 1)
        self.input_dim = [fine, coarse]
        _initialize(self)

    @classmethod
    def arguments_for(cls, given: Delivered) -> dict[str, Any]:
        count = len(given.specs)
        if count != 2:
            raise ConfigError(
                f"The overlap head {cls.__name__} takes two maps, but {given.source} delivers {count}. Name two "
                "levels, BACKBONE.KWARGS.used_layers: [2, 3], or use a backbone that has several (compact, vgg16, "
                "mobilenetv2, resnet18_std, ...)."
            )
        strides, offsets = [spec.stride for spec in given.specs], [spec.offset for spec in given.specs]
        return {"input_dim": given.channels, "strides": strides, "offsets": offsets}

    def modulation(self, features: Sequence[Tensor], boxes_xywh: Tensor) -> tuple[Tensor, Tensor]:
        """What is kept of the target: one factor per channel of each map of `iou_features`.

        Args:
            features: the reference image's maps (B, C, H, W), fine and coarse.
            boxes_xywh: (B, 4) target in image pixels.

        Returns:
            (B, C3, 1, 1) and (B, C4, 1, 1).
        """
        boxes_xyxy = box_corners(boxes_xywh)[:, None]
        strides, offsets = self.cells
        pooled3 = prroi_pool_boxes(self.conv3_1r(features[0]), boxes_xyxy, (3, 3), 1 / strides[0], offsets[0])[:, 0]
        pooled4 = prroi_pool_boxes(self.conv4_1r(features[1]), boxes_xyxy, (1, 1), 1 / strides[1], offsets[1])[:, 0]
        both = torch.cat([self.fc3_1r(pooled3), pooled4], dim=1)
        return self.fc34_3r(both), self.fc34_4r(both)

    def iou_features(self, features: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """The maps boxes are pooled from, channels last, of the test image's maps (B, C, H, W)."""
        return _convolve(self._test_blocks(), features)

    def unpadded(self) -> MapFunction:
        """`iou_features` without zeros around any map: its maps end two cells earlier on each side. The weights are
        shared.
        """
        shared = {id(tensor): tensor for tensor in (*self.parameters(), *self.buffers())}
        blocks = copy.deepcopy(self._test_blocks(), shared)
        for layer in (layer for pair in blocks for block in pair for layer in block.modules()):
            if isinstance(layer, nn.Conv2d):
                layer.padding = (0, 0)
        return partial(_convolve, blocks)

    def _test_blocks(self) -> list[tuple[nn.Sequential, nn.Sequential]]:
        return [(self.conv3_1t, self.conv3_2t), (self.conv4_1t, self.conv4_2t)]

    def predict_iou(
        self, modulation: tuple[Tensor, Tensor], iou_features: tuple[Tensor, Tensor], boxes_xywh: Tensor
    ) -> Tensor:
        """(B, N) predicted overlaps of `boxes_xywh` (B, N, 4), in pixels of the test image.

        Raw outputs of a network trained on 2 IoU - 1. A modulation of one sample serves a batch of images.
        """
        boxes_xyxy = box_corners(boxes_xywh)
        vectors = []
        blocks = (self.fc3_rt, self.fc4_rt)
        for level, (block, side, stride, offset) in enumerate(zip(blocks, SIDES, *self.cells, strict=True)):
            # The factors go onto the pooled cells: pooling is linear, and these are fewer than those of the map.
            pooled = prroi_pool_boxes(iou_features[level], boxes_xyxy, (side, side), 1 / stride, offset)
            vectors.append(block((pooled * modulation[level][:, None]).flatten(0, 1)))
        overlaps: Tensor = self.iou_predictor(torch.cat(vectors, dim=1))
        return overlaps.reshape(boxes_xywh.shape[:2])

    def forward(
        self, reference: Sequence[Tensor], reference_boxes_xywh: Tensor, test: Sequence[Tensor], boxes_xywh: Tensor
    ) -> Tensor:
        """All three steps, for training: (B, N)."""
        modulation = self.modulation(reference, reference_boxes_xywh)
        return self.predict_iou(modulation, self.iou_features(test), boxes_xywh)


def _convolve(blocks: list[tuple[nn.Sequential, nn.Sequential]], features: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    fine, coarse = (
        second(first(x)).contiguous(memory_format=torch.channels_last)
        for (first, second), x in zip(blocks, features, strict=True)
    )
    return fine, coarse


class TargetOverlap:
    """`IouNet.predict_iou` in eval mode for one target, with its gradient: the target's factors and the batch norms are
    in the weights, and both come in closed form.

    Args:
        head: its weights are copied.
        modulation: (1, C3, 1, 1) and (1, C4, 1, 1), of one target.
        rows: about how many boxes are asked for at once.
    """

    def __init__(self, head: IouNet, modulation: tuple[Tensor, Tensor], rows: int) -> None:
        blocks, self._cells = (head.fc3_rt, head.fc4_rt), head.cells
        self._layers = [_fold(block, factors, rows) for block, factors in zip(blocks, modulation, strict=True)]
        weight = head.iou_predictor.weight.detach()[0]
        self._weights = weight.split([block.linear.out_features for block in blocks])
        self._bias = head.iou_predictor.bias.detach()

    @torch.no_grad()
    def __call__(self, iou_features: tuple[Tensor, Tensor], boxes_xywh: Tensor) -> tuple[Tensor, Tensor]:
        """(N,) predicted overlaps of `boxes_xywh` (N, 4), in pixels of the one test image with these maps, and the
        (N, 4) gradient of each by its box.
        """
        boxes_xyxy = box_corners(boxes_xywh)[None]
        overlaps, gradient = self._bias, torch.zeros_like(boxes_xywh)
        for features, layer, weight, side, stride, offset in zip(
            iou_features, self._layers, self._weights, SIDES, *self._cells, strict=True
        ):
            bins = prroi_pool_boxes(features, boxes_xyxy, (side, side), 1 / stride, offset).permute(0, 1, 3, 4, 2)
            vectors = layer(bins.flatten(2).squeeze(0)).relu_()
            overlaps = overlaps + vectors @ weight
            grad_bins = layer.back((vectors > 0) * weight).reshape(bins.shape)
            gradient += prroi_box_gradient(features, boxes_xyxy, grad_bins, 1 / stride, offset).squeeze(0)
        gradient[:, :2] += gradient[:, 2:]  # a box that moves moves both its corners
        return overlaps, gradient


def _fold(block: LinearBlock, factors: Tensor, rows: int) -> PackedLinear:
    """`block` on bins (N, side, side, C) without the factors, and without its ReLU."""
    linear, bn = block.linear, block.bn
    assert bn.running_mean is not None
    assert bn.running_var is not None
    weight, bias = fuse_linear_bn_weights(
        linear.weight, linear.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    channels = factors.shape[1]
    by_cell = (weight.unflatten(1, (channels, -1)) * factors.reshape(channels, 1)).transpose(1, 2).flatten(1)
    return PackedLinear(by_cell, bias, rows)


def _initialize(head: nn.Module) -> None:
    """He-normal weights over the fan-in, no bias; batch-norm scales uniform in 0..1, as the published nets began."""
    for layer in head.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
