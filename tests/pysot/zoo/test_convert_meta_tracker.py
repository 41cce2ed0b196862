"""Weights of MDNet and MetaSDNet become LMT's."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from pysot.config.loading import load_config
from pysot.models.backbone.vggm import VggM
from pysot.models.builder import build_model
from pysot.zoo.loading import load_snapshot, load_weights, read_state_dict

LAYERS = {"conv1": (96, 3, 7, 7), "conv2": (256, 96, 5, 5), "conv3": (512, 256, 3, 3)}
HEADS = {"fc4": (512, 4608), "fc5": (512, 512), "fc6": (2, 512)}


def filled(shapes: dict[str, tuple[int, ...]], pattern: str, start: int = 1) -> dict[str, Tensor]:
    """Every layer's weight and bias hold one number each, so that it is seen where they go."""
    state = {}
    for number, (layer, shape) in enumerate(shapes.items(), start=start):
        state[pattern.format(layer, "weight")] = torch.full(shape, float(number))
        state[pattern.format(layer, "bias")] = torch.full(shape[:1], -float(number))
    return state


def test_meta_sdnet_with_its_rates_is_a_whole_tracker(tmp_path: Path) -> None:
    init = {**filled(LAYERS, "features.{}.{}"), **filled(HEADS, "fc.{}.{}", 4)}
    init = {name: value.requires_grad_() for name, value in init.items()}
    torch.save(
        {"iter": 15000, "meta_init": OrderedDict(init), "meta_alpha": {k: v.detach() / 1000 for k, v in init.items()}},
        tmp_path / "meta.pth",
    )
    model = build_model(load_config("lmt_vggm_otb", ["HEAD.KWARGS.iou_branch", "False"]))
    load_snapshot(model, tmp_path / "meta.pth")
    state = model.state_dict()
    assert float(state["backbone.conv2.weight"].mean()) == 2 and float(state["head.cls.fc1.bias"][0]) == -4
    assert float(state["head.cls.fc3.weight"][1, 7]) == 6
    assert float(state["rates.head/cls/fc3/weight"][1, 7]) == pytest.approx(0.006)
    assert float(state["rates.backbone/conv1/bias"][0]) == pytest.approx(-0.001)


@pytest.mark.parametrize("form", ["mdnet", "older mdnet", "metasdnet", "flat"])
def test_convolutions_of_every_form_fill_the_backbone(tmp_path: Path, form: str) -> None:
    content: dict[str, Any] = {
        "mdnet": {"shared_layers": {**filled(LAYERS, "{}.0.{}"), **filled({"fc4": HEADS["fc4"]}, "{}.0.{}")}},
        "older mdnet": {"shared_layers": {**filled(LAYERS, "{}.0.{}"), **filled({"fc5": HEADS["fc5"]}, "{}.1.{}")}},
        "metasdnet": {"features": filled(LAYERS, "{}.{}"), "fc": filled(HEADS, "{}.{}", 4)},
        "flat": filled(LAYERS, "{}.{}"),
    }[form]
    torch.save(content, tmp_path / "weights.pth")
    backbone = VggM()
    report = load_weights(backbone, tmp_path / "weights.pth")
    assert not report.missing
    assert [float(layer.weight.detach().mean()) for layer in (backbone.conv1, backbone.conv2, backbone.conv3)] == [
        1,
        2,
        3,
    ]
    assert float(backbone.conv3.bias.detach()[5]) == -3  # type: ignore[index]


def test_classifier_layers_keep_their_order(tmp_path: Path) -> None:
    torch.save({"features": filled(LAYERS, "{}.{}"), "fc": filled(HEADS, "{}.{}", 4)}, tmp_path / "weights.pth")
    state = read_state_dict(tmp_path / "weights.pth")
    assert [float(state[f"head.cls.fc{n}.weight"].mean()) for n in (1, 2, 3)] == [4, 5, 6]
