"""SiamMask: SiamRPN's box, and a mask of the target at the chosen cell (Wang et al., CVPR 2019;
docs/systems/siammask.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from yacs.config import CfgNode

from pysot.core.crop import Image
from pysot.core.errors import ConfigError
from pysot.core.finite import require_finite
from pysot.models.meta_arch.siamese import MaskFeatures, SiameseOutput, SiamMask
from pysot.tracker.base import TRACKERS, Candidate, TrackResult
from pysot.tracker.siamese import SiameseCandidate
from pysot.tracker.siamrpn import SiamRPNParams, SiamRPNTracker

MIN_CONTOUR_AREA = 100
"""A smaller blob, in image pixels, gives no rotated box."""


@dataclass(frozen=True)
class SiamMaskParams(SiamRPNParams):
    """Adds the probability above which a pixel is target, and the side of the refined mask in its pixels."""

    mask_threshold: float = field(default=0.3, metadata={"key": "TRACK.MASK_THERSHOLD"})
    mask_output_size: int = 127


@TRACKERS.register("SiamMaskTracker")
class SiamMaskTracker(SiamRPNTracker):
    """Box by the RPN branch; mask and rotated box from the refined mask of the same cell."""

    params_type = SiamMaskParams
    params: SiamMaskParams
    model: SiamMask  # type: ignore[assignment]

    def _respond(self, search: Tensor) -> tuple[SiameseOutput, MaskFeatures]:
        return self.model.track_with_mask(self.kernels, search, self.selection)

    def commit(self, image: Image, candidate: Candidate, learn: bool = True) -> TrackResult:
        assert isinstance(candidate, SiameseCandidate)
        result = super().commit(image, candidate, learn)
        mask = self._mask_in_image(candidate, image.shape[:2])
        return replace(result, polygon=rotated_box(mask > self.params.mask_threshold, result.box), mask=mask)

    def _mask_in_image(self, candidate: SiameseCandidate, image_hw: tuple[int, int]) -> NDArray[np.float32]:
        """(H, W) target probability: the cell's refined mask, pasted back where the cell looked."""
        cells = candidate.features.correlation.shape[-1]
        row, column = divmod(candidate.index % (cells * cells), cells)
        with torch.inference_mode():
            refined = self.model.refine(candidate.features, (row, column))[0].sigmoid().cpu()
        require_finite("The mask's values", self.model, refined)
        mask = refined.numpy()
        if len(mask) != self.params.mask_output_size:
            raise ConfigError(
                f"TRACK.MASK_OUTPUT_SIZE is {self.params.mask_output_size}, but the refinement of this model gives "
                f"masks of {len(mask)} x {len(mask)} pixels. Set it to {len(mask)}."
            )
        scale = candidate.crop_side / candidate.region.input_size
        corner = [center - candidate.crop_side / 2 for center in candidate.region.center_xy]
        step, margin = self.model.mask_window(self.params.exemplar_size)
        left, top = (start + (cell * step - margin) * scale for start, cell in zip(corner, (column, row), strict=True))
        return paste_back(mask, left, top, self.params.exemplar_size * scale, image_hw)

    @classmethod
    def check_config(cls, cfg: CfgNode) -> None:
        super().check_config(cfg)
        if not (cfg.MASK.MASK and cfg.REFINE.REFINE):
            raise ConfigError(
                "TRACK.TYPE SiamMaskTracker reads a refined mask. "
                "Set MASK.MASK and REFINE.REFINE True, or use SiamRPNTracker."
            )


def paste_back(
    mask: NDArray[np.float32], left: float, top: float, side: float, image_hw: tuple[int, int]
) -> NDArray[np.float32]:
    """Resizes a square `mask` to `side` image pixels at (left, top) on an otherwise empty (H, W) map.

    The scale is (W - 1) / W of the exact one, in x, and likewise in y: published results were made so.
    """
    height, width = image_hw
    zoom = len(mask) / side
    scale_x, scale_y = (width - 1) / (width * zoom), (height - 1) / (height * zoom)
    mapping = np.array([[scale_x, 0, scale_x * left * zoom], [0, scale_y, scale_y * top * zoom]])
    pasted = cv2.warpAffine(mask, mapping, (width, height), flags=cv2.INTER_LINEAR, borderValue=0.0)
    return np.asarray(pasted, dtype=np.float32)


def rotated_box(bits: NDArray[np.bool_], box_xywh: tuple[float, float, float, float]) -> NDArray[np.float64]:
    """(8,) corners of the smallest rotated rectangle around the largest blob of `bits` (H, W); of `box_xywh` when
    there is none of more than `MIN_CONTOUR_AREA` pixels.
    """
    contours, _ = cv2.findContours(bits.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(contours, key=cv2.contourArea, default=None)
    if largest is not None and cv2.contourArea(largest) > MIN_CONTOUR_AREA:
        return np.asarray(cv2.boxPoints(cv2.minAreaRect(largest)), dtype=np.float64).ravel()
    x, y, width, height = box_xywh
    return np.array([x, y, x + width, y, x + width, y + height, x, y + height], dtype=np.float64)
