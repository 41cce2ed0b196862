"""Data sets in PySOT's form with runs of two trackers, all from seeds: what `tests/golden/pysot_toolkit.json` is of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE = (160, 120)
LENGTHS = {"b": 130, "a": 118, "c": 150}
FAILURES = {"a": (10,), "b": (), "c": (15, 50)}
TAGS = ("camera_motion", "illum_change", "motion_change", "size_change", "occlusion")


def true_boxes(name: str) -> NDArray[np.float64]:
    rng = np.random.default_rng([0, *name.encode()])
    count = LENGTHS[name]
    center = np.array([80, 60]) + np.cumsum(rng.normal(0, 3, (count, 2)), axis=0)
    size = 20 * 2 ** np.cumsum(rng.normal(0, 0.02, (count, 2)), axis=0)
    return np.round(np.concatenate([center - size / 2, size], axis=1), 2)


def answers(name: str, tracker: int) -> NDArray[np.float64]:
    truth = true_boxes(name)
    rng = np.random.default_rng([tracker, 7, *name.encode()])
    return np.round(truth + rng.normal(0, 4, truth.shape) * (1, 1, 0.5, 0.5), 2)


def write_data(root: Path) -> None:
    """NAME.json of four benchmarks, an image for each sequence, and `results/{ope,vot,lt}/{t1,t2}`."""
    rng = np.random.default_rng(3)
    entries: dict[str, dict[str, Any]] = {}
    for name, count in LENGTHS.items():
        (root / name).mkdir(parents=True)
        cv2.imwrite(str(root / name / "1.png"), np.zeros((SIZE[1], SIZE[0], 3), np.uint8))
        truth = true_boxes(name).tolist()
        entries[name] = {
            "video_dir": name, "init_rect": truth[0], "img_names": [f"{name}/1.png"] * count, "gt_rect": truth,
            "attr": ["FM"] if name != "c" else ["FM", "OCC"], "absent": (rng.random(count) > 0.1).astype(int).tolist(),
        }  # fmt: skip
    for name, entry in entries.items():
        entry.update({tag: (rng.random(LENGTHS[name]) < 0.2).astype(int).tolist() for tag in TAGS})
    for benchmark in ("OTB100", "LaSOT", "VOT2018"):
        (root / f"{benchmark}.json").write_text(json.dumps(entries))
    for entry in entries.values():
        entry["gt_rect"] = [[float("nan")] * 4 if 20 <= k < 26 else box for k, box in enumerate(entry["gt_rect"])]
    (root / "VOT2018-LT.json").write_text(json.dumps(entries))
    for tracker in (1, 2):
        for name in LENGTHS:
            write_results(root / "results", f"t{tracker}", name, answers(name, tracker), tracker)


def write_results(root: Path, tracker: str, name: str, boxes: NDArray[np.float64], seed: int) -> None:
    lines = [",".join(map(str, row)) for row in boxes.tolist()]
    score = np.round(np.random.default_rng([seed, 9, *name.encode()]).random(len(lines)), 3).tolist()
    codes = ["1", *lines[1:]]
    for at in FAILURES[name] if name != "a" else (10 * seed,):
        codes[at : at + 6] = ["2", "0", "0", "0", "0", "1"]
    for path, content in {
        f"ope/{tracker}/{name}.txt": lines,
        f"vot/{tracker}/baseline/{name}/{name}_001.txt": codes,
        f"lt/{tracker}/longterm/{name}/{name}_001.txt": lines,
        f"lt/{tracker}/longterm/{name}/{name}_001_confidence.value": ["", *map(str, score[1:])],
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("\n".join(content) + "\n")
