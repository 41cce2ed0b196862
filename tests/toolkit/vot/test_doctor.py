from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import REPO
from tests.toolkit.vot.sessions import command
from toolkit.vot.doctor import examine
from toolkit.vot.server import TraxError


@pytest.fixture(autouse=True)
def _trax(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("trax", reason="vot-trax is not installed")
    monkeypatch.setenv("PYTHONPATH", str(REPO))


def test_a_tracker_that_works(tmp_path: Path) -> None:
    words = command(tmp_path, track="return {'bbox': (50, 160, 40, 55), 'best_score': 0.9}")
    findings = list(examine(words, "rectangle", tmp_path, 30))
    assert [finding.check for finding in findings] == [
        "package", "version", "handshake", "formats", "images as path", "images as buffer", "images as memory",
        "two objects", "colors", "end",
    ]  # fmt: skip
    assert "8 answers to 8 frames, mean overlap 0." in findings[4].found


def test_trackers_that_do_not(tmp_path: Path) -> None:
    words = command(tmp_path, track="x += __import__('os').getpid() % 97")
    with pytest.raises(TraxError, match="red and blue may be exchanged, or the tracker is not deterministic"):
        list(examine(words, "rectangle", tmp_path, 30))
    found = examine(words, "polygon", tmp_path, 30)
    assert [next(found).check for _ in range(3)] == ["package", "version", "handshake"]
    with pytest.raises(TraxError, match=r"trax\.region='rectangle;', without polygon\. The command must start"):
        next(found)
