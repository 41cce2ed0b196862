"""A sequence folder without images is named, and the others are used."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from toolkit.datasets import load_benchmark, read_image
from toolkit.errors import DatasetError, FrameError


def test_empty_sequences_are_named_as_missing(tmp_path: Path) -> None:
    (tmp_path / "good" / "img").mkdir(parents=True)
    (tmp_path / "hollow" / "img").mkdir(parents=True)
    (tmp_path / "notes").mkdir()
    cv2.imwrite(str(tmp_path / "good" / "img" / "0001.jpg"), np.zeros((20, 20, 3), np.uint8))
    benchmark = load_benchmark(str(tmp_path))
    assert benchmark.names() == ["good"]
    assert benchmark.missing == ("hollow",)


def test_only_empty_sequences_is_an_error_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "hollow" / "img").mkdir(parents=True)
    with pytest.raises(DatasetError, match=r"Without any image: hollow"):
        load_benchmark(str(tmp_path))


@pytest.mark.parametrize("content", ["", " \n", "1,2,three,4\n", "1,2,3\n"])
def test_an_annotation_that_cannot_be_read_costs_one_sequence_only(tmp_path: Path, content: str) -> None:
    for name in ("bad", "good"):
        (tmp_path / name / "img").mkdir(parents=True)
        cv2.imwrite(str(tmp_path / name / "img" / "0001.jpg"), np.zeros((20, 20, 3), np.uint8))
        (tmp_path / name / "groundtruth.txt").write_text(content if name == "bad" else "1,2,3,4\n")
    with pytest.raises(DatasetError, match=r"1 of 2 sequences cannot be opened:\n.*bad.groundtruth\.txt"):
        load_benchmark(str(tmp_path))
    benchmark = load_benchmark(str(tmp_path), partial=True)
    assert benchmark.names() == ["good"]
    assert list(benchmark.unreadable) == ["bad"]
    assert "groundtruth.txt" in benchmark.unreadable["bad"]
    (tmp_path / "good" / "groundtruth.txt").write_text(content)
    with pytest.raises(DatasetError, match="2 of 2 sequences"):
        load_benchmark(str(tmp_path), partial=True)


def test_image_paths_outside_ascii_and_empty_files(tmp_path: Path) -> None:
    path = tmp_path / "Überquerung.png"
    path.write_bytes(cv2.imencode(".png", np.full((4, 5, 3), 9, np.uint8))[1].tobytes())
    assert read_image(path).shape == (4, 5, 3)
    for content in (b"", b"no image"):
        path.write_bytes(content)
        with pytest.raises(FrameError, match="cannot be decoded"):
            read_image(path)
    with pytest.raises(FrameError, match="does not exist"):
        read_image(tmp_path / "nothing.jpg")
