"""Tracks of recorded data, and the choice of videos by name."""

from __future__ import annotations

import logging
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pysot.core.errors import ConfigError, ImageError
from pysot.datasets.sources.tracks import FileTrack, MaskTrack, NumberedNames, annotate, select_names
from tests.pysot.datasets.files import write_image, write_palette_png

NAMES = ["davis/bear", "davis/dog", "vot/tiger"]


@given(st.lists(st.integers(0, 10**8 - 1), max_size=20))
def test_numbered_names(numbers: list[int]) -> None:
    names = NumberedNames("%08d.jpg", np.array(numbers, dtype=np.int64))
    assert list(names) == [f"{number:08d}.jpg" for number in numbers]
    assert list(names[1:3]) == [f"{number:08d}.jpg" for number in numbers][1:3]


def test_frames_without_a_box_are_not_used(tmp_path: Path) -> None:
    files = [f"{number}.png" for number in range(5)]
    for number, file in enumerate(files):
        write_image(tmp_path / file, seed=number)
    boxes = np.array([[1, 2, 3, 4], [np.nan] * 4, [5, 6, 0, 8], [5, 6, 7, -1], [9, 10, 11, 12]])
    track = pickle.loads(pickle.dumps(FileTrack("v", tmp_path, files, boxes)))
    assert len(track) == 2
    last = track.read(1)
    assert last.origin.endswith("4.png") and last.box_xywh.tolist() == [9, 10, 11, 12] and last.mask is None


def test_a_changed_box_changes_nothing(tmp_path: Path) -> None:
    write_image(tmp_path / "0.png")
    track = FileTrack("v", tmp_path, ["0.png"], np.array([[1.0, 2, 3, 4]]))
    track.read(0).box_xywh[:] = 0
    assert track.read(0).box_xywh.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("box", [[64, 0, 5, 5], [-9, 0, 9, 5], [0, 48, 5, 5], [3, -7, 5, 6]])
def test_box_outside_the_image_is_refused(tmp_path: Path, box: list[float]) -> None:
    write_image(tmp_path / "0.png")
    with pytest.raises(ImageError, match=r"0\.png: the box .* outside this image of 64 x 48"):
        annotate(tmp_path / "0.png", np.array(box, dtype=np.float64), None)


def test_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    write_image(tmp_path / "0.png")
    with pytest.raises(ImageError, match="64 x 48 pixels and its mask 10 x 20"):
        annotate(tmp_path / "0.png", np.array([1.0, 2, 3, 4]), np.ones((20, 10), np.bool_))


def test_mask_track_takes_the_nearest_frame_that_shows_the_object(tmp_path: Path) -> None:
    for number in range(5):
        write_image(tmp_path / f"{number}.jpg", seed=number)
        indices = np.zeros((48, 64), np.uint8)
        if number in (0, 3):
            indices[5 : 8 + number, 10:14] = 2
        write_palette_png(tmp_path / f"{number}.png", indices)
    names = [[f"{number}.{suffix}" for number in range(5)] for suffix in ("jpg", "png")]
    track = MaskTrack("v", tmp_path, *names, value=2)
    found = [Path(track.read(index).origin).stem for index in range(5)]
    assert found == ["0", "0", "3", "3", "3"]
    sample = track.read(4)
    assert sample.box_xywh.tolist() == [10, 5, 4, 6] and sample.mask is not None and sample.mask.sum() == 24
    with pytest.raises(ImageError, match=r"object 7 is in none of the 5 masks"):
        MaskTrack("v", tmp_path, *names, value=7).read(0)


def test_names_are_chosen_by_full_or_last_name(tmp_path: Path) -> None:
    assert select_names(NAMES, (), (), "x") == NAMES
    assert select_names(NAMES, ["tiger", "davis/dog"], (), "x") == ["davis/dog", "vot/tiger"]
    assert select_names(NAMES, (), ["dog"], "x") == ["davis/bear", "vot/tiger"]
    (tmp_path / "list.txt").write_text("dog\ntiger\n")
    assert select_names(NAMES, str(tmp_path / "list.txt"), ["tiger"], "x") == ["davis/dog"]


def test_unknown_names_are_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ConfigError, match=r"ONLY names 1 videos that are not there: tigre\. Did you mean 'vot/tiger'"):
        select_names(NAMES, ["dog", "tigre"], (), "x")
    with pytest.raises(ConfigError, match="EXCLUDE names dgo, and none of them is there"):
        select_names(NAMES, (), ["dgo"], "x")
    with pytest.raises(ConfigError, match=r"no\.txt"):
        select_names(NAMES, str(tmp_path / "no.txt"), (), "x")
    with caplog.at_level(logging.WARNING):
        assert select_names(NAMES, (), ["dog", "cat"], "x") == ["davis/bear", "vot/tiger"]
    assert "EXCLUDE names 1 videos that are not there: cat" in caplog.text
