"""Boxes: every convention named once, all 0-based float pixels.

- `xywh`: left, top, width, height.
- `xyxy`: left, top, right, bottom; width = right - left (no +1).
- `cxcywh`: center and size.

All functions take arrays of shape (..., 4) and keep the leading shape.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Boxes: TypeAlias = NDArray[np.floating]


def xywh_to_xyxy(boxes_xywh: ArrayLike) -> Boxes:
    """Corner form of (..., 4) boxes given as left, top, width, height."""
    boxes = _as_boxes(boxes_xywh)
    return np.concatenate([boxes[..., :2], boxes[..., :2] + boxes[..., 2:]], axis=-1)


def xyxy_to_xywh(boxes_xyxy: ArrayLike) -> Boxes:
    """Left, top, width, height of (..., 4) boxes given as corners."""
    boxes = _as_boxes(boxes_xyxy)
    return np.concatenate([boxes[..., :2], boxes[..., 2:] - boxes[..., :2]], axis=-1)


def xywh_to_cxcywh(boxes_xywh: ArrayLike) -> Boxes:
    """Center form of (..., 4) boxes given as left, top, width, height."""
    boxes = _as_boxes(boxes_xywh)
    return np.concatenate([boxes[..., :2] + boxes[..., 2:] / 2, boxes[..., 2:]], axis=-1)


def cxcywh_to_xywh(boxes_cxcywh: ArrayLike) -> Boxes:
    """Left, top, width, height of (..., 4) boxes given as center and size."""
    boxes = _as_boxes(boxes_cxcywh)
    return np.concatenate([boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., 2:]], axis=-1)


def cxcywh_to_xyxy(boxes_cxcywh: ArrayLike) -> Boxes:
    """Corner form of (..., 4) boxes given as center and size."""
    return xywh_to_xyxy(cxcywh_to_xywh(boxes_cxcywh))


def xyxy_to_cxcywh(boxes_xyxy: ArrayLike) -> Boxes:
    """Center form of (..., 4) boxes given as corners."""
    return xywh_to_cxcywh(xyxy_to_xywh(boxes_xyxy))


def iou_xyxy(first_xyxy: ArrayLike, second_xyxy: ArrayLike) -> Boxes:
    """Intersection over union of broadcastable (..., 4) corner boxes, continuous areas; 0 where the union is empty."""
    first, second = np.broadcast_arrays(_as_boxes(first_xyxy), _as_boxes(second_xyxy))
    size = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    intersection = size.clip(min=0).prod(axis=-1)
    areas = (first[..., 2:] - first[..., :2]).prod(axis=-1) + (second[..., 2:] - second[..., :2]).prod(axis=-1)
    union = areas - intersection
    return np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)


def iou_xywh(first_xywh: ArrayLike, second_xywh: ArrayLike) -> Boxes:
    """`iou_xyxy` of boxes given as left, top, width, height."""
    return iou_xyxy(xywh_to_xyxy(first_xywh), xywh_to_xyxy(second_xywh))


def _as_boxes(boxes: ArrayLike) -> Boxes:
    array = np.asarray(boxes)
    if array.shape[-1:] != (4,):
        raise ValueError(f"boxes must have 4 numbers on the last axis; got an array of shape {array.shape}.")
    return array if np.issubdtype(array.dtype, np.floating) else array.astype(np.float64)
