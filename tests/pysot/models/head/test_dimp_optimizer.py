"""The steps that learn a filter, against exact line search, automatic differentiation and closed forms."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pysot.models.head.dimp_optimizer import GaussNewtonDescent, NewtonDescent, SteepestDescent, log_mass
from pysot.models.layers.filter import correlate

KINDS: dict[str, type[SteepestDescent]] = {"gn": GaussNewtonDescent, "newton": NewtonDescent}
SIZE = (7, 7)  # scores of a filter of side 4 on 6 x 6 cells


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def make(kind: str = "gn", **options: Any) -> SteepestDescent:
    return KINDS[kind](**options).double()


def problem(sequences: int = 1, images: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """First filters (B, 4, 4, 3), samples (B, n, 6, 6, 3) and boxes (B, n, 4)."""
    samples, start = random(sequences, images, 6, 6, 3), 0.1 * random(sequences, 4, 4, 3, seed=1)
    centers = 48 + 20 * random(sequences, images, 2, seed=2).clamp(-1, 1)
    return start, samples, torch.cat([centers - 15, torch.full_like(centers, 30)], dim=-1)


def least_squares(**options: Any) -> SteepestDescent:
    """Mask and weight 1 everywhere: a quadratic loss."""
    steps = make("gn", mask_init=0.0, mask_act="linear", **options)
    with torch.no_grad():
        steps.get_parameter("target_mask_predictor.0.weight").fill_(1)
    return steps


def test_step_of_a_quadratic_is_the_exact_line_search() -> None:
    start, samples, boxes = problem()
    steps = least_squares(init_step=1.0, iterations=1, init_reg=0.3)
    variable = start.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(steps.loss(variable, samples, boxes).sum(), variable)
    with torch.no_grad():
        _, moved = steps(start, samples, boxes)
        lengths = torch.linspace(0, 2, 201, dtype=torch.float64)
        best = moved - start  # the loss along the line has its minimum where the step ends
        losses = torch.stack([steps.loss(start + t * best, samples, boxes)[0] for t in lengths])
    torch.testing.assert_close(F.cosine_similarity(best.flatten(), -gradient.flatten(), dim=0).item(), 1.0)
    assert int(losses.argmin()) == 100
    assert float(losses[100] - losses[99]) < 0 < float(losses[101] - losses[100])


def test_a_quadratic_loss_never_rises_and_reaches_its_minimum() -> None:
    start, samples, boxes = problem()
    for factor in (0.9, 1.5):
        steps = least_squares(init_step=factor, init_reg=1.0)
        with torch.no_grad():
            iterates = steps(start, samples, boxes, iterations=100)
            losses = [float(steps.loss(kernel, samples, boxes)) for kernel in iterates]
        assert all(b <= a + 1e-12 for a, b in pairwise(losses))
    unknowns = start.numel()
    design = torch.stack([correlate(samples, e.reshape(1, 4, 4, 3)).flatten() for e in torch.eye(unknowns).double()], 1)
    label = steps.maps(boxes, SIZE, 4)[0].flatten()  # type: ignore[operator]
    exact = torch.linalg.solve(design.t() @ design / 2 + torch.eye(unknowns).double(), design.t() @ label / 2)
    torch.testing.assert_close(iterates[-1].flatten(), exact, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"alpha_eps": 0.05, "min_reg": 0.2}])
def test_each_step_goes_down_the_gradient_of_the_loss(kind: str, options: dict[str, float]) -> None:
    start, samples, boxes = problem(sequences=2, images=3)
    weights = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]], dtype=torch.float64)
    steps = make(kind, **options)
    iterates = steps(start, samples, boxes, weights, 3)
    for before, after in pairwise(iterates):
        variable = before.detach().requires_grad_()
        loss = steps.loss(variable, samples, boxes, weights)
        (gradient,) = torch.autograd.grad(loss.sum(), variable)
        gradient = gradient / 2
        moved = (before - after) / steps.log_step_length.exp()
        length = (moved * gradient).sum((1, 2, 3)) / gradient.square().sum((1, 2, 3))
        torch.testing.assert_close(moved, length[:, None, None, None] * gradient)
        assert (length > 0).all()


@pytest.mark.parametrize("options", [{}, {"softmax_reg": 1.0, "label_shrink": 0.2, "uniform_weight": 0.1}])
def test_newton_step_follows_the_second_derivative_of_the_divergence(options: dict[str, float]) -> None:
    start, samples, boxes = problem(images=1)
    steps = make("newton", init_step=1.0, init_reg=0.3, iterations=1, **options)
    density = steps.density(boxes, SIZE, 4)  # type: ignore[operator]
    nowhere = [torch.tensor([options["softmax_reg"]]).double()] if options else []

    def divergence(kernel: Tensor) -> Tensor:
        scores = correlate(samples, kernel)
        mass = torch.cat([scores.flatten(), *nowhere]).logsumexp(0)
        return mass - (density * scores).sum() + 0.3**2 / 2 * kernel.square().sum()

    gradient = torch.autograd.functional.jacobian(divergence, start)
    bend = torch.autograd.functional.hvp(divergence, start, gradient)[1]
    length = gradient.square().sum() / (gradient * bend).sum()
    torch.testing.assert_close(steps(start, samples, boxes)[1], start - length * gradient)
    torch.testing.assert_close(steps.loss(start, samples, boxes)[0], 2 * divergence(start))


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_through_five_iterations_are_exact(kind: str) -> None:
    start, samples, boxes = problem(sequences=2, images=2)
    options = {} if kind == "newton" else {"num_dist_bins": 4, "bin_displacement": 2.0}
    steps = make(kind, **options)
    names = [name for name, _ in steps.named_parameters()]

    def final(start: Tensor, samples: Tensor, weights: Tensor, *values: Tensor) -> Tensor:
        arguments = (start, samples, boxes, weights, 5)
        last = torch.func.functional_call(steps, dict(zip(names, values, strict=True)), arguments)[-1]
        return last

    weights = torch.tensor([[0.6, 0.4], [0.3, 0.7]], dtype=torch.float64)
    inputs = [start, samples, weights, *(p.detach() for p in steps.parameters())]
    inputs = [value.clone().requires_grad_() for value in inputs]
    assert torch.autograd.gradcheck(final, inputs, atol=1e-5, fast_mode=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_of_sequences_is_one_by_one(kind: str) -> None:
    start, samples, boxes = problem(sequences=2, images=3)
    steps = make(kind)
    together = steps(start, samples, boxes)
    for b in (0, 1):
        one = slice(b, b + 1)
        alone = steps(start[one], samples[one], boxes[one])
        assert len(alone) == 6
        for all_kernels, kernel in zip(together, alone, strict=True):
            torch.testing.assert_close(all_kernels[one], kernel)


@pytest.mark.parametrize("kind", KINDS)
def test_equal_weights_are_the_default_and_a_weight_of_zero_hides_a_sample(kind: str) -> None:
    start, samples, boxes = problem(images=3)
    steps = make(kind)
    equal = torch.full((1, 3), 1 / 3, dtype=torch.float64)
    torch.testing.assert_close(steps(start, samples, boxes)[-1], steps(start, samples, boxes, equal)[-1])
    halves = torch.tensor([[0.5, 0.5, 0.0]], dtype=torch.float64)
    shown = steps(start, samples[:, :2], boxes[:, :2])
    torch.testing.assert_close(steps(start, samples, boxes, halves)[-1], shown[-1])


@pytest.mark.parametrize("kind", KINDS)
def test_samples_of_zeros_leave_the_filter_finite(kind: str) -> None:
    start, samples, boxes = problem()
    iterates = make(kind)(start, torch.zeros_like(samples), boxes)
    assert all(kernel.isfinite().all() for kernel in iterates)
    assert make(kind)(torch.zeros_like(start), torch.zeros_like(samples), boxes)[-1].abs().max() == 0


def maps_along(steps: GaussNewtonDescent, place: int = 3) -> tuple[Tensor, ...]:
    """Label, mask and weight from a target in the middle of a cell to the right."""
    box = torch.tensor([16.0 * place - 10, 16.0 * place - 5, 20, 10], dtype=torch.float64)
    return tuple(values[place, place:].detach() for values in steps.maps(box, (24, 24), 4))


def test_fresh_maps_are_those_of_the_table() -> None:
    steps = GaussNewtonDescent().double()
    label, mask, weight = maps_along(steps)
    distance = torch.arange(21, dtype=torch.float64).clamp(max=9.9)
    least = float(torch.exp(torch.tensor(-(9.9**2) / (2 * 0.9**2))))
    torch.testing.assert_close(label, torch.exp(-distance.square() / (2 * 0.81)) - least, atol=1e-6, rtol=0)
    torch.testing.assert_close(mask, torch.sigmoid(3 * torch.tanh(2 - distance)), atol=1e-6, rtol=0)
    assert weight.tolist() == [1.0] * 21
    assert (label.diff() <= 0).all() and (mask.diff() <= 0).all() and float(label[0]) == pytest.approx(1 - least)
    linear = maps_along(GaussNewtonDescent(mask_act="linear", mask_init=0.5).double())[1]
    torch.testing.assert_close(linear, 0.5 * torch.tanh(2 - distance) + 0.5, atol=1e-6, rtol=0)


def test_maps_that_are_not_learned_are_fixed() -> None:
    steps = GaussNewtonDescent(learn_label=False, learn_mask=False, learn_weight=False).double()
    label, mask, weight = maps_along(steps)
    torch.testing.assert_close(label, torch.exp(-torch.arange(21).double().square() / (2 * 0.81)))
    assert mask.tolist() == [1, 1, 1] + [0] * 18 and weight.tolist() == [1] * 21
    assert {name for name, _ in steps.named_parameters()} == {"log_step_length", "filter_reg"}
    learned = GaussNewtonDescent(learn_mask=False, learn_weight=False).double()
    assert maps_along(learned)[1].tolist() == mask.tolist()


def test_wanted_densities() -> None:
    box = torch.tensor([[38.0, 30, 20, 20], [900, 900, 20, 20]], dtype=torch.float64)
    density = NewtonDescent(label_shrink=0.1, uniform_weight=0.2).density(box[:1], SIZE, 4)[0]
    assert float(density.sum()) == pytest.approx(0.9) and int(density.argmax()) == 2 * 7 + 3
    assert float(density.min()) == pytest.approx(0.9 * 0.2 / 49, rel=1e-3)
    plain = NewtonDescent(normalize_label=False, label_threshold=0.05).density(box, SIZE, 4)
    assert float(plain[0, 2, 3]) == pytest.approx(math.exp(-0.25 / (2 * 0.81)) / (2 * math.pi * 0.81))
    assert ((plain == 0) | (plain > 0.05)).all() and plain[1].abs().max() == 0
    assert NewtonDescent().density(box, SIZE, 4)[1].isfinite().all()


def test_mass_of_nowhere() -> None:
    scores = random(2, 3, 3)
    torch.testing.assert_close(log_mass(scores, None), scores.exp().sum((1, 2)).log())
    torch.testing.assert_close(log_mass(scores, 0.7), (scores.exp().sum((1, 2)) + torch.tensor(0.7).exp()).log())


def test_curves_have_the_published_shapes() -> None:
    shapes = {name: tuple(p.shape) for name, p in GaussNewtonDescent().named_parameters()}
    assert shapes.pop("log_step_length") == shapes.pop("filter_reg") == (1,)
    assert set(shapes.values()) == {(1, 100, 1, 1)} and len(shapes) == 3
    assert isinstance(GaussNewtonDescent().target_mask_predictor, nn.Sequential)
