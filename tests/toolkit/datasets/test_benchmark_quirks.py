"""What is peculiar to one benchmark's files."""

from __future__ import annotations

import numpy as np
import pytest

from tests.golden import recorded
from toolkit.datasets import Benchmark, Sequence, load_benchmark
from toolkit.datasets.listings import UAV123_10FPS_FIRST, UAV123_FIRST
from toolkit.errors import DatasetError, FrameError


def many_images(folder, first, last):
    """Image files that are listed and never read."""
    folder.mkdir(parents=True)
    for number in range(first, last + 1):
        (folder / f"{number:04d}.jpg").touch()


@pytest.mark.parametrize(
    ("name", "images", "rows", "first", "count"),
    [
        ("Tiger1", (1, 354), 354, 6, 349),
        ("Tiger1", (1, 354), 349, 6, 349),
        ("Diving", (1, 231), 231, 1, 215),
        ("Diving", (1, 231), 215, 1, 215),
        ("David", (1, 770), 471, 300, 471),
        ("David", (300, 770), 471, 300, 471),
        ("BlurCar3", (3, 359), 357, 3, 357),
        ("Football1", (1, 74), 74, 1, 74),
        ("Deer", (1, 71), 71, 1, 71),
    ],
)
def test_otb_start_frames(name, images, rows, first, count, tmp_path, write_rows):
    boxes = np.column_stack([np.arange(1, rows + 1), np.full((rows, 3), 5)])
    write_rows(tmp_path / name / "groundtruth_rect.txt", boxes, "\t")
    many_images(tmp_path / name / "img", *images)
    sequence = load_benchmark("OTB100", tmp_path)[name]
    assert len(sequence) == len(sequence.ground_truth) == count
    assert sequence.require_frames().label(0).endswith(f"{first:04d}.jpg")
    skipped = first - 1 if rows == images[1] and name == "Tiger1" else 0
    np.testing.assert_array_equal(sequence.ground_truth[0], [skipped, 4, 5, 5])


def test_otb_second_targets_and_five_digits(tmp_path, write_rows, write_images):
    for name, targets in (("Jogging", (1, 2)), ("Skating2", (1, 2)), ("Human4", (1, 2))):
        for target in targets:
            write_rows(tmp_path / name / f"groundtruth_rect.{target}.txt", [[target, 2, 3, 4]] * 2)
        write_images(tmp_path / name / "img", ["0001.png", "0002.png"])
    write_rows(tmp_path / "Board" / "groundtruth_rect.txt", [[1, 2, 3, 4]] * 3, " ")
    write_images(tmp_path / "Board" / "img", ["00001.png", "00002.png", "00003.png"])
    benchmark = load_benchmark("OTB", tmp_path)
    assert list(benchmark.names()) == ["Board", "Human4-2", "Jogging-1", "Jogging-2", "Skating2-1", "Skating2-2"]
    assert benchmark["Jogging-2"].ground_truth[0].tolist() == [1, 1, 3, 4]
    assert int(benchmark["Board"].require_frames()[2][0, 0, 0]) == 2
    assert load_benchmark("OTB", tmp_path, video="Human4").sequences[0].name == "Human4-2"


def test_missing_image_keeps_the_others_in_place(tmp_path, write_rows, write_images):
    write_rows(tmp_path / "Deer" / "groundtruth_rect.txt", [[1, 1, 2, 2]] * 5)
    write_images(tmp_path / "Deer" / "img", ["0001.png", "0002.png", "0004.png", "0005.png"], [1, 2, 4, 5])
    frames = load_benchmark("OTB100", tmp_path)["Deer"].require_frames()
    assert [int(frames[i][0, 0, 0]) for i in (0, 1, 3, 4)] == [1, 2, 4, 5]
    with pytest.raises(FrameError, match=r"0003\.png.*does not exist"):
        frames[2]


def test_uav_parts_share_a_folder(tmp_path, write_rows, write_images):
    boxes = [[1, 1, 2, 2]] * 3
    write_rows(tmp_path / "anno/UAV123/bird1_2.txt", boxes)
    write_text = tmp_path / "anno/UAV123/att/bird1_2.txt"
    write_text.parent.mkdir()
    write_text.write_text("1,0,0,0,0,0,0,0,0,0,0,1")
    write_images(tmp_path / "data_seq/UAV123/bird1", [f"{i:06d}.png" for i in range(770, 780)], range(70, 80))
    sequence = load_benchmark("UAV123", tmp_path)["bird1_2"]
    assert [int(frame[0, 0, 0]) for frame in sequence.require_frames()] == [75, 76, 77]
    assert sequence.attributes == ("SV", "SOB")


