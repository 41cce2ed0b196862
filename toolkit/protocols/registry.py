"""The protocols by name: how a tracker is run over one sequence."""

from __future__ import annotations

from typing import Any, Protocol

from toolkit.datasets.sequence import Sequence
from toolkit.protocols.session import Observer
from toolkit.protocols.tracker import TrackerLike
from toolkit.registry import Registry


class RunProtocol(Protocol):
    """Runs a tracker over one sequence, once, and returns the record that the protocol's `ResultWriter` writes."""

    def __call__(self, tracker: TrackerLike, sequence: Sequence, *, observe: Observer | None = None) -> Any: ...


PROTOCOLS: Registry[RunProtocol] = Registry("protocol")
"""By the names of `Benchmark.protocol`; `realtime` is the supervised protocol by the clock."""
