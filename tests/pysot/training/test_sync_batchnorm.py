"""Batch norm over two processes against `nn.BatchNorm2d` on the concatenated batch, computed in double precision."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pysot.training.sync_batchnorm import SyncBatchNorm2d, convert
from tests.pysot.training.two_processes import KINDS, batches, normed_net, two_steps

Results = list[dict[str, Any]]


def assert_close(found: Tensor, expected: Tensor, what: str) -> None:
    """Largest difference at most 1e-6 of the largest value; 1e-10 in double, where means are 1000 times std."""
    limit = 1e-6 if found.dtype == torch.float32 else 1e-10
    error, largest = (found - expected).abs().max(), expected.abs().max()
    assert error <= limit * largest, f"{what}: {float(error):.2e} of {float(largest):.2e}"


@pytest.mark.parametrize("kind", KINDS)
def test_equals_one_process_on_the_whole_batch(two_processes: Results, kind: str) -> None:
    whole = two_steps(normed_net(kind), kind, None)
    parts = [result[kind] for result in two_processes]
    for step in range(2):
        for key in ("outputs", "input_gradients"):
            assert_close(torch.cat([part[key][step] for part in parts]), whole[key][step], f"{key}, step {step}")
    for part in parts:
        assert list(part["state"]) == list(whole["state"])
        for name, expected in whole["state"].items():
            if expected.is_floating_point():
                assert_close(part["state"][name], expected, name)
            else:
                assert torch.equal(part["state"][name], expected), name
        for name, expected in whole["gradients"].items():
            assert_close(part["gradients"][name], expected, f"gradient of {name}")


def test_without_sharing_the_outputs_would_differ(two_processes: Results) -> None:
    alone = two_steps(normed_net("float"), "float", 0)["outputs"][0]  # no process group here: plain batch norms
    assert (alone - two_processes[0]["float"]["outputs"][0]).abs().max() > 0.05


def test_convert_keeps_what_optimizers_and_snapshots_hold(two_processes: Results) -> None:
    assert all(all(result["identity"]) for result in two_processes)


def test_eval_mode_asks_nobody(two_processes: Results) -> None:
    expected = normed_net("float").eval()(batches("float", 0)[0])
    torch.testing.assert_close(two_processes[0]["eval"], expected.detach(), rtol=0, atol=0)


def test_in_one_process_nothing_is_replaced() -> None:
    net = normed_net("float")
    assert convert(net) is net and type(net[1]) is nn.BatchNorm2d
    own = SyncBatchNorm2d(3)
    batch = batches("float", 0)[0]
    torch.testing.assert_close(own(batch), nn.BatchNorm2d(3)(batch), rtol=0, atol=0)
    torch.testing.assert_close(own.running_var, 0.9 + 0.1 * batch.transpose(0, 1).flatten(1).var(1))
