from __future__ import annotations

import configparser
import os
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.toolkit.vot.sessions import red_frames
from toolkit import Benchmark, Sequence, load_benchmark
from toolkit.datasets.frames import GeneratedFrames, ImageFiles
from toolkit.regions import Mask
from toolkit.vot.workspace import (
    Stack,
    TrackerEntry,
    WorkspaceError,
    find_stack,
    identifier_of,
    write_workspace,
)

STACK = Stack("vot2018/shortterm", "VOT2018", "polygon")
ONE = TrackerEntry("one", ["/a path/python", "run.py", "--opts", "KEY", "it's"], {"PYTHONPATH": "/b"})


def videos(folder: Path) -> Benchmark:
    truth = np.array([[1, 2, 9, 2, 9.5, 8, 1, 8]] * 3, float)
    sequences = []
    for name in ("first", "second"):
        (folder / name).mkdir(parents=True)
        paths = [path for path, _ in red_frames(folder / name, [(1, 2), (3, 4), (5, 6)])]
        tags = {"occlusion": np.array([True, False, False])}
        sequences.append(Sequence(name, truth, ImageFiles(paths), frame_tags=tags))
    return Benchmark("VOT2018", "supervised", tuple(sequences))


def test_it_is_what_the_toolkit_reads(tmp_path: Path) -> None:
    names = write_workspace(tmp_path / "w", STACK, [ONE], videos(tmp_path / "data"), update=False, copy=False)
    assert names == ["first", "second"]
    assert "stack: vot2018/shortterm\n" in (tmp_path / "w/config.yaml").read_text()
    registry = configparser.ConfigParser(interpolation=None)
    registry.read(tmp_path / "w/trackers.ini")
    assert shlex.split(registry["one"]["command"]) == ONE.command
    assert registry["one"]["protocol"] == "trax" and registry["one"]["env_PYTHONPATH"] == "/b"
    place = tmp_path / "w/sequences"
    assert (place / "list.txt").read_text() == "first\nsecond\n"
    assert (place / "first/groundtruth.txt").read_text().splitlines() == ["1,2,9,2,9.5,8,1,8"] * 3
    assert (place / "first/occlusion.tag").read_text() == "1\n0\n0\n"
    described = dict(line.split("=") for line in (place / "first/sequence").read_text().split())
    assert described["channels.color"] == "color/%08d.png" and described["format"] == "default"
    assert (described["width"], described["height"], described["length"]) == ("60", "40", "3")
    assert (place / "first/color/00000003.png").is_symlink()
    assert cv2.imread(str(place / "first/color/00000003.png")).shape == (40, 60, 3)
    again = load_benchmark(str(place))  # and what we read
    assert again.names() == ["first", "second"] and len(again["first"].require_frames()) == 3


def test_a_workspace_that_is_there(tmp_path: Path) -> None:
    data, there = videos(tmp_path / "data"), tmp_path / "w"
    write_workspace(there, STACK, [ONE], data, update=False, copy=True)
    assert not (there / "sequences/first/color/00000001.png").is_symlink()
    (there / "results").mkdir()
    with pytest.raises(
        WorkspaceError, match=r"is a workspace already \(config.yaml, trackers.ini, sequences, results\)"
    ):
        write_workspace(there, STACK, [ONE], data, update=False, copy=False)
    with pytest.raises(WorkspaceError, match=r"is a workspace of the stack vot2018/shortterm, not vots2023"):
        write_workspace(there, find_stack("vots2023"), [ONE], data, update=True, copy=False)
    two = TrackerEntry("two", ["run"])
    only = Benchmark("VOT2018", "supervised", data.sequences[:1])
    assert write_workspace(there, STACK, [two], only, update=True, copy=False) == ["first", "second"]
    registry = configparser.ConfigParser(interpolation=None)
    registry.read(there / "trackers.ini")
    assert registry.sections() == ["one", "two"] and registry["one"]["command"] == shlex.join(ONE.command)
    (there / "trackers.ini").write_text("no section = 1\n")
    with pytest.raises(WorkspaceError, match=r"trackers.ini cannot be read"):
        write_workspace(there, STACK, [two], only, update=True, copy=False)


