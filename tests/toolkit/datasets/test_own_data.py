"""A user's own data by path."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest

from pysot.core.errors import ConfigError
from pysot.datasets.sources.folder import FolderSource
from toolkit.datasets import VideoFile, load_benchmark
from toolkit.datasets.check import check_sequence
from toolkit.errors import DatasetError, FrameError
from toolkit.utils.opencv import quiet_opencv


def write_video(path, count=5):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (32, 24))
    for index in range(count):
        writer.write(np.full((24, 32, 3), 40 * index, dtype=np.uint8))
    writer.release()


def test_folder_of_sequences(tmp_path, write_rows, write_images):
    write_rows(tmp_path / "set/a/groundtruth.txt", [[1, 1, 2, 2]] * 2)
    write_images(tmp_path / "set/a/img", ["7.png", "11.png"], [7, 11])
    for target in (1, 2):
        write_rows(tmp_path / f"set/b/groundtruth_rect.{target}.txt", [[target, 1, 2, 2]] * 2)
    write_images(tmp_path / "set/b", ["000.png", "001.png", "002.png"])
    write_images(tmp_path / "set/c", ["000.png"])
    write_video(tmp_path / "set/d.avi")
    benchmark = load_benchmark(str(tmp_path / "set"))
    assert (benchmark.name, benchmark.protocol, benchmark.missing) == ("set", "ope", ())
    assert list(benchmark.names()) == ["a", "b-1", "b-2", "c", "d"]
    assert [int(frame[0, 0, 0]) for frame in benchmark["a"].require_frames()] == [7, 11]
    assert benchmark["b-2"].ground_truth[0].tolist() == [2, 1, 2, 2]
    assert len(benchmark["b-1"]) == 2
    assert benchmark["c"].ground_truth.shape == (0, 4)
    assert len(benchmark["d"].require_frames()) == 5


@pytest.mark.parametrize("file", ["groundtruth.txt", "groundtruth_rect.txt", "GroundTruth.txt", "ground_truth.txt"])
@pytest.mark.parametrize("images", ["img", "imgs", "color", "images", "frames", "."])
def test_the_names_of_an_annotation(file, images, tmp_path, write_rows, write_images):
    write_images(tmp_path / "mine" / "one" / images, ["0001.jpg", "0002.jpg"])
    write_rows(tmp_path / "mine" / "one" / file, [[1, 1, 9, 9]] * 2)
    (sequence,) = load_benchmark(str(tmp_path / "mine"))
    assert sequence.name == "one" and sequence.ground_truth.shape == (2, 4) and len(sequence.require_frames()) == 2
    (track,) = FolderSource("mine", tmp_path / "mine").videos[0]
    assert track.name == "one" and len(track) == 2 and track.read(1).origin.endswith("0002.jpg")


@pytest.mark.parametrize("pattern", ["groundtruth_{}.txt", "groundtruth.{}.txt", "groundtruth_rect.{}.txt"])
def test_targets_in_files_of_their_own(pattern, tmp_path, write_rows, write_images):
    write_images(tmp_path / "group" / "two" / "img", ["1.jpg", "2.jpg"])
    for target in (1, 2, 10):
        write_rows(tmp_path / "group" / "two" / pattern.format(target), [[target / 2, 1, 9, 9]] * 2)
    found = load_benchmark(str(tmp_path))
    assert found.names() == ["group-two-1", "group-two-2", "group-two-10"]
    assert [sequence.ground_truth[0, 0] for sequence in found] == [0.5, 1, 5]
    videos = FolderSource("mine", tmp_path).videos
    assert [(video[0].name, video[0].read(0).box_xywh[0]) for video in videos] == [
        ("group/two-1", 0.5),
        ("group/two-2", 1),
        ("group/two-10", 5),
    ]


@pytest.mark.parametrize(
    "names",
    [
        ["1403636579.763.jpg", "1403636579.8.jpg", "1403636580.015.jpg"],
        ["1403636579763555584.jpg", "1403636579813555456.jpg", "1403636580063555584.jpg"],
        ["2024-05-01_12-59-58.jpg", "2024-05-01_12-59-59.jpg", "2024-05-01_13-00-00.jpg"],
        ["frame_9.jpg", "frame_10.jpg", "frame_12.jpg"],
    ],
)
@pytest.mark.parametrize("annotated", [True, False])
def test_frames_named_by_time(names, annotated, tmp_path, write_rows, write_images):
    write_images(tmp_path / "one" / "img", names, [10, 20, 30])
    if annotated:
        write_rows(tmp_path / "one" / "groundtruth.txt", [[k, 1, 9, 9] for k in range(3)])
        (track,) = FolderSource("mine", tmp_path).videos[0]
        assert [track.read(index).origin.rpartition("/")[2] for index in range(3)] == names
    (sequence,) = load_benchmark(str(tmp_path))
    assert [int(frame[0, 0, 0]) for frame in sequence.require_frames()] == pytest.approx([10, 20, 30], abs=2)
    gaps = [problem.message for problem in check_sequence(sequence) if "consecutive" in problem.message]
    assert gaps == (["image numbers are not consecutive: 12 follows 10"] if names[0] == "frame_9.jpg" else [])


def test_pictures_beside_sequences_are_no_sequence(tmp_path, write_rows, write_images):
    write_images(tmp_path, ["preview.jpg"])
    write_images(tmp_path / "one" / "img", ["1.jpg", "2.jpg"])
    write_images(tmp_path / "notes" / "sketches", ["1.jpg"])
    write_rows(tmp_path / "one" / "groundtruth.txt", [[1, 1, 9, 9]] * 2)
    assert load_benchmark(str(tmp_path)).names() == ["one"]


def test_training_says_how_to_make_images_of_a_video(tmp_path, write_rows, caplog):
    write_video(tmp_path / "clip.avi")
    write_rows(tmp_path / "clip.txt", [[1, 1, 9, 9]] * 5)
    assert load_benchmark(str(tmp_path)).names() == ["clip"]
    with pytest.raises(ConfigError, match=r"no sequence in .*training reads no videos"):
        FolderSource("mine", tmp_path)
    assert re.search(r"1 videos are left out.*ffmpeg -i .*clip\.avi -q:v 2 .*clip/img/%06d\.jpg", caplog.text)


def test_folder_of_images(tmp_path, write_images):
    write_images(tmp_path / "clip", [f"frame{i}.png" for i in range(12)])
    (sequence,) = load_benchmark(str(tmp_path / "clip"))
    assert sequence.name == "clip"
    assert [int(frame[0, 0, 0]) for frame in sequence.require_frames()] == list(range(12))


@pytest.mark.parametrize("beside", [None, "clip.txt", "groundtruth.txt"])
def test_video_file(beside, tmp_path, write_rows):
    write_video(tmp_path / "clip.avi")
    if beside:
        write_rows(tmp_path / beside, [[1, 1, 9, 9]] * 5)
    benchmark = load_benchmark(str(tmp_path / "clip.avi"))
    (sequence,) = benchmark
    assert benchmark.name == sequence.name == "clip"
    assert sequence.ground_truth.shape == ((5, 4) if beside else (0, 4))
    assert len(sequence) == 5
    assert sequence.size() == (32, 24)


@pytest.mark.parametrize("codec", ["VP90", "hevc"])
def test_a_codec_that_does_not_decode_is_named(tmp_path, capfd, codec):
    """The stream is MJPEG; its header says another codec, as where that codec's decoder is not on the machine."""
    path = tmp_path / "phone.avi"
    write_video(path)
    path.write_bytes(path.read_bytes().replace(b"MJPG", codec.encode()))
    told = rf"phone\.avi: .* decode this video \(codec {codec}\) here; .* re-encode.*ffmpeg -i .*phone_h264\.mp4"
    with quiet_opencv():
        with pytest.raises(FrameError, match=told):
            VideoFile(path)[0]
        with pytest.raises(FrameError, match=told):
            len(VideoFile(path))
    assert capfd.readouterr().err == ""


