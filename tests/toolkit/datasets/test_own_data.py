"""A user's own data by path."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from toolkit.datasets import VideoFile, load_benchmark
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
    told = (
        rf"phone\.avi: OpenCV cannot decode this video \(codec {codec}\) here; re-encode.*ffmpeg -i .*phone_h264\.mp4"
    )
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
