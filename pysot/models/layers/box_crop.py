"""Crops of many boxes of one image in a single call (docs/systems/lmt.md, Box crops)."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pysot.core.crop import Image
from pysot.core.roi_patch import FILL, BoxGeometry, RoiPatch

PADDING = 16
"""Pixels of context on each side of a crop of `CROP_SIDE` pixels."""
CROP_SIDE = 107


def crop_boxes(image: Tensor, boxes_xywh: Tensor, side: int = CROP_SIDE, padding: int = PADDING) -> Tensor:
    """Every box with its context, stretched to a square; as cv2.resize does it, to two gray levels.

    Args:
        image: (1, C, H, W) float.
        boxes_xywh: (N, 4) left, top, width, height, image pixels.
        side: pixels of a crop.
        padding: context, in pixels of a crop that the box alone would fill: a box of width w is widened by
            w * padding / side on each side. Corners are then rounded to whole pixels.

    Returns:
        (N, C, side, side). What lies outside the image is gray.
    """
    height, width = image.shape[-2:]
    boxes = boxes_xywh.to(image.dtype)
    half = boxes[:, 2:] * (0.5 + padding / side)
    center = boxes[:, :2] + boxes[:, 2:] / 2
    low = torch.floor(center - half + 0.5)
    high = torch.maximum(torch.floor(center + half + 0.5), low + 1)
    numbers = torch.arange(side, dtype=image.dtype, device=image.device) + 0.5
    points = low[:, None] + numbers[:, None] * ((high - low) / side)[:, None] - 0.5  # (N, side, 2)
    points = torch.minimum(torch.maximum(points, low[:, None]), high[:, None] - 1)  # nothing beside the crop is seen
    limits = points.new_tensor([width, height])
    x, y = ((2 * points + 1) / limits - 1).unbind(-1)
    grid = torch.stack([x[:, None].expand(-1, side, -1), y[:, :, None].expand(-1, -1, side)], dim=-1)
    tall = grid.reshape(1, -1, side, 2)
    crops = F.grid_sample(image - FILL, tall, mode="bilinear", padding_mode="zeros", align_corners=False) + FILL
    return crops[0].reshape(image.shape[1], -1, side, side).transpose(0, 1)


def box_crops(image: Image, boxes_xywh: NDArray[np.float64], geometry: BoxGeometry) -> tuple[Tensor, Tensor]:
    """One crop per box, as a network of this geometry takes them alone.

    Returns:
        (N, 3, S, S) float32 BGR 0 to 255, and (N, 4) the corners of each box in its crop.
    """
    side = geometry.crop_side
    if geometry.box_side:
        pixels = torch.from_numpy(image)[None].permute(0, 3, 1, 2).float()
        low, high = (side - geometry.box_side) / 2, (side + geometry.box_side) / 2
        boxes = torch.tensor([[low, low, high, high]]).expand(len(boxes_xywh), -1)
        return crop_boxes(pixels, torch.from_numpy(boxes_xywh)), boxes
    patches = [
        RoiPatch.around((x + w / 2, y + h / 2), (w, h), geometry, (side, side)) for x, y, w, h in boxes_xywh.tolist()
    ]
    crops = torch.from_numpy(np.stack([patch.cut(image) for patch in patches])).permute(0, 3, 1, 2).float()
    corners = [patch.boxes_in_patch(box[None])[0] for patch, box in zip(patches, boxes_xywh, strict=True)]
    return crops, torch.from_numpy(np.stack(corners)).float()
