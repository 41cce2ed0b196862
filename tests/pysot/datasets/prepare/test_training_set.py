"""Prepared sets: the crop's geometry, the files, going on after an interruption, and what is refused."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pysot.core.crop import context_side
from pysot.core.errors import ConfigError, ImageError, SotError
from pysot.datasets.augmentation import ViewParams, make_view
from pysot.datasets.prepare.training_set import prepare
from pysot.datasets.prepare.video import CropSettings, cut_crop
from pysot.datasets.sources.base import AnnotatedFrame, Track, VideoSource
from pysot.datasets.sources.crop511 import Crop511Source
from pysot.datasets.sources.folder import FolderSource
from toolkit.errors import ResultError

SMALL = CropSettings(size=255)


class FileTrack(Track):
    """A track over image files whose box moves by two pixels per frame."""

    def __init__(self, name: str, files: list[Path], left: float = 20) -> None:
        self.name, self.files, self.left = name, files, left

    def __len__(self) -> int:
        return len(self.files)

    def read(self, index: int) -> AnnotatedFrame:
        image = cv2.imread(str(self.files[index]))
        if image is None:
            raise ImageError(f"{self.files[index]}: cannot be decoded")
        box = np.array([self.left + 2 * index, 15.5, 24, 18])
        return AnnotatedFrame(np.asarray(image, np.uint8), box, None, str(self.files[index]))


class DeadlyTrack(FileTrack):
    """Ends the process that reads it, as the system does when memory runs out."""

    def read(self, index: int) -> AnnotatedFrame:
        os._exit(1)


def make_track(root: Path, name: str, count: int = 4, left: float = 20) -> FileTrack:
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{index}.jpg" for index in range(count)]
    for number, file in enumerate(files):
        image = np.random.default_rng(number).integers(0, 255, (6, 8, 3), dtype=np.uint8)
        cv2.imwrite(str(file), cv2.resize(image, (160, 120), interpolation=cv2.INTER_CUBIC))
    return FileTrack(name, files, left)


@pytest.fixture
def source(tmp_path: Path) -> VideoSource:
    """Three videos in two groups; the second has two objects, one of them in its first two frames only."""
    raw = tmp_path / "raw"
    second = make_track(raw, "group/two")
    videos = [
        [make_track(raw, "group/one")],
        [second, FileTrack("group/two", second.files[:2], left=60)],
        [make_track(raw, "other/three", 3)],
    ]
    return VideoSource("mine", videos)


def crops_of(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.jpg"))}


def rings(center_xy: tuple[float, float], shape: tuple[int, int] = (300, 400)) -> np.ndarray:
    """An image whose channels say where a pixel is: distance from `center_xy` along x and y, and 128 everywhere."""
    y, x = np.indices(shape)
    image = np.stack([abs(x - center_xy[0]), abs(y - center_xy[1]), np.full(shape, 128)], axis=-1)
    return image.clip(0, 255).astype(np.uint8)


@given(
    x=st.integers(120, 250), y=st.integers(100, 180), width=st.integers(20, 90), height=st.integers(20, 90),
    size=st.sampled_from([127, 255, 511]),
)  # fmt: skip
@settings(max_examples=30, deadline=None)
def test_the_crop_is_the_square_around_the_box(x: int, y: int, width: int, height: int, size: int) -> None:
    box = np.array([x - width / 2, y - height / 2, width, height])
    crop = cut_crop(rings((x, y)), box, size).astype(float)
    context = (width + height) / 2
    scale = 127 / math.sqrt((width + context) * (height + context))
    middle = size // 2
    assert crop[middle, middle, :2].max() <= 1  # the box's center
    for step in (10, 40, 60):
        if step / scale < 90:  # the square of a small box stays inside the picture
            along_x, along_y = crop[middle, middle + step], crop[middle - step, middle]
            assert abs(along_x[0] - step / scale) <= 1.5 and along_x[1] <= 1
            assert abs(along_y[1] - step / scale) <= 1.5 and along_y[0] <= 1


def test_outside_the_image_lies_its_mean_color() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    image[:50] = (200, 100, 40)
    crop = cut_crop(image, np.array([0, 0, 20, 20]), 511)
    assert crop[5, 5].tolist() == [100, 50, 20]
    assert crop[255 + 10, 255 + 10].tolist() == [200, 100, 40]


def test_the_files_and_the_boxes(source: VideoSource, tmp_path: Path) -> None:
    summary = prepare(source, tmp_path / "out", SMALL)
    content = json.loads((tmp_path / "out" / "train.json").read_text())
    assert list(content) == ["group/one", "group/two", "other/three"]
    assert {track: list(frames) for track, frames in content["group/two"].items()} == {
        "00": ["000000", "000001", "000002", "000003"],
        "01": ["000000", "000001"],
    }
    assert content["group/two"]["01"]["000001"] == [62, 15.5, 86, 33.5]
    assert summary.crops == summary.total_crops == len(crops_of(summary.root)) == 13
    for video, tracks in content.items():
        for track, frames in tracks.items():
            for frame in frames:
                assert cv2.imread(str(summary.root / video / f"{frame}.{track}.x.jpg")).shape == (255, 255, 3)
    sample = source.videos[1][1].read(1)
    written = cv2.imread(str(summary.root / "group/two/000001.01.x.jpg")).astype(float)
    assert abs(written - cut_crop(sample.image, sample.box_xywh, 255)).mean() < 3  # JPEG


def test_template_crops_and_steps(source: VideoSource, tmp_path: Path) -> None:
    summary = prepare(source, tmp_path / "out", CropSettings(size=255, frame_step=2, template=True))
    names = [path.name for path in (summary.root / "other/three").glob("*.jpg")]
    assert sorted(names) == ["000000.00.x.jpg", "000000.00.z.jpg", "000002.00.x.jpg", "000002.00.z.jpg"]
    assert cv2.imread(str(summary.root / "other/three/000002.00.z.jpg")).shape == (127, 127, 3)
    assert summary.crops == 2 + 2 + 1 + 2


def test_processes_change_nothing(source: VideoSource, tmp_path: Path) -> None:
    alone, together = prepare(source, tmp_path / "a", SMALL), prepare(source, tmp_path / "b", SMALL, workers=2)
    assert crops_of(alone.root) == crops_of(together.root)
    assert alone.annotation.read_bytes() == together.annotation.read_bytes()


def test_complete_videos_are_kept_and_others_made_again(source: VideoSource, tmp_path: Path) -> None:
    first = prepare(source, tmp_path / "out", SMALL)
    whole = crops_of(first.root)
    kept = first.root / "group/one/000000.00.x.jpg"
    before = kept.stat().st_mtime_ns
    (first.root / "group/two/prepared.json").unlink()  # as if killed while it wrote this video,
    (first.root / "group/two/000001.01.x.jpg").write_bytes(b"half")
    (first.root / "group/two/000077.00.x.jpg").write_bytes(b"of an older run")
    (first.root / "other/three/000002.00.x.jpg").unlink()  # and somebody deleted a crop
    again = prepare(source, tmp_path / "out", SMALL)
    assert (again.resumed, again.crops, again.total_crops) == (1, 9, 13)
    assert crops_of(again.root) == whole
    assert kept.stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["", "{}", "[]", '{"made_with": ', '{"made_with": {}, "boxes": {}}'])
def test_a_damaged_record_is_no_record(source: VideoSource, tmp_path: Path, damage: str) -> None:
    root = prepare(source, tmp_path / "out", SMALL).root
    (root / "group/one/prepared.json").write_text(damage)
    assert prepare(source, tmp_path / "out", SMALL).resumed == 2


def test_other_settings_and_overwriting_make_all_again(source: VideoSource, tmp_path: Path) -> None:
    prepare(source, tmp_path / "out", SMALL)
    stepped = prepare(source, tmp_path / "out", CropSettings(size=255, frame_step=2))
    assert (stepped.resumed, stepped.crops, len(crops_of(stepped.root))) == (0, 7, 7)
    assert prepare(source, tmp_path / "out", CropSettings(size=255, frame_step=2)).resumed == 3
    assert prepare(source, tmp_path / "out", CropSettings(size=255, frame_step=2), overwrite=True).resumed == 0


KILLED = """
import sys
from pathlib import Path
from tests.pysot.datasets.prepare.test_training_set import SMALL, make_track
from pysot.datasets.prepare.training_set import prepare
from pysot.datasets.sources.base import VideoSource

