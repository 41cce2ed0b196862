from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from toolkit.errors import ResultError
from toolkit.results.layout import find_trackers, normalize, open_tracker, tracker_name


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("1,2,3,4\n")
    return folder


@pytest.mark.parametrize("stored", ["Jogging-1.txt", "jogging_1.txt", "Jogging.1.txt", "JOGGING 1.txt"])
def test_spellings(tmp_path: Path, stored: str) -> None:
    assert open_tracker(fill(tmp_path, stored)).find("Jogging-1") == [stored]


def test_one_target_is_not_mistaken_for_another(tmp_path: Path) -> None:
    files = open_tracker(fill(tmp_path, "car1_1.txt", "car11.txt", "car1.txt"))
    assert files.find("car1-1") == ["car1_1.txt"]
    assert files.find("car11") == ["car11.txt"]
    assert files.find("car1") == ["car1.txt"]
    assert files.find("car1_2") == []


def test_human4_is_the_second_target(tmp_path: Path) -> None:
    assert open_tracker(fill(tmp_path, "human4-2.txt")).find("Human4") == ["human4-2.txt"]


def test_an_exact_name_wins_and_two_loose_ones_are_refused(tmp_path: Path) -> None:
    files = open_tracker(fill(tmp_path, "Deer.txt", "deer.txt", "car_1.txt", "car-1.txt"))
    assert files.find("Deer") == ["Deer.txt"]
    with pytest.raises(ResultError, match=r"car-1\.txt, car_1\.txt"):
        files.find("Car.1")


def test_repetitions_folders_and_side_files(tmp_path: Path) -> None:
    stored = ["GOT_1/GOT_1_001.txt", "GOT_1/GOT_1_002.txt", "GOT_1/GOT_1_time.txt", "_run/times/GOT_1.txt"]
    files = open_tracker(fill(tmp_path, *stored))
    assert files.find("GOT_1") == stored[:2]


def test_a_single_run_beside_repetitions_is_ambiguous(tmp_path: Path) -> None:
    files = open_tracker(fill(tmp_path, "deer.txt", "deer/deer_001.txt", "car.txt", "car_001.txt"))
    with pytest.raises(ResultError, match=r"single run, deer\.txt, and repetitions, deer/deer_001\.txt"):
        files.find("deer")
    assert files.find("car") == ["car.txt"]


def test_experiments_are_kept_apart(tmp_path: Path) -> None:
    stored = ["baseline/bag/bag_001.txt", "realtime/bag/bag_001.txt"]
    files = open_tracker(fill(tmp_path, *stored))
    assert files.find("bag", "baseline") == stored[:1]
    assert files.find("bag", "realtime") == stored[1:]
    assert files.find("bag") == []


def test_archives_are_read_in_place(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "A.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("A/deer.txt")
        member.size = 3
        archive.addfile(member, io.BytesIO(b"1,2"))
    with zipfile.ZipFile(tmp_path / "B.zip", "w") as archive:
        archive.writestr("deer.txt", "3,4")
    with zipfile.ZipFile(tmp_path / "C.ZIP", "w") as archive:
        archive.writestr("C/deer.txt", "5,6")
        archive.writestr("__MACOSX/C/._deer.txt", "junk")
    for name, content in (("A.tar.gz", b"1,2"), ("B.zip", b"3,4"), ("C.ZIP", b"5,6")):
        files = open_tracker(tmp_path / name)
        assert files.read(files.find("Deer")[0]) == content
        assert tracker_name(tmp_path / name) == name[0]


@pytest.mark.parametrize("name", ["bad.tar.gz", "bad.zip", "bad.tar"])
def test_a_broken_archive_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not an archive")
    with pytest.raises(ResultError, match=name):
        _ = open_tracker(tmp_path / name).names


def test_find_trackers(tmp_path: Path) -> None:
    fill(tmp_path, "OTB100/A1/Deer.txt", "OTB100/A2/Deer.txt", "OTB100/B/Deer.txt", "OTB100/_tmp/Deer.txt")
    assert list(find_trackers(tmp_path, "OTB100")) == ["A1", "A2", "B"]
    assert list(find_trackers(tmp_path, "otb100", "A")) == ["A1", "A2"]
    assert list(find_trackers(tmp_path / "OTB100", "OTB100", sequences=["Deer"])) == ["A1", "A2", "B"]
    with pytest.raises(ResultError, match=r"starts with 'C'. Trackers found: A1, A2, B"):
        find_trackers(tmp_path, "OTB100", "C")
    with pytest.raises(ResultError, match=r"no folder 'VOT2018' here, it holds OTB100"):
        find_trackers(tmp_path, "VOT2018", sequences=["Deer"])
    with pytest.raises(ResultError, match="no such results folder"):
        find_trackers(tmp_path / "nowhere", "OTB100")


def test_missing_tracker(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="expected a folder"):
        open_tracker(tmp_path / "nothing")


def test_normalize() -> None:
    assert normalize("Skating2-1") == normalize("skating2_1") != normalize("skating21")
