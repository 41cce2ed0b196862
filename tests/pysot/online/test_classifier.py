"""The classifier's least-squares problems: recorded runs, automatic differentiation, the normal equations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from pysot.core.errors import ConfigError
from pysot.online.classifier import (
    FilterProblem,
    JointProblem,
    Response,
    WeightedResponses,
    gaussian_label,
    random_classifier,
)
from pysot.online.gauss_newton import ConjugateGradient, NormalEquations, gauss_newton
from tests import golden
from tests.pysot.online.oracle import Linearized, classifier_residuals, mlu

FILTER_REG, PROJECTION_REG = 0.1, 1e-4


@pytest.fixture(scope="module")
def recorded() -> dict[str, Tensor]:
    arrays = golden.recorded("pytracking_atom_net.npz")
    return {key: torch.from_numpy(value) for key, value in arrays.items() if key.startswith(("joint_", "cg_"))}


def taps_last(kernel: Tensor) -> Tensor:
    """(1, C, k, k) as torch has it, to (k, k, C)."""
    return kernel[0].permute(1, 2, 0)


def error_of_max(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


def test_recorded_joint_optimization(recorded: dict[str, Tensor]) -> None:
    samples = recorded["joint_X"].permute(0, 2, 3, 1)
    data = WeightedResponses(samples, recorded["joint_Y"][:, 0], recorded["joint_sw"], Response())
    problem = JointProblem(data, 4, (16, 8), filter_reg=FILTER_REG, projection_reg=PROJECTION_REG)
    unknowns = problem.pack(taps_last(recorded["joint_w0"]), recorded["joint_P0"][:, :, 0, 0])
    solver, losses = ConjugateGradient(fletcher_reeves=True), []
    for _ in range(6):
        losses.append(problem.linearize(unknowns).loss)
        unknowns = gauss_newton(problem, unknowns, solver, steps=1, iterations=10)
    losses.append(problem.linearize(unknowns).loss)
    kernel, projection = problem.unpack(unknowns)
    np.testing.assert_allclose(losses, recorded["joint_losses"], rtol=1e-5)
    assert error_of_max(kernel.reshape(4, 4, 8), taps_last(recorded["joint_w"])) < 1e-4
    assert error_of_max(projection, recorded["joint_P"][:, :, 0, 0]) < 1e-4


def test_recorded_updates_of_the_filter(recorded: dict[str, Tensor]) -> None:
    labels = torch.cat([recorded["joint_Y"], recorded["joint_Y"][:2]])[:, 0]
    data = WeightedResponses(recorded["cg_X"].permute(0, 2, 3, 1), labels, recorded["cg_sw"], Response())
    problem = FilterProblem(data, 4, FILTER_REG)
    solver = ConjugateGradient(forget_factor=0.99**10, record=True)
    unknowns, losses, norms = torch.zeros(4 * 4 * 8), [], []
    for run in range(3):
        losses.append(problem.linearize(unknowns).loss)
        unknowns = gauss_newton(problem, unknowns, solver, steps=1, iterations=5)
        losses.append(problem.linearize(unknowns).loss)
        norms += solver.residual_norms
        assert error_of_max(unknowns.reshape(4, 4, 8), taps_last(recorded[f"cg_w_run{run}"])) < 1e-5
    np.testing.assert_allclose(losses, recorded["cg_losses"], rtol=1e-5)
    np.testing.assert_allclose(norms, recorded["cg_residuals"], atol=1e-4)


class Case:
    """A small problem of random numbers in double precision."""

    def __init__(self, seed: int = 0) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.samples, self.labels = self.random(3, 5, 6, 7), self.random(3, 6, 7).abs()
        self.kernel, self.projection = self.random(1, 4, 4, 4) * 0.2, self.random(4, 5, 1, 1) * 0.5
        self.weights = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)

    def random(self, *shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=self.generator)

    def data(self, samples: Tensor, response: Response | None = None) -> WeightedResponses:
        channels_last = samples.permute(0, 2, 3, 1).contiguous()
        return WeightedResponses(channels_last, self.labels, self.weights, response or Response())


@pytest.fixture
def case() -> Case:
    return Case()


def test_joint_products_are_those_of_automatic_differentiation(case: Case) -> None:
    residuals = classifier_residuals(case.samples, case.labels, case.weights, FILTER_REG, PROJECTION_REG)
    oracle = Linearized(residuals, [case.kernel, case.projection])
    problem = JointProblem(case.data(case.samples), 4, (5, 4), filter_reg=FILTER_REG, projection_reg=PROJECTION_REG)

    def flat(kernel: Tensor, projection: Tensor) -> Tensor:
        return problem.pack(taps_last(kernel), projection[:, :, 0, 0])

    equations = problem.linearize(flat(case.kernel, case.projection))
    assert equations.loss == pytest.approx(oracle.loss, rel=1e-12)
    torch.testing.assert_close(equations.descent, flat(*oracle.descent), rtol=1e-10, atol=1e-12)
    directions = [case.random(1, 4, 4, 4), case.random(4, 5, 1, 1)]
    expected = flat(*oracle.normal_product(directions))
    torch.testing.assert_close(equations.product(flat(*directions)), expected, rtol=1e-10, atol=1e-12)


def test_filter_products_are_those_of_automatic_differentiation(case: Case) -> None:
    samples = case.random(3, 4, 6, 7)
    oracle = Linearized(classifier_residuals(samples, case.labels, case.weights, FILTER_REG, None), [case.kernel])
    equations = FilterProblem(case.data(samples), 4, FILTER_REG).linearize(taps_last(case.kernel).reshape(-1))
    direction = case.random(1, 4, 4, 4)
    expected = taps_last(oracle.normal_product([direction])[0]).reshape(-1)
    assert equations.loss == pytest.approx(oracle.loss, rel=1e-12)
    torch.testing.assert_close(equations.descent, taps_last(oracle.descent[0]).reshape(-1))
    torch.testing.assert_close(equations.product(taps_last(direction).reshape(-1)), expected)


def test_single_precision_products_agree_to_1e_5(case: Case) -> None:
    exact = FilterProblem(case.data(case.random(3, 4, 6, 7)), 4, FILTER_REG)
    data = exact.data
    rough = WeightedResponses(data.samples.float(), data.labels.float(), case.weights.float(), Response())
    direction = case.random(1, 4, 4, 4).reshape(-1)
    at = taps_last(case.kernel).reshape(-1)
    found = FilterProblem(rough, 4, FILTER_REG).linearize(at.float()).product(direction.float())
    assert error_of_max(found.double(), exact.linearize(at).product(direction)) < 1e-5


def test_linear_problem_is_solved_as_by_the_normal_equations(case: Case) -> None:
    problem = FilterProblem(case.data(case.samples, Response("none")), 4, FILTER_REG)
    start = torch.zeros(4 * 4 * 5, dtype=torch.float64)
    equations = problem.linearize(start)
    matrix = torch.stack([equations.product(unit) for unit in torch.eye(len(start), dtype=torch.float64)])
    torch.testing.assert_close(matrix, matrix.t())
    exact = torch.linalg.solve(matrix, equations.descent)
    solved = gauss_newton(problem, start, ConjugateGradient(), steps=1, iterations=200)
    torch.testing.assert_close(solved, exact, rtol=1e-6, atol=1e-9)
    again = gauss_newton(problem, solved, ConjugateGradient(), steps=1, iterations=50)
    torch.testing.assert_close(again, exact, rtol=1e-8, atol=1e-11)


def test_every_step_lowers_the_loss(case: Case) -> None:
    problem = FilterProblem(case.data(case.samples), 4, FILTER_REG)
    unknowns, losses = torch.zeros(80, dtype=torch.float64), []
    for _ in range(5):
        losses.append(problem.linearize(unknowns).loss)
        unknowns = gauss_newton(problem, unknowns, ConjugateGradient(), steps=1, iterations=10)
    assert losses == sorted(losses, reverse=True) and losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("forget", [0.0, 0.9])
def test_numbers_that_are_not_finite_move_nothing(forget: float) -> None:
    solver = ConjugateGradient(forget_factor=forget)
    good = NormalEquations(0.0, torch.ones(3), lambda p: 2 * p)
    bad = NormalEquations(0.0, torch.tensor([1.0, math.nan, 2.0]), lambda p: 2 * p)
    assert solver.solve(bad, 5).tolist() == [0, 0, 0]
    torch.testing.assert_close(solver.solve(good, 5), torch.full((3,), 0.5))
    assert solver.solve(NormalEquations(0.0, torch.zeros(3), lambda p: 2 * p), 5).tolist() == [0, 0, 0]


def test_response_is_the_published_one() -> None:
    scores = torch.linspace(-1, 1, 201, dtype=torch.float64, requires_grad=True)
    value, slope = Response().value_and_slope(scores.detach())
    expected = mlu(scores)
    (gradient,) = torch.autograd.grad(expected.sum(), scores)
    torch.testing.assert_close(value, expected.detach())
    torch.testing.assert_close(Response().value(scores.detach()), expected.detach())
    assert float((slope - gradient).abs().max()) < 1e-12
    assert Response().value_and_slope(torch.zeros(1))[1].tolist() == [1]
    assert Response().value(torch.tensor([-0.1, -0.01])).tolist() == pytest.approx([-0.043233, -0.009063], abs=1e-6)
    with pytest.raises(ConfigError, match=r"RESPONSE_ACT is 'elu'; expected mlu or none"):
        Response("elu")


def test_zero_filter_answers_zero(case: Case) -> None:
    _, gradient, curvature = case.data(case.samples).linearize(torch.zeros(4, 4, 5, dtype=torch.float64))
    assert gradient.abs().max() > 0 and curvature[:, 0, 0].tolist() == case.weights.tolist()


def test_label_peaks_where_the_target_is() -> None:
    label = gaussian_label((18, 18), (0.5, 0.5), 0.9)
    assert divmod(int(label.argmax()), 18) == (9, 9) and label[9, 9] == 1
    assert float(label[9, 11]) == pytest.approx(math.exp(-4 / (2 * 0.81)))
    moved = gaussian_label((18, 18), (0.5 + 3, 0.5 - 2), 0.9)
    assert divmod(int(moved.argmax()), 18) == (12, 7)


def test_first_weights_have_the_published_spread() -> None:
    kernel, projection = random_classifier(np.random.default_rng(0), 4, (256, 64), torch.zeros(1))
    assert kernel.shape == (4, 4, 64) and projection.shape == (64, 256) and kernel.dtype == torch.float32
    assert float(kernel.std()) == pytest.approx(1 / 1024, rel=0.1)
    assert float(projection.std()) == pytest.approx(1 / 16, rel=0.05)
