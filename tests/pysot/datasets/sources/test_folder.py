"""The plain folder of sequences: what is found, how lines are read, what is refused."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pysot.core.errors import ConfigError
from pysot.datasets.sources.base import SOURCES
from pysot.datasets.sources.folder import FolderSource
from tests.pysot.datasets.files import write_image
from toolkit.datasets import load_benchmark

LINES = ("1,2,30,20", "nan,nan,nan,nan", "3 4 30 20", "0,0,0,0", "5\t6\t30\t20.5")


def make_sequence(folder: Path, lines: tuple[str, ...] = LINES, images: int | None = None, sub: str = "img") -> None:
    for number in range(len(lines) if images is None else images):
        write_image(folder / sub / f"{number + 1}.jpg", seed=number)
    (folder / "groundtruth.txt").write_text("\n".join(lines) + "\n")


def write_mask(path: Path, value: int = 255) -> None:
    path.parent.mkdir(exist_ok=True)
    mask = np.zeros((48, 64), np.uint8)
    mask[6:26, 5:35] = value
    cv2.imwrite(str(path), mask)


def test_flat_nested_and_single(tmp_path: Path) -> None:
    for name in ("seq10", "seq2", "group/a", "group/b"):
        make_sequence(tmp_path / name)
    source = FolderSource("mine", tmp_path)
    assert [video[0].name for video in source.videos] == ["group/a", "group/b", "seq2", "seq10"]
    assert [len(video[0]) for video in source.videos] == [3, 3, 3, 3]
    single = FolderSource("mine", tmp_path / "seq2")
    assert [video[0].name for video in single.videos] == ["seq2"]


@pytest.mark.parametrize("sub", ["img", "color", ""])
@pytest.mark.parametrize("name", ["groundtruth_rect.txt", "groundtruth.txt"])
def test_names_that_testing_reads_are_read_for_training(sub: str, name: str, tmp_path: Path) -> None:
    make_sequence(tmp_path / "one", sub=sub)
    (tmp_path / "one" / "groundtruth.txt").rename(tmp_path / "one" / name)
    (track,) = FolderSource("mine", tmp_path).videos[0]
    (sequence,) = load_benchmark(str(tmp_path)).sequences
    seen = np.isfinite(sequence.ground_truth).all(axis=1) & (sequence.ground_truth[:, 2] > 0)
    assert [track.read(index).box_xywh.tolist() for index in range(len(track))] == sequence.ground_truth[seen].tolist()


def test_targets_of_one_video_in_files_of_their_own(tmp_path: Path) -> None:
    make_sequence(tmp_path / "one")
    lines = (tmp_path / "one" / "groundtruth.txt").read_text()
    (tmp_path / "one" / "groundtruth.txt").rename(tmp_path / "one" / "groundtruth_1.txt")
    (tmp_path / "one" / "groundtruth_2.txt").write_text(lines.replace("30", "25"))
    tracks = [track for video in FolderSource("mine", tmp_path).videos for track in video]
    assert [track.read(0).box_xywh[2] for track in tracks] == [30, 25]
    assert len(load_benchmark(str(tmp_path)).sequences) == 2


def test_lines_without_a_box_are_left_out_and_others_stay_with_their_image(tmp_path: Path) -> None:
    make_sequence(tmp_path / "a")
    (track,) = FolderSource("mine", tmp_path).videos[0]
    samples = [track.read(index) for index in range(len(track))]
    assert [Path(sample.origin).name for sample in samples] == ["1.jpg", "3.jpg", "5.jpg"]
    assert samples[2].box_xywh.tolist() == [5, 6, 30, 20.5] and samples[2].mask is None


def test_images_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    make_sequence(tmp_path / "a", tuple(f"{number},0,9,9" for number in range(12)), sub="color")
    (track,) = FolderSource("mine", tmp_path).videos[0]
    assert [Path(track.read(index).origin).stem for index in range(12)] == [str(number) for number in range(1, 13)]


def test_masks_belong_to_images_of_the_same_name(tmp_path: Path) -> None:
    make_sequence(tmp_path / "a")
    write_mask(tmp_path / "a" / "mask" / "5.png", 3)
    write_mask(tmp_path / "a" / "mask" / "1.png", 0)
    (track,) = FolderSource("mine", tmp_path).videos[0]
    assert track.read(0).mask is None, "a mask that shows nothing says nothing"
    assert track.read(1).mask is None
    mask = track.read(2).mask
    assert mask is not None and mask.dtype == np.bool_ and mask.sum() == 600 and mask[6, 5]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.floats(-500, 500, width=32)] * 2, *[st.floats(0.125, 500, width=32)] * 2), min_size=1, max_size=8
    ),
    st.sampled_from([",", " ", "\t", ", ", ";"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_every_separator_gives_the_same_boxes(
    tmp_path_factory: pytest.TempPathFactory, boxes: list[tuple[float, ...]], comma: str, newline: str
) -> None:
    folder = tmp_path_factory.mktemp("mine") / "a"
    (folder / "img").mkdir(parents=True)
    for number in range(len(boxes)):
        (folder / "img" / f"{number}.jpg").touch()
    lines = [comma.join(map(repr, box)) for box in boxes]
    (folder / "groundtruth.txt").write_bytes((newline.join(lines) + newline).encode())
    (track,) = FolderSource("mine", folder.parent).videos[0]
    assert np.array_equal(track._boxes, np.array(boxes))  # type: ignore[attr-defined]


def test_polygons_stand_for_their_bounding_box(tmp_path: Path) -> None:
    make_sequence(tmp_path / "a", ("1,5,4,2,9,6,3,8", "nan,nan,nan,nan,nan,nan,nan,nan"))
    (track,) = FolderSource("mine", tmp_path).videos[0]
    assert len(track) == 1 and track.read(0).box_xywh.tolist() == [1, 2, 8, 6]


def test_draw_stays_within_range_and_repeats(tmp_path: Path) -> None:
    make_sequence(tmp_path / "a", tuple(f"{number},0,9,9" for number in range(20)))
    source = SOURCES["folder"](name="mine", root=tmp_path, frame_range=3, num_use=7)
    assert source.num_use == 7
    for seed in range(30):
        first, second = source.draw(0, np.random.default_rng(seed))
        assert abs(first.box_xywh[0] - second.box_xywh[0]) <= 3
        again = source.draw(0, np.random.default_rng(seed))
        assert [sample.origin for sample in again] == [first.origin, second.origin]


def test_only_and_exclude(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        make_sequence(tmp_path / name)
    assert len(FolderSource("mine", tmp_path, only=["two"])) == 1
    assert [v[0].name for v in FolderSource("mine", tmp_path, exclude=["two"]).videos] == ["one", "three"]


@pytest.mark.parametrize(("lines", "images"), [(LINES, 4), (LINES[:3], 5)])
def test_another_number_of_lines_than_images_is_refused(tmp_path: Path, lines: tuple[str, ...], images: int) -> None:
    make_sequence(tmp_path / "a", lines, images)
    with pytest.raises(ConfigError, match=rf"a/groundtruth.txt has {len(lines)} lines, and there are {images} images"):
        FolderSource("mine", tmp_path)


def test_broken_input_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ConfigError, match=r"nowhere is not a folder"):
        FolderSource("mine", tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"no sequence in .*Expected"):
        FolderSource("mine", tmp_path)
    make_sequence(tmp_path / "a", ("1,2,3,4", "1,2,x,4"))
    with pytest.raises(ConfigError, match=r"groundtruth.txt:2: 'x' is not a number"):
        FolderSource("mine", tmp_path)
    make_sequence(tmp_path / "a", ("nan,nan,nan,nan",) * 2)
    with caplog.at_level(logging.WARNING), pytest.raises(ConfigError, match="no usable video"):
        FolderSource("mine", tmp_path)
    assert "1 sequences have no frame with a box: a" in caplog.text
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "groundtruth.txt").write_text("1,2,3,4\n")
    with pytest.raises(ConfigError, match="b has no images"):
        FolderSource("mine", tmp_path)


def test_forgotten_annotation_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_sequence(tmp_path / "a")
    write_image(tmp_path / "b" / "img" / "1.jpg")
    write_image(tmp_path / "group" / "c" / "img" / "1.jpg")
    with caplog.at_level(logging.WARNING):
        assert len(FolderSource("mine", tmp_path)) == 1
    assert "2 folders have images but no groundtruth.txt" in caplog.text


def test_masks_of_other_names_are_refused(tmp_path: Path) -> None:
    make_sequence(tmp_path / "a")
    write_mask(tmp_path / "a" / "mask" / "00001.png")
    with pytest.raises(ConfigError, match=r"no mask has the name of an image"):
        FolderSource("mine", tmp_path)


def test_real_sequences(shared: Path) -> None:
    source = FolderSource("train", shared / "data" / "train")
    tracks = [video[0] for video in source.videos]
    assert len(source) >= 43 and sum(map(len, tracks)) >= 1085
    assert sum(track.read(0).mask is not None for track in tracks) >= 20
    sample = next(track for track in tracks if track.name == "davis16val/blackswan").read(0)
    assert sample.image.shape == (480, 854, 3) and sample.box_xywh.tolist() == [127, 73, 383, 312]
    assert sample.mask is not None
    rows, columns = np.flatnonzero(sample.mask.any(1)), np.flatnonzero(sample.mask.any(0))
    assert (columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1) == pytest.approx(
        sample.box_xywh, abs=1
    )
