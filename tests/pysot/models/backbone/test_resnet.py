"""ResNets: sizes of their maps, and which stages are built, learn and load."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch

from pysot.core.errors import ConfigError, SnapshotError
from pysot.models.backbone import BACKBONES
from pysot.zoo.loading import load_weights


def test_feature_sizes_of_resnet50() -> None:
    backbone = BACKBONES["resnet50"](used_layers=[0, 1, 2, 3, 4]).eval()
    with torch.inference_mode():
        for side, expected in ((127, [61, 31, 15, 15, 15]), (255, [125, 63, 31, 31, 31])):
            assert [level.shape[-1] for level in backbone(torch.rand(1, 3, side, side))] == expected


def test_stages_deeper_than_used_are_not_built() -> None:
    assert not hasattr(BACKBONES["resnet50"](used_layers=[0, 1]), "layer2")
    with pytest.raises(ConfigError, match="increasing numbers from 0 to 4"):
        BACKBONES["resnet50"](used_layers=[3, 2])


def test_strides_of_the_backbone_levels() -> None:
    backbone = BACKBONES["resnet18_std"](used_layers=[0, 1, 2, 3, 4]).eval()
    with torch.inference_mode():
        assert [level.shape[-1] for level in backbone(torch.rand(1, 3, 96, 96))] == [48, 24, 12, 6, 3]
        assert [level.shape[-1] for level in backbone(torch.rand(1, 3, 91, 91))] == [46, 23, 12, 6, 3]


def test_only_stages_in_use_learn() -> None:
    backbone = BACKBONES["resnet18_std"]()
    assert backbone.stages == ("layer1", "layer2", "layer3")
    fixed = {name.split(".")[0] for name, p in backbone.named_parameters() if not p.requires_grad}
    assert fixed == {"layer4", "fc"}


def test_imagenet_weights_come_from_a_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    torch.manual_seed(1)
    source, target = BACKBONES["resnet18_std"](), BACKBONES["resnet18_std"]()
    state = {name: value for name, value in source.state_dict().items() if not name.endswith("num_batches_tracked")}
    torch.save(state, tmp_path / "resnet18-f37072fd.pth", _use_new_zipfile_serialization=False)
    with caplog.at_level(logging.WARNING):
        assert load_weights(target, tmp_path / "resnet18-f37072fd.pth").fits
    assert not caplog.text
    assert torch.equal(target.layer3[1].conv2.weight, source.layer3[1].conv2.weight)
    with pytest.raises(SnapshotError, match="does not fit"), torch.device("meta"):
        load_weights(BACKBONES["resnet50_std"](), tmp_path / "resnet18-f37072fd.pth")
