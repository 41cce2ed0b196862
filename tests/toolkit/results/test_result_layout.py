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


@pytest.mark.parametrize("stored", ["uav_bike1.txt", "bike1_DaSiamRPN.txt", "SiamFC_bike1.txt", "SiamFC-bike1_x.txt"])
@pytest.mark.parametrize("ending", [".txt", ".csv"])
def test_names_of_other_toolkits(tmp_path: Path, stored: str, ending: str) -> None:
    names = [stored.replace("bike1", one).replace(".txt", ending) for one in ("bike1", "bike2", "car1_s", "car1_1")]
    files = open_tracker(fill(tmp_path, *names, "readme.txt", f"{names[0][:-4]}_time.txt"))
    assert [files.find_any(one) for one in ("bike1", "bike2", "car1-s", "car1_1")] == [[name] for name in names]
    assert files.find_any("car1") == []
    assert files.find_any("bike") == []


def test_a_prefix_that_is_known_needs_no_other_file(tmp_path: Path) -> None:
    files = open_tracker(fill(tmp_path, "nfs_Gymnastics.txt", "tower.txt"))
    assert files.find("Gymnastics") == ["nfs_Gymnastics.txt"]
    assert files.find("nfs_tower") == ["tower.txt"]


@pytest.mark.parametrize(
    "folder", ["", "A", "A/B", "results/A/", "runs/run_000", "baseline", "A/baseline", "a_b/Deer", "A/baseline/deer"]
)
def test_files_some_folders_deeper(tmp_path: Path, folder: str) -> None:
    path = f"{folder}/deer.txt".lstrip("/").replace("//", "/")
    files = open_tracker(fill(tmp_path, path, "_run/times/deer.txt", "_run/times/car.txt", ".old/car.txt"))
    assert files.find("Deer", "baseline" if "baseline" in folder else "") == [path]
    assert files.find("Deer", "realtime") == ([] if "baseline" in folder else [path])
    assert files.find("car") == []


def test_the_shallowest_file_counts_and_run_folders_are_repetitions(tmp_path: Path) -> None:
    files = open_tracker(
        fill(tmp_path, "deer.txt", "old/deer.txt", "a_000/car.txt", "a_001/car.txt", "x/a.txt", "y/a.txt")
    )
    assert files.find("deer") == ["deer.txt"]
    assert files.find("car") == ["a_000/car.txt", "a_001/car.txt"]
    with pytest.raises(ResultError, match=r"several folders hold sequence 'a': x/a\.txt, y/a\.txt"):
        files.find("a")


@pytest.mark.parametrize("ending", ["tar.bz2", "tbz2", "tar.xz", "txz", "tar"])
def test_other_compressions(tmp_path: Path, ending: str) -> None:
    with tarfile.open(tmp_path / f"A.{ending}", f"w:{ {'b': 'bz2', 'x': 'xz'}.get(ending[-3:-2], '') }") as archive:
        archive.add(fill(tmp_path / "results" / "A", "deer.txt").parent, "results")
    files = open_tracker(tmp_path / f"A.{ending}")
    assert (files.name, files.read(files.find("Deer")[0])) == ("A", b"1,2,3,4\n")


def test_a_zip_with_backslashes(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "A.zip", "w") as archive:
        archive.writestr("results\\A\\deer.txt", "1,2")
    assert open_tracker(tmp_path / "A.zip").find("deer") == ["A/deer.txt"]


def test_what_is_there_is_said(tmp_path: Path) -> None:
    files = open_tracker(
        fill(tmp_path, "a/x.txt", "a/y.txt", "baseline/bag/bag_001.bin", ".hidden", "_run/times/x.txt")
    )
    assert files.summary().startswith("It holds 2 .txt in a/ (x.txt), 1 .bin in baseline/*/ (bag_001.bin).")
    assert ".bin) are not read" in files.summary()
    assert open_tracker(fill(tmp_path / "empty", "_run/x.txt")).summary() == "It holds no file."


def test_trackers_in_other_places(tmp_path: Path) -> None:
    fill(tmp_path, "GOT-10k/A/GOT-10k_Val_000001/GOT-10k_Val_000001_001.txt", "VOT2018/B/baseline/bag/bag_001.txt")
    assert list(find_trackers(tmp_path, "GOT-10k-val")) == ["A"]
    assert list(find_trackers(tmp_path / "GOT-10k" / "A", "GOT-10k-val", sequences=["GOT-10k_Val_000001"])) == ["A"]
    assert list(find_trackers(tmp_path / "VOT2018" / "B", "VOT2018", sequences=["bag"])) == ["B"]
    (tmp_path / "OTB100").mkdir()
    for name in ("C.rar", "C.zip", "C.tar.xz"):
        (tmp_path / "OTB100" / name).write_bytes(b"")
    trackers = find_trackers(tmp_path, "OTB100")
    assert sorted(path.name for path in trackers.values()) == ["C.rar", "C.tar.xz", "C.zip"]
    with pytest.raises(ResultError, match=r"C\.rar.*Unpack it"):
        open_tracker(tmp_path / "OTB100" / "C.rar")
    fill(tmp_path, "DTB70/Car2.txt")
    with pytest.raises(ResultError, match=r"archive of a tracker here\. It holds 1 \.txt in the folder itself"):
        find_trackers(tmp_path, "DTB70")


def test_missing_tracker(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="expected a folder"):
        open_tracker(tmp_path / "nothing")


def test_normalize() -> None:
    assert normalize("Skating2-1") == normalize("skating2_1") != normalize("skating21")


def test_run_folders_of_two_names_are_not_runs_of_one_tracker(tmp_path: Path) -> None:
    files = open_tracker(fill(tmp_path, "dimp18_000/deer.txt", "dimp50_000/deer.txt"))
    with pytest.raises(ResultError, match="several folders hold sequence 'deer'"):
        files.find("deer")


def test_repetitions_with_the_trackers_name(tmp_path: Path) -> None:
    names = [f"{one}_SiamFC_00{k}.txt" for one in ("deer", "car", "man") for k in (1, 2, 3)]
    assert open_tracker(fill(tmp_path, *names)).find("car") == names[3:6]


def test_a_folder_per_tracker_and_then_per_benchmark(tmp_path: Path) -> None:
    fill(tmp_path, "A/OTB100/Deer.txt", "A/OTB50/Deer.txt", "B/otb100/Deer.txt", "C/DTB70/Car2.txt", "D/notes.md")
    fill(tmp_path, "V/baseline/bag/bag_00000000.txt")
    assert find_trackers(tmp_path, "OTB100", sequences=["Deer"]) == {
        "A": tmp_path / "A" / "OTB100",
        "B": tmp_path / "B" / "otb100",
    }
    assert list(find_trackers(tmp_path, "VOT2020", sequences=["bag"])) == ["V"]
    with zipfile.ZipFile(tmp_path / "E.zip", "w") as archive:
        archive.writestr("results/E/Deer.txt", "1,2,3,4")
    assert find_trackers(tmp_path / "E.zip", "OTB100", sequences=["Deer"]) == {"E": tmp_path / "E.zip"}
    with pytest.raises(ResultError, match=r"no folder 'OTB100' here, it holds notes\.md"):
        find_trackers(tmp_path / "D", "OTB100", sequences=["Deer"])
