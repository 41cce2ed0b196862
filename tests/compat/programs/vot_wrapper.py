"""VOT wrapper: a run with restarts over one sequence of a VOT data set, written as VOT writes it."""

import argparse
import os

import numpy as np
import torch

from pysot.core.config import cfg
from pysot.models.model_builder import ModelBuilder
from pysot.tracker.tracker_builder import build_tracker
from pysot.utils.bbox import get_axis_aligned_bbox
from pysot.utils.model_load import load_pretrain
from toolkit.datasets import VOTDataset
from toolkit.utils.region import vot_float2str, vot_overlap

parser = argparse.ArgumentParser()
parser.add_argument("--config")
parser.add_argument("--snapshot")
parser.add_argument("--root")
parser.add_argument("--out")
args = parser.parse_args()

torch.set_num_threads(1)
cfg.merge_from_file(args.config)
cfg.CUDA = False
tracker = build_tracker(load_pretrain(ModelBuilder(), args.snapshot).eval())

for video in VOTDataset("VOT2018", args.root):
    lines, start = [], 0
    for index, (image, truth) in enumerate(video):
        if index == start:
            cx, cy, w, h = get_axis_aligned_bbox(np.array(truth))
            tracker.init(image, [cx - (w - 1) / 2, cy - (h - 1) / 2, w, h])
            lines.append("1")
        elif index > start:
            outputs = tracker.track(image)
            region = outputs["polygon"] if cfg.MASK.MASK else outputs["bbox"]
            if vot_overlap(region, truth, (image.shape[1], image.shape[0])) > 0:
                lines.append(",".join(vot_float2str("%.4f", value) for value in region))
            else:
                lines.append("2")
                start = index + 5
        else:
            lines.append("0")
    folder = os.path.join(args.out, "baseline", video.name)
    os.makedirs(folder)
    with open(os.path.join(folder, video.name + "_001.txt"), "w") as file:
        file.write("\n".join(lines) + "\n")
