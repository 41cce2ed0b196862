"""Regions: what they are, how they are written, and how much two of them overlap."""

from toolkit.regions.backend import backend_name
from toolkit.regions.boxes import (
    area_preserving_box,
    bounding_box,
    bounding_boxes,
    box_corners,
    initial_box,
    mask_extent,
    polygon_from_box,
)
from toolkit.regions.masks import mask_overlap, rasterize
from toolkit.regions.overlap import Mode, overlap_pairs, overlap_ragged, rectangle_iou, region_overlap
from toolkit.regions.shapes import Mask, Polygon, Rectangle, Region, Special
from toolkit.regions.text import decode_runs, encode_runs, format_region, from_numbers, parse_region, to_numbers

__all__ = [
    "Mask",
    "Mode",
    "Polygon",
    "Rectangle",
    "Region",
    "Special",
    "area_preserving_box",
    "backend_name",
    "bounding_box",
    "bounding_boxes",
    "box_corners",
    "decode_runs",
    "encode_runs",
    "format_region",
    "from_numbers",
    "initial_box",
    "mask_extent",
    "mask_overlap",
    "overlap_pairs",
    "overlap_ragged",
    "parse_region",
    "polygon_from_box",
    "rasterize",
    "rectangle_iou",
    "region_overlap",
    "to_numbers",
]
