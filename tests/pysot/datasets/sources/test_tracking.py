"""GOT-10k, LaSOT and TrackingNet as their archives unpack."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from pysot.core.errors import ConfigError, ImageError
from pysot.datasets.sources.base import SOURCES, VideoSource
from pysot.datasets.sources.tracking import Got10kSource, LasotSource, OtbSource, TrackingNetSource
from tests.pysot.datasets.files import write_image

ROWS = 6


def write_lines(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def boxes(rows: int = ROWS) -> list[str]:
    return [f"{number}.0000,2.0000,20.0000,10.0000" for number in range(rows)]


def make_got10k(folder: Path, absence: str = "000000", cover: str = "888888") -> None:
    write_lines(folder / "groundtruth.txt", boxes())
    write_lines(folder / "absence.label", list(absence))
    write_lines(folder / "cover.label", list(cover))
    (folder / "meta_info.ini").write_text("[METAINFO]\nresolution: (64, 48)\n")
    for number in range(1, ROWS + 1):
        write_image(folder / f"{number:08d}.jpg", seed=number)


def make_lasot(folder: Path, occluded: str = "0,0,0,0,0,0", outside: str = "0,0,0,0,0,0") -> None:
    write_lines(folder / "groundtruth.txt", boxes())
    write_lines(folder / "full_occlusion.txt", [occluded])
    write_lines(folder / "out_of_view.txt", [outside])
    for number in range(1, ROWS + 1):
        write_image(folder / "img" / f"{number:08d}.jpg", seed=number)


def make_tracking_net(root: Path, part: int, name: str, lines: list[str]) -> None:
    write_lines(root / f"TRAIN_{part}" / "anno" / f"{name}.txt", lines)
    for number in range(len(lines)):
        write_image(root / f"TRAIN_{part}" / "frames" / name / f"{number}.jpg", seed=number)


def frames_used(source: VideoSource, video: int = 0) -> list[tuple[str, float]]:
    """File name and left edge of the box of every frame."""
    samples = [source.videos[video][0].read(index) for index in range(len(source.videos[video][0]))]
    return [(Path(sample.origin).name, float(sample.box_xywh[0])) for sample in samples]


def names(source: VideoSource) -> list[str]:
    return [video[0].name for video in source.videos]


def test_got10k_uses_frames_where_something_is_seen(tmp_path: Path) -> None:
    make_got10k(tmp_path / "train" / "GOT-10k_Train_000001", absence="010000", cover="888800")
    make_got10k(tmp_path / "train" / "GOT-10k_Train_000002")
    make_got10k(tmp_path / "val" / "GOT-10k_Val_000001")
    source = SOURCES["got10k"]("GOT", tmp_path)
    assert isinstance(source, VideoSource)
    assert names(source) == ["GOT-10k_Train_000001", "GOT-10k_Train_000002"]
    assert frames_used(source) == [("00000001.jpg", 0), ("00000003.jpg", 2), ("00000004.jpg", 3)]
    assert names(Got10kSource("GOT", tmp_path / "train", exclude=["GOT-10k_Train_000001"])) == ["GOT-10k_Train_000002"]
    assert names(Got10kSource("GOT", tmp_path, split="val")) == ["GOT-10k_Val_000001"]


def test_got10k_labels_of_another_length_are_refused(tmp_path: Path) -> None:
    make_got10k(tmp_path / "train" / "a", absence="000")
    with pytest.raises(ConfigError, match=r"absence\.label: 3 flags for 6"):
        Got10kSource("GOT", tmp_path)


def test_lasot_uses_frames_where_the_target_is_in_view(tmp_path: Path) -> None:
    make_lasot(tmp_path / "bear" / "bear-1", occluded="0,1,0,0,0,0", outside="0,0,0,0,1,1")
    source = LasotSource("LASOT", tmp_path)
    assert frames_used(source) == [("00000001.jpg", 0), ("00000003.jpg", 2), ("00000004.jpg", 3)]


def test_lasot_test_part_is_never_used(tmp_path: Path) -> None:
    make_lasot(tmp_path / "airplane" / "airplane-1")
    with pytest.raises(ConfigError, match="Found only 1 sequences of the test part"):
        LasotSource("LASOT", tmp_path)
    make_lasot(tmp_path / "airplane" / "airplane-2")
    assert names(LasotSource("LASOT", tmp_path)) == ["airplane-2"]
    with pytest.raises(ConfigError, match="ONLY names 1 videos that are not there: airplane-1"):
        LasotSource("LASOT", tmp_path, only=["airplane-1"])


def test_real_lasot_sequence(shared: Path, tmp_path: Path) -> None:
    """The real files under the name of a training sequence, because their own is of the test part."""
    (tmp_path / "airplane").mkdir()
    (tmp_path / "airplane" / "airplane-2").symlink_to(shared / "data" / "sequences_lasot" / "airplane" / "airplane-1")
    (track,) = LasotSource("LASOT", tmp_path).videos[0]
    assert 0 < len(track) <= 100
    first, last = track.read(0), track.read(len(track) - 1)
    truth = np.loadtxt(tmp_path / "airplane" / "airplane-2" / "groundtruth.txt", delimiter=",")
    assert first.box_xywh.tolist() == truth[0].tolist() and Path(first.origin).name == "00000001.jpg"
    assert last.box_xywh.tolist() == truth[int(Path(last.origin).stem) - 1].tolist()


def test_tracking_net_reads_the_chosen_sets(tmp_path: Path) -> None:
    make_tracking_net(tmp_path, 0, "aaa_0", ["0,0,10,10", "1,0,0,0", "2,0,10,10"])
    make_tracking_net(tmp_path, 7, "bbb_0", ["0,0,10,10"])
    source = TrackingNetSource("TN", tmp_path)
    assert names(source) == ["aaa_0", "bbb_0"]
    assert frames_used(source) == [("0.jpg", 0), ("2.jpg", 2)]
    assert names(TrackingNetSource("TN", tmp_path, sets=[7])) == ["bbb_0"]


def test_sequences_without_images_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_tracking_net(tmp_path, 0, "aaa_0", ["0,0,10,10"])
    write_lines(tmp_path / "TRAIN_1" / "anno" / "bbb_0.txt", ["0,0,10,10"])
    with caplog.at_level(logging.WARNING):
        assert names(TrackingNetSource("TN", tmp_path)) == ["aaa_0"]
    assert "1 sequences have no images and are left out: bbb_0" in caplog.text


def test_missing_image_is_named_when_it_is_read(tmp_path: Path) -> None:
    make_tracking_net(tmp_path, 0, "aaa_0", ["0,0,10,10", "1,0,10,10"])
    (tmp_path / "TRAIN_0" / "frames" / "aaa_0" / "1.jpg").unlink()
    with pytest.raises(ImageError, match=r"aaa_0/1\.jpg"):
        TrackingNetSource("TN", tmp_path).videos[0][0].read(1)


@pytest.mark.parametrize("source", [Got10kSource, LasotSource, TrackingNetSource])
def test_wrong_root_is_explained(tmp_path: Path, source: type[Got10kSource]) -> None:
    with pytest.raises(ConfigError, match=r"X: ROOT .*nowhere is not a folder"):
        source("X", tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"X: no training sequence in .*Looked for"):
        source("X", tmp_path)


def test_damaged_annotation_is_located(tmp_path: Path) -> None:
    make_lasot(tmp_path / "bear" / "bear-1")
    write_lines(tmp_path / "bear" / "bear-1" / "groundtruth.txt", ["1,2,3,4", "1,2,?,4"])
    with pytest.raises(ConfigError, match=r"groundtruth\.txt:2: '\?' is not a number"):
        LasotSource("LASOT", tmp_path)


def make_otb(folder: Path, first: int, digits: int = 4, annotation: str = "groundtruth_rect.txt") -> None:
    write_lines(folder / annotation, [f"{number}\t3\t20\t10" for number in range(1, ROWS + 1)])
    for number in range(first, first + ROWS):
        write_image(folder / "img" / f"{number:0{digits}d}.jpg", seed=number)


def test_otb(tmp_path: Path) -> None:
    """Boxes start at pixel 1; David's at image 300; Board's names have five digits; Jogging has two targets."""
    make_otb(tmp_path / "Board", 1, digits=5)
    make_otb(tmp_path / "David", 300)
    write_image(tmp_path / "David" / "img" / "0299.jpg", seed=1)
    for target in (1, 2):
        make_otb(tmp_path / "Jogging", 1, annotation=f"groundtruth_rect.{target}.txt")
    source = SOURCES["otb"].from_options("OTB", root=tmp_path)
    assert isinstance(source, OtbSource) and names(source) == ["Board", "David", "Jogging-1", "Jogging-2"]
    assert frames_used(source, 0) == [(f"{number:05d}.jpg", number - 1.0) for number in range(1, ROWS + 1)]
    assert frames_used(source, 1)[0] == ("0300.jpg", 0.0) and frames_used(source, 1)[-1] == ("0305.jpg", ROWS - 1.0)
    assert names(OtbSource("OTB", tmp_path, exclude=["David", "Jogging-1"])) == ["Board", "Jogging-2"]
    with pytest.raises(ConfigError, match="no training sequence"):
        OtbSource("OTB", tmp_path / "David" / "img")


def test_otb_as_shared(shared: Path) -> None:
    """The official folders, with the separators that they have."""
    source = OtbSource("OTB", shared / "data" / "sequences_otb")
    assert {"Crossing", "Jogging-1", "Jogging-2", "Skiing"} <= set(names(source))
    first = source.videos[names(source).index("Crossing")][0].read(0)
    assert Path(first.origin).name == "0001.jpg"
    line = (shared / "data" / "sequences_otb" / "Crossing" / "groundtruth_rect.txt").read_text().split("\n")[0]
    raw = [float(value) for value in line.replace(",", " ").split()]
    assert first.box_xywh.tolist() == [raw[0] - 1, raw[1] - 1, raw[2], raw[3]]