def test_uav_frame_table():
    """The parts lie one after the other in their video, and at 10 per second every third image is kept."""
    rows = recorded("uav123_lengths.json")
    assert set(rows) == set(UAV123_FIRST)
    for name, first in UAV123_FIRST.items():
        video, part = name.rsplit("_", 1)
        if f"{video}_{int(part) + 1}" in UAV123_FIRST:
            assert UAV123_FIRST[f"{video}_{int(part) + 1}"] >= first + rows[name] - 1
        assert UAV123_10FPS_FIRST[name] == (first - 1) / 3 + 1


def test_lasot_visibility(tmp_path, write_rows, write_images, write_text):
    folder = tmp_path / "bird" / "bird-2"
    write_rows(folder / "groundtruth.txt", [[1, 1, 2, 2]] * 4)
    write_text(folder / "full_occlusion.txt", "0,1,0,0")
    write_text(folder / "out_of_view.txt", "0,0,0,1\n")
    write_images(folder / "img", [f"{i:08d}.png" for i in range(1, 5)])
    assert load_benchmark("LaSOT", tmp_path)["bird-2"].visible.tolist() == [True, False, True, False]
    write_text(folder / "out_of_view.txt", "0,0,0")
    with pytest.raises(DatasetError, match=r"out_of_view\.txt: 3 flags for 4 annotated frames"):
        load_benchmark("LaSOT", tmp_path)


def test_got10k_labels(tmp_path, write_rows, write_images, write_text):
    folder = tmp_path / "val" / "GOT-10k_Val_000001"
    write_rows(folder / "groundtruth.txt", [[1, 1, 2, 2]] * 3)
    write_text(folder / "absence.label", "0\n1\n0\n")
    write_text(folder / "cover.label", "8\n0\n6\n")
    write_text(folder / "meta_info.ini", "[METAINFO]\nurl: x\nresolution: (1280, 720)\n")
    write_images(folder, [f"{i:08d}.png" for i in range(1, 4)])
    sequence = load_benchmark("GOT-10k", tmp_path)["GOT-10k_Val_000001"]
    assert sequence.visible.tolist() == [True, False, True]
    assert sequence.cover.tolist() == [1.0, 0.0, 0.75]
    assert sequence.image_size == (1280, 720)
    write_text(folder / "cover.label", "8\n9\n6\n")
    with pytest.raises(DatasetError, match=r"cover\.label.*between 0 and 8"):
        load_benchmark("GOT-10k", tmp_path)


def test_test_sets_have_one_box_and_all_frames(tmp_path, write_rows, write_images):
    write_rows(tmp_path / "test/GOT-10k_Test_000001/groundtruth.txt", [[1, 1, 2, 2]])
    write_images(tmp_path / "test/GOT-10k_Test_000001", [f"{i:08d}.png" for i in range(1, 6)])
    write_rows(tmp_path / "TEST/anno/clip_0.txt", [[1, 1, 2, 2]])
    write_images(tmp_path / "TEST/frames/clip_0", [f"{i}.png" for i in range(12)])
    got = load_benchmark("GOT-10k-test", tmp_path)["GOT-10k_Test_000001"]
    assert (got.ground_truth.shape, len(got)) == ((1, 4), 5)
    net = load_benchmark("TrackingNet", tmp_path)["clip_0"]
    assert [int(frame[0, 0, 0]) for frame in net.require_frames()] == list(range(12))


def test_nfs_vatic_rows(tmp_path, write_text, write_images):
    lines = [f'0 {10 + i} 20 {30 + i} 50 {i} {int(i >= 8)} 0 0 "sail boat"' for i in range(17)]
    write_text(tmp_path / "boat" / "30" / "boat.txt", "\n".join(lines) + "\n")
    write_images(tmp_path / "boat" / "30" / "boat", ["00001.png", "00002.png", "00003.png"])
    (sequence,) = load_benchmark("NFS30", tmp_path)
    np.testing.assert_array_equal(sequence.ground_truth, [[10, 20, 20, 30], [18, 20, 20, 30], [26, 20, 20, 30]])
    assert sequence.visible.tolist() == [True, False, False]
    assert len(sequence) == 3


