"""Pictures for people: results drawn on frames, windows, heat maps, and video read and written. Needs no torch."""

from typing import Any

from toolkit.visualization.beside import ReadAhead, WriteBehind
from toolkit.visualization.drawing import (
    BLACK,
    GRAY,
    PALETTE,
    WHITE,
    Color,
    Pen,
    color_of,
    draw_caption,
    draw_label,
    draw_region,
    tint_mask,
)
from toolkit.visualization.heatmaps import overlay_heatmap, to_gray_levels
from toolkit.visualization.video_sink import FolderSink, Sink, VideoSink, encode_image, make_folder, open_sink
from toolkit.visualization.video_source import CameraReader, FrameReader, ImageReader, VideoReader, open_reader
from toolkit.visualization.windows import BenchmarkWindow, VideoWindow, draw_event, why_no_display

__all__ = [
    "BLACK",
    "GRAY",
    "PALETTE",
    "WHITE",
    "BenchmarkWindow",
    "CameraReader",
    "Color",
    "FolderSink",
    "FrameReader",
    "ImageReader",
    "Pen",
    "ReadAhead",
    "Sink",
    "VideoReader",
    "VideoSink",
    "VideoWindow",
    "WriteBehind",
    "color_of",
    "draw_caption",
    "draw_event",
    "draw_label",
    "draw_region",
    "encode_image",
    "make_folder",
    "open_reader",
    "open_sink",
    "overlay_heatmap",
    "tint_mask",
    "to_gray_levels",
    "why_no_display",
]

PYSOT_NAMES = (
    "draw_success_precision",
    "draw_eao",
    "draw_f1",
)


def __getattr__(name: str) -> Any:
    """PySOT's names (docs/pysot_users.md), which nothing here needs: imported when a program asks for one."""
    if name in PYSOT_NAMES:
        from toolkit.compat import figures

        return getattr(figures, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
