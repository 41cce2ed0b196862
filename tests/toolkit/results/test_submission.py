from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from fake_trackers import Random, make_sequence

from toolkit.datasets import Benchmark, Sequence
from toolkit.datasets.listings import GOT10K_TEST
from toolkit.errors import ResultError
from toolkit.protocols.ope import run_ope
from toolkit.results.layout import open_tracker
from toolkit.results.submission import SERVERS, find_server, make_submission, write_zip
from toolkit.results.writer import make_writer

VIDEOS = tuple(f"-vid{k:03d}_{k % 3}" for k in range(SERVERS["trackingnet"].count))


def run(folder: Path, benchmark: str, protocol: str, names: tuple[str, ...], repetitions: int = 1) -> Path:
    """Results of a random walk of 3 frames on every sequence, in the layout of our own runs."""
    tracker, sequence = Random(), make_sequence(count=3)
    writer = make_writer(folder, benchmark, "mine", protocol, repetitions)
    for name in names:
        named = Sequence(name, sequence.ground_truth, sequence.frames)
        for repetition in range(1, repetitions + 1):
            writer.write(named, repetition, run_ope(tracker, named))
    return writer.folder


@pytest.fixture
def got10k(tmp_path: Path) -> Path:
    return run(tmp_path, "GOT-10k-test", "got10k", GOT10K_TEST, repetitions=3)


@pytest.fixture
def trackingnet(tmp_path: Path) -> Path:
    return run(tmp_path, "TrackingNet", "ope", VIDEOS)


def frames_of(name: str, names: tuple[str, ...], length: int = 3) -> Benchmark:
    return Benchmark(name, "ope", tuple(make_sequence(one, length, ground_truth=np.ones((1, 4))) for one in names))


def test_got10k(got10k: Path) -> None:
    contents = make_submission("got10k", open_tracker(got10k), frames_of("GOT-10k-test", GOT10K_TEST))
    name = GOT10K_TEST[6]
    assert len(contents) == 180 * 4
    assert [one for one in contents if one.startswith(f"{name}/")] == [
        *(f"{name}/{name}_{k:03d}.txt" for k in (1, 2, 3)),
        f"{name}/{name}_time.txt",
    ]
    for k in (1, 2, 3):
        ours = np.loadtxt(got10k / name / f"{name}_{k:03d}.txt", delimiter=",")
        lines = contents[f"{name}/{name}_{k:03d}.txt"].splitlines()
        assert lines == [",".join(f"{value:.3f}" for value in row) for row in ours]
    times = [line.split(",") for line in contents[f"{name}/{name}_time.txt"].splitlines()]
    assert [len(row) for row in times] == [3, 3, 3]
    assert all(len(cell.split(".")[1]) == 8 for row in times for cell in row)


def test_got10k_from_a_one_pass_run(tmp_path: Path) -> None:
    folder = run(tmp_path, "GOT-10k-test", "ope", GOT10K_TEST)
    contents = make_submission("got10k", open_tracker(folder))
    name = GOT10K_TEST[0]
    assert [one for one in contents if one.startswith(name)] == [f"{name}/{name}_001.txt", f"{name}/{name}_time.txt"]


def test_trackingnet(trackingnet: Path) -> None:
    for benchmark in (None, frames_of("TrackingNet", VIDEOS)):
        contents = make_submission("trackingnet", open_tracker(trackingnet), benchmark)
        assert sorted(contents) == [f"{name}.txt" for name in sorted(VIDEOS)]
        assert contents[f"{VIDEOS[0]}.txt"].splitlines()[0] == "40.000,30.000,30.000,20.000"
        assert len(contents[f"{VIDEOS[0]}.txt"].splitlines()) == 3


def test_trackingnet_from_a_repeated_run(tmp_path: Path) -> None:
    folder = run(tmp_path, "TrackingNet", "ope", VIDEOS, repetitions=2)
    contents = make_submission("trackingnet", open_tracker(folder))
    assert len(contents) == 511
    first = np.loadtxt(folder / VIDEOS[1] / f"{VIDEOS[1]}_001.txt", delimiter=",")
    sent = np.array([[float(cell) for cell in line.split(",")] for line in contents[f"{VIDEOS[1]}.txt"].splitlines()])
    assert np.allclose(sent, first, atol=5e-4)


