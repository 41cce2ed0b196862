"""What `tools/benchmark.py eval` scores: inputs of the size and kind of real benchmarks, the same on every machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets import Benchmark, Sequence
from toolkit.regions import box_corners
from toolkit.results.writer import format_boxes, write_files

Floats = NDArray[np.float64]

SCREEN = (1920, 1080)


@dataclass(frozen=True)
class Sizes:
    """How much there is to score.

    Attributes:
        pairs: pairs of regions.
        ope: trackers, sequences, and frames per sequence of the one-pass benchmark.
        vot: sequences and frames in all of the benchmark with restarts (VOT2018 has 60 and 21,356).
        lasot: files and lines per file of one tracker's results (LaSOT's test set has 280 and 2,448 on average).
    """

    pairs: int = 100_000
    ope: tuple[int, int, int] = (10, 100, 590)
    vot: tuple[int, int] = (60, 21_356)
    lasot: tuple[int, int] = (280, 2_448)


def rotated_pairs(count: int) -> tuple[Floats, Floats]:
    """(N, 8) rotated rectangles with sides of 20 to 400 px in 1920x1080, and as many near them."""
    rng = np.random.default_rng(1)
    center, sides = rng.uniform(0, SCREEN, (count, 2)), rng.uniform(20, 400, (count, 2))
    angle = rng.uniform(0, np.pi, count)
    other = center + 0.3 * sides * rng.standard_normal((count, 2))
    resized = np.clip(sides * np.exp(0.3 * rng.standard_normal((count, 2))), 20, 400)
    turned = angle + 0.2 * rng.standard_normal(count)
    return _rotated(center, sides, angle), _rotated(other, resized, turned)


def rectangle_pairs(count: int) -> tuple[Floats, Floats]:
    """(N, 4) rectangles of the same sizes, not rotated, and as many near them."""
    rng = np.random.default_rng(2)
    center, sides = rng.uniform(0, SCREEN, (count, 2)), rng.uniform(20, 400, (count, 2))
    other = center + 0.3 * sides * rng.standard_normal((count, 2))
    resized = np.clip(sides * np.exp(0.3 * rng.standard_normal((count, 2))), 20, 400)
    return np.hstack([center - sides / 2, sides]), np.hstack([other - resized / 2, resized])


def ope_runs(trackers: int, sequences: int, frames: int) -> tuple[list[Floats], list[list[Floats]]]:
    """Truth of every sequence, and the answers `[tracker][sequence]`, all (N, 4) xywh with four decimals.

    Targets walk at random; tracker t adds noise that grows with t. The draws and their order are those of the inputs
    that the reference was timed on.
    """
    rng = np.random.RandomState(1)
    truths: list[Floats] = []
    answers: list[list[Floats]] = [[] for _ in range(trackers)]
    for _ in range(sequences):
        path = np.cumsum(3 * rng.standard_normal((frames, 2)), axis=0)
        center = path + rng.uniform(200, 400, 2)
        size = rng.uniform(20, 120, 2)
        sides = size * np.exp(np.cumsum(0.005 * rng.standard_normal((frames, 2)), axis=0))
        truth = np.hstack([center - sides / 2, sides]).round(4)
        truths.append(truth)
        for t in range(trackers):
            boxes = truth + rng.standard_normal((frames, 4)) * np.array([4, 4, 3, 3]) * (1 + 0.5 * t)
            boxes[:, 2:] = np.maximum(boxes[:, 2:], 4)
            answers[t].append(boxes.round(4))
    return truths, answers


def write_ope(folder: Path, trackers: int, sequences: int, frames: int) -> Benchmark:
    """Writes the runs of `ope_runs` to `folder/OPE/<tracker>/<sequence>.txt`; returns the benchmark they are for."""
    truths, answers = ope_runs(trackers, sequences, frames)
    names = [f"s{k:03d}" for k in range(sequences)]
    for t, runs in enumerate(answers):
        write_files(
            {folder / "OPE" / f"t{t}" / f"{name}.txt": format_boxes(run) for name, run in zip(names, runs, strict=True)}
        )
    return Benchmark("OPE", "ope", tuple(Sequence(*pair) for pair in zip(names, truths, strict=True)))


def write_vot(folder: Path, sequences: int, frames: int) -> Benchmark:
    """Writes one tracker's run with restarts to `folder/VOT2018/tracker/baseline/`; returns the benchmark it is for."""
    rng = np.random.default_rng(3)
    found = []
    for k, part in enumerate(np.array_split(np.arange(frames), sequences)):
        name, count = f"s{k:03d}", len(part)
        center = np.clip(np.array([640, 360]) + np.cumsum(3 * rng.standard_normal((count, 2)), axis=0), 0, [1280, 720])
        sides = rng.uniform(30, 200, 2) * np.exp(0.05 * rng.standard_normal((count, 2)))
        angle = np.cumsum(0.02 * rng.standard_normal(count))
        truth = _rotated(center, sides, angle)
        answer = _rotated(center + 0.1 * sides * rng.standard_normal((count, 2)), sides, angle + 0.1)
        found.append(Sequence(name, truth, image_size=(1280, 720)))
        path = folder / "VOT2018" / "tracker" / "baseline" / name / f"{name}_001.txt"
        rows = ["1", *(",".join(f"{value:.4f}" for value in row) for row in answer[1:].tolist())]
        failed = int(rng.integers(10, 400))  # and started again five frames later, where there are that many
        rows[failed : failed + 6] = ["2", "0", "0", "0", "0", "1"][: len(rows[failed : failed + 6])]
        write_files({path: "\n".join(rows) + "\n"})
    return Benchmark("VOT2018", "supervised", tuple(found))


def write_lasot(folder: Path, files: int, lines: int) -> Path:
    """Writes one tracker's boxes for `files` sequences of `lines` frames; returns the tracker's folder."""
    rng = np.random.default_rng(4)
    tracker = folder / "LaSOT" / "tracker"
    for k in range(files):
        write_files({tracker / f"s{k:03d}.txt": format_boxes(rng.uniform(0, 1000, (lines, 4)).round(4))})
    return tracker


def _rotated(center: Floats, sides: Floats, angle: Floats) -> Floats:
    """(N, 8) corner points of rectangles turned by `angle` radians around their centers."""
    points = box_corners(np.hstack([-sides / 2, sides]))
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y = points[..., 0] * cos - points[..., 1] * sin, points[..., 0] * sin + points[..., 1] * cos
    return (np.stack([x, y], axis=-1) + center[:, None]).reshape(-1, 8)
