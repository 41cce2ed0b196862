"""Images in the order and number that the annotation expects."""

from __future__ import annotations

import pickle

import pytest

from toolkit.datasets.frames import ImageFiles
from toolkit.datasets.image_folder import ImageFolder, image_numbers, natural_key
from toolkit.errors import FrameError


def folder_of(tmp_path, names):
    for name in names:
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("present", "first", "count", "expected"),
    [
        (["2.jpg", "10.jpg", "1.jpg", "notes.txt", ".3.jpg"], None, None, ["1.jpg", "2.jpg", "10.jpg"]),
        (["0001.jpg", "0002.jpg", "0003.jpg"], 2, None, ["0002.jpg", "0003.jpg"]),
        (["0001.jpg", "0003.jpg"], 1, 3, ["0001.jpg", "0002.jpg", "0003.jpg"]),
        (["0001.jpg", "0002.jpg"], 1, 3, ["0001.jpg", "0002.jpg", "0003.jpg"]),
        (["0002.jpg", "0003.jpg"], 1, 3, ["0001.jpg", "0002.jpg", "0003.jpg"]),
        (["8.jpg", "10.jpg"], 8, 3, ["8.jpg", "9.jpg", "10.jpg"]),
        (["img07.png", "img09.png"], None, 3, ["img07.png", "img08.png", "img09.png"]),
        (["0001.jpg", "0026.jpg", "0051.jpg"], None, 3, ["0001.jpg", "0026.jpg", "0051.jpg"]),
        (["0001.jpg", "0003.jpg", "0004.jpg"], 1, 3, ["0001.jpg", "0002.jpg", "0003.jpg"]),
        (["0000.jpg", "0001.jpg", "0002.jpg"], 1, 3, ["0000.jpg", "0001.jpg", "0002.jpg"]),
        (["0001.jpg", "0002.jpg", "0003.jpg"], None, 2, ["0001.jpg", "0002.jpg"]),
        (["a.jpg", "b.jpg"], 1, 2, ["a.jpg", "b.jpg"]),
    ],
)
def test_arrangement(present, first, count, expected, tmp_path):
    assert ImageFolder(folder_of(tmp_path, present), first=first, count=count).names == expected


def test_nothing_is_listed_before_the_first_use(tmp_path):
    frames = ImageFolder(tmp_path / "later", count=3)
    assert len(frames) == 3
    with pytest.raises(FrameError, match="later"):
        frames[0]


def test_empty_folder_and_index_past_the_end(tmp_path):
    with pytest.raises(FrameError, match="holds no image"):
        ImageFolder(tmp_path, count=2)[0]
    frames = ImageFolder(folder_of(tmp_path, ["1.jpg"]))
    with pytest.raises(FrameError, match=r"frames 0\.\.0, not 1"):
        frames.label(1)


def test_travels_to_a_worker(tmp_path, write_images):
    write_images(tmp_path, ["1.png", "2.png"])
    assert int(pickle.loads(pickle.dumps(ImageFolder(tmp_path)))[1][0, 0, 0]) == 1


def test_numbers():
    assert image_numbers(["img0007.jpg", "img0008.jpg"]) == [7, 8]
    assert image_numbers(["a.jpg", "2.jpg"]) is None
    assert image_numbers(["a1.jpg", "b1.jpg"]) is None
    assert sorted(["f10b", "f9b", "f9a"], key=natural_key) == ["f9a", "f9b", "f10b"]


def test_image_files_join_their_root(tmp_path, write_images):
    write_images(tmp_path / "a", ["1.png"])
    frames = ImageFiles(["a/1.png"], tmp_path)
    assert frames.paths == [tmp_path / "a/1.png"]
    assert frames[0].shape == (6, 8, 3)
