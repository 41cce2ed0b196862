"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch is imported: as many processes as cores, one thread each
    os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["PYSOT_OFFLINE"] = "1"  # no test downloads; those that do, from servers of their own, take it back

REPO = Path(__file__).resolve().parents[1]


def find_shared() -> Path | None:
    """The folder of reference material that lies beside a developer's checkout, or None on a user's machine."""
    candidates = [Path(os.environ["PYSOT_SHARED"])] if "PYSOT_SHARED" in os.environ else [REPO.parent / "shared"]
    return next((path for path in candidates if (path / "golden").is_dir()), None)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Reference outputs, real sequences and published result files; skips the test where they are absent."""
    path = find_shared()
    if path is None:
        pytest.skip("the reference material (../shared, or $PYSOT_SHARED) is not on this machine")
    return path


@pytest.fixture(scope="session")
def repo() -> Path:
    """The root of the checkout."""
    return REPO
