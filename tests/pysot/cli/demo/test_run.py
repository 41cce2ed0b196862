"""The demo, from its inputs to the saved video, and every bad input as one message."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pysot.cli import tracker_options as trackers
from pysot.cli.boxes import parse_boxes
from pysot.cli.demo import run as demo
from pysot.cli.demo.targets import Target, state_of
from pysot.cli.main import run_tool
from pysot.cli.tracker_options import choose_tracker
from pysot.core.errors import BadBoxError
from pysot.tracker.base import State, TrackResult
from toolkit.datasets.frames import VideoFile, read_image
from toolkit.synthetic import random_scene
from toolkit.visualization import windows

FRAMES, BOX = 8, "40,30,24,24"


class Follower:
    """A tracker that follows the bright square and says how sure it is; stands in for OpenCV's in quick tests."""

    scores: Sequence[float] = (0.9,)

    def __init__(self, kind: str = "") -> None:
        self.name, self.calls = kind, 0

    def init(self, image: np.ndarray, box: Any) -> None:
        self.size = box[2:]

    def track(self, image: np.ndarray) -> dict[str, Any]:
        y, x = np.argwhere(image[:, :, 1] > 200).mean(axis=0) - np.array(self.size)[::-1] / 2
        self.calls += 1
        return {"bbox": [x, y, *self.size], "best_score": self.scores[(self.calls - 1) % len(self.scores)]}


@pytest.fixture(autouse=True)
def no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> type[Follower]:
    """Puts `Follower` in the place of OpenCV's tracker."""
    monkeypatch.setattr(trackers, "OpenCVTracker", Follower)
    return Follower


def frame(index: int) -> np.ndarray:
    image = np.random.default_rng(0).integers(0, 120, (120, 160, 3)).astype(np.uint8)
    image[30 + index : 54 + index, 40 + 2 * index : 64 + 2 * index] = (40, 230, 230)
    return image


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "frames"
    path.mkdir()
    for index in range(FRAMES):
        cv2.imwrite(str(path / f"{index + 1}.png"), frame(index))
    return path


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 12.5, (160, 120))
    for index in range(FRAMES):
        writer.write(frame(index))
    writer.release()
    return path


def call(source: Path | str, *options: str, box: str | None = BOX) -> int:
    boxes = [] if box is None else ["--init-box", box]
    return run_tool("demo", [str(source), "--tracker", "opencv:MIL", *boxes, *options])


