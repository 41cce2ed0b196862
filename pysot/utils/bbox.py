"""PySOT's box helpers at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from pysot.compat.boxes import (
    BBox,
    Center,
    Corner,
    IoU,
    center2corner,
    corner2center,
    cxy_wh_2_rect,
    cxy_wh_2_rect1,
    get_axis_aligned_bbox,
    get_min_max_bbox,
    rect1_2_cxy_wh,
    rect_2_cxy_wh,
)

__all__ = [
    "BBox",
    "Center",
    "Corner",
    "IoU",
    "center2corner",
    "corner2center",
    "cxy_wh_2_rect",
    "cxy_wh_2_rect1",
    "get_axis_aligned_bbox",
    "get_min_max_bbox",
    "rect1_2_cxy_wh",
    "rect_2_cxy_wh",
]
