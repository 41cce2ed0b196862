"""The protocols by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

from toolkit.datasets.sequence import Sequence
from toolkit.errors import ProtocolError
from toolkit.protocols.longterm import LongTermRun, run_longterm
from toolkit.protocols.multistart import MultistartRun, run_multistart
from toolkit.protocols.ope import OpeRun, run_ope
from toolkit.protocols.realtime import run_realtime
from toolkit.protocols.session import Observer
from toolkit.protocols.supervised import SupervisedRun, run_supervised
from toolkit.protocols.tracker import TrackerLike

Run: TypeAlias = OpeRun | SupervisedRun | LongTermRun | MultistartRun
"""What a protocol returns for one sequence and one repetition."""


class RunProtocol(Protocol):
    """Runs a tracker over one sequence."""

    def __call__(self, tracker: TrackerLike, sequence: Sequence, *, observe: Observer | None = None) -> Any: ...


PROTOCOLS: Mapping[str, RunProtocol] = {
    "ope": run_ope,
    "supervised": run_supervised,
    "realtime": run_realtime,
    "longterm": run_longterm,
    "got10k": run_ope,  # one pass too: GOT-10k differs in its repetitions and its files
    "multistart": run_multistart,
}
"""How each protocol of `Benchmark.protocol` runs one sequence once; `realtime` is the supervised one by the clock."""


def find_protocol(name: str) -> RunProtocol:
    """The protocol called `name`. Raises `ProtocolError` listing the known ones."""
    if name not in PROTOCOLS:
        raise ProtocolError(f"Unknown protocol '{name}'. Use one of: {', '.join(PROTOCOLS)}.")
    return PROTOCOLS[name]