def test_nfs_rows_that_match_the_images(tmp_path, write_rows, write_images):
    write_rows(tmp_path / "anno/boat.txt", [[10 + i, 20, 30 + i, 50] for i in range(3)], " ")
    write_images(tmp_path / "30/boat", ["00001.png", "00002.png", "00003.png"])
    (sequence,) = load_benchmark("NFS30", tmp_path)
    np.testing.assert_array_equal(sequence.ground_truth[:, 0], [10, 11, 12])


def test_nfs_as_pytracking_has_it(tmp_path, write_rows, write_images):
    write_rows(tmp_path / "anno/nfs_boat.txt", [[100 + i, 60, 17, 50] for i in range(9)], "\t")
    write_images(tmp_path / "sequences/boat", [f"{i:05d}.png" for i in range(1, 10)])
    (sequence,) = load_benchmark("NFS30", tmp_path)
    assert (sequence.name, len(sequence)) == ("boat", 9)
    np.testing.assert_array_equal(sequence.ground_truth, [[100 + i, 60, 17, 50] for i in range(9)])


@pytest.mark.parametrize("place", ["30/boat.txt", "anno/boat.txt", "NFS30/boat.txt", "NFS30/anno/nfs_boat.txt"])
@pytest.mark.parametrize("extra", [0, 1])
def test_nfs_rows_say_themselves_what_they_are(tmp_path, write_rows, write_images, place, extra):
    """Targets at the left top, whose x,y,w,h could be corners; one row more than images is not 240 per second."""
    boxes = [[10 + 3 * i, 20, 40 + i % 2, 50] for i in range(6 + extra)]
    if place != "NFS30/boat.txt":
        write_images(tmp_path / "30" / "boat", [f"{i:05d}.png" for i in range(1, 7)])
    write_rows(tmp_path / place, boxes, " ")
    (sequence,) = load_benchmark("NFS30", tmp_path)
    np.testing.assert_array_equal(sequence.ground_truth, boxes)
    if "nfs_" in place:
        return
    corners = np.repeat([[x, y, x + w, y + h] for x, y, w, h in boxes], 8, axis=0)
    write_rows(tmp_path / place, corners, " ")
    (sequence,) = load_benchmark("NFS30", tmp_path)
    np.testing.assert_array_equal(sequence.ground_truth, boxes)


def test_tc128_frame_range(tmp_path, write_rows, write_images, write_text):
    write_rows(tmp_path / "Ball_ce/Ball_ce_gt.txt", [[5, 6, 2, 2]] * 2)
    write_text(tmp_path / "Ball_ce/Ball_ce_frames.txt", "3,4")
    write_images(tmp_path / "Ball_ce/img", [f"{i:04d}.png" for i in range(1, 7)], range(1, 7))
    (sequence,) = load_benchmark("TC128", tmp_path)
    assert [int(frame[0, 0, 0]) for frame in sequence.require_frames()] == [3, 4]


def test_uavdt_attributes_are_numbered(tmp_path, write_rows, write_images, write_text):
    write_rows(tmp_path / "UAV-benchmark-SOT_v1.0/anno/S0101_gt.txt", [[5, 6, 2, 2]] * 2)
    write_text(tmp_path / "UAV-benchmark-SOT_v1.0/anno/att/S0101_att.txt", "0,1,0,0,1,0,0,0,0")
    write_images(tmp_path / "UAV-benchmark-S/S0101", ["img000001.png", "img000002.png"])
    (sequence,) = load_benchmark("UAVDT", tmp_path)
    assert sequence.attributes == ("attribute 2", "attribute 5")
    assert int(sequence.require_frames()[1][0, 0, 0]) == 1


