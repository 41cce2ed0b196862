"""Deterministic weights and inputs of the reference outputs (`tests/golden/README.md`)."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pysot.models.backbone import BACKBONES
from pysot.models.head.dimp import DimpClassifier
from pysot.models.head.iounet import IouNet
from pysot.models.meta_arch.atom import AtomNet
from pysot.models.meta_arch.dimp import DimpNet
from pysot.models.meta_arch.siamese import SiameseModel
from pysot.zoo.convert import own_keys
from tests.golden import recorded

BAG_BOX = (292, 128, 147, 133)


def fill_weights(model: nn.Module, gains: dict[str, float]) -> None:
    """First fill: normal numbers seeded by each tensor's name, then the gains of the config."""
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    model.load_state_dict(first_fill(shapes, gains))


def first_fill(shapes: dict[str, tuple[int, ...]], gains: dict[str, float]) -> dict[str, Tensor]:
    """The values of the first fill for tensors of these names and shapes."""
    small = _last_norm_of_blocks(list(shapes))
    filled = {}
    for name, shape in shapes.items():
        value = _normal_fill(name, shape, 0.25 if name in small else 1.0)
        filled[name] = torch.from_numpy(np.asarray(value * np.float32(gains[name]) if name in gains else value))
    return filled


def _last_norm_of_blocks(names: list[str]) -> set[str]:
    prefixes = [match[1] for name in names if (match := re.match(r"^(.*layer\d+\.\d+\.)bn2\.weight$", name))]
    return {p + ("bn3.weight" if p + "bn3.weight" in names else "bn2.weight") for p in prefixes}


def _normal_fill(name: str, shape: tuple[int, ...], scale: float) -> NDArray[Any]:
    last = name.split(".")[-1]
    if last == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    if len(shape) >= 2:
        random = np.random.RandomState(zlib.crc32(name.encode()) & 0xFFFFFFFF)
        return (random.standard_normal(shape) * np.sqrt(2.0 / int(np.prod(shape[1:])))).astype(np.float32)
    constant = 0.0 if last in ("bias", "running_mean") else 1.0 if last == "running_var" else scale
    return np.full(shape, constant, np.float32)


def hash_uniform(count: int, phase: int) -> NDArray[np.float64]:
    """`count` numbers in [0, 1) of the second fill's integer hash."""
    index = np.arange(count, dtype=np.int64)
    value = (index * 1664525 + phase * 1013904223 + 12345) % 2**31
    value ^= value >> 15
    value = (value * 22695477 + 1) % 2**31
    value ^= value >> 13
    return value / 2**31


def fill_weights_by_hash(model: nn.Module, head3_factor: float = 1.0) -> None:
    """Second fill; tensors of the last head layer are scaled by `head3_factor`."""
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    model.load_state_dict(second_fill(shapes, head3_factor))


def second_fill(shapes: dict[str, tuple[int, ...]], head3_factor: float = 1.0) -> dict[str, Tensor]:
    """The values of the second fill for tensors of these names and shapes."""
    filled = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            filled[name] = torch.zeros(shape, dtype=torch.int64)
            continue
        spread = 2 * hash_uniform(int(np.prod(shape)), sum(map(ord, name)) % 97) - 1
        if len(shape) >= 2:
            value = spread * np.sqrt(3.0 / int(np.prod(shape[1:])))
        else:
            value = (1.0 if name.endswith(("running_var", "weight")) else 0.0) + 0.1 * spread
        value = value * (head3_factor if ".head.3." in name else 1.0)
        filled[name] = torch.from_numpy(value.reshape(shape).astype(np.float32))
    return filled


def random_crop(seed: int, side: int) -> Tensor:
    """(1, 3, side, side) float32 uniform in 0..255."""
    values = np.random.RandomState(seed).uniform(0, 255, (1, 3, side, side))
    return torch.from_numpy(values.astype(np.float32))


def relative_error(value: Tensor, reference: NDArray[Any]) -> float:
    """Largest deviation, as a share of the largest reference value."""
    return float(np.abs(value.numpy() - reference).max() / np.abs(reference).max())


def bag_frames(shared: Path, count: int) -> list[NDArray[np.uint8]]:
    """The first `count` frames of the video the reference tracks were recorded on."""
    capture = cv2.VideoCapture(str(shared / "data" / "video" / "bag.avi"))
    frames = [capture.read() for _ in range(count)]
    assert all(ok for ok, _ in frames)
    return [np.asarray(image, dtype=np.uint8) for _, image in frames]


def golden_model(name: str, model: SiameseModel) -> SiameseModel:
    """`model` in eval mode with the first fill of the golden config `name`."""
    fill_weights(model, recorded("gains.json")[name])
    return model.eval()


def published_shapes(name: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the published state_dict of the golden config `name`, for models whose names are others."""
    return {key: tuple(shape) for key, shape, _ in recorded(f"{name}_state.json")}


def golden_atom() -> AtomNet:
    """ATOM's network in eval mode with the weights of its reference outputs."""
    model = AtomNet(BACKBONES["resnet18_std"](), IouNet())
    gains = recorded("gains.json")["pytracking_atom"]
    model.load_state_dict(own_keys(first_fill(published_shapes("pytracking_atom"), gains)))
    return model.eval()


def dimp_net(depth: int) -> DimpNet:
    """DiMP-18 or DiMP-50 with fresh weights."""
    channels, feat_blocks, out_dim = {18: ((128, 256), 1, 256), 50: ((512, 1024), 0, 512)}[depth]
    classifier = DimpClassifier(channels[1], feat_blocks=feat_blocks, out_dim=out_dim)
    return DimpNet(BACKBONES[f"resnet{depth}_std"](), classifier, IouNet(channels)).eval()


def fill_dimp(model: DimpNet, filled: dict[str, Tensor]) -> DimpNet:
    """`model` with weights under the published names; the filter's optimizer keeps those it was made with."""
    kept = {name: value for name, value in model.state_dict().items() if ".filter_optimizer." in name}
    model.load_state_dict({**own_keys(filled), **kept})
    return model


def golden_dimp() -> DimpNet:
    """DiMP-18's network in eval mode with the weights of its reference outputs."""
    gains = recorded("gains.json")["pytracking_dimp18"]
    return fill_dimp(dimp_net(18), first_fill(published_shapes("pytracking_dimp18"), gains))