def test_masks_and_anchors(tmp_path: Path) -> None:
    first = videos(tmp_path / "data").sequences[0]
    masks = [Mask(np.ones((2, 3), bool), 4, 5)] * 3
    one = Sequence("m", first.ground_truth, first.frames, masks=masks, anchors=np.array([1, 0, -1]))
    write_workspace(
        tmp_path / "w",
        find_stack("vot2020"),
        [ONE],
        Benchmark("VOT2020", "multistart", (one,)),
        update=False,
        copy=False,
    )
    assert (tmp_path / "w/sequences/m/groundtruth.txt").read_text() == "m4,5,3,2,0,6\n" * 3
    assert (tmp_path / "w/sequences/m/anchor.value").read_text() == "1\n0\n-1\n"


def test_the_challenges_own_folders_are_linked_as_they_are(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "data" / name / "color").mkdir(parents=True)
        red_frames(tmp_path / "data" / name / "color", [(1, 2), (3, 4)])
        for target in ("1", "2"):
            (tmp_path / "data" / name / f"groundtruth_{target}.txt").write_text("m0,0,1,1,0,1\n" * 2)
    (tmp_path / "data/a/sequence").write_text("name=a\n")
    stack = find_stack("vots2023")
    assert stack.several_objects
    assert write_workspace(tmp_path / "w", stack, [ONE], tmp_path / "data", update=False, copy=False) == ["a", "b"]
    place = tmp_path / "w/sequences"
    assert sorted(os.listdir(place / "b")) == ["color", "groundtruth_1.txt", "groundtruth_2.txt", "sequence"]
    assert (place / "a/sequence").read_text() == "name=a\n"
    assert "channels.color=color/%08d.png\n" in (place / "b/sequence").read_text()
    with pytest.raises(WorkspaceError, match=r"has no folder with groundtruth.txt or groundtruth_OBJECT.txt"):
        write_workspace(tmp_path / "v", stack, [ONE], tmp_path / "nowhere", update=False, copy=False)


def test_data_that_cannot_be_linked(tmp_path: Path) -> None:
    data = videos(tmp_path / "data")
    frames = GeneratedFrames(3, lambda index: np.zeros((4, 4, 3), np.uint8), "made")
    made = Benchmark("mine", "ope", (Sequence("made", np.ones((3, 4)), frames),))
    with pytest.raises(WorkspaceError, match=r"'made' is no sequence of image files.*ffmpeg -i VIDEO"):
        write_workspace(tmp_path / "w", STACK, [ONE], made, update=False, copy=False)
    os.remove(tmp_path / "data/second/00000002.png")
    with pytest.raises(WorkspaceError, match=r"'second' lacks 1 of 3 images: 00000002.png"):
        write_workspace(tmp_path / "w2", STACK, [ONE], data, update=False, copy=False)


@pytest.mark.parametrize(
    ("text", "name", "benchmark", "region"),
    [
        ("vot2018", "vot2018/shortterm", "VOT2018", "polygon"),
        ("VOT2019/longterm", "vot2019/longterm", "VOT2019-LT", "rectangle"),
        ("vot2016", "vot2016/rgb", "VOT2016", "polygon"),
        ("vot2013", "vot2013", "VOT2013", "polygon"),
        ("vot2022/shortterm", "vot2022/shortterm", "VOT2022", "mask"),
        ("vot2022/shorttermbox", "vot2022/shorttermbox", "VOT2022-STB", "rectangle"),
        ("vots2023", "vots2023", "vots2023", "mask"),
        ("vots2025", "vots2025/main", "vots2025", "mask"),
    ],
)
def test_stacks(text: str, name: str, benchmark: str, region: str) -> None:
    assert find_stack(text) == Stack(name, benchmark, region)


def test_what_is_no_stack() -> None:
    with pytest.raises(WorkspaceError, match="'otb100' is no stack of the VOT toolkit"):
        find_stack("otb100")
    assert identifier_of("opencv:MIL é") == "opencv_MIL__"
