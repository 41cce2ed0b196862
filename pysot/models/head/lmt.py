"""LMT's two heads on the pooled feature of a box: target or background, and overlap with the target
(docs/systems/lmt.md, Network); and the two ways a feature is pooled.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pysot.core.checks import check
from pysot.core.errors import ConfigError
from pysot.core.registry import Registry
from pysot.core.roi_patch import BoxGeometry
from pysot.models.backbone.base import Backbone, FeatureSpec
from pysot.models.layers.box_crop import CROP_SIDE, PADDING
from pysot.models.layers.cell_sample import sample_cells
from pysot.models.layers.prroi_pool import prroi_pool_boxes

Params: TypeAlias = Mapping[str, Tensor]
"""Parameters by name, instead of a module's own."""
BackboneCall: TypeAlias = Callable[..., list[Tensor]]
"""A backbone, or one with other parameters than its own."""
MDNET_DEVIATION, MDNET_BIAS = 0.01, 0.1
"""Of MDNet's first weights; the last layer's biases are 0."""


class Mlp(nn.Module):
    """Three linear layers with ReLU between, whose parameters may be given from outside.

    Args:
        inputs, hidden, outputs: widths.
        first: number of the first layer: `fc1` or `fc4`.
        init: `mdnet`, normal weights of deviation 0.01 and biases of 0.1, 0 in the last layer, or `he`, normal weights
            of variance 2 / inputs and biases of 0.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int, first: int, init: str = "mdnet") -> None:
        super().__init__()
        self.names = tuple(f"fc{number}" for number in range(first, first + 3))
        for name, (wide, narrow) in zip(
            self.names, ((inputs, hidden), (hidden, hidden), (hidden, outputs)), strict=True
        ):
            layer = nn.Linear(wide, narrow)
            nn.init.normal_(layer.weight, 0, MDNET_DEVIATION if init == "mdnet" else (2 / wide) ** 0.5)
            nn.init.constant_(layer.bias, MDNET_BIAS if init == "mdnet" and name != self.names[-1] else 0.0)
            self.add_module(name, layer)

    def forward(self, features: Tensor, params: Params | None = None) -> Tensor:
        """(N, outputs) of features (N, inputs); `params` (`fc1.weight`, ...) count instead of the layers' own."""
        given, out = params or {}, features
        for name in self.names:
            layer = self.get_submodule(name)
            weight, bias = (given.get(f"{name}.{kind}", getattr(layer, kind)) for kind in ("weight", "bias"))
            out = F.linear(out if name == self.names[0] else torch.relu(out), weight, bias)
        return out

    def mdnet_weights(self, generator: torch.Generator) -> dict[str, Tensor]:
        """What the parameters would be in a new MDNet, by name; on the CPU."""
        last = self.names[-1]
        return {
            name: MDNET_DEVIATION * torch.randn(value.shape, generator=generator)
            if name.endswith("weight")
            else torch.full(value.shape, 0.0 if name.startswith(last) else MDNET_BIAS)
            for name, value in self.named_parameters()
        }


class LmtHead(nn.Module):
    """Children: cls (fc1 to fc3, two classes, index 1 the target) and iou (fc4 to fc6).

    Args:
        inputs: length of a flattened feature.
        hidden: width of the hidden layers.
        iou_branch: False leaves the overlap branch out (a MetaSDNet).
        init: see `Mlp`.
    """

    def __init__(self, inputs: int, hidden: int = 512, iou_branch: bool = True, init: str = "mdnet") -> None:
        super().__init__()
        self.inputs = inputs
        self.cls = Mlp(inputs, hidden, 2, first=1, init=init)
        if iou_branch:
            self.iou = Mlp(inputs, hidden, 1, first=4, init=init)

    @property
    def has_iou(self) -> bool:
        """Whether there is an overlap branch."""
        return hasattr(self, "iou")

    def classify(self, features: Tensor, params: Params | None = None) -> Tensor:
        """(N, 2) logits of features (N, C, k, k) or (N, inputs); with `params` (`cls.fc1.weight`, ...) instead of the
        module's own where they are named."""
        out: Tensor = self.cls(features.flatten(1), params_within(params, "cls."))
        return out

    def predict_iou(self, features: Tensor, params: Params | None = None) -> Tensor:
        """(N,) overlaps with the target, 0 to 1."""
        return torch.sigmoid(self.iou(features.flatten(1), params_within(params, "iou."))[:, 0])


