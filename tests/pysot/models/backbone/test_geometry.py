"""What backbones state of their maps, against the gradient, an oracle that does not know it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from pysot.core.errors import ConfigError
from pysot.models.backbone import BACKBONES, FeatureSpec
from pysot.models.backbone.base import IMAGE, Backbone
from tests.pysot.models.backbone.gradient_center import (
    NARROW,
    PAGE,
    averages_for_maxima,
    center_of_gradient,
    linear_and_positive,
    measure,
    measured,
    part_of_page,
    whole_table,
)


def test_every_backbone_is_measured() -> None:
    assert set(NARROW) == set(BACKBONES)


@pytest.mark.parametrize("name", list(NARROW))
def test_the_gradient_of_a_cell_is_centered_where_it_is_said_to_look(name: str) -> None:
    rows = measured(name)
    for row in rows:
        assert row.measured == pytest.approx(row.stated, abs=1e-6), row
    assert {row.level for row in rows} == set(range(len(BACKBONES[name](**NARROW[name]).specs)))


@pytest.mark.parametrize("name", ["compact", "resnet18", "alexnet", "vgg16", "mobilenetv2", "vggm"])
def test_specs_state_the_channels_and_strides_of_the_maps(name: str) -> None:
    backbone = BACKBONES[name](**NARROW[name]).eval()
    with torch.no_grad():
        small, large = (backbone(torch.zeros(1, 3, 160, side)) for side in (160, 320))
    for spec, x, y in zip(backbone.specs, small, large, strict=True):
        assert spec.channels == x.shape[1]
        assert y.shape[3] - x.shape[3] == 160 / spec.stride


@pytest.mark.parametrize("name", list(NARROW))
def test_specs_know_the_number_of_cells_of_any_image(name: str) -> None:
    backbone = BACKBONES[name](**NARROW[name]).eval()
    for side in (*range(127, 135), 255):
        with torch.no_grad():
            maps = backbone(torch.zeros(1, 3, 128, side))
        assert [spec.cells(side) for spec in backbone.specs] == [x.shape[3] for x in maps], side


@pytest.mark.parametrize("stride", [4, 8])
def test_finer_steps_of_vggm_look_from_the_same_place(stride: int) -> None:
    backbone = BACKBONES["vggm"]()
    backbone.specs = [FeatureSpec(512, stride, backbone.specs[0].offset)]
    for row in measure("vggm", backbone, [500], stride=stride):
        assert row.measured == pytest.approx(row.stated, abs=1e-6), row


def test_a_map_with_context_from_above_looks_where_its_even_cells_do() -> None:
    backbone = BACKBONES["compact"](widths=(2, 2, 3, 4), used_layers=(2, 3), top_down=True)
    spec, image = backbone.specs[0], torch.zeros(1, 3, 33, 640, dtype=torch.float64, requires_grad=True)
    with averages_for_maxima():
        response = linear_and_positive(backbone)(image)[0]
        off = {cell: center_of_gradient(response, image, cell, 3) for cell in (40, 41, 42, 43)}
    for cell, center in off.items():
        assert center is not None
        if cell % 2 == 0:
            assert center == pytest.approx(spec.pixel_at(cell), abs=1e-6)
        else:
            assert spec.pixel_at(cell - 1) < center < spec.pixel_at(cell)


def test_the_table_in_the_docs_is_what_is_measured() -> None:
    assert part_of_page(PAGE.read_text(encoding="utf-8")) == whole_table(), (
        "Run python -m tests.pysot.models.backbone.gradient_center"
    )


def test_cells_and_pixels_are_inverse() -> None:
    spec = FeatureSpec(8, 16, 37.0)
    assert spec.pixel_at(2) == 69
    assert spec.cell_at(69) == 2


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(3, 4, (3, 5)),
        nn.ConvTranspose2d(3, 4, 2, stride=2),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(3, 4, 3, padding="same"),
    ],
)
def test_a_layer_that_cannot_be_followed_is_named(layer: nn.Module) -> None:
    with pytest.raises(ConfigError, match=f"(?s){type(layer).__name__}.*FeatureSpec"):
        IMAGE.after(layer)


class Silent(Backbone):
    """States nothing."""

    stages = ("conv",)

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, image: Tensor) -> list[Tensor]:
        return [self.conv(image)]


class Widths(Silent):
    """States its channels alone."""

    def __init__(self) -> None:
        super().__init__()
        self.out_channels = [4]


def test_a_backbone_that_states_nothing_says_what_to_add() -> None:
    with pytest.raises(ConfigError, match=r"(?s)Silent.*self.specs.*IMAGE.after"):
        _ = Silent().out_channels
    with pytest.raises(ConfigError, match=r"(?s)Widths.*self.specs.*IMAGE.after"):
        Widths()
