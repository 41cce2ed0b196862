"""Paints a part of a model once, and the two tools that lay it into a frame: blending and motion blur."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.frames import Image
from toolkit.synthetic.objects import Detail, Part
from toolkit.synthetic.outline import Points, bounds
from toolkit.synthetic.texture import Plane, paint_pattern, stream

MARGIN = 3  # transparent pixels around a sprite, so that its edge is interpolated against nothing
SUPERSAMPLE = 4


@dataclass(frozen=True, eq=False)
class Sprite:
    """A painted part: premultiplied BGRA uint8 at full, half and quarter resolution.

    `levels[k]` has `density / 2**k` pixels per model unit; sprite pixel center (c, r) of level 0 shows the model
    point `origin + ((c, r) + 0.5) / density`.
    """

    levels: tuple[NDArray[np.uint8], ...]
    origin: tuple[float, float]
    density: float

    def to_model(self, level: int) -> NDArray[np.float64]:
        """3x3 matrix from pixel centers of `levels[level]` (integer coordinates) to model coordinates."""
        step = 2**level / self.density
        return np.array([[step, 0, self.origin[0] + 0.5 * step], [0, step, self.origin[1] + 0.5 * step], [0, 0, 1.0]])

    def level_for(self, scale: float) -> int:
        """The level to sample when one model unit becomes `scale` image pixels: never shrinks more than twice."""
        return int(np.clip(np.floor(np.log2(max(self.density / scale, 1.0))), 0, len(self.levels) - 1))


def paint_part(part: Part, density: float) -> Sprite:
    """Paints `part` with `density` pixels per model unit: pattern, details, shading as a solid body, soft edge."""
    left, top, right, bottom = bounds([part.outline])
    width = (int(np.ceil((right - left) * density)) + 2 * MARGIN + 3) // 4 * 4
    height = (int(np.ceil((bottom - top) * density)) + 2 * MARGIN + 3) // 4 * 4
    origin = ((left + right) / 2 - width / 2 / density, (top + bottom) / 2 - height / 2 / density)
    rng = stream(part.seed, "surface")
    painting = paint_pattern(rng, part.pattern, height, width, part.colors, part.grain).astype(np.uint8)
    for detail in part.details:
        _paint_detail(painting, detail, (detail.outline - origin) * density)
    surface = painting.astype(np.float32)
    fine = np.zeros((height * SUPERSAMPLE, width * SUPERSAMPLE), np.uint8)
    corners = (part.outline - origin) * density * SUPERSAMPLE
    cv2.fillPoly(fine, [np.round((corners - 0.5) * 16).astype(np.int32)], 255, shift=4)
    # share of each pixel inside the outline, by counting a 4 x 4 grid
    alpha = np.asarray(cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA), np.float32) / np.float32(255)
    surface *= _shading(alpha, part.relief, float(rng.uniform(0, 2 * np.pi)))[..., None]
    whole = np.dstack([np.clip(surface, 0, 255) * alpha[..., None], alpha * 255])
    half = cv2.resize(whole, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    quarter = cv2.resize(half, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    levels = tuple(np.round(image).astype(np.uint8) for image in (whole, half, quarter))
    return Sprite(levels, origin, density)


def _paint_detail(surface: Image, detail: Detail, points: Points) -> None:
    color = np.clip(detail.color, 0, 255).tolist()
    if not detail.text:
        cv2.fillPoly(surface, [np.round((points - 0.5) * 16).astype(np.int32)], color, cv2.LINE_AA, 4)
        return
    left, top, right, bottom = bounds([points])
    (width, height), _ = cv2.getTextSize(detail.text, cv2.FONT_HERSHEY_DUPLEX, 1.0, 2)
    scale = min((right - left) / width, (bottom - top) / height)
    corner = (int((left + right - width * scale) / 2), int((top + bottom + height * scale) / 2))
    thickness = max(round(2 * scale), 1)
    cv2.putText(surface, detail.text, corner, cv2.FONT_HERSHEY_DUPLEX, scale, color, thickness, cv2.LINE_AA)


def _shading(alpha: Plane, relief: float, toward: float) -> Plane:
    """Brightness factor (h, w) of a body lit from above: Lambert shading of a dome over the outline, dark contour."""
    height, width = alpha.shape
    depth = cv2.distanceTransform((alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    reach = max(float(depth.max()), 1.0)
    dome = np.sqrt(np.clip(1 - (1 - np.clip(depth / reach, 0, 1)) ** 2, 0, 1)) * reach
    dome = cv2.GaussianBlur(dome, (0, 0), max(reach / 6, 0.8))
    slope_x = cv2.Sobel(dome, cv2.CV_32F, 1, 0, scale=0.125)
    slope_y = cv2.Sobel(dome, cv2.CV_32F, 0, 1, scale=0.125)
    light = np.array([0.5 * np.cos(toward), -0.75, 0.8])
    light /= np.linalg.norm(light)
    lambert = (light[2] - slope_x * light[0] - slope_y * light[1]) / np.sqrt(1 + slope_x**2 + slope_y**2)
    rim = np.clip(depth / (0.05 * min(height, width) + 1), 0, 1)
    shade = 1 + relief * (0.85 * (np.clip(lambert, 0.1, 1) - light[2])) - 0.25 * (1 - rim)
    return np.asarray(np.clip(shade, 0.25, 1.5), np.float32)


def blend(frame: Image, patch: NDArray[np.uint8], x: int, y: int) -> None:
    """Lays premultiplied BGRA `patch` over `frame` in place, its top-left pixel at (x, y); must lie inside."""
    height, width = patch.shape[:2]
    window = frame[y : y + height, x : x + width]
    rest = cv2.cvtColor(255 - patch[..., 3], cv2.COLOR_GRAY2BGR)
    window[:] = cv2.add(cv2.multiply(window, rest, scale=1 / 255), patch[..., :3])


def motion_kernel(velocity: NDArray[np.float64]) -> NDArray[np.float32] | None:
    """A line of the given displacement (pixels during the exposure) as a normalized kernel; None below 1.5 pixels."""
    length = float(np.hypot(*velocity))
    if length < 1.5:
        return None
    reach = int(np.ceil(length / 2)) + 1
    line = np.zeros((2 * reach + 1, 2 * reach + 1), np.uint8)
    ends = np.round(np.stack([reach - velocity / 2, reach + velocity / 2]) * 16).astype(int)
    cv2.line(line, ends[0].tolist(), ends[1].tolist(), 255, 1, cv2.LINE_AA, 4)
    kernel = line.astype(np.float32)
    return np.asarray(kernel / kernel.sum(), np.float32)
