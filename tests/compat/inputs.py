"""What the programs work on: a rendered video in the forms they read, and networks filled from seeds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn

from pysot.config.loading import get_cfg
from pysot.core.config import cfg
from pysot.models.model_builder import ModelBuilder
from tests.golden import recorded
from tests.golden.recipe import fill_weights, first_fill
from toolkit.synthetic import random_scene

FRAMES = 8
SCENE = random_scene(5, attributes=("camera_motion",), count=FRAMES, name="programs")
BOX = tuple(round(float(value), 2) for value in SCENE.box(0))


def write_video(root: Path) -> None:
    """`video/*.png` with `groundtruth.txt`, and OTB100.json and VOT2018.json of it."""
    folder = root / "video"
    folder.mkdir(parents=True)
    names, boxes = [], []
    for index in range(FRAMES):
        path = folder / f"{index + 1:04d}.png"
        cv2.imwrite(str(path), SCENE.frame(index))
        names.append(str(path))
        boxes.append([round(float(value), 2) for value in SCENE.box(index)])
    np.savetxt(folder / "groundtruth.txt", boxes, delimiter=",", fmt="%.2f")
    entry: dict[str, Any] = {
        "video_dir": "video",
        "init_rect": boxes[0],
        "img_names": names,
        "gt_rect": boxes,
        "attr": [],
    }
    (root / "OTB100.json").write_text(json.dumps({"video": entry}))
    tags = ("camera_motion", "illum_change", "motion_change", "size_change", "occlusion")
    entry |= {tag: [0] * FRAMES for tag in tags}
    (root / "VOT2018.json").write_text(json.dumps({"video": entry}))


def write_weights(name: str, path: Path) -> None:
    """A snapshot of the experiment: the golden fill, or where there is none, batch norms recalibrated on the video."""
    before = cfg.clone()
    cfg.update(get_cfg())
    cfg.merge_from_file(name)
    model: Any = ModelBuilder()
    cfg.update(before)
    gains = recorded("gains.json")
    if name in gains:
        fill_weights(model, gains[name])
    else:
        shapes = {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}
        model.load_state_dict(first_fill(shapes, {}))
        recalibrate(model)
    torch.save(model.state_dict(), path)


def recalibrate(model: Any) -> None:
    """Gives random weights answers of ordinary size: the statistics of the batch norms become those of the video."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    x, y, w, h = map(int, BOX)
    with torch.no_grad():
        for index in range(0, FRAMES, 3):
            frame = SCENE.frame(index)
            near = cv2.resize(frame[y : y + h, x : x + w], (127, 127))
            crops = [torch.from_numpy(one.transpose(2, 0, 1)[None].astype(np.float32)).repeat(2, 1, 1, 1)
                     for one in (near, cv2.resize(frame, (255, 255)))]  # fmt: skip
            maps = [model.neck(model.backbone(crop)) for crop in crops]
            model.rpn_head(*maps)
        for key, tensor in model.state_dict().items():
            if "loc.head.3" in key:
                tensor *= 0.1
