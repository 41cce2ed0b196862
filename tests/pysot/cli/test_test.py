from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from pysot.cli import test as command
from pysot.cli import tracker_options as trackers
from pysot.cli.main import run_tool
from pysot.config.loading import load_config
from pysot.core.errors import SotError
from toolkit.visualization import windows as window

BOX = (30, 20, 24, 24)


def make_dataset(root: Path, names: tuple[str, ...] = ("Alpha", "Beta"), count: int = 4) -> Path:
    """A user's own sequences (0-based boxes), a textured square moving to the right."""
    target = np.random.default_rng(1).integers(0, 255, (24, 24, 3), dtype=np.uint8)
    for name in names:
        (root / name / "img").mkdir(parents=True)
        for index in range(count):
            image = np.full((90, 120, 3), 80, np.uint8)
            image[20:44, 30 + index : 54 + index] = target
            cv2.imwrite(str(root / name / "img" / f"{index + 1:04d}.jpg"), image)
        lines = [f"{30 + index},20,24,24" for index in range(count)]
        (root / name / "groundtruth_rect.txt").write_text("\n".join(lines) + "\n")
    return root


def mil(root: Path, results: Path, *extra: str) -> int:
    return run_tool("test", ["--tracker", "opencv:MIL", "--dataset", str(root), "--results_dir", str(results), *extra])


def test_runs_resumes_and_overwrites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, results = make_dataset(tmp_path / "mine"), tmp_path / "results"
    assert mil(root, results) == 0
    out = capsys.readouterr().out
    assert "Video: Alpha" in out
    assert "2 sequence(s) run; 8 frames, tracker" in out
    folder = results / "mine" / "opencv_MIL"
    lines = (folder / "Alpha.txt").read_text().splitlines()
    assert [float(value) for value in lines[0].split(",")] == list(BOX)
    assert len(lines) == 4
    assert (folder / "_run" / "config.yaml").read_text() == "opencv: MIL\n"
    assert "opencv" in (folder / "_run" / "environment.txt").read_text()

    assert mil(root, results) == 0
    assert "0 sequence(s) run, 2 already there" in capsys.readouterr().out
    assert mil(root, results, "--overwrite", "--video", "Beta") == 0
    assert "1 sequence(s) run; 4 frames" in capsys.readouterr().out


def test_another_protocol_and_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_dataset(tmp_path / "mine")
    assert mil(root, tmp_path, "--protocol", "supervised", "--tracker_name", "base") == 0
    assert (tmp_path / "mine/base/baseline/Alpha/Alpha_001.txt").read_text().startswith("1\n")
    assert "base total lost: 0" in capsys.readouterr().out


def test_a_damaged_frame_gives_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_dataset(tmp_path / "mine")
    frame = root / "Alpha" / "img" / "0003.jpg"
    frame.write_bytes(b"not an image")
    assert mil(root, tmp_path) == 1
    captured = capsys.readouterr()
    assert str(frame) in captured.err
    assert "Traceback" not in captured.err
    assert "1 sequence(s) run, 1 failed" in captured.out
    assert (tmp_path / "mine/opencv_MIL/Beta.txt").is_file()
    assert not (tmp_path / "mine/opencv_MIL/Alpha.txt").exists()


def test_an_empty_annotation_gives_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_dataset(tmp_path / "mine")
    annotation = root / "Alpha" / "groundtruth_rect.txt"
    annotation.write_text("")
    assert mil(root, tmp_path) == 1
    captured = capsys.readouterr()
    assert f"Alpha: {annotation}: the annotation is empty" in captured.err
    assert "1 sequence(s) run, 1 failed" in captured.out
    assert (tmp_path / "mine/opencv_MIL/Beta.txt").is_file()
    assert mil(root, tmp_path, "--workers", "2", "--overwrite") == 1


