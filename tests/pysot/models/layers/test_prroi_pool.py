"""Precise RoI pooling: reference values, dense numerical integration, gradients, and both ways to compute it."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pysot.models.layers import prroi_pool as module
from pysot.models.layers.prroi_pool import backend_name, pool_by_matrices, prroi_box_gradient, prroi_pool_boxes
from tests.golden import recorded

built = importlib.util.find_spec("pysot.models.layers._prroi_pool") is not None
BACKENDS = [pytest.param("native", marks=pytest.mark.skipif(not built, reason="the extension is not built")), "torch"]
GENERAL_BOXES = [[[3.1, 5.3, 41.7, 37.2], [-11.0, 7.4, 19.3, 90.3]], [[8.1, 8.3, 15.1, 17.7], [20.3, 20.1, 22.7, 21.9]]]
"""xyxy in pixels at 8 px per cell of a 7 x 6 map: one crosses the border, one lies inside a cell.
No edge is on a center of a cell, where the gradient has a kink."""


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Each implementation in turn."""
    monkeypatch.setenv("PYSOT_NO_NATIVE", "1" if request.param == "torch" else "0")
    module._native.cache_clear()
    assert backend_name() == request.param
    yield request.param
    module._native.cache_clear()


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def general_boxes() -> Tensor:
    return torch.tensor(GENERAL_BOXES, dtype=torch.float64)


def pool_each(features: Tensor, boxes_xyxy: Tensor, index: Tensor, side: int, scale: float) -> Tensor:
    """(R, C, side, side) bins of boxes (R, 4), each from the map of its index."""
    pairs = zip(index.tolist(), boxes_xyxy, strict=True)
    return torch.cat([prroi_pool_boxes(features[i, None], box[None, None], (side, side), scale)[0] for i, box in pairs])


def test_agrees_with_the_reference(backend: str) -> None:
    golden = recorded("prroi_pool.npz")
    features = torch.from_numpy(golden["feat"]).requires_grad_()
    boxes = torch.from_numpy(golden["rois"][:, 1:]).requires_grad_()
    index, scale = torch.from_numpy(golden["rois"][:, 0]).long(), float(golden["scale"])
    pooled = pool_each(features, boxes, index, 5, scale)
    np.testing.assert_allclose(pooled.detach(), golden["out_5x5"], atol=1e-10, rtol=0)
    loss = (pool_each(features, boxes[:3], index[:3], 3, scale) * torch.arange(9.0).view(3, 3)).sum()
    by_features, by_boxes = torch.autograd.grad(loss, (features, boxes))
    np.testing.assert_allclose(by_features[:, :, ::3, ::3], golden["grad_feat_3x3_slice"], atol=1e-10, rtol=0)
    np.testing.assert_allclose(by_boxes[:3], golden["grad_rois_3x3"][:, 1:], atol=1e-10, rtol=0)