def test_vot_tags_and_channel(tmp_path, write_rows, write_images, write_text):
    folder = tmp_path / "bag"
    write_rows(folder / "groundtruth.txt", [[1, 1, 4, 1, 4, 4, 1, 4]] * 3)
    write_text(folder / "occlusion.tag", "0\n1\n")
    write_text(folder / "empty.tag", "")
    write_text(folder / "sequence", "channels.color=left/%08d.jpg\nwidth=8\nheight=6\nname=bag\n")
    write_images(folder / "left", ["00000001.png", "00000002.png", "00000003.png"])
    sequence = load_benchmark("VOT2018", tmp_path)["bag"]
    assert sequence.ground_truth.shape == (3, 8)
    assert sequence.frame_tags["occlusion"].tolist() == [False, True, False]
    assert not sequence.frame_tags["empty"].any()
    assert sequence.image_size == (8, 6)
    assert sequence.require_frames().label(2).endswith("left/00000003.png")


def test_vot2020_masks_and_anchors(tmp_path, write_images, write_text):
    folder = tmp_path / "sequences" / "ball"
    # 4x2 array at (1, 2): three zeros, two ones (row 0 column 3, row 1 column 0), three zeros
    write_text(folder / "groundtruth.txt", "m1,2,4,2,3,2,3\n0\n2,1,3,2\n")
    write_text(folder / "anchor.value", "1\n0\n-1\n")
    write_images(folder / "color", ["00000001.png", "00000002.png", "00000003.png"])
    (sequence,) = load_benchmark("VOT2020", tmp_path)
    assert len(sequence.masks) == 3
    np.testing.assert_array_equal(sequence.ground_truth, [[1, 2, 4, 2], [np.nan] * 4, [2, 1, 3, 2]])
    assert int(sequence.masks[0].bits.sum()) == 2
    assert sequence.masks[2].bits.shape == (2, 3)
    assert sequence.anchors.tolist() == [1, 0, -1]
    write_text(folder / "groundtruth.txt", "m1,2,4,2,3,2,3\nm1,2,x\n2,1,3,2\n")
    with pytest.raises(DatasetError, match=r"groundtruth\.txt:2: "):
        load_benchmark("VOT2020", tmp_path)


def test_official_folders_share_sequences(tmp_path, write_rows, write_images):
    for name in ("Deer", "Crossing"):
        write_rows(tmp_path / "OTB100" / name / "groundtruth_rect.txt", [[1, 1, 2, 2]] * 2)
        write_images(tmp_path / "OTB100" / name / "img", ["0001.png", "0002.png"])
    assert list(load_benchmark("OTB50", tmp_path).names()) == ["Deer"]
    assert list(load_benchmark("CVPR13", tmp_path).names()) == ["Crossing", "Deer"]


def test_default_roots(tmp_path, monkeypatch, write_rows):
    write_rows(tmp_path / "testing_dataset/DTB70/Car2.txt", [[1, 1, 2, 2]])
    monkeypatch.setenv("SOT_DATA_ROOT", str(tmp_path))
    assert list(load_benchmark("DTB70").names()) == ["Car2"]
    monkeypatch.delenv("SOT_DATA_ROOT")
    monkeypatch.chdir(tmp_path)
    assert list(load_benchmark("DTB70").names()) == ["Car2"]


def test_synthetic_benchmarks_come_from_the_renderer(monkeypatch):
    """Rendering is tested where it is done; here, that each name reaches its own renderer."""
    sequences = tuple(Sequence(name, np.ones((1, 4))) for name in ("a", "b"))
    monkeypatch.setattr("toolkit.synthetic.synth_benchmark", lambda part: Benchmark("SYNTH", "ope", sequences))
    monkeypatch.setattr(
        "toolkit.synthetic.synth_longterm_benchmark", lambda: Benchmark("SYNTH-LT", "longterm", sequences)
    )
    assert load_benchmark("SYNTH").name == "SYNTH"
    assert load_benchmark("synth-lt").protocol == "longterm"
    assert list(load_benchmark("SYNTH", video="b").names()) == ["b"]


def test_nfs_annotations_alone_hold_the_flag_too(tmp_path, write_text):
    lines = [f'0 {10 + i} 20 {30 + i} 50 {i} {int(i >= 8)} 0 0 "sail boat"' for i in range(17)]
    write_text(tmp_path / "NFS30" / "boat.txt", "\n".join(lines) + "\n")
    (sequence,) = load_benchmark("NFS30", tmp_path)
    np.testing.assert_array_equal(sequence.ground_truth[:, 0], [10, 18, 26])
    assert sequence.visible.tolist() == [True, False, False]
