"""An oracle for where the cells of a backbone look, which knows nothing of what the backbone states: the center of the
gradient of a cell with respect to the input.

For the measurement the network is made linear and positive: weights of one constant, norms and activations that do
nothing, averages for maxima, gates that are open. What a cell sees is then symmetric about the place where it looks,
if there is one, as far as it lies inside the image.

`python -m tests.pysot.models.backbone.gradient_center` writes the table of docs/composition.md anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pysot.models.backbone import BACKBONES, vgg, vggm
from pysot.models.backbone.base import Backbone, FeatureSpec
from pysot.models.backbone.mobilenet_v3 import SqueezeExcite

PAGE = Path(__file__).parents[4] / "docs" / "composition.md"
BEGIN, END = "<!-- begin: cells -->", "<!-- end: cells -->"
LENGTHS = (1023, 1088, 1150)
"""Long sides, input pixels, of the images that are measured on: odd, a multiple of every stride, neither. A cell of the
deepest maps sees 900 pixels.
"""
WIDTH, UNPADDED_WIDTH = 17, 87
"""Their short sides; the latter where the layers that stride are not padded, and less would leave no cell."""

NARROW: dict[str, dict[str, Any]] = {
    "alexnet": {"width_mult": 1 / 32},
    "alexnetlegacy": {"width_mult": 1 / 32},
    "compact": {"widths": (2, 2, 3, 4), "used_layers": (1, 2, 3), "top_down": False},
    "mobilenetv2": {"used_layers": tuple(range(8)), "width_mult": 0.15},
    "resnet18": {"used_layers": (0, 1, 2, 3, 4)},
    "resnet34": {"used_layers": (0, 1, 2, 3, 4)},
    "resnet50": {"used_layers": (0, 1, 2, 3, 4)},
    "resnet18_std": {"used_layers": (0, 1, 2, 3, 4)},
    "resnet50_std": {"used_layers": (0, 1, 2, 3, 4)},
    "vgg16": {"used_layers": ("conv1_2", "conv2_2", "conv3_1", "conv4_3"), "pools": 3, "width_mult": 0.03},
    "vggm": {},
    "mobilenetv3_small": {},
    "mobilenetv3_small_v3": {},
}
"""Arguments with which every level of a backbone is measured."""


def identity(x: Tensor, *_: Any, **__: Any) -> Tensor:
    return x


def mean_pool(x: Tensor, kernel: int, stride: int | None = None, padding: int = 0, dilation: int = 1) -> Tensor:
    """What the measurement puts in the place of `max_pool2d`; zeros around the image count as such."""
    if dilation == 1:
        return F.avg_pool2d(x, kernel, stride, padding)
    weight = x.new_full((x.shape[1], 1, kernel, kernel), 1 / kernel**2)
    return F.conv2d(x, weight, None, stride or kernel, padding, dilation, groups=x.shape[1])


@contextmanager
def averages_for_maxima() -> Iterator[None]:
    """Functions that are not linear are replaced as long as this holds."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(F, "max_pool2d", mean_pool))
        stack.enter_context(patch.object(F, "relu", identity))
        stack.enter_context(patch.object(vggm, "local_response_norm", identity))
        stack.enter_context(patch.object(torch.Tensor, "relu_", identity))
        yield


def linear_and_positive(backbone: Backbone) -> Backbone:
    """`backbone` in float64, made linear, with positive weights; changed in place."""
    for module in list(backbone.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.MaxPool2d):
                setattr(module, name, nn.AvgPool2d(child.kernel_size, child.stride, child.padding))
            elif isinstance(child, (nn.BatchNorm2d, SqueezeExcite, nn.ReLU, nn.ReLU6, nn.Hardswish)):
                setattr(module, name, nn.Identity())
    for layer in backbone.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.constant_(layer.weight, 1 / layer.weight[0].numel())
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    if isinstance(backbone, vgg.VGG16):
        backbone.prepare = identity
    return backbone.double().eval().requires_grad_(False)