def test_one_annotated_row_leaves_all_frames(tmp_path, write_rows, write_images):
    write_rows(tmp_path / "a/groundtruth.txt", [[1, 1, 2, 2]])
    write_images(tmp_path / "a", ["1.png", "2.png", "3.png"])
    assert len(load_benchmark(str(tmp_path / "a")).sequences[0]) == 3


def test_path_below_root(tmp_path, write_images):
    write_images(tmp_path / "mine/a", ["1.png"])
    assert list(load_benchmark("mine", tmp_path).names()) == ["a"]


def test_nothing_there(tmp_path):
    with pytest.raises(DatasetError, match=r"holds no sequence\. Expected a video file"):
        load_benchmark(str(tmp_path))
    with pytest.raises(DatasetError, match="neither a benchmark nor an existing folder"):
        load_benchmark(str(tmp_path / "absent"))


def test_missing_root_says_what_was_looked_for(tmp_path):
    root = tmp_path / "gone"
    with pytest.raises(DatasetError) as caught:
        load_benchmark("CVPR13", root)
    message = str(caught.value)
    for part in ("do not exist", str(root / "OTB2013"), str(root / "OTB100"), "CVPR13.json", "OTB100.json", "*.txt"):
        assert part in message


def test_another_benchmark_at_the_root(tmp_path, write_rows):
    write_rows(tmp_path / "car/groundtruth.txt", [[1, 1, 2, 2]])
    with pytest.raises(DatasetError, match="Found only sequences that are not part of it: car"):
        load_benchmark("VOT2018", tmp_path)
