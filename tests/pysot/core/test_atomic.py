"""Files appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from pysot.core.atomic import whole_or_not_at_all, write_whole
from pysot.core.errors import TrainingError, WriteError


def test_a_file_appears_when_the_block_ends_well(tmp_path: Path) -> None:
    target = tmp_path / "new" / "file.txt"
    with whole_or_not_at_all(target) as path:
        path.write_text("all of it")
        assert not target.exists()
    assert target.read_text() == "all of it" and list(target.parent.iterdir()) == [target]


def test_nothing_changes_when_the_block_fails(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")
    with pytest.raises(TypeError), whole_or_not_at_all(target) as path:
        path.write_text(None)  # type: ignore[arg-type]
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]


def test_write_whole_replaces(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.bin"
    for content in (b"first", memoryview(b"second")):
        write_whole(path, content)
        assert path.read_bytes() == bytes(content)
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(WriteError, match=r"x\.bin cannot be written: .* MiB are free.*--resume auto"):
        write_whole(tmp_path / "folder" / "x.bin", b"content")
    assert issubclass(WriteError, TrainingError)  # what a training run stops with
