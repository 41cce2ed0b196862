"""Template update: a tracker of one's own that mixes the features of confident frames into the template."""

import argparse
import json
from glob import glob
from os.path import join

import cv2
import numpy as np
import torch

from pysot.core.config import cfg
from pysot.models.model_builder import ModelBuilder
from pysot.tracker.siamrpn_tracker import SiamRPNTracker
from pysot.utils.model_load import load_pretrain

parser = argparse.ArgumentParser()
parser.add_argument("--config")
parser.add_argument("--snapshot")
parser.add_argument("--images")
parser.add_argument("--box", type=lambda text: tuple(map(float, text.split(","))))
parser.add_argument("--out")
args = parser.parse_args()


class UpdatingTracker(SiamRPNTracker):
    """Overrides `track` alone."""

    rate = 0.2

    def track(self, img):
        outputs = super().track(img)
        if outputs["best_score"] > 0.1:
            side = self.size + cfg.TRACK.CONTEXT_AMOUNT * np.sum(self.size)
            s_z = round(np.sqrt(side[0] * side[1]))
            crop = self.get_subwindow(img, self.center_pos, cfg.TRACK.EXEMPLAR_SIZE, s_z, self.channel_average)
            kept = self.model.zf
            with torch.no_grad():
                self.model.template(crop)
            self.model.zf = (1 - self.rate) * kept + self.rate * self.model.zf
        return outputs


cfg.merge_from_file(args.config)
cfg.CUDA = False
with torch.no_grad():
    tracker = UpdatingTracker(load_pretrain(ModelBuilder(), args.snapshot).eval())
    boxes = [args.box]
    for index, path in enumerate(sorted(glob(join(args.images, "*.png")))):
        image = cv2.imread(path)
        if index == 0:
            tracker.init(image, args.box)
        else:
            boxes.append([float(value) for value in tracker.track(image)["bbox"]])
with open(args.out, "w") as file:
    json.dump(boxes, file)