@pytest.mark.parametrize("name", ["out.mp4", "out.avi", "deep/er/out.mkv"])
def test_a_video_goes_in_and_a_video_of_the_same_length_comes_out(
    name: str, video: Path, tmp_path: Path, quick: type[Follower], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(video, "--save", str(tmp_path / name)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "no display" in " ".join(lines[:-1])
    for part in (f"clip.avi: {FRAMES} frames, 1 target", "mean score 0.90", "lost in 0", f"saved {tmp_path / name}"):
        assert part in lines[-1]
    saved = VideoFile(tmp_path / name)
    assert len(saved) == FRAMES
    assert saved[0].shape == (120, 160, 3)
    assert cv2.VideoCapture(str(tmp_path / name)).get(cv2.CAP_PROP_FPS) == pytest.approx(12.5, abs=0.1)


def test_the_overlay_is_where_the_target_is(folder: Path, tmp_path: Path, quick: type[Follower]) -> None:
    out = tmp_path / "drawn"
    assert call(folder, "--no-display", "--save", f"{out}/") == 0
    assert len(list(out.iterdir())) == FRAMES
    last = read_image(out / f"{FRAMES - 1:08d}.jpg").astype(int)
    left_edge = last[30 + FRAMES : 50 + FRAMES, 40 + 2 * (FRAMES - 1)]
    assert np.abs(left_edge - (0, 159, 230)).mean() < 40  # orange, through JPEG


def test_opencvs_own_tracker_runs_without_weights(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(folder, "--no-display", "--max-frames", "3") == 0
    assert "3 frames" in capsys.readouterr().out


@pytest.mark.parametrize(
    "give",
    [
        lambda folder: [f"{folder}/*.png"],
        lambda folder: sorted(map(str, folder.iterdir())),
        lambda folder: ["--video_name", str(folder)],
        lambda folder: [str(folder.parent)],
    ],
    ids=["pattern", "list", "video_name", "folder above img"],
)
def test_images_are_found(
    give: Callable[[Path], list[str]], folder: Path, quick: type[Follower], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder.rename(folder.with_name("img"))
    assert run_tool("demo", [*give(folder), "--tracker", "opencv:MIL", "--init-box", BOX, "--no-display"]) == 0
    assert f"{FRAMES} frames" in capsys.readouterr().out


def test_several_targets_are_numbered_and_counted(
    folder: Path, quick: type[Follower], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Follower, "scores", (0.9, 0.3, 0.0))
    assert call(folder, "--no-display", "--init-box", "1,2,10,10 3,4,10,10") == 0
    line = capsys.readouterr().out
    assert "3 targets" in line
    assert "lost in 2 + 2 + 2, unsure in 2 + 2 + 2 frames" in line


def test_targets_share_the_weights_and_nothing_else() -> None:
    args = argparse.Namespace(tracker="siamrpn_tiny", config=None, snapshot=None, opts=[], device="cpu")
    make = choose_tracker(args).sharing_factory("cpu", 1)
    scenes = [random_scene(seed, attributes=(), count=4, size=(200, 160)) for seed in (3, 4)]
    frames = [np.hstack([scene.frame(index) for scene in scenes]) for index in range(4)]
    boxes = [tuple(scene.box(0) + np.array([left, 0, 0, 0])) for scene, left in zip(scenes, (0, 200), strict=True)]
    together = [Target(number, make()) for number in range(2)]
    alone = Target(0, make())
    assert len({id(target.tracker.model) for target in (*together, alone)}) == 1  # type: ignore[attr-defined]
    for target, box in zip((*together, alone), (*boxes, boxes[1]), strict=True):
        target.start(frames[0], box)
    for image in frames[1:]:
        for target in together:
            target.follow(image)
    for image in frames[1:]:
        alone.follow(image)
    assert together[1].box_xywh == alone.box_xywh
    assert together[0].box_xywh[0] + 20 < together[1].box_xywh[0]


def test_an_unreadable_frame_is_named_and_left_out(
    folder: Path, tmp_path: Path, quick: type[Follower], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "4.png").write_text("not an image")
    assert call(folder, "--no-display", "--save", str(tmp_path / "out/")) == 1
    said = capsys.readouterr()
    assert str(folder / "4.png") in said.err
    assert f"{FRAMES - 1} frames" in said.out
    assert "unreadable frames: 1" in said.out
    assert len(list((tmp_path / "out").iterdir())) == FRAMES - 1


def test_a_video_that_ends_too_early_is_reported(
    video: Path, quick: type[Follower], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = VideoFile.__getitem__

    def cut(self: VideoFile, index: int) -> np.ndarray:
        return whole(self, index if index < 5 else 10_000)

    monkeypatch.setattr(VideoFile, "__getitem__", cut)
    assert call(video, "--no-display") == 1
    said = capsys.readouterr()
    assert f"ends after 5 of the {FRAMES} frames" in said.err
    assert "5 frames" in said.out


def test_ctrl_c_keeps_what_was_tracked(
    folder: Path, tmp_path: Path, quick: type[Follower], monkeypatch: pytest.MonkeyPatch
) -> None:
    follow = Target.follow

    def stop(self: Target, image: np.ndarray) -> None:
        if len(self.scores) == 3:
            raise KeyboardInterrupt
        follow(self, image)

    monkeypatch.setattr(Target, "follow", stop)
    assert call(folder, "--no-display", "--save", str(tmp_path / "out.mp4")) == 130
    assert len(VideoFile(tmp_path / "out.mp4")) == 4


BAD_INPUT = {
    "missing": (["gone.avi"], BOX, "gone.avi does not exist"),
    "no camera": (["9999"], BOX, "camera 9999 cannot be opened"),
    "not a video": (["junk.avi"], BOX, "junk.avi: OpenCV cannot open this video"),
    "empty folder": (["nothing"], BOX, "nothing holds no image"),
    "empty pattern": (["*.bmp"], BOX, "No image matches '*.bmp'"),
    "stray word": (["frames", "1,2,3,4"], BOX, "1,2,3,4 is not an image"),
    "no box": (["frames", "--no-display"], None, "--init-box x,y,w,h"),
    "no box, no screen": (["frames"], None, "DISPLAY is not set"),
    "three numbers": (["frames"], "1,2,3", "'1,2,3' is not x,y,w,h"),
    "letters": (["frames"], "a,b,c,d", "'a,b,c,d' is not x,y,w,h"),
    "no area": (["frames"], "1,2,0,4", "has no area"),
    "NaN": (["frames"], "1,2,nan,4", "has no area"),
    "outside": (["frames"], "500,2,3,4", "Target 1: The first box (500.0, 2.0, 3.0, 4.0) lies outside"),
    "suffix": (["frames", "--save", "out.gif"], BOX, "cannot save .gif"),
    "occupied folder": (["frames", "--save", "frames"], BOX, "already holds images"),
    "file for a folder": (["frames", "--save", "junk.avi/x/out.mp4"], BOX, "cannot be created"),
    "over its own input": (["clip.avi", "--save", "clip.avi"], BOX, "is what the demo reads from"),
    "frames": (["frames", "--max-frames", "0"], BOX, "--max-frames is 0"),
    "unknown tracker": (["frames", "--tracker", "opencv:NOPE"], BOX, "OpenCV has no tracker 'NOPE'"),
    "unknown experiment": (["frames", "--tracker", "nanotrak_v2"], BOX, "Did you mean 'nanotrack_v2'?"),
    "two trackers": (["frames", "--config", "nanotrack_v2"], BOX, "both say what to run"),
    "device": (["frames", "--tracker", "nanotrack_v2", "--device", "abacus"], BOX, "Unknown device 'abacus'"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_gets_one_message(
    case: str,
    folder: Path,
    video: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments, box, message = BAD_INPUT[case]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nothing").mkdir()
    (tmp_path / "junk.avi").write_text("junk")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert run_tool("demo", ["--tracker", "opencv:MIL", *(["--init-box", box] if box else []), *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("demo: ")
    assert message in said
    assert "Traceback" not in said
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_weights_without_a_config_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "weights.pth").write_bytes(b"x")
    assert run_tool("demo", [str(folder), "--snapshot", str(folder / "weights.pth"), "--init-box", BOX]) == 2
    assert "say with --config" in capsys.readouterr().err


def test_debug_shows_where_it_failed(folder: Path) -> None:
    with pytest.raises(BadBoxError):
        call(folder, "--debug", box="1,2")


numbers = st.floats(-1e6, 1e6, allow_nan=False)
lengths = st.floats(1e-3, 1e6)
boxes = st.tuples(numbers, numbers, lengths, lengths)


@given(wanted=st.lists(boxes, min_size=1, max_size=4), gap=st.sampled_from([" ", ";", " ; ", "\n"]))
def test_boxes_are_read_as_written(wanted: list[tuple[float, ...]], gap: str) -> None:
    text = gap.join(",".join(map(repr, box)) for box in wanted)
    assert parse_boxes([text]) == wanted


@pytest.mark.parametrize("text", ["", ",,,", "1,2,3,4,5", "1,2,3,inf"])
def test_what_is_no_box_is_refused(text: str) -> None:
    with pytest.raises(BadBoxError):
        parse_boxes([text])


def test_the_state_is_the_trackers_word_or_the_scores() -> None:
    box = (0.0, 0.0, 1.0, 1.0)
    assert state_of(TrackResult(box, 0.9, State.LOST), 0.9) is State.LOST
    assert state_of({"bbox": box}, 0.0) is State.LOST
    assert state_of({"bbox": box}, 0.4) is State.UNCERTAIN
    assert state_of({"bbox": box}, float("nan")) is State.TRACKED


def test_a_mask_and_a_polygon_are_drawn(tmp_path: Path) -> None:
    image = frame(0)
    mask = np.zeros(image.shape[:2], np.float32)
    mask[80:100, 100:130] = 0.8
    polygon = np.array([98.0, 78, 132, 82, 130, 104, 96, 100])
    result = TrackResult((98.0, 78.0, 34.0, 26.0), 0.7, State.TRACKED, polygon, mask)
    target = Target(1, SimpleNamespace(track=lambda image: result))  # type: ignore[arg-type]
    target.follow(image)
    canvas = image.copy()
    target.draw(canvas, demo.Pen(line=1, text=8), numbered=False)
    inside = canvas[88:92, 110:120].astype(int) - image[88:92, 110:120]
    assert inside.mean(axis=(0, 1))[0] > 30  # towards sky blue
    assert (canvas[75:79, 95:135] != image[75:79, 95:135]).any()
    assert target.label == "0.70"


class FakeScreen:
    """Stands in for OpenCV's windows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, keys: Sequence[int] = (), drawn: Sequence[Any] = ()) -> None:
        self.shown: list[np.ndarray] = []
        self.keys, self.drawn, self.visible = list(keys), list(drawn), 1.0
        monkeypatch.setattr(windows, "why_no_display", lambda: None)
        for name in ("namedWindow", "destroyAllWindows"):
            monkeypatch.setattr(cv2, name, lambda *_: None)
        monkeypatch.setattr(cv2, "imshow", lambda title, image: self.shown.append(image))
        monkeypatch.setattr(cv2, "waitKey", lambda _: self.keys.pop(0) if self.keys else -1)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: self.visible)
        monkeypatch.setattr(cv2, "selectROI", lambda *_, **__: self.drawn.pop(0))


@pytest.mark.parametrize("key", [ord("q"), 27])
def test_q_and_esc_end_the_demo(key: int, folder: Path, quick: type[Follower], monkeypatch: pytest.MonkeyPatch) -> None:
    screen = FakeScreen(monkeypatch, keys=[-1, -1, key])
    assert call(folder) == 0
    assert len(screen.shown) == 3


def test_closing_the_window_ends_the_demo(folder: Path, quick: type[Follower], monkeypatch: pytest.MonkeyPatch) -> None:
    screen = FakeScreen(monkeypatch)
    screen.visible = 0.0
    assert call(folder) == 0
    assert len(screen.shown) == 1


def test_targets_are_drawn_with_the_mouse(
    folder: Path, quick: type[Follower], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    FakeScreen(monkeypatch, drawn=[(40, 30, 24, 24), (60, 40, 10, 10)])
    assert call(folder, "--targets", "2", box=None) == 0
    assert "2 targets" in capsys.readouterr().out


def test_a_canceled_selection_is_an_error(
    folder: Path, quick: type[Follower], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    FakeScreen(monkeypatch, drawn=[(0, 0, 0, 0)])
    assert call(folder, box=None) == 2
    assert "Target 1 was not drawn" in capsys.readouterr().err