@torch.enable_grad()
def center_of_gradient(response: Tensor, image: Tensor, cell: int, axis: int) -> float | None:
    """The pixel along `axis` (2 rows, 3 columns) where the gradient of a cell by `image` has its center.

    None where the gradient reaches the border of the image, which cuts it.

    Args:
        response: a map (1, C, h, w) made of `image` (1, 3, H, W), which requires a gradient.
        cell: its number along `axis`; along the other one it is in the middle.
    """
    line = response.select(5 - axis, response.shape[5 - axis] // 2)  # (1, C, cells)
    (gradient,) = torch.autograd.grad(line[0, :, cell].sum(), image, retain_graph=True)
    profile = gradient.sum([dim for dim in range(4) if dim != axis])
    if profile[0] != 0 or profile[-1] != 0:
        return None
    return float((profile * torch.arange(len(profile), dtype=profile.dtype)).sum() / profile.sum())


def images(name: str, lengths: Sequence[int] = LENGTHS) -> Iterator[tuple[int, int, Tensor]]:
    """Length, axis of the long side, and the image, of all that a backbone is measured on."""
    width = UNPADDED_WIDTH if name in ("alexnet", "alexnetlegacy", "vggm") else WIDTH
    for length in lengths:
        for axis in (2, 3):
            size = (length, width) if axis == 2 else (width, length)
            yield length, axis, torch.zeros(1, 3, *size, dtype=torch.float64, requires_grad=True)


@dataclass(frozen=True)
class Measurement:
    """Where one cell looks: as the backbone states it, and as the gradient says."""

    backbone: str
    level: int
    spec: FeatureSpec
    length: int
    axis: int
    cell: int
    stated: float
    measured: float


def measure(name: str, backbone: Backbone, lengths: Sequence[int] = LENGTHS, **options: Any) -> list[Measurement]:
    """Two neighboring cells of every level, on every image; `options` go to the backbone's forward."""
    found = []
    specs, network = backbone.specs, linear_and_positive(backbone)
    with averages_for_maxima():
        for length, axis, image in images(name, lengths):
            for level, (spec, response) in enumerate(zip(specs, network(image, **options), strict=True)):
                middle = response.shape[axis] // 2
                for cell in (middle, middle + 1):
                    center = center_of_gradient(response, image, cell, axis)
                    assert center is not None, f"{name}, level {level}: {length} pixels are too few"
                    found.append(Measurement(name, level, spec, length, axis, cell, spec.pixel_at(cell), center))
    return found


@lru_cache(maxsize=32)
def measured(name: str) -> tuple[Measurement, ...]:
    """`measure` of the registered backbone `name`, in the arguments of `NARROW`."""
    torch.manual_seed(0)
    return tuple(measure(name, BACKBONES[name](**NARROW.get(name, {}))))


def table(rows: Sequence[Measurement]) -> str:
    """Markdown: stated and measured place of a cell of every level, for every size of the image."""
    head = ["backbone", "level", "stride", "offset", "input", "cell", "looks at", "measured, columns", "rows"]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    by_column = [row for row in rows if row.axis == 3][::2]
    by_row = [row for row in rows if row.axis == 2][::2]
    for across, down in sorted(zip(by_column, by_row, strict=True), key=lambda p: (p[0].backbone, p[0].level)):
        assert (across.level, across.length, across.cell) == (down.level, down.length, down.cell)
        spec = across.spec
        cells = [across.backbone, across.level, spec.stride, f"{spec.offset:g}", across.length, across.cell]
        cells += [f"{across.stated:g}", f"{across.measured:.6f}", f"{down.measured:.6f}"]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def whole_table() -> str:
    """The table of all registered backbones."""
    return table([row for name in NARROW for row in measured(name)])


def part_of_page(page: str) -> str:
    """What stands between the two marks."""
    return page.split(BEGIN)[1].split(END)[0].strip()


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{whole_table()}\n{END}{after}", encoding="utf-8")
