"""Precise RoI pooling: the mean of a feature map over every bin of a box, with gradients also for the box (Jiang et
al., Acquisition of Localization Confidence for Accurate Object Detection, ECCV 2018; docs/systems/atom.md, Precise RoI
pooling).

The map is interpolated bilinearly between cell centers at whole numbers and is zero outside. The integral of that over
a bin is separable: a row and a column of weights, each the difference of two integrals of the hat function.

On a CPU a compiled kernel does it where it is built (csrc/prroi_pool.cpp); everywhere else, and as the reference, two
matrix products do. The kernel is 6 to 14 times faster: a bin covers a few cells, and the products visit all of the map.
CPU milliseconds on one thread (EPYC, Zen 5; least of 150) for 10 boxes of 58 px, 256 channels, channels last:

| map, bins | forward: kernel, products | and gradient of boxes | and of boxes and map |
|---|---|---|---|
| 36 x 36, 5 x 5 | 0.08, 0.79 | 0.24, 3.5 | 0.36, 3.5 |
| 18 x 18, 3 x 3 | 0.04, 0.26 | 0.14, 1.0 | 0.17, 1.1 |
"""

from __future__ import annotations

import logging
import os
from functools import lru_cache
from types import ModuleType

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from pysot.core.device import is_cpu

logger = logging.getLogger(__name__)


def box_corners(boxes_xywh: Tensor) -> Tensor:
    """(..., 4) corners of boxes given as left, top, width, height."""
    corner, size = boxes_xywh[..., :2], boxes_xywh[..., 2:]
    return torch.cat([corner, corner + size], dim=-1)


def prroi_pool_boxes(
    features: Tensor, boxes_xyxy: Tensor, size: tuple[int, int], spatial_scale: float, offset: float = 0.0
) -> Tensor:
    """Pools the same number of boxes of every image.

    Args:
        features: (B, C, H, W), any float precision, any device; fastest in `torch.channels_last`.
        boxes_xyxy: (B, N, 4) corners in input pixels.
        size: (h, w) bins.
        spatial_scale: cells of the map per input pixel, 1 / stride. There is no rounding and no half-pixel shift.
        offset: the input pixel at which cell 0 looks.

    Returns:
        (B, N, C, h, w), channels last in memory; 0 where a box has no area, NaN where it has a NaN. Differentiable in
        `features` and `boxes_xyxy`.
    """
    boxes = (boxes_xyxy - offset if offset else boxes_xyxy) * spatial_scale
    if _runs_native(features, boxes):
        bins: Tensor = _NativePool.apply(features, boxes, size)  # type: ignore[no-untyped-call]
        return bins
    return pool_by_matrices(features, boxes, size)


def prroi_box_gradient(
    features: Tensor, boxes_xyxy: Tensor, grad_bins: Tensor, spatial_scale: float, offset: float = 0.0
) -> Tensor:
    """(B, N, 4): the gradient of `prroi_pool_boxes` by its boxes, without a graph.

    Args:
        features, boxes_xyxy, spatial_scale, offset: those of `prroi_pool_boxes`.
        grad_bins: (B, N, h, w, C) gradient by what it returned; channels are the last dimension here.
    """
    corners = boxes_xyxy.detach()
    boxes = ((corners - offset if offset else corners) * spatial_scale).contiguous()
    if _runs_native(features, boxes):
        cells = features.detach().permute(0, 2, 3, 1).contiguous()
        return _native_box_gradient(cells, boxes, grad_bins.contiguous()) * spatial_scale
    with torch.enable_grad():
        boxes.requires_grad_()
        bins = pool_by_matrices(features.detach(), boxes, (grad_bins.shape[2], grad_bins.shape[3]))
        (found,) = torch.autograd.grad(bins, boxes, grad_bins.permute(0, 1, 4, 2, 3))
    return found * spatial_scale


def _native_box_gradient(cells: Tensor, boxes: Tensor, grad_bins: Tensor) -> Tensor:
    """`prroi_box_gradient` by the kernel, with the map as (B, H, W, C) and boxes in its cells."""
    kernel = _native()
    assert kernel is not None
    found = torch.empty_like(boxes)
    kernel.backward_boxes(cells.numpy(), boxes.numpy(), grad_bins.numpy(), found.numpy())
    return found


