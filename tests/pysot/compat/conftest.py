"""The config that PySOT's programs share is put back after each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pysot.compat.config import cfg


@pytest.fixture(autouse=True)
def _shared_config() -> Iterator[None]:
    before = cfg.clone()
    yield
    cfg.clear()
    for key, value in before.items():
        cfg[key] = value