if __name__ == "__main__":
    raw, out = Path(sys.argv[1]), Path(sys.argv[2])
    prepare(VideoSource("mine", [[make_track(raw, f"v{n}", 40)] for n in range(10)]), out, SMALL, workers=2)
"""


def test_a_killed_run_goes_on(tmp_path: Path, repo: Path) -> None:
    script, raw, out = tmp_path / "killed.py", tmp_path / "raw", tmp_path / "out"
    script.write_text(KILLED)
    process = subprocess.Popen(
        [sys.executable, str(script), str(raw), str(out)], env={**os.environ, "PYTHONPATH": str(repo)}
    )
    deadline = time.monotonic() + 60
    while not list(out.rglob("prepared.json")) and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.5)  # its workers notice
    done, written = len(list(out.rglob("prepared.json"))), crops_of(out)
    assert 1 <= done < 10
    assert not (out / "train.json").exists()
    time.sleep(0.2)
    assert crops_of(out) == written  # nobody goes on writing
    source = VideoSource("mine", [[make_track(raw, f"v{n}", 40)] for n in range(10)])
    resumed, fresh = prepare(source, out, SMALL), prepare(source, tmp_path / "fresh", SMALL)
    assert (resumed.resumed, resumed.total_crops) == (done, 400)
    assert crops_of(resumed.root) == crops_of(fresh.root)
    assert resumed.annotation.read_bytes() == fresh.annotation.read_bytes()


def test_unreadable_frames_are_left_out_and_counted(source: VideoSource, tmp_path: Path) -> None:
    broken = source.videos[1][0].files[1]
    broken.write_bytes(b"no image")
    for file in source.videos[2][0].files:
        file.unlink()
    summary = prepare(source, tmp_path / "out", SMALL)
    content = json.loads(summary.annotation.read_text())
    assert list(content) == ["group/one", "group/two"]
    assert list(content["group/two"]["00"]) == ["000000", "000002", "000003"]
    assert list(content["group/two"]["01"]) == ["000000"]
    assert summary.unreadable[0] == f"{broken}: cannot be decoded"
    assert len(summary.unreadable) == 4  # the broken frame counts once, though two objects are in it
    assert len(prepare(source, tmp_path / "out", SMALL).unreadable) == 4  # still said when nothing is left to do


def test_nothing_readable(tmp_path: Path) -> None:
    track = make_track(tmp_path, "gone", 2)
    for file in track.files:
        file.unlink()
    with pytest.raises(ImageError, match="no frame of its 1 videos can be read"):
        prepare(VideoSource("mine", [[track]]), tmp_path / "out", SMALL)
    assert not (tmp_path / "out" / "train.json").exists()


def test_another_set_is_not_overwritten_by_accident(source: VideoSource, tmp_path: Path) -> None:
    prepare(source, tmp_path / "out", SMALL)
    other = VideoSource("other", [[make_track(tmp_path, "elsewhere", 1)]])
    with pytest.raises(ConfigError, match="describes another set: 3 of its 3 videos"):
        prepare(other, tmp_path / "out", SMALL)
    prepare(other, tmp_path / "out", SMALL, overwrite=True)
    assert list(json.loads((tmp_path / "out" / "train.json").read_text())) == ["elsewhere"]
    (tmp_path / "out" / "train.json").write_text("{")
    with pytest.raises(ConfigError, match="cannot be read"):
        prepare(other, tmp_path / "out", SMALL)


@pytest.mark.parametrize("name", ["../up", "/root", "", "a/../../b", "a\\b"])
def test_names_stay_below_the_folder(tmp_path: Path, name: str) -> None:
    track = make_track(tmp_path, "x", 1)
    track.name = name
    with pytest.raises(ConfigError, match="no path below"):
        prepare(VideoSource("mine", [[track]]), tmp_path / "out", SMALL)


def test_names_are_unique(tmp_path: Path) -> None:
    track = make_track(tmp_path, "x", 1)
    with pytest.raises(ConfigError, match="stand for several videos, first 'x'"):
        prepare(VideoSource("mine", [[track], [track]]), tmp_path / "out", SMALL)


def test_a_disk_that_refuses(source: VideoSource, tmp_path: Path) -> None:
    for place in ("a", "b/crop255"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text("a file where a folder should be")
        with pytest.raises(ResultError, match="Not a directory"):
            prepare(source, tmp_path / place[0], SMALL, workers=1 + (place == "b/crop255"))


def test_a_worker_that_dies(source: VideoSource, tmp_path: Path) -> None:
    deadly = [DeadlyTrack("deadly", source.videos[0][0].files)]
    with pytest.raises(SotError, match="A worker process died"):
        prepare(VideoSource("mine", [deadly, *source.videos]), tmp_path / "out", SMALL, workers=2)


@pytest.mark.parametrize("changes", [{"size": 254}, {"frame_step": 0}])
def test_settings_that_make_no_sense(changes: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=r"255 px and more|expected 1"):
        CropSettings(**changes)  # type: ignore[arg-type]


def test_a_prepared_set_is_read_back(tmp_path: Path) -> None:
    """From a user's folder, with groups, to the source that reads prepared sets."""
    raw = tmp_path / "raw"
    for name in ("group/one", "two"):
        track = make_track(raw / name, "img")
        boxes = [",".join(map(str, track.read(index).box_xywh)) for index in range(4)]
        boxes[1] = "nan,nan,nan,nan"  # the target is absent: the list of frames with a box is shorter
        (raw / name / "groundtruth.txt").write_text("\n".join(boxes) + "\n")
    source = FolderSource("mine", raw)
    summary = prepare(source, tmp_path / "out")
    again = Crop511Source("again", summary.root, summary.annotation)
    assert [len(tracks[0]) for tracks in again.videos] == [3, 3]
    assert [tracks[0].name for tracks in again.videos] == ["group/one", "two"]
    for tracks, prepared in zip(source.videos, again.videos, strict=True):
        for index in range(3):
            frame, crop = tracks[0].read(index), prepared[0].read(index)
            scale = 127 / context_side((frame.box_xywh[2], frame.box_xywh[3]), 0.5)
            assert crop.image.shape == (511, 511, 3)
            assert crop.box_xywh[2:] == pytest.approx(frame.box_xywh[2:] * scale)
            assert crop.box_xywh[:2] + crop.box_xywh[2:] / 2 == pytest.approx([255, 255])


def test_a_prepared_crop_gives_the_view_that_the_frame_gives(shared: Path, tmp_path: Path) -> None:
    frames = FolderSource("frames", shared / "data" / "train", only=["Coke", "libby", "vot2013-bicycle"])
    summary = prepare(frames, tmp_path / "out", CropSettings(frame_step=5))
    crops = Crop511Source("crops", summary.root, summary.annotation)
    assert len(crops) == 3
    params = ViewParams(shift=64, scale=0.18, flip=0.5, color=1)
    for tracks, prepared in zip(frames.videos, crops.videos, strict=True):
        for index, frame in enumerate(prepared[0].frames):
            view, same = (
                make_view(sample, 255, params, np.random.default_rng(index))
                for sample in (tracks[0].read(frame), prepared[0].read(index))
            )
            assert same.box_xyxy == pytest.approx(view.box_xyxy)
            difference = np.abs(same.image - view.image).mean()
            moved = min(
                np.abs(np.roll(same.image, step, axis) - view.image).mean() for step in (-1, 1) for axis in (0, 1)
            )
            assert difference < 5  # two interpolations and JPEG
            assert difference < 0.8 * moved
