"""Annotation tool: follows a box through a folder of images, and asks for a look where the score drops."""

import argparse
import csv
from glob import glob
from os.path import basename, join

import cv2
import torch

from pysot.core.config import cfg
from pysot.models.model_builder import ModelBuilder
from pysot.tracker.tracker_builder import build_tracker
from pysot.utils.bbox import center2corner
from pysot.utils.model_load import load_pretrain

parser = argparse.ArgumentParser()
parser.add_argument("--config")
parser.add_argument("--snapshot")
parser.add_argument("--images")
parser.add_argument("--box", type=lambda text: tuple(map(float, text.split(","))))
parser.add_argument("--out")
args = parser.parse_args()

cfg.merge_from_file(args.config)
cfg.CUDA = torch.cuda.is_available()
model = load_pretrain(ModelBuilder(), args.snapshot).eval().to("cuda" if cfg.CUDA else "cpu")
tracker = build_tracker(model)

with open(args.out, "w", newline="") as out:
    rows = csv.writer(out)
    rows.writerow(["image", "x1", "y1", "x2", "y2", "score", "look"])
    for index, path in enumerate(sorted(glob(join(args.images, "*.png")))):
        image = cv2.imread(path)
        if index == 0:
            tracker.init(image, args.box)
            box, score = args.box, 1.0
        else:
            outputs = tracker.track(image)
            box, score = outputs["bbox"], outputs["best_score"]
        x, y, w, h = box
        x1, y1, x2, y2 = center2corner((x + w / 2, y + h / 2, w, h))
        rows.writerow([basename(path), x1, y1, x2, y2, f"{score:.5f}", int(score < 0.5)])