def test_the_zip_is_flat_readable_and_always_the_same(trackingnet: Path, tmp_path: Path) -> None:
    contents = make_submission("trackingnet", open_tracker(trackingnet))
    write_zip(tmp_path / "new" / "a.zip", contents)
    write_zip(tmp_path / "b.zip", dict(reversed(contents.items())))
    assert (tmp_path / "new" / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert archive.testzip() is None
        assert {one: archive.read(one).decode() for one in archive.namelist()} == contents
        assert archive.namelist() == sorted(contents)
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert not list(tmp_path.rglob("*.part"))


def test_times_lie_beside_the_boxes(tmp_path: Path) -> None:
    for name in GOT10K_TEST:
        (tmp_path / f"{name}.txt").write_text("10\t20\t30\t40\n" * 5)
        (tmp_path / f"{name}_time.txt").write_text("0.01\n" * 5)
    contents = make_submission("got10k", open_tracker(tmp_path))
    assert len(contents) == 2 * 180
    assert contents[f"{GOT10K_TEST[0]}/{GOT10K_TEST[0]}_time.txt"] == "0.01000000\n" * 5


def test_missing_sequences_are_named(got10k: Path, trackingnet: Path) -> None:
    for path in (got10k / GOT10K_TEST[3]).iterdir():
        path.unlink()
    with pytest.raises(ResultError, match=f"results for 179 sequences.*has 180.*Missing: {GOT10K_TEST[3]}"):
        make_submission("got10k", open_tracker(got10k))
    (trackingnet / f"{VIDEOS[3]}.txt").unlink()
    with pytest.raises(ResultError, match=r"results for 510 sequences.*has 511"):
        make_submission("trackingnet", open_tracker(trackingnet))
    with pytest.raises(ResultError, match=f"Missing: {VIDEOS[3]}"):
        make_submission("trackingnet", open_tracker(trackingnet), frames_of("TrackingNet", VIDEOS))


def test_a_stray_file_is_noticed(trackingnet: Path) -> None:
    (trackingnet / "notes.txt").write_text("1,2,3,4\n")
    with pytest.raises(ResultError, match="results for 512 sequences"):
        make_submission("trackingnet", open_tracker(trackingnet))
    assert len(make_submission("trackingnet", open_tracker(trackingnet), frames_of("TrackingNet", VIDEOS))) == 511


def test_lengths_are_checked_against_the_frames(trackingnet: Path) -> None:
    with pytest.raises(ResultError, match=r"(?s)3 lines for 4 frames.*and 506 more\nNothing was written") as error:
        make_submission("trackingnet", open_tracker(trackingnet), frames_of("TrackingNet", VIDEOS, length=4))
    assert str(trackingnet) in str(error.value)


def test_a_benchmark_without_frames_says_no_length(trackingnet: Path) -> None:
    annotations = Benchmark("TrackingNet", "ope", tuple(Sequence(name, np.ones((1, 4))) for name in VIDEOS))
    assert len(make_submission("trackingnet", open_tracker(trackingnet), annotations)) == 511


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("001", "1,2,3,4\n1,2,nan,4\n1,2,3,4\n", "_001.txt: line 2 is not finite"),
        ("001", "1,2,3,4\n1,2,3\n1,2,3,4\n", "_001.txt: line 2 holds 3 numbers"),
        ("001", "", "_001.txt: the file is empty"),
        ("002", "1,2,3,4\n", "_002.txt: 1 lines for 3 frames"),
        ("time", "0.1\n0.1\n0.1\n", "_time.txt: 3 lines of 1 times; expected 3 lines of 3"),
        ("time", "0.1,0.1,0.1\n" * 2, "_time.txt: 2 lines of 3 times"),
        ("time", "0.1,nan,0.1\n" * 3, "_time.txt: line 1 is not finite"),
        ("time", None, "_time.txt: the time file is missing"),
    ],
)
def test_bad_files_are_named(got10k: Path, file: str, text: str | None, message: str) -> None:
    path = got10k / GOT10K_TEST[5] / f"{GOT10K_TEST[5]}_{file}.txt"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(ResultError, match=message):
        make_submission("got10k", open_tracker(got10k), frames_of("GOT-10k-test", GOT10K_TEST))


def test_repetitions_of_one_sequence_are_as_long(got10k: Path) -> None:
    (got10k / GOT10K_TEST[5] / f"{GOT10K_TEST[5]}_002.txt").write_text("1,2,3,4\n")
    with pytest.raises(ResultError, match=r"_002\.txt: 1 lines for 3 frames"):
        make_submission("got10k", open_tracker(got10k))


def test_a_disk_that_refuses(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(ResultError, match="cannot write"):
        write_zip(tmp_path / "taken" / "a.zip", {"a.txt": "1\n"})
    with pytest.raises(ResultError, match=r"Unknown server 'otb'.*got10k, trackingnet"):
        find_server("otb")
