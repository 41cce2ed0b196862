"""Features of boxes in one frame: from one shared map around the target, or from a crop of each box."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pysot.core.crop import Image
from pysot.core.device import device_of
from pysot.core.roi_patch import RoiPatch, patch_size
from pysot.models.layers.box_crop import box_crops
from pysot.models.meta_arch.lmt import LmtNet
from pysot.models.target_aware import Selection

AT_ONCE = 512
"""Boxes that are pooled, or go through the network, together."""


class FrameView:
    """A frame as LMT sees it around a place.

    Args:
        model: the network.
        params: its parameters that the target changed.
        image: the frame.
        center_xy, size_wh: place and size of the target, image pixels, that set center and scale of a shared map.
        reach: how far from there boxes may be centered, image pixels.
        largest: side of the patch that is never exceeded, patch pixels; boxes beyond it are not drawn.
        mode: `shared`, or `crops`.

    Attributes:
        selection: the channels of the maps that features are read from; None: all.
        bounds_xyxy: where boxes may lie, image pixels; without area where the place lies outside the image.
    """

    def __init__(
        self,
        model: LmtNet,
        params: Mapping[str, Tensor],
        image: Image,
        center_xy: tuple[float, float],
        size_wh: tuple[float, float],
        reach: float,
        largest: int,
        mode: Literal["shared", "crops"],
        selection: Selection | None = None,
    ) -> None:
        self.model, self.params, self.mode, self.selection = model, params, mode, selection
        size = patch_size(size_wh, model.geometry, reach, largest)
        self.patch = RoiPatch.around(center_xy, size_wh, model.geometry, size)
        self.image = image
        height, width = image.shape[:2]
        self.bounds_xyxy: tuple[float, ...] = (0.0, 0.0, float(width), float(height))
        if mode == "shared":
            self.bounds_xyxy = self.patch.bounds_xyxy(model.geometry.margin, (height, width))

    @cached_property
    def pixels(self) -> Image:
        """The shared patch, (H, W, 3) uint8."""
        return self.patch.cut(self.image)

    @cached_property
    def maps(self) -> list[Tensor]:
        """What the boxes of the shared patch are read from; computed when first asked for."""
        pixels = torch.from_numpy(self.pixels)[None].permute(0, 3, 1, 2).float()
        return self.model.maps(pixels.to(device_of(self.model)), self.params)

    @property
    def has_room(self) -> bool:
        """Whether a box can lie in it."""
        left, top, right, bottom = self.bounds_xyxy
        return right - left > 1 and bottom - top > 1

    def features(self, boxes_xywh: NDArray[np.float64]) -> Tensor:
        """(N, C, k, k) features of boxes (N, 4)."""
        parts = [boxes_xywh[start : start + AT_ONCE] for start in range(0, len(boxes_xywh), AT_ONCE)]
        features = torch.cat([self._part(part) for part in parts or [boxes_xywh]])
        if self.selection is None:
            return features
        # pooling works channel by channel: it is the same to leave out channels of the maps or of these
        levels = features.split([spec.channels for spec in self.model.level_specs], dim=1)
        return torch.cat(self.selection.apply(levels), dim=1)

    def _part(self, boxes_xywh: NDArray[np.float64]) -> Tensor:
        if self.mode == "shared":
            corners = torch.from_numpy(self.patch.boxes_in_patch(boxes_xywh)).to(self.maps[0])
            return self.model.boxes(self.maps, corners[None])[0]
        device = device_of(self.model)
        crops, boxes = box_crops(self.image, boxes_xywh, self.model.geometry)
        return self.model.crops(crops.to(device), boxes.to(device), self.params)
