"""Tuner: a random search over three numbers of the tracker, scored by success on an OTB data set."""

import argparse
import json
import os

import numpy as np

from pysot.core.config import cfg
from pysot.models.model_builder import ModelBuilder
from pysot.tracker.tracker_builder import build_tracker
from pysot.utils.model_load import load_pretrain
from toolkit.datasets import DatasetFactory
from toolkit.evaluation import OPEBenchmark

parser = argparse.ArgumentParser()
parser.add_argument("--config")
parser.add_argument("--snapshot")
parser.add_argument("--root")
parser.add_argument("--trials", type=int, default=3)
parser.add_argument("--out")
args = parser.parse_args()

cfg.merge_from_file(args.config)
cfg.CUDA = False
dataset = DatasetFactory.create_dataset(name="OTB100", dataset_root=args.root, load_img=False)
model = load_pretrain(ModelBuilder(), args.snapshot).eval()
rng = np.random.RandomState(0)
found = {}
for trial in range(args.trials):
    cfg.TRACK.PENALTY_K = float(rng.uniform(0, 0.3))
    cfg.TRACK.WINDOW_INFLUENCE = float(rng.uniform(0.2, 0.6))
    cfg.TRACK.LR = float(rng.uniform(0.2, 0.6))
    tracker, name = build_tracker(model), f"trial_{trial}"
    os.makedirs(os.path.join(args.out, name))
    for video in dataset:
        boxes = []
        for index, (image, truth) in enumerate(video):
            if index == 0:
                tracker.init(image, truth)
                boxes.append(truth)
            else:
                boxes.append(tracker.track(image)["bbox"])
        with open(os.path.join(args.out, name, video.name + ".txt"), "w") as file:
            file.writelines(",".join(str(value) for value in box) + "\n" for box in boxes)
    found[name] = [cfg.TRACK.PENALTY_K, cfg.TRACK.WINDOW_INFLUENCE, cfg.TRACK.LR]
dataset.set_tracker(args.out, list(found))
benchmark = OPEBenchmark(dataset)
success = benchmark.eval_success()
benchmark.show_result(success, benchmark.eval_precision())
scores = {name: float(np.mean(list(curves.values()))) for name, curves in success.items()}
with open(os.path.join(args.out, "best.json"), "w") as file:
    json.dump({"best": max(scores, key=scores.get), "scores": scores, "values": found}, file)