def pool_by_matrices(features: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, N, C, h, w) means of `features` (B, C, H, W) over the bins of `boxes` (B, N, 4), corners in cells of the map.

    One product with the weights of the rows, one with those of the columns.
    """
    batch, channels, height, width = features.shape
    left, top, right, bottom = boxes.unbind(-1)
    rows = _bin_weights(top, bottom, size[0], height).to(features.dtype)
    columns = _bin_weights(left, right, size[1], width).to(features.dtype)
    lines = features.permute(0, 2, 3, 1).reshape(batch, height, width * channels)
    strips = rows.reshape(batch, -1, height) @ lines
    bins = columns[:, :, None] @ strips.reshape(*rows.shape[:3], width, channels)
    return bins.permute(0, 1, 4, 2, 3)


def _bin_weights(start: Tensor, end: Tensor, bins: int, cells: int) -> Tensor:
    """(B, N, bins, cells): the weight of every cell in the mean over every bin, along one axis; 0 in empty boxes."""
    numbers = torch.arange(max(bins + 1, cells), dtype=start.dtype, device=start.device)
    step = (end - start).clamp(min=0) / bins
    edges = start[..., None] + step[..., None] * numbers[: bins + 1]
    offset = (edges[..., None] - numbers[:cells]).clamp(-1, 1)
    integral = offset - offset * offset.abs() / 2  # of the hat function from its center to the edge
    return integral.diff(dim=-2) / step.masked_fill(step <= 0, torch.inf)[..., None, None]


class _NativePool(torch.autograd.Function):
    """`pool_by_matrices` by the kernel of csrc/, which visits only the cells that a bin covers."""

    @staticmethod
    def forward(ctx: FunctionCtx, features: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
        kernel = _native()
        assert kernel is not None
        cells = features.detach().permute(0, 2, 3, 1).contiguous()
        bins = features.new_empty(*boxes.shape[:2], *size, features.shape[1])
        kernel.forward(cells.numpy(), boxes.detach().contiguous().numpy(), bins.numpy())
        ctx.save_for_backward(features, boxes, cells)
        ctx.size = size  # type: ignore[attr-defined]
        return bins.permute(0, 1, 4, 2, 3)

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:  # type: ignore[override]
        features, boxes, cells = ctx.saved_tensors  # type: ignore[attr-defined]
        wanted = ctx.needs_input_grad  # type: ignore[attr-defined]
        if torch.is_grad_enabled():  # the gradient itself is to be differentiated
            inputs = [tensor for tensor, needed in zip((features, boxes), wanted, strict=False) if needed]
            bins = pool_by_matrices(features, boxes, ctx.size)  # type: ignore[attr-defined]
            found = list(torch.autograd.grad(bins, inputs, grad, create_graph=True))
            return (found.pop(0) if wanted[0] else None), (found.pop(0) if wanted[1] else None), None
        kernel = _native()
        assert kernel is not None
        grad_bins, fixed = grad.permute(0, 1, 3, 4, 2).contiguous(), boxes.detach().contiguous()
        grad_features = grad_boxes = None
        if wanted[0]:
            grad_cells = torch.empty_like(cells)
            kernel.backward_map(fixed.numpy(), grad_bins.numpy(), grad_cells.numpy())
            grad_features = grad_cells.permute(0, 3, 1, 2)
        if wanted[1]:
            grad_boxes = _native_box_gradient(cells, fixed, grad_bins)
        return grad_features, grad_boxes, None


def _runs_native(features: Tensor, boxes: Tensor) -> bool:
    """Whether the kernel can take these tensors; it is not seen by compilers and exporters."""
    return (
        not (torch.compiler.is_compiling() or torch.jit.is_tracing())  # type: ignore[attr-defined]
        and is_cpu(features.device)
        and features.dtype == boxes.dtype
        and features.dtype in (torch.float32, torch.float64)
        and min(features.numel(), boxes.numel()) > 0
        and _native() is not None
    )


@lru_cache(maxsize=1)
def _native() -> ModuleType | None:
    """The compiled kernel, or None where it is not built or `PYSOT_NO_NATIVE` is set. Decided once per process."""
    if os.environ.get("PYSOT_NO_NATIVE", "0") not in ("", "0"):
        logger.info("RoI pooling runs on torch: PYSOT_NO_NATIVE is set.")
        return None
    try:
        from pysot.models.layers import _prroi_pool  # type: ignore[attr-defined]
    except ImportError as error:
        logger.info("RoI pooling runs on torch: the native extension is not usable (%s).", error)
        return None
    kernel: ModuleType = _prroi_pool
    return kernel


def backend_name() -> str:
    """What pools on a CPU: `native` or `torch`."""
    return "torch" if _native() is None else "native"
