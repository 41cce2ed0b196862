"""A linear layer packed for oneDNN is the same function, and so is its way back."""

from __future__ import annotations

import copy

import pytest
import torch

from pysot.models.layers import packed_linear as module
from pysot.models.layers.packed_linear import PackedLinear


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rows", [1, 10, 33])
def test_equals_a_linear_layer_and_its_gradient(rows: int, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(rows)
    weight, bias, x, gradient = (
        torch.randn(shape, generator=generator, dtype=dtype) for shape in ((24, 50), (24,), (rows, 50), (rows, 24))
    )
    layer = PackedLinear(weight, bias, rows=10)
    variable = x.clone().requires_grad_()
    expected = variable @ weight.t() + bias
    expected.backward(gradient)
    for form in (layer, copy.deepcopy(layer)):
        torch.testing.assert_close(form(x), expected.detach(), atol=1e-4, rtol=1e-5)
        torch.testing.assert_close(form.back(gradient), variable.grad, atol=1e-4, rtol=1e-5)
        assert not form(variable).requires_grad


def test_no_rows_give_no_rows() -> None:
    layer = PackedLinear(torch.ones(3, 5), torch.zeros(3), rows=10)
    assert layer(torch.zeros(0, 5)).shape == (0, 3) and layer.back(torch.zeros(0, 3)).shape == (0, 5)


def test_torch_multiplies_where_onednn_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    weight, bias, x = torch.randn(4, 6), torch.randn(4), torch.randn(2, 6)
    packed = PackedLinear(weight, bias, rows=2)
    monkeypatch.setattr(module, "_is_supported", lambda: False)
    plain = PackedLinear(weight, bias, rows=2)
    assert torch.equal(plain(x), torch.nn.functional.linear(x, weight, bias))
    torch.testing.assert_close(plain(x), packed(x))
