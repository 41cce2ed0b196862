from __future__ import annotations

import pytest
from fake_trackers import Scripted, make_sequence

from toolkit.errors import ProtocolError
from toolkit.protocols.registry import PROTOCOLS


@pytest.mark.parametrize("name", [name for name in PROTOCOLS if name != "multistart"])
def test_every_protocol_starts_at_the_first_frame(name: str) -> None:
    tracker = Scripted()
    PROTOCOLS[name](tracker, make_sequence())
    assert tracker.started == [0]


def test_unknown_protocols_are_refused() -> None:
    with pytest.raises(ProtocolError, match=r"Unknown protocol 'twopass'.*supervised"):
        PROTOCOLS["twopass"]