def test_nothing_finished_gives_exit_code_2(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / "mine", names=("Alpha",))
    (root / "Alpha" / "img" / "0001.jpg").write_bytes(b"")
    assert mil(root, tmp_path) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Nothing to run"),
        (["--tracker", "opencv:GOTURN"], "no tracker 'GOTURN'"),
        (["--tracker", "opencv:MIL", "--config", "nanotrack_v2"], "both say what to run"),
        (["--tracker", "opencv:MIL", "--workers", "0"], "must be 1 or more"),
        (["--tracker", "opencv:MIL", "--tracker_name", "a/b"], "cannot be a result folder"),
        (["--tracker", "opencv:MIL", "--video", "Gamma"], "Gamma"),
        (["--tracker", "opencv:MIL", "--dataset", "OTB100", "--dataset_root", "/no/such/place"], "/no/such/place"),
        (["--snapshot", __file__], "say with --config"),
        (["--config", "nanotrack_v2", "--snapshot", "/no/such.pth"], "/no/such.pth"),
        (["--config", "nanotrak_v2"], "nanotrack_v2"),
    ],
)
def test_bad_usage_is_one_message(
    tmp_path: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_dataset(tmp_path / "mine")
    assert run_tool("test", ["--dataset", str(root), "--results_dir", str(tmp_path), *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("test: ")
    assert words in captured.err
    assert "Traceback" not in captured.err


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    with pytest.raises(SotError, match="Nothing to run"):
        run_tool("test", ["--dataset", "SYNTH", "--debug"])


def test_an_interrupt_says_how_to_continue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "run_benchmark", interrupted)
    assert mil(make_dataset(tmp_path / "mine"), tmp_path) == 130
    assert "continues" in capsys.readouterr().err


def test_results_are_called_like_the_snapshot(tmp_path: Path) -> None:
    weights = tmp_path / "model_e20.pth"
    weights.write_bytes(b"")
    assert trackers.default_name("nanotrack_v2", str(weights)) == "model_e20"
    assert trackers.default_name("nanotrack_v2", "nanotrack_v1") == "nanotrack_v1"
    assert trackers.default_name("nanotrack_v2", None) == "nanotrack_v2"


def test_arguments_can_be_mounted() -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    args = parser.parse_args(
        ["--config", "c", "--dataset", "D", "--vis", "--opts", "TRACK.LR", "0.4", "TRAIN.EPOCH", "3"]
    )
    assert args.opts == ["TRACK.LR", "0.4", "TRAIN.EPOCH", "3"]
    assert (args.workers, args.repetitions, args.threads, args.device) == (1, 1, 1, "auto")


def test_without_a_display_vis_says_so_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(window.sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert mil(make_dataset(tmp_path / "mine"), tmp_path, "--vis") == 0
    assert "--vis: there is no display" in capsys.readouterr().out


def test_with_a_display_every_frame_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, np.ndarray]] = []
    monkeypatch.setattr(window, "why_no_display", lambda: None)
    monkeypatch.setattr(cv2, "imshow", lambda title, image: shown.append((title, image)))
    monkeypatch.setattr(cv2, "waitKey", lambda delay: -1)
    monkeypatch.setattr(cv2, "destroyAllWindows", lambda: None)
    assert mil(make_dataset(tmp_path / "mine"), tmp_path, "--vis") == 0
    assert [title for title, _ in shown] == ["Alpha"] * 4 + ["Beta"] * 4
    assert (shown[0][1] == window.YELLOW).all(axis=2).any()


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_set(threads: int) -> None:
    before = torch.get_num_threads()
    try:
        with pytest.raises(SotError, match="no-such"):
            trackers.load_in_process(load_config("nanotrack_v2"), Path("no-such.pth"), "cpu", threads)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def test_the_script_runs_from_anywhere(tmp_path: Path, repo: Path) -> None:
    root = make_dataset(tmp_path / "mine", names=("Alpha",))
    script = [sys.executable, str(repo / "tools" / "test.py"), "--tracker", "opencv:MIL", "--dataset", str(root)]
    done = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "results/mine/opencv_MIL/Alpha.txt").is_file()


def test_a_real_tracker_on_real_video(tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NanoTrack V2 on the first frames of bag, one process and two: the same files, and the target is kept."""
    monkeypatch.setenv("PYSOT_ZOO", str(shared / "data" / "weights"))
    source = shared / "data" / "sequences_vot" / "bag"
    for name in ("bag_a", "bag_b"):
        (tmp_path / "vot" / name / "color").mkdir(parents=True)
        for frame in sorted((source / "color").glob("*.jpg"))[:15]:
            (tmp_path / "vot" / name / "color" / frame.name).symlink_to(frame)
        rows = (source / "groundtruth.txt").read_text().splitlines()[:15]
        (tmp_path / "vot" / name / "groundtruth.txt").write_text("\n".join(rows) + "\n")
    arguments = ["--config", "nanotrack_v2", "--dataset", str(tmp_path / "vot"), "--device", "cpu"]
    texts = []
    for workers in ("1", "2"):
        results = tmp_path / f"results{workers}"
        code = run_tool(
            "test", [*arguments, "--protocol", "supervised", "--results_dir", str(results), "--workers", workers]
        )
        assert code == 0
        folder = results / "vot" / "nanotrack_v2"
        texts.append([(folder / f"baseline/{name}/{name}_001.txt").read_text() for name in ("bag_a", "bag_b")])
        assert "TRACK" in (folder / "_run" / "config.yaml").read_text()
        assert "sha256" in (folder / "_run" / "snapshot.txt").read_text()
    assert texts[0] == texts[1]
    assert "2" not in texts[0][0].splitlines()


def test_the_realtime_experiment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On a VOT folder; elsewhere the experiment is refused, with the protocol to ask for instead."""
    root = make_dataset(tmp_path / "VOT2018", names=("bag",))
    (root / "bag" / "groundtruth_rect.txt").rename(root / "bag" / "groundtruth.txt")
    (root / "bag" / "img").rename(root / "bag" / "color")
    vot = ["--tracker", "opencv:MIL", "--dataset", "VOT2018", "--dataset_root", str(root)]
    assert run_tool("test", [*vot, "--results_dir", str(tmp_path), "--experiment", "realtime"]) == 0
    folder = tmp_path / "VOT2018" / "opencv_MIL"
    assert len((folder / "realtime/bag/bag_001.txt").read_text().splitlines()) == 4
    assert not (folder / "baseline").exists()
    assert "opencv_MIL total lost: 0" in capsys.readouterr().out

    mine = make_dataset(tmp_path / "mine")
    assert mil(mine, tmp_path, "--experiment", "realtime") == 2
    assert "choose --protocol realtime" in capsys.readouterr().err
