"""Crops of many boxes are those that OpenCV makes one by one."""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pysot.models.layers.box_crop import CROP_SIDE, PADDING, crop_boxes


def image(seed: int, height: int, width: int, blur: float = 2.0) -> NDArray[np.uint8]:
    """Noise blurred over a few pixels, of full contrast."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return np.asarray(cv2.normalize(cv2.GaussianBlur(noise, (0, 0), blur), None, 0, 255, cv2.NORM_MINMAX), np.uint8)


def as_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(pixels)[None].permute(0, 3, 1, 2).float()


def by_opencv(pixels: NDArray[np.uint8], box: NDArray[np.float64]) -> NDArray[np.float64]:
    """One crop as MDNet makes it: whole corners, gray outside, then a bilinear resize."""
    x, y, w, h = box
    half_w, half_h = w / 2 + PADDING * w / CROP_SIDE, h / 2 + PADDING * h / CROP_SIDE
    x1, y1 = math.floor(x + w / 2 - half_w + 0.5), math.floor(y + h / 2 - half_h + 0.5)
    x2, y2 = math.floor(x + w / 2 + half_w + 0.5), math.floor(y + h / 2 + half_h + 0.5)
    padded = cv2.copyMakeBorder(pixels, 300, 300, 300, 300, cv2.BORDER_CONSTANT, value=(128, 128, 128))
    part = padded[300 + y1 : 300 + y2, 300 + x1 : 300 + x2]
    return np.asarray(cv2.resize(part, (CROP_SIDE, CROP_SIDE), interpolation=cv2.INTER_LINEAR), dtype=np.float64)


def test_crops_of_all_boxes_equal_opencvs_to_two_gray_levels() -> None:
    pixels = np.random.default_rng(4).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    rng = np.random.default_rng(5)
    boxes = np.concatenate([rng.uniform(-30, 140, (30, 2)), rng.uniform(8, 130, (30, 2))], axis=1)
    crops = crop_boxes(as_tensor(pixels), torch.from_numpy(boxes))
    assert crops.shape == (30, 3, 107, 107)
    for crop, box in zip(crops, boxes, strict=True):
        difference = np.abs(crop.permute(1, 2, 0).numpy() - by_opencv(pixels, box))
        assert difference.max() <= 2, f"{difference.max()} at {box}"
