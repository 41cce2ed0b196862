"""The step, its losses, and gradients through it."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pysot.online.meta_step import Params, binary_loss, inner_steps, overlap_loss, right_share

torch.set_num_threads(1)


def doubles(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_step_on_a_quadratic() -> None:
    """Of a (w - m)^2 / 2 the gradient is a (w - m); two steps repeat the first."""
    weight, rate = doubles(5).requires_grad_(), doubles(5, seed=1).abs()
    curvature, middle = doubles(5, seed=2), doubles(5, seed=3)

    def loss(params: Params) -> Tensor:
        return (curvature * (params["w"] - middle) ** 2).sum() / 2

    once = inner_steps(loss, {"w": weight}, {"w": rate})["w"]
    torch.testing.assert_close(once, weight - rate * curvature * (weight - middle))
    twice = inner_steps(loss, {"w": weight}, {"w": rate}, steps=2)["w"]
    torch.testing.assert_close(twice, once - rate * curvature * (once - middle))


def look_ahead(weight: Tensor, bias: Tensor, rates: dict[str, Tensor], second_order: bool) -> Tensor:
    """Loss of a two-layer classifier on other samples after one step."""
    first, later, labels = doubles(12, 4, seed=5), doubles(12, 4, seed=6), torch.arange(12) % 2

    def loss(params: Params, samples: Tensor) -> Tensor:
        logits = torch.tanh(samples @ params["w"]) @ doubles(3, 2, seed=7) + params["b"]
        return F.cross_entropy(logits, labels, reduction="sum")

    theta = {"w": weight, "b": bias}
    adapted = inner_steps(lambda params: loss(params, first), theta, rates, second_order=second_order)
    return loss(adapted, later)


def test_meta_gradient_equals_finite_differences() -> None:
    weight, bias = doubles(4, 3).requires_grad_(), doubles(2, seed=1).requires_grad_()
    rate_w, rate_b = (doubles(4, 3, seed=2).abs() / 5).requires_grad_(), torch.full((2,), 0.1).double().requires_grad_()
    inputs = (weight, bias, rate_w, rate_b)
    assert torch.autograd.gradcheck(lambda w, b, p, q: look_ahead(w, b, {"w": p, "b": q}, True), inputs, atol=1e-7)


def test_first_order_leaves_out_the_curvature_and_keeps_the_rates() -> None:
    weight, bias = doubles(4, 3).requires_grad_(), doubles(2, seed=1).requires_grad_()
    rates = {"w": torch.full((4, 3), 0.05).double().requires_grad_(), "b": torch.full((2,), 0.1).double()}
    exact = torch.autograd.grad(look_ahead(weight, bias, rates, True), (weight, rates["w"]))
    rough = torch.autograd.grad(look_ahead(weight, bias, rates, False), (weight, rates["w"]))
    torch.testing.assert_close(rough[1], exact[1])
    assert (rough[0] - exact[0]).norm() > 0.05 * exact[0].norm()


def test_binary_loss_is_a_sum_of_cross_entropies() -> None:
    good, bad = doubles(7, 2), doubles(9, 2, seed=1)
    expected = F.cross_entropy(good, torch.ones(7).long(), reduction="sum")
    expected = expected + F.cross_entropy(bad, torch.zeros(9).long(), reduction="sum")
    torch.testing.assert_close(binary_loss(good, bad), expected)
    sure = torch.tensor([[-3.0, 3.0]])
    wrong = float(torch.sigmoid(torch.tensor(-6.0)))
    assert float(binary_loss(sure, -sure, focal=True)) == pytest.approx(
        wrong * float(binary_loss(sure, -sure)), rel=1e-4
    )


def test_overlap_loss_by_hand() -> None:
    """0.3 x quadratic at an overlap below 0.1, linear at an error above 0.1."""
    predicted, true = torch.tensor([0.10, 0.90]), torch.tensor([0.05, 0.50])
    expected = 0.3 * 0.05**2 / 0.2 + (0.4 - 0.05)
    assert float(overlap_loss(predicted, true)) == pytest.approx(expected, rel=1e-5)


def test_right_share_weighs_both_classes_alike() -> None:
    good, bad = torch.tensor([[0.0, 1.0]]), torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    assert float(right_share(good, bad)) == pytest.approx((1 + 0.75) / 2)
    assert math.isclose(float(right_share(-good, bad)), 0.375)
