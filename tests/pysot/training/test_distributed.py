"""What processes exchange, by two real ones; and that one process needs nothing at all."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.distributed as dist

from pysot.core.errors import TrainingError
from pysot.training.distributed import (
    DistributedContext,
    all_reduce_gradients,
    all_reduce_mean,
    all_reduce_sum,
    barrier,
    broadcast_model,
    context_from_environment,
    start,
    stop,
    world_size,
)
from tests.pysot.training.two_processes import Branches, image_of, seeded_branches

CPU = torch.device("cpu")
Results = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def no_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)


def test_one_process_needs_no_environment() -> None:
    assert start(CPU) == DistributedContext(0, 1, 0) and DistributedContext().is_main
    assert not dist.is_initialized() and world_size() == 1
    model = seeded_branches()
    model(image_of(1), 1).backward()
    before = {name: None if p.grad is None else p.grad.clone() for name, p in model.named_parameters()}
    all_reduce_gradients(model)
    broadcast_model(model)
    torch.testing.assert_close(
        {n: p.grad for n, p in model.named_parameters() if p.grad is not None},
        {n: g for n, g in before.items() if g is not None},
        rtol=0,
        atol=0,
    )
    assert all_reduce_sum(torch.tensor(2.0)) == all_reduce_mean(torch.tensor(2.0)) == 2
    barrier()
    stop()


def test_torchrun_with_one_process_needs_no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    assert start(CPU) == DistributedContext() and not dist.is_initialized()


@pytest.mark.parametrize(
    "values", [("2", "2", "0"), ("", "2", "0"), ("0", "two", "0"), ("0", "2", ""), ("0", "0", "0")]
)
def test_contradictions_in_the_environment(monkeypatch: pytest.MonkeyPatch, values: tuple[str, str, str]) -> None:
    for name, value in zip(("RANK", "WORLD_SIZE", "LOCAL_RANK"), values, strict=True):
        monkeypatch.setenv(name, value)
    with pytest.raises(TrainingError, match=f"WORLD_SIZE='{values[1]}'.*torchrun"):
        context_from_environment()


def test_processes_that_cannot_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(TrainingError, match=r"Process 0 of 2 cannot join the others by gloo at env://.*MASTER_ADDR"):
        start(CPU)


def test_who_is_who(two_processes: Results) -> None:
    assert [result["context"] for result in two_processes] == [[0, 2, 0, True], [1, 2, 1, True]]
    assert [result["main"] for result in two_processes] == [True, False]


def test_sum_and_mean(two_processes: Results) -> None:
    for result in two_processes:
        assert result["sum"].tolist() == [3.0, 10.0] and float(result["mean"]) == 1.5


def test_all_begin_with_the_model_of_the_main_process(two_processes: Results) -> None:
    torch.manual_seed(0)
    expected = Branches().state_dict()
    for result in two_processes:
        torch.testing.assert_close(dict(result["broadcast"]), dict(expected), rtol=0, atol=0)


@pytest.mark.parametrize(("key", "divisor"), [("grad_sum", 1), ("grad_avg", 2)])
def test_gradients_are_those_of_the_added_losses(two_processes: Results, key: str, divisor: int) -> None:
    model = seeded_branches()
    (sum(model(image_of(rank), rank) for rank in range(2)) / divisor).backward()
    for result in two_processes:
        found = result[key]
        for name, parameter in model.named_parameters():
            torch.testing.assert_close(found[name], parameter.grad)
        assert found["never.weight"] is None and found["late.weight"].abs().sum() > 0
    for name in found:
        assert found[name] is None or torch.equal(two_processes[0][key][name], two_processes[1][key][name])
