"""Exact ground truth of the target, computed from outlines alone: boxes, masks, visible share, per-frame tags."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toolkit.regions import Mask
from toolkit.synthetic.actor import Actor
from toolkit.synthetic.motion import Camera, Matrix, invert, transform
from toolkit.synthetic.outline import Points, bounds, clipped_extremes, rasterize

ABSENT_BELOW = 0.1
"""A target of which a smaller share is seen counts as absent: no annotator would draw it."""


@dataclass(frozen=True, eq=False)
class SceneGroundTruth:
    """Ground truth of the target in N frames.

    Attributes:
        boxes_xywh: (N, 4) float64: tight box of the whole (amodal) target cut at the image border; NaN where absent.
        corners: (N, 4, 2) oriented box in the target's own axes, not cut, known in every frame.
        cover: (N,) share of the target's area that is seen, 0..1.
        in_view: (N,) share of the target's area inside the image, hidden or not, 0..1.
        visible: (N,) bool, `cover` >= `ABSENT_BELOW`.
        camera_step: (N,) pixels by which the world point in the image center moved since the frame before.
    """

    boxes_xywh: NDArray[np.float64]
    corners: NDArray[np.float64]
    cover: NDArray[np.float64]
    in_view: NDArray[np.float64]
    visible: NDArray[np.bool_]
    camera_step: NDArray[np.float64]

    def tags(self, brightness: NDArray[np.float64]) -> dict[str, NDArray[np.bool_]]:
        """Per-frame attributes from the numbers: what holds in frame i, against frame 0 or the frame before.

        `occlusion`: less than 90 % of what is in view is seen. `out_of_view`: less than 90 % is in view.
        `fast_motion`: the center moved more than 0.25 of the target's size. `scale_change`: size beyond [2/3, 3/2] of
        frame 0. `rotation`: turned by more than 30 degrees from frame 0. `illumination`: `brightness` (N,) differs
        by more than 20 % from frame 0. `camera_motion`: the background moved by more than 2 pixels.
        """
        across, down = self.corners[:, 1] - self.corners[:, 0], self.corners[:, 3] - self.corners[:, 0]
        size = np.sqrt(np.abs(across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0]))
        center = self.corners.mean(axis=1)
        step = np.zeros(len(size))
        step[1:] = np.hypot(*np.diff(center, axis=0).T)
        angle = np.arctan2(across[:, 1], across[:, 0])
        turned = np.abs(np.angle(np.exp(1j * (angle - angle[0]))))
        return {
            "occlusion": self.cover < 0.9 * self.in_view,
            "out_of_view": self.in_view < 0.9,
            "fast_motion": step > 0.25 * size,
            "scale_change": np.abs(np.log(size / size[0])) > np.log(1.5),
            "rotation": turned > np.pi / 6,
            "illumination": np.abs(brightness / brightness[0] - 1) > 0.2,
            "camera_motion": self.camera_step > 2.0,
        }


def measure_ground_truth(
    camera: Camera, target: Actor, front: Iterable[Actor], hidden_is_absent: bool
) -> SceneGroundTruth:
    """Measures every frame.

    A box row is NaN where less than `ABSENT_BELOW` of the target is inside the image, and with `hidden_is_absent`
    also where it is inside but hidden.
    """
    count, front = len(camera.zoom), tuple(front)
    boxes, corners = np.empty((count, 4)), np.empty((count, 4, 2))
    cover, in_view, camera_step = np.empty(count), np.empty(count), np.zeros(count)
    middle = np.array([camera.size]) / 2
    for index in range(count):
        matrix = camera.matrix(index)
        outlines, corners[index] = target.outlines_and_corners(index, matrix)
        boxes[index] = cut_box(outlines, camera.size)
        cover[index], in_view[index] = seen_share(outlines, front, index, matrix, camera.size)
        if index > 0:
            moved = transform(camera.matrix(index - 1) @ invert(matrix), middle) - middle
            camera_step[index] = float(np.hypot(*moved[0]))
    visible = cover >= ABSENT_BELOW
    absent = ~visible if hidden_is_absent else in_view < ABSENT_BELOW
    boxes[absent] = np.nan
    return SceneGroundTruth(boxes, corners, cover, in_view, visible, camera_step)


def cut_box(outlines: Iterable[Points], size: tuple[int, int]) -> NDArray[np.float64]:
    """(4,) x, y, w, h of the tight box around what the outlines hold of an image of `size`; 0 wide when nothing."""
    outlines = list(outlines)
    left, top, right, bottom = bounds(outlines)
    if left < 0 or top < 0 or right > size[0] or bottom > size[1]:
        inside = np.concatenate([clipped_extremes(points, size) for points in outlines])
        if len(inside) == 0:
            return np.array([np.clip(left, 0, size[0]), np.clip(top, 0, size[1]), 0.0, 0.0])
        left, top, right, bottom = bounds([inside])
    return np.array([left, top, right - left, bottom - top])


def region_mask(outlines: list[Points], size: tuple[int, int]) -> Mask:
    """The pixels of an image of `size` inside the outlines; an empty 0 x 0 mask when there are none."""
    x, y, width, height = cut_box(outlines, size)
    x0, y0 = int(x), int(y)
    columns, rows = int(np.ceil(x + width)) - x0, int(np.ceil(y + height)) - y0
    if width <= 0 or height <= 0:
        return Mask(np.zeros((0, 0), bool))
    return Mask(rasterize(outlines, x0, y0, columns, rows), x0, y0)


def covered_mask(actors: Iterable[Actor], index: int, camera: Matrix, window: Mask) -> NDArray[np.bool_]:
    """The pixels of `window` that any of the actors covers, as (h, w) bool."""
    height, width = window.bits.shape
    hidden = np.zeros((height, width), bool)
    for actor in actors:
        outlines = actor.outlines(index, camera)
        if _meets(bounds(outlines), (window.x, window.y, window.x + width, window.y + height)):
            hidden |= rasterize(outlines, window.x, window.y, width, height)
    return hidden


def _meets(first: tuple[float, float, float, float], second: tuple[float, float, float, float]) -> bool:
    """Whether two boxes (left, top, right, bottom) touch."""
    return first[0] <= second[2] and second[0] <= first[2] and first[1] <= second[3] and second[1] <= first[3]


def seen_share(
    outlines: list[Points], front: tuple[Actor, ...], index: int, camera: Matrix, size: tuple[int, int]
) -> tuple[float, float]:
    """(share of the target that is seen, share that is inside the image), by counting pixels."""
    left, top, right, bottom = bounds(outlines)
    near = [actor for actor in front if _meets(bounds(actor.outlines(index, camera)), (left, top, right, bottom))]
    if not near and left >= 0 and top >= 0 and right <= size[0] and bottom <= size[1]:
        return 1.0, 1.0
    x, y = int(np.floor(left)), int(np.floor(top))
    whole = Mask(rasterize(outlines, x, y, int(np.ceil(right)) - x, int(np.ceil(bottom)) - y), x, y)
    total = max(int(whole.bits.sum()), 1)
    inside = whole.bits.copy()
    columns, rows = x + np.arange(inside.shape[1]), y + np.arange(inside.shape[0])
    inside &= (columns >= 0) & (columns < size[0]) & ((rows >= 0) & (rows < size[1]))[:, None]
    seen = inside & ~covered_mask(near, index, camera, whole)
    return float(seen.sum()) / total, float(inside.sum()) / total
