"""A small training set and a small network, for runs of seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import yaml

from pysot.models.backbone import BACKBONES
from toolkit.synthetic import random_scene


def write_videos(root: Path, count: int = 12, size: tuple[int, int] = (200, 150)) -> Path:
    """A plain folder of two drawn sequences, with masks."""
    for seed, name in ((3, "first"), (4, "second")):
        write_video(root / name, seed, count, size)
    return root


def write_video(folder: Path, seed: int, count: int, size: tuple[int, int]) -> None:
    """One drawn sequence, with masks."""
    scene = random_scene(seed, attributes=(), count=count, size=size)
    (folder / "img").mkdir(parents=True)
    (folder / "mask").mkdir()
    for index in range(count):
        cv2.imwrite(str(folder / "img" / f"{index:04d}.png"), scene.frame(index))
        part, mask = scene.mask(index), np.zeros(size[::-1], np.uint8)
        mask[part.y : part.y + part.bits.shape[0], part.x : part.x + part.bits.shape[1]] = part.bits * 255
        cv2.imwrite(str(folder / "mask" / f"{index:04d}.png"), mask)
    boxes = [",".join(f"{value:.3f}" for value in scene.box(index)) for index in range(count)]
    (folder / "groundtruth.txt").write_text("\n".join(boxes) + "\n")


def small_config(videos: Path, run: Path, **overrides: Any) -> Path:
    """The config file of a run in the folder `run`: a narrow SiamRPN, the backbone frozen for one epoch of two. Its
    weights are those of a file beside the config, where it starts frozen.

    An override's double underscores stand for dots: `TRAIN__EPOCH=1`.
    """
    content: dict[str, Any] = {
        "BACKBONE": {
            "TYPE": "compact",
            "KWARGS": {"widths": [8, 8, 16, 16], "blocks": [0, 0, 1], "used_layers": [2], "top_down": True},
            "TRAIN_LAYERS": ["layer2", "layer3", "lateral"],
            "TRAIN_EPOCH": 1,
        },
        "ADJUST": {"KWARGS": {"in_channels": [16], "out_channels": [16], "center_size": 8}},
        "RPN": {"TYPE": "DepthwiseRPN", "KWARGS": {"anchor_num": 5, "in_channels": 16, "out_channels": 16}},
        "TRAIN": {
            "EPOCH": 2,
            "BATCH_SIZE": 4,
            "NUM_WORKERS": 0,
            "PRINT_FREQ": 1,
            "SAVE_INTERVAL": 1,
            "BASE_LR": 0.01,
            "LR": {"KWARGS": {"start_lr": 0.01, "end_lr": 0.005}},
            "LR_WARMUP": {"WARMUP": False},
            "LOG_DIR": str(run / "logs"),
            "SNAPSHOT_DIR": str(run / "snapshot"),
            "DEVICE": "cpu",
        },
        "DATASET": {
            "NAMES": ["MINE"],
            "VIDEOS_PER_EPOCH": 24,
            "CACHE_MIB": 50,
            "MINE": {"KIND": "folder", "ROOT": str(videos), "FRAME_RANGE": 5, "NUM_USE": 24},
        },
    }
    for dotted, value in overrides.items():
        *path, last = dotted.split("__")
        node = content
        for part in path:
            node = node.setdefault(part, {})
        node[last] = value
    run.mkdir(parents=True, exist_ok=True)
    backbone = content["BACKBONE"]
    if backbone.get("TYPE") == "compact" and (backbone["TRAIN_EPOCH"] > 0 or not backbone["TRAIN_LAYERS"]):
        backbone["PRETRAINED"] = fresh_weights(run, **backbone["KWARGS"])
    file = run / "config.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def fresh_weights(folder: Path, type: str = "compact", **kwargs: Any) -> str:
    """Writes a file of weights for a backbone, the same in every call, as if it had been trained before; its path."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        backbone = BACKBONES[type](**kwargs)
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(backbone.state_dict(), folder / "backbone.pth")
    return str(folder / "backbone.pth")