def params_within(params: Params | None, prefix: str) -> dict[str, Tensor]:
    """Those of `params` whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): value for name, value in (params or {}).items() if name.startswith(prefix)}


class BoxPool(nn.Module, ABC):
    """How the feature of a box is read from an image.

    Attributes:
        geometry: how large boxes are in patches.
        channels, size: of a feature, (channels, size, size).
        level_specs: of each map that boxes are read from; `channels` in all.
        box_cells: how many cells of each map a box covers with its context, along a side.
    """

    geometry: BoxGeometry
    channels: int
    level_specs: list[FeatureSpec]
    box_cells: list[int]
    size: int

    @abstractmethod
    def maps(self, backbone: BackboneCall, patches: Tensor) -> list[Tensor]:
        """What boxes are read from, of (B, 3, H, W) patches, BGR 0 to 255."""

    @abstractmethod
    def pool(self, maps: list[Tensor], boxes_xyxy: Tensor) -> Tensor:
        """(B, N, C, k, k) features of boxes (B, N, 4) in patch coordinates."""

    def crops(self, backbone: BackboneCall, crops: Tensor, boxes_xyxy: Tensor) -> Tensor:
        """(N, C, k, k) features of one box (N, 4) in each of the crops (N, 3, S, S), made by `box_crops`."""
        return self.pool(self.maps(backbone, crops), boxes_xyxy[:, None])[:, 0]


BOX_POOLS: Registry[type[BoxPool]] = Registry("box pooling", key="HEAD.KWARGS.pool")
"""Classes called with a backbone and the remaining arguments of HEAD.KWARGS that they name."""


_BOX_SIDE = CROP_SIDE * CROP_SIDE / (CROP_SIDE + 2 * PADDING)
CELL_GEOMETRY = BoxGeometry(CROP_SIDE, _BOX_SIDE, margin=(CROP_SIDE - _BOX_SIDE) / 2)
"""MDNet's crops: a box with its context, stretched to 107 pixels."""
SPACING = 16
"""Crop pixels between the points that are read of a box."""


@BOX_POOLS.register("cells")
class CellPool(BoxPool):
    """For a backbone of one map: 3 x 3 points of the crop of a box, `SPACING` crop pixels apart, read from the map of a
    larger patch. Of VGG-M these are the cells that the crop would have.

    The same as from the crop where the box has the patch's scale and lies at whole steps of `stride` pixels; in
    between, and for larger and smaller boxes, interpolated (docs/results/lmt.md has the differences).

    Args:
        backbone: delivers one map.
        stride: patch pixels between cells of the map: of VGG-M 8, or 4, which is nearer to the crops and dearer; of
            others the backbone's own.

    Raises `ConfigError` when the backbone delivers several maps, or does not have that stride.
    """

    size = 3
    offset, dense = 37.0, True  # VGG-M's, for pools that were pickled without them

    def __init__(self, backbone: Backbone, stride: int | None = None) -> None:
        super().__init__()
        if len(backbone.specs) != 1:
            raise ConfigError(
                f"HEAD.KWARGS.pool cells reads one map, but the backbone {type(backbone).__name__} delivers "
                f"{len(backbone.specs)}. Name one level in BACKBONE.KWARGS.used_layers, or use pool: pyramid."
            )
        (spec,), self.dense = backbone.specs, bool(backbone.finer_strides)
        strides = backbone.finer_strides or (spec.stride,)
        self.stride = strides[0] if stride is None else stride
        check(self.stride in strides, "HEAD.KWARGS.stride", stride, " or ".join(map(str, strides)))
        self.channels, self.offset = spec.channels, spec.offset
        self.level_specs = [replace(spec, stride=self.stride)]
        self.box_cells = [max(1, round(self.size * SPACING / self.stride))]
        self.geometry = CELL_GEOMETRY

    def maps(self, backbone: BackboneCall, patches: Tensor) -> list[Tensor]:
        return backbone(patches, stride=self.stride) if self.dense else backbone(patches)

    def pool(self, maps: list[Tensor], boxes_xyxy: Tensor) -> Tensor:
        low, high = boxes_xyxy[..., :2], boxes_xyxy[..., 2:]
        centers = ((low + high) / 2 - 0.5 - self.offset) / self.stride
        steps = (high - low) / self.geometry.box_side * (SPACING / self.stride)
        return sample_cells(maps[0], centers, steps, self.size)

    def crops(self, backbone: BackboneCall, crops: Tensor, boxes_xyxy: Tensor) -> Tensor:
        if self.dense:
            return backbone(crops)[0]
        low, high = self.geometry.margin, self.geometry.crop_side - self.geometry.margin
        middle = crops.new_tensor([low, low, high, high]).expand(len(crops), 1, 4)
        return self.pool(self.maps(backbone, crops), middle)[:, 0]


@BOX_POOLS.register("pyramid")
class PyramidPool(BoxPool):
    """For a backbone of any levels: each map projected to `width` channels, pooled precisely, and joined.

    Args:
        backbone: delivers the levels.
        width: channels that are kept of each level.
        size: bins along a side.
        crop_side: side of the crop of one box, which spans half of it.
    """

    def __init__(self, backbone: Backbone, width: int = 32, size: int = 5, crop_side: int = 128) -> None:
        super().__init__()
        self.levels = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels in backbone.out_channels)
        self.level_specs = [replace(spec, channels=width) for spec in backbone.specs]
        self.box_cells = [max(1, round(crop_side / spec.stride)) for spec in self.level_specs]
        self.channels, self.size = width * len(self.levels), size
        self.geometry = BoxGeometry(crop_side, box_side=0, margin=0)

    def maps(self, backbone: BackboneCall, patches: Tensor) -> list[Tensor]:
        return [level(features) for level, features in zip(self.levels, backbone(patches), strict=True)]

    def pool(self, maps: list[Tensor], boxes_xyxy: Tensor) -> Tensor:
        boxes = boxes_xyxy.to(maps[0]) - 0.5  # cells lie at pixel centers
        pooled = [
            prroi_pool_boxes(level, boxes, (self.size, self.size), 1 / spec.stride, spec.offset)
            for level, spec in zip(maps, self.level_specs, strict=True)
        ]
        return torch.relu(torch.cat(pooled, dim=2))
