"""The target classifier of DiMP: predicts a filter from a few images of a target, and scores other images with it (Bhat
et al., ICCV 2019, section 3; docs/systems/dimp.md, Network). Module names are those of the published snapshots.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from pysot.models.backbone.base import init_conv_bn
from pysot.models.backbone.resnet import BasicBlock
from pysot.models.head.dimp_optimizer import GaussNewtonDescent, NewtonDescent, SteepestDescent, log_mass
from pysot.models.layers.filter import correlate
from pysot.models.layers.normalize import InstanceL2Norm
from pysot.models.layers.prroi_pool import box_corners, prroi_pool_boxes
from pysot.models.parts import Delivered

OPTIMIZERS: Mapping[str, type[SteepestDescent]] = {"gn": GaussNewtonDescent, "newton": NewtonDescent}
"""DiMP's and PrDiMP's."""


class FilterInitializer(nn.Module):
    """The first filter: the target's pooled features after a convolution, averaged over the images.

    Args:
        channels: C of features and filter.
        side: k of the filter.
        init: `default` weights, or `zero`, which makes the first filter zero until the network has learned otherwise.
        kernel: of the convolution.
        stride, offset: of the features' cells.
    """

    stride, offset = 16, 0.0

    def __init__(
        self,
        channels: int,
        side: int,
        init: str = "default",
        kernel: int = 3,
        *,
        stride: int = 16,
        offset: float = 0.0,
    ) -> None:
        super().__init__()
        if init not in ("default", "zero"):
            raise ValueError(f"init_filter is '{init}'; expected default or zero")
        self.side, self.stride, self.offset = side, stride, offset
        self.filter_conv = nn.Conv2d(channels, channels, kernel, padding=kernel // 2)
        init_conv_bn(self)
        if init == "zero":
            nn.init.zeros_(self.filter_conv.weight)

    def forward(self, features: Tensor, boxes_xywh: Tensor) -> Tensor:
        """(B, k, k, C) filters of features (n, B, C, H, W) and targets (n, B, 4) in input pixels."""
        maps = self.filter_conv(features.flatten(0, 1))
        boxes_xyxy = box_corners(boxes_xywh.flatten(0, 1).to(maps))[:, None]
        pooled = prroi_pool_boxes(maps, boxes_xyxy, (self.side, self.side), 1 / self.stride, self.offset)
        return pooled.permute(0, 1, 3, 4, 2).reshape(*features.shape[:2], self.side, self.side, -1).mean(0)


class DimpClassifier(nn.Module):
    """Feature block, first filter and its improvement.

    Filters are (B, C, k, k), one per sequence; features are those of `forward`, (n, B, C, H, W), n images of each of B
    sequences; boxes are (n, B, 4), x, y, width and height in input pixels.

    Args:
        channels_in: of the backbone's map.
        filter_size: k.
        feat_blocks: residual blocks before the last convolution of the feature block: 1 in DiMP-18, 0 in DiMP-50.
        out_dim: C, channels of features and filter.
        init_filter: how the first filter begins to be learned; see `FilterInitializer`.
        init_kernel: of the initializer's convolution.
        optimizer: `gn` (DiMP) or `newton` (PrDiMP).
        optim_iter: steps in training.
        stride, offset: of the map's cells; see `pysot.models.backbone.FeatureSpec`.
        optimizer_options: further arguments of `GaussNewtonDescent` or `NewtonDescent`.
    """

    def __init__(
        self,
        channels_in: int,
        *,
        filter_size: int = 4,
        feat_blocks: int = 1,
        out_dim: int = 256,
        init_filter: str = "default",
        init_kernel: int = 3,
        optimizer: str = "gn",
        optim_iter: int = 5,
        stride: int = 16,
        offset: float = 0.0,
        **optimizer_options: Any,
    ) -> None:
        super().__init__()
        if optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer is '{optimizer}'; expected one of: {', '.join(OPTIMIZERS)}")
        self.filter_size = filter_size
        self.filter_initializer = FilterInitializer(
            out_dim, filter_size, init_filter, init_kernel, stride=stride, offset=offset
        )
        make = OPTIMIZERS[optimizer]
        self.filter_optimizer = make(iterations=optim_iter, stride=stride, offset=offset, **optimizer_options)
        blocks: list[nn.Module] = [BasicBlock(channels_in, channels_in) for _ in range(feat_blocks)]
        blocks.append(nn.Conv2d(channels_in, out_dim, 3, padding=1, bias=False))
        blocks.append(InstanceL2Norm(1 / math.sqrt(out_dim * filter_size**2)))
        self.feature_extractor = nn.Sequential(*blocks)
        init_conv_bn(self.feature_extractor)

    @classmethod
    def arguments_for(cls, given: Delivered) -> dict[str, Any]:
        """What the deepest map says."""
        deep = given.specs[-1]
        return {"channels_in": deep.channels, "stride": deep.stride, "offset": deep.offset}

    def forward(self, backbone_map: Tensor) -> Tensor:
        """(N, C, H, W) classifier features of a map (N, channels_in, H, W)."""
        features: Tensor = self.feature_extractor(backbone_map)
        return features

    def learn(
        self, features: Tensor, boxes_xywh: Tensor, *, iterations: int | None = None, weights: Tensor | None = None
    ) -> list[Tensor]:
        """The first filter and every improvement of it; arguments as for `improve`."""
        with _full_precision(features):
            start = self.filter_initializer(_at_least_float(features), boxes_xywh).permute(0, 3, 1, 2)
        return self.improve(start, features, boxes_xywh, iterations=iterations, weights=weights)

    def improve(
        self,
        filters: Tensor,
        features: Tensor,
        boxes_xywh: Tensor,
        *,
        iterations: int | None = None,
        weights: Tensor | None = None,
    ) -> list[Tensor]:
        """`filters`, and what each step makes of them.

        Args:
            iterations: steps; by default `optim_iter`.
            weights: (n, B) of the images; 1 / n each when None.

        Returns:
            iterations + 1 times (B, C, k, k). Computed in float32 or more, also where features are shorter.
        """
        by_sequence = None if weights is None else weights.t()
        with _full_precision(features):
            iterates = self.filter_optimizer(
                filters.permute(0, 2, 3, 1), _samples(features), boxes_xywh.transpose(0, 1), by_sequence, iterations
            )
        return [kernel.permute(0, 3, 1, 2) for kernel in iterates]

    def scores(self, filters: Tensor, features: Tensor) -> Tensor:
        """(n, B, h, w) scores of every image; one row and column more than the features for an even k."""
        with _full_precision(features):
            return correlate(_samples(features), filters.permute(0, 2, 3, 1)).transpose(0, 1)

    def center_cell(self, side: int) -> float:
        """The row and column of `scores` that says that a target is in the center of an image of `side` pixels."""
        stride, offset = self.filter_initializer.stride, self.filter_initializer.offset
        return (side / 2 - offset) / stride - (self.filter_size % 2) / 2

    def densities(self, scores: Tensor) -> Tensor:
        """What PrDiMP takes scores (..., h, w) for: probabilities of places, which sum to 1 with that of "nowhere"."""
        return (scores - log_mass(scores, self.filter_optimizer.softmax_reg)[..., None, None]).exp()

    def loss(self, filters: Tensor, features: Tensor, boxes_xywh: Tensor, *, weights: Tensor | None = None) -> Tensor:
        """(B,) what `improve` decreases; arguments as there."""
        by_sequence = None if weights is None else weights.t()
        samples, boxes = _samples(features), boxes_xywh.transpose(0, 1)
        with _full_precision(features):
            return self.filter_optimizer.loss(filters.permute(0, 2, 3, 1), samples, boxes, by_sequence)


def _samples(features: Tensor) -> Tensor:
    """(B, n, H, W, C) of (n, B, C, H, W); no copy for one sequence whose features are channels last in memory."""
    return _at_least_float(features).permute(1, 0, 3, 4, 2).contiguous()


def _at_least_float(features: Tensor) -> Tensor:
    return features.float() if features.dtype in (torch.float16, torch.bfloat16) else features


def _full_precision(features: Tensor) -> torch.autocast:
    """The steps multiply small numbers: automatic mixed precision is switched off for them."""
    return torch.autocast(features.device.type, enabled=False)
