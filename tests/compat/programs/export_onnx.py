"""ONNX exporter: backbone for template and search region, and the head, each as a file."""

import argparse
import os

import torch
from torch import nn

from pysot.core.config import cfg
from pysot.models.model_builder import ModelBuilder
from pysot.utils.model_load import load_pretrain

parser = argparse.ArgumentParser()
parser.add_argument("--config")
parser.add_argument("--snapshot")
parser.add_argument("--out")
args = parser.parse_args()

cfg.merge_from_file(args.config)
cfg.CUDA = False
model = load_pretrain(ModelBuilder(), args.snapshot).eval()


class Features(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone, self.neck = model.backbone, model.neck if cfg.ADJUST.ADJUST else None

    def forward(self, image):
        found = self.backbone(image)
        return found if self.neck is None else self.neck(found)


features = Features()
sides = {"template": cfg.TRACK.EXEMPLAR_SIZE, "search": cfg.TRACK.INSTANCE_SIZE}
with torch.no_grad():
    maps = [features(torch.zeros(1, 3, side, side)) for side in sides.values()]
for name, side in sides.items():
    path = os.path.join(args.out, f"{name}.onnx")
    torch.onnx.export(features, torch.zeros(1, 3, side, side), path, dynamo=False, opset_version=13)
path = os.path.join(args.out, "head.onnx")
torch.onnx.export(model.rpn_head, tuple(maps), path, dynamo=False, opset_version=13)
