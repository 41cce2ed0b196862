"""The inference form of a model computes the same as the model it was made from."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pysot.core.config import load_config
from pysot.models.builder import build_model
from pysot.models.inference import prepare_for_inference
from pysot.models.layers.winograd import MIN_CHANNELS, WinogradConv2d, use_winograd
from tests.golden import fill_weights_by_hash, random_crop

FAMILIES = ["siamrpn_alex_dwxcorr_16gpu", "siamrpn_mobilev2_l234_dwxcorr", "nanotrack_v1", "nanotrack_v3"]


@pytest.mark.parametrize("name", FAMILIES)
def test_inference_form_computes_the_same_with_fewer_modules(name: str) -> None:
    model = build_model(load_config(name)).eval()
    fill_weights_by_hash(model, 1e-3)
    z, x = random_crop(0, 127), random_crop(1, 255)
    with torch.inference_mode():
        before = model(z, x)
        prepare_for_inference(model, torch.device("cpu"))
        after = model(z, x)
    for old, new in zip(before, after, strict=True):
        assert (old - new).abs().max() <= 1e-4 * old.abs().max()
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    used = [m for m in norms if m not in list(getattr(model, "neck", torch.nn.Module()).modules())]
    assert not used
    assert not any(p.requires_grad for p in model.parameters())


def reference(conv: nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
    """The same convolution in double precision."""
    bias = None if conv.bias is None else conv.bias.double()
    return nn.functional.conv2d(x.double(), conv.weight.double(), bias, 1, conv.padding, conv.dilation)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("height", "width", "padding", "dilation"),
    [(31, 31, 2, 2), (31, 31, 4, 4), (15, 15, 1, 1), (15, 15, 0, 1), (9, 14, 3, 3), (5, 5, 0, 2), (6, 3, 1, 1)],
)
@torch.inference_mode()
def test_winograd_equals_the_direct_convolution(
    height: int, width: int, padding: int, dilation: int, bias: bool
) -> None:
    torch.manual_seed(height + dilation)
    conv = nn.Conv2d(12, 7, 3, 1, padding, dilation, bias=bias)
    x = torch.randn(2, 12, height, width)
    found, expected = WinogradConv2d(conv)(x), reference(conv, x)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()


def test_only_large_plain_convolutions_are_replaced() -> None:
    wide = MIN_CHANNELS
    fitting = {"a": nn.Conv2d(wide, wide, 3, padding=1), "b": nn.Conv2d(wide, wide, 3, padding=2, dilation=2)}
    others = {
        "strided": nn.Conv2d(wide, wide, 3, stride=2),
        "narrow": nn.Conv2d(wide // 2, wide, 3),
        "grouped": nn.Conv2d(wide, wide, 3, groups=wide),
        "pointwise": nn.Conv2d(wide, wide, 1),
        "odd padding": nn.Conv2d(wide, wide, 3, padding=(1, 0)),
    }
    model = nn.ModuleDict({**fitting, **others})
    use_winograd(model)
    assert {name for name, child in model.items() if isinstance(child, WinogradConv2d)} == set(fitting)
