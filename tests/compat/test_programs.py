"""Seven programs of PySOT's users run here as they do with PySOT, whose answers are recorded (`tests/golden`)."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from pysot.config.loading import load_config
from pysot.models.builder import build_model
from tests.compat.inputs import BOX, FRAMES, write_video, write_weights
from tests.golden import recorded

PROGRAMS = Path(__file__).parent / "programs"
ALEX, PIXELS = "siamrpn_alex_dwxcorr", 0.01
CONFIG = str(Path(__file__).parents[2] / "experiments" / "{}" / "config.yaml")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The video, and the weights of the small network."""
    folder = tmp_path_factory.mktemp("programs")
    write_video(folder)
    write_weights(ALEX, folder / f"{ALEX}.pth")
    return folder


def command(place: Path, program: str, name: str = ALEX, **options: Any) -> list[str]:
    words = [sys.executable, str(PROGRAMS / f"{program}.py"), "--config", CONFIG.format(name)]
    words += ["--snapshot", str(place / f"{name}.pth")]
    return words + [f"--{key}={value}" for key, value in options.items()]


def run(words: list[str]) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def text_of(box: Any) -> str:
    return ",".join(map(str, box))


def annotate(root: Path, out: Path, name: str = ALEX) -> list[list[float]]:
    run(command(root, "annotate", name, images=root / "video", box=text_of(BOX), out=out / f"{name}.csv"))
    with (out / f"{name}.csv").open() as file:
        return [[float(row[key]) for key in ("x1", "y1", "x2", "y2", "score")] for row in csv.DictReader(file)]


def vot_wrapper(root: Path, out: Path, name: str = ALEX) -> list[list[float]]:
    run(command(root, "vot_wrapper", name, root=root, out=out / name))
    lines = (out / name / "baseline" / "video" / "video_001.txt").read_text().split()
    return [[float(value) for value in line.split(",")] for line in lines]


def got10k_runner(root: Path, out: Path) -> list[list[float]]:
    run(command(root, "got10k_runner", root=root, out=out))
    boxes: list[list[float]] = np.loadtxt(out / "SiamRPN" / "video" / "video_001.txt", delimiter=",").tolist()
    assert len(np.loadtxt(out / "SiamRPN" / "video" / "video_time.txt")) == FRAMES
    return boxes


def update_template(root: Path, out: Path) -> list[list[float]]:
    run(command(root, "update_template", images=root / "video", box=text_of(BOX), out=out / "boxes.json"))
    boxes: list[list[float]] = json.loads((out / "boxes.json").read_text())
    return boxes


def tune(root: Path, out: Path) -> dict[str, Any]:
    table = run(command(root, "tune", root=root, out=out / "tune", trials=2))
    return {"table": table, **json.loads((out / "tune" / "best.json").read_text())}


def stream(root: Path, out: Path) -> list[list[float]]:
    """The boxes that stand beside the pictures; every picture is one."""
    words = command(root, "stream", images=root / "video", box=text_of(BOX))
    server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        port = next(line.strip() for line in server.stdout if line.strip().isdigit())
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=120) as answer:
            parts = answer.read().split(b"--frame\r\n")[1:]
    finally:
        server.wait(60)
    boxes = []
    for part in parts:
        head, _, picture = part.partition(b"\r\n\r\n")
        image = cv2.imdecode(np.frombuffer(picture[:-2], np.uint8), cv2.IMREAD_COLOR)
        assert image is not None and image.shape == (240, 320, 3)
        boxes.append(json.loads(head.decode().partition("X-Box: ")[2]))
    return boxes


def answers(root: Path, out: Path) -> dict[str, Any]:
    """What all programs but the exporter answer."""
    programs = (annotate, vot_wrapper, got10k_runner, update_template, tune, stream)
    return {program.__name__: program(root, out) for program in programs}


@pytest.mark.parametrize("program", [annotate, vot_wrapper, got10k_runner, update_template, stream])
def test_boxes_are_pysots(program: Any, root: Path, tmp_path: Path) -> None:
    expected = recorded("pysot_programs.json")[program.__name__]
    found = program(root, tmp_path)
    assert len(found) == len(expected) == FRAMES
    for box, other in zip(found, expected, strict=True):
        assert box == pytest.approx(other, abs=PIXELS)


def test_a_search_finds_what_pysots_does(root: Path, tmp_path: Path) -> None:
    expected, found = recorded("pysot_programs.json")["tune"], tune(root, tmp_path)
    assert found["table"] == expected["table"] and found["best"] == expected["best"]
    assert found["scores"] == pytest.approx(expected["scores"], abs=1e-6)


@pytest.mark.parametrize(
    ("name", "program"),
    [("siamrpn_mobilev2_l234_dwxcorr", annotate), pytest.param("siammask_r50_l3", vot_wrapper, marks=pytest.mark.slow),
     pytest.param("siamrpn_r50_l234_dwxcorr", annotate, marks=pytest.mark.slow)],
)  # fmt: skip
def test_larger_networks(name: str, program: Any, root: Path, tmp_path: Path) -> None:
    write_weights(name, root / f"{name}.pth")
    found, expected = program(root, tmp_path, name), recorded("pysot_programs.json")[name]
    assert len(found) == len(expected)
    for box, other in zip(found, expected, strict=True):
        assert box == pytest.approx(other, abs=PIXELS)


def test_parts_are_exported(root: Path, tmp_path: Path) -> None:
    """What the exported graphs say is what the network does."""
    onnx = pytest.importorskip("onnx")
    reference = pytest.importorskip("onnx.reference")
    run(command(root, "export_onnx", out=tmp_path))
    for name in ("template", "search", "head"):
        onnx.checker.check_model(onnx.load(tmp_path / f"{name}.onnx"))
    image = np.random.default_rng(0).uniform(0, 255, (1, 3, 127, 127)).astype(np.float32)
    graph = reference.ReferenceEvaluator(str(tmp_path / "template.onnx"))
    (found,) = graph.run(None, {graph.input_names[0]: image})
    model: Any = build_model(load_config(ALEX))
    model.load_state_dict(torch.load(root / f"{ALEX}.pth"))
    with torch.no_grad():
        expected = model.eval().backbone(torch.from_numpy(image))[0].numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
