"""GOT-10k runner: a tracker with GOT-10k's `init` and `update` on RGB images, over every sequence of a folder."""

import argparse
import os
import time
from glob import glob

import cv2
import numpy as np

from pysot.core.config import cfg
from pysot.models.model_builder import ModelBuilder
from pysot.tracker.tracker_builder import build_tracker
from pysot.utils.model_load import load_pretrain

parser = argparse.ArgumentParser()
parser.add_argument("--config")
parser.add_argument("--snapshot")
parser.add_argument("--root")
parser.add_argument("--out")
args = parser.parse_args()


class SiamRPN:
    name = "SiamRPN"
    is_deterministic = True

    def __init__(self):
        cfg.merge_from_file(args.config)
        cfg.CUDA = False
        self.model = load_pretrain(ModelBuilder(), args.snapshot).eval()

    def init(self, image, box):
        self.tracker = build_tracker(self.model)
        self.tracker.init(self.bgr(image), np.asarray(box, dtype=np.float32))

    def update(self, image):
        return np.array(self.tracker.track(self.bgr(image))["bbox"])

    @staticmethod
    def bgr(image):
        return cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2BGR).astype(np.float32)


tracker = SiamRPN()
for folder in sorted(glob(os.path.join(args.root, "*", ""))):
    name = os.path.basename(os.path.dirname(folder))
    box = np.loadtxt(os.path.join(folder, "groundtruth.txt"), delimiter=",", ndmin=2)[0]
    boxes, times = [box], [0.0]
    for index, path in enumerate(sorted(glob(os.path.join(folder, "*.png")))):
        image = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)
        began = time.time()
        if index == 0:
            tracker.init(image, box)
        else:
            boxes.append(tracker.update(image))
            times.append(time.time() - began)
    out = os.path.join(args.out, tracker.name, name)
    os.makedirs(out)
    np.savetxt(os.path.join(out, f"{name}_001.txt"), boxes, fmt="%.3f", delimiter=",")
    np.savetxt(os.path.join(out, f"{name}_time.txt"), times, fmt="%.8f")
