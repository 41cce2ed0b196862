"""Weights and slots of the sample memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pysot.core.errors import ConfigError
from pysot.online.memory import SampleMemory


def make(capacity: int = 8, count: int = 3, share: float = 0.25, rate: float = 0.01) -> SampleMemory:
    return SampleMemory(capacity, rate, share, {"features": torch.arange(count * 2.0).reshape(count, 2)})


def insert(memory: SampleMemory, value: float, rate: float | None = None) -> int:
    return memory.insert({"features": torch.full((2,), value)}, rate)


@settings(max_examples=60, deadline=None)
@given(
    capacity=st.integers(1, 12),
    count=st.integers(1, 12),
    share=st.sampled_from([0.0, 0.25, 0.6]),
    rates=st.lists(st.sampled_from([0.01, 0.0075, 0.02, 0.3]), max_size=300),
)
def test_weights_sum_to_one_and_the_first_frame_keeps_its_share(
    capacity: int, count: int, share: float, rates: list[float]
) -> None:
    memory = make(capacity, min(count, capacity), share)
    for number, rate in enumerate(rates):
        slot = insert(memory, number, rate)
        assert memory.weights.sum() == pytest.approx(1) and (memory.weights >= 0).all()
        assert memory["features"][slot].tolist() == [number, number]
        first = memory.weights[: memory.first_count].sum()
        if memory.first_count < capacity:
            assert first >= share - 1e-9
            assert share == 0 or slot >= memory.first_count
        assert memory.count == min(memory.first_count + number + 1, capacity)


def test_free_slots_first_then_the_least_important() -> None:
    memory = make(capacity=5, count=2, rate=0.1)
    assert [insert(memory, value) for value in range(6)] == [2, 3, 4, 2, 3, 4]
    assert memory["features"][:2].tolist() == [[0, 1], [2, 3]]
    free = make(capacity=5, count=2, share=0.0, rate=0.5)
    replaced = []
    for value in range(8):
        least = int(free.weights.argmin())
        replaced.append(insert(free, value))
        assert value < 3 or replaced[-1] == least
    assert {0, 1} <= set(replaced)


def test_weights_of_the_published_rule() -> None:
    memory = make(capacity=8, count=2, rate=0.1)
    insert(memory, 1)
    first = np.array([0.5 / 0.9, 0.5 / 0.9, 0.1])
    np.testing.assert_allclose(memory.weights[:3], first / first.sum())
    before = memory.weights.copy()
    insert(memory, 2)
    new = np.array([*before[:3], before[2] / 0.9])
    np.testing.assert_allclose(memory.weights[:4], new / new.sum())
    before = memory.weights.copy()
    insert(memory, 3, rate=0.2)
    new = np.array([*before[:4], before[3] / 0.8])
    np.testing.assert_allclose(memory.weights[:5], new / new.sum())


def test_slots_that_are_empty_are_not_seen() -> None:
    memory = make()
    assert memory["features"].shape == (3, 2) and memory.capacity == 8
    weights = memory.weights_like(memory["features"])
    assert weights.dtype == torch.float32 and weights.tolist() == pytest.approx([1 / 3] * 3)


def test_a_memory_too_small_names_the_numbers() -> None:
    with pytest.raises(ConfigError, match=r"2 slots.*3 samples.*MEMORY_SIZE"):
        make(capacity=2)
