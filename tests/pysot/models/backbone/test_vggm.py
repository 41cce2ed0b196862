"""VGG-M: MDNet's crops, and the same cells from one dense map."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from pysot.models.backbone.vggm import VggM, local_response_norm
from pysot.models.head.lmt import LmtHead


def image(seed: int, height: int, width: int, blur: float = 2.0) -> NDArray[np.uint8]:
    """Noise blurred over a few pixels, of full contrast."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return np.asarray(cv2.normalize(cv2.GaussianBlur(noise, (0, 0), blur), None, 0, 255, cv2.NORM_MINMAX), np.uint8)


def as_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(pixels)[None].permute(0, 3, 1, 2).float()


@pytest.fixture(scope="module")
def vgg() -> VggM:
    torch.manual_seed(0)
    backbone = VggM()
    for layer in (backbone.conv1, backbone.conv2, backbone.conv3):
        nn.init.kaiming_normal_(layer.weight)
    return backbone.eval().requires_grad_(False)


def test_sizes_of_a_crop_of_107_pixels(vgg: VggM) -> None:
    x, sizes = torch.zeros(2, 3, 107, 107), []
    for layer in (vgg.conv1, nn.MaxPool2d(3, 2), vgg.conv2, nn.MaxPool2d(3, 2), vgg.conv3):
        x = layer(x)
        sizes.append(x.shape[-1])
    (out,) = vgg(torch.zeros(2, 3, 107, 107))
    assert sizes == [51, 25, 11, 5, 3] and out.shape == x.shape == (2, 512, 3, 3)
    head = LmtHead(4608)
    assert head.classify(out).shape == (2, 2) and head.predict_iou(out).shape == (2,)
    assert [tuple(p.shape) for n, p in head.named_parameters() if n.endswith("weight")] == [
        (512, 4608), (512, 512), (2, 512), (512, 4608), (512, 512), (1, 512),
    ]  # fmt: skip


def test_normalization_by_the_formula() -> None:
    x = torch.randn(1, 7, 2, 3, dtype=torch.float64) * 30
    expected = torch.empty_like(x)
    for channel in range(7):
        total = (x[:, max(0, channel - 2) : channel + 3] ** 2).sum(1)
        expected[:, channel] = x[:, channel] / (2 + 1e-4 * total) ** 0.75
    torch.testing.assert_close(local_response_norm(x), expected)
    torch.testing.assert_close(local_response_norm(x), F.local_response_norm(x, 5, alpha=5e-4, beta=0.75, k=2.0))


@pytest.mark.parametrize("stride", [8, 4])
def test_dense_cells_are_those_of_the_crops(vgg: VggM, stride: int) -> None:
    patch, apart = as_tensor(image(1, 155, 139)), 16 // stride
    (dense,) = vgg(patch, stride=stride)
    assert dense.shape[-2:] == ((155 - 107) // stride + 2 * apart + 1, (139 - 107) // stride + 2 * apart + 1)
    for row, column in ((0, 0), (3, 2), (6, 4)):
        (crop,) = vgg(patch[..., stride * row : stride * row + 107, stride * column : stride * column + 107])
        rows, columns = slice(row, row + 2 * apart + 1, apart), slice(column, column + 2 * apart + 1, apart)
        torch.testing.assert_close(dense[..., rows, columns], crop, rtol=1e-4, atol=1e-4)