def bilinear(plane: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Values of a map, zero outside, at a grid of points."""
    rows = np.clip(1 - np.abs(y[:, None] - np.arange(plane.shape[0])), 0, None)
    columns = np.clip(1 - np.abs(x[:, None] - np.arange(plane.shape[1])), 0, None)
    return rows @ plane @ columns.T


def test_is_the_mean_over_dense_samples(backend: str) -> None:
    plane = normal(6, 7)
    x1, y1, x2, y2 = 1.3, -0.8, 6.9, 4.45
    points = (np.arange(1200) + 0.5) / 1200
    dense = bilinear(plane.numpy(), y1 + (y2 - y1) * points, x1 + (x2 - x1) * points)
    expected = dense.reshape(3, 400, 2, 600).mean((1, 3))
    box = torch.tensor([[[x1, y1, x2, y2]]], dtype=torch.float64)
    pooled = prroi_pool_boxes(plane[None, None], box / 0.25, (3, 2), 0.25)
    np.testing.assert_allclose(pooled[0, 0, 0], expected, atol=1e-5)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_gradients_are_exact_also_of_the_gradient(backend: str, layout: torch.memory_format) -> None:
    features = normal(2, 2, 7, 6).contiguous(memory_format=layout).requires_grad_()
    boxes = general_boxes().requires_grad_()

    def pool(features: Tensor, boxes: Tensor) -> Tensor:
        return prroi_pool_boxes(features, boxes, (2, 3), 1 / 8)

    assert torch.autograd.gradcheck(pool, (features, boxes))
    assert torch.autograd.gradgradcheck(pool, (features, boxes), fast_mode=True)
    assert torch.autograd.gradgradcheck(lambda boxes: pool(features.detach(), boxes), (boxes,), fast_mode=True)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_gradient_by_boxes_without_a_graph(backend: str, layout: torch.memory_format) -> None:
    features, boxes = normal(2, 3, 7, 6).contiguous(memory_format=layout), general_boxes().requires_grad_()
    pooled = prroi_pool_boxes(features, boxes, (2, 3), 1 / 8)
    grad = normal(*pooled.shape, seed=2)
    (expected,) = torch.autograd.grad(pooled, boxes, grad)
    with torch.no_grad():
        found = prroi_box_gradient(features, boxes, grad.permute(0, 1, 3, 4, 2), 1 / 8)
    assert not found.requires_grad
    torch.testing.assert_close(found, expected)


def test_constant_and_linear_maps(backend: str) -> None:
    box = torch.tensor([[[24.0, 32.0, 72.0, 64.0]]], dtype=torch.float64, requires_grad=True)
    constant = torch.full((1, 2, 12, 12), 3.5, dtype=torch.float64)
    pooled = prroi_pool_boxes(constant, box, (5, 5), 1 / 8)
    torch.testing.assert_close(pooled, torch.full_like(pooled, 3.5))
    assert torch.autograd.grad(pooled.sum(), box)[0].abs().max() < 1e-12
    ramp = torch.arange(12.0, dtype=torch.float64).expand(1, 1, 12, 12)
    first, shifted = (prroi_pool_boxes(ramp, box + shift, (4, 4), 1 / 8) for shift in (0.0, 12.0))
    torch.testing.assert_close(shifted, first + 1.5)
    torch.testing.assert_close(first[0, 0, 0, 0], 3 + 1.5 * (torch.arange(4.0, dtype=torch.float64) + 0.5))


def test_boxes_without_area_or_outside_give_zero(backend: str) -> None:
    boxes = torch.tensor([[[10.0, 10, 10, 40], [10, 40, 30, 40], [30, 10, 10, 40], [-90, -90, -30, -20]]])
    boxes = boxes.double().requires_grad_()
    features = normal(1, 3, 9, 9).requires_grad_()
    pooled = prroi_pool_boxes(features, boxes, (2, 2), 1 / 8)
    assert pooled.abs().max() == 0
    by_features, by_boxes = torch.autograd.grad(pooled.sum(), (features, boxes))
    assert by_features.abs().max() == 0 and by_boxes.abs().max() == 0


def test_broken_boxes_give_nan_and_leave_the_others_alone(backend: str) -> None:
    features = normal(1, 2, 5, 5).float()
    good = torch.tensor([4.0, 4.0, 30.0, 30.0])
    for value in (float("nan"), float("inf")):
        boxes = torch.stack([good, torch.tensor([4.0, value, 30.0, 30.0])])[None]
        pooled = prroi_pool_boxes(features, boxes, (3, 3), 1 / 8)
        assert pooled[0, 0].isfinite().all() and (pooled[0, 1].isnan().all() or value == float("inf"))


def test_no_boxes_give_no_bins(backend: str) -> None:
    bins = prroi_pool_boxes(normal(3, 2, 7, 6), general_boxes().new_zeros(3, 0, 4), (3, 2), 1 / 8)
    assert bins.shape == (3, 0, 2, 3, 2)


@pytest.mark.skipif(not built, reason="the extension is not built")
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-640, 640).map(lambda number: number / 64), min_size=4, max_size=4),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.integers(1, 35),
)
def test_kernel_equals_the_products(
    corners: list[float], size: tuple[int, int], map_size: tuple[int, int], channels: int
) -> None:
    found = []
    for pool in (lambda *args: prroi_pool_boxes(*args, 1.0), pool_by_matrices):
        features = normal(1, channels, *map_size).requires_grad_()
        boxes = torch.tensor([[corners]], dtype=torch.float64, requires_grad=True)
        pooled = pool(features, boxes, size)
        loss = (pooled * normal(*pooled.shape, seed=1)).sum()
        found.append((pooled, *torch.autograd.grad(loss, (features, boxes))))
    for first, second in zip(*found, strict=True):
        torch.testing.assert_close(first, second, atol=1e-9, rtol=1e-9)


def test_other_precisions_take_the_products(backend: str) -> None:
    features, boxes = normal(2, 3, 7, 6), general_boxes()
    exact = prroi_pool_boxes(features, boxes, (2, 3), 1 / 8)
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.bfloat16, 0.05)):
        pooled = prroi_pool_boxes(features.to(dtype), boxes.float(), (2, 3), 1 / 8)
        assert pooled.dtype == dtype
        assert (pooled.double() - exact).abs().max() < tolerance * exact.abs().max()


def test_switching_the_kernel_off_is_logged(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("PYSOT_NO_NATIVE", "1")
    module._native.cache_clear()
    with caplog.at_level(logging.INFO):
        assert backend_name() == "torch"
    assert "RoI pooling runs on torch" in caplog.text
    module._native.cache_clear()


def test_can_be_exported() -> None:
    class Pool(torch.nn.Module):
        def forward(self, features: Tensor, boxes: Tensor) -> Tensor:
            return prroi_pool_boxes(features, boxes, (2, 3), 1 / 8)

    exported = torch.export.export(Pool(), (normal(2, 3, 7, 6), general_boxes())).module()
    features, boxes = normal(2, 3, 7, 6, seed=1), general_boxes() + 1.3
    torch.testing.assert_close(exported(features, boxes), Pool()(features, boxes))
