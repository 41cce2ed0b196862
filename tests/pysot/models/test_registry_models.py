"""Every experiment builds, and its keys, shapes and outputs are the published ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from pysot.config.experiments import list_experiments
from pysot.config.loading import load_config
from pysot.core.errors import ConfigError
from pysot.models.backbone import BACKBONES
from pysot.models.builder import build_model
from pysot.models.head import RPN_HEADS
from pysot.models.meta_arch.siamese import SiamMask, count_parameters
from pysot.models.neck import NECKS
from pysot.zoo.loading import load_snapshot
from tests.golden import recorded
from tests.golden.recipe import (
    fill_weights_by_hash,
    golden_model,
    hash_uniform,
    random_crop,
    relative_error,
)

GOLDEN_STATES = {
    "siamrpn_alex_dwxcorr": "siamrpn_alex_dwxcorr",
    "siamrpn_mobilev2_l234_dwxcorr": "siamrpn_mobilev2_l234_dwxcorr",
    "siamrpn_r50_l234_dwxcorr": "siamrpn_r50_l234_dwxcorr",
    "siammask_r50_l3": "siammask_r50_l3",
    "nanotrack_v1": "nanotrackv1",
    "nanotrack_v2": "nanotrackv2",
    "nanotrack_v3": "nanotrackv3",
}
SECOND_SET = [
    "siamrpn_alex_dwxcorr",
    "siamrpn_mobilev2_l234_dwxcorr",
    "siamrpn_r50_l234_dwxcorr",
    "siammask_r50_l3",
]


@pytest.mark.parametrize(("experiment", "golden"), GOLDEN_STATES.items())
def test_state_dict_is_the_published_one(experiment: str, golden: str) -> None:
    state = build_model(load_config(experiment)).state_dict()
    reference = recorded(f"{golden}_state.json")
    assert [[name, list(t.shape), str(t.dtype).removeprefix("torch.")] for name, t in state.items()] == [
        [name, shape, dtype.removeprefix("torch.")] for name, shape, dtype in reference
    ]


@pytest.mark.parametrize("name", ["siamrpn_alex_dwxcorr", "siamrpn_r50_l234_dwxcorr", "siammask_r50_l3"])
def test_outputs_agree_with_the_reference(name: str) -> None:
    cfg = load_config(name)
    model = golden_model(name, build_model(cfg))
    raw = recorded(f"{name}_raw.npz")
    search = random_crop(1, cfg.TRACK.INSTANCE_SIZE)
    with torch.inference_mode():
        template = model.features(random_crop(0, 127), template=True)
        kernels = model.template(random_crop(0, 127))
        output = model.track(kernels, search)
        levels = model.backbone(search)
    assert relative_error(output.cls, raw["cls"]) < 1e-4
    assert relative_error(output.loc, raw["loc"]) < 1e-4
    for index, level in enumerate(template):
        assert relative_error(level[0, ::16], raw[f"zf{index}_slice"]) < 1e-4
    for index, level in enumerate(levels):
        step = max(1, level.shape[1] // 16)
        assert relative_error(level[0, ::step, ::7, ::7], raw[f"backbone{index}_slice"]) < 1e-4
    if isinstance(model, SiamMask):
        with torch.inference_mode():
            features = model.track_with_mask(kernels, search)[1]
            assert relative_error(model.mask(features)[:, ::64, ::6, ::6], raw["mask_slice"]) < 1e-4
            refined = model.refine(features, (12, 7)).reshape(-1)
        assert relative_error(refined[::7], raw["mask_refine_12_7"].reshape(-1)) < 1e-4


@pytest.mark.parametrize("version", [1, 2])
def test_nanotrack_outputs_with_real_weights(shared: Path, version: int) -> None:
    model = build_model(load_config(f"nanotrack_v{version}")).eval()
    load_snapshot(model, shared / "data" / "weights" / f"nanotrackv{version}.pth")
    raw = np.load(shared / "golden" / f"nanotrackv{version}_raw.npz")
    with torch.inference_mode():
        output = model(random_crop(0, 127), random_crop(1, 255))
    assert relative_error(output.cls, raw["cls"]) < 1e-4
    assert relative_error(output.loc, raw["loc"]) < 1e-4


def test_nanotrack_v3_check_values(shared: Path) -> None:
    model = build_model(load_config("nanotrack_v3")).eval()
    load_snapshot(model, shared / "data" / "weights" / "nanotrackv3.pth")
    with torch.inference_mode():
        features = model.features(random_crop(0, 127), template=True)
        output = model(random_crop(0, 127), random_crop(1, 255))
    assert float(features[0].abs().max()) == pytest.approx(5.680, abs=1e-3)
    assert output.cls[0, :, 0, 0].tolist() == pytest.approx([4.300, -4.549], abs=1e-3)
    assert output.loc[0, :, 7, 7].tolist() == pytest.approx([31.137, 34.257, 31.075, 33.830], abs=1e-3)


def check_stat(value: torch.Tensor, stat: dict[str, object]) -> None:
    assert list(value.shape) == stat["shape"]
    assert float(value.abs().mean()) == pytest.approx(stat["abs_mean"], rel=1e-3)
    assert float(value.std()) == pytest.approx(stat["std"], rel=1e-3)
    tolerance = 1e-3 * float(value.std())
    assert value.reshape(-1)[:4].tolist() == pytest.approx(stat["first"], abs=tolerance)


@pytest.mark.parametrize("name", SECOND_SET)
def test_second_independent_reference(name: str) -> None:
    golden = recorded("second_reference.json")[name]
    cfg = load_config(name)
    model = build_model(cfg).eval()
    assert count_parameters(model) == golden["params"]
    fill_weights_by_hash(model)
    forward, side = golden["forward"], cfg.TRACK.INSTANCE_SIZE
    exemplar = torch.from_numpy(255 * hash_uniform(3 * 127 * 127, 0)).float().reshape(1, 3, 127, 127)
    search = torch.from_numpy(255 * hash_uniform(3 * side * side, 1)).float().reshape(1, 3, side, side)
    with torch.inference_mode():
        kernels = model.template(exemplar)
        output = model.track(kernels, search)
        for level, stat in zip(model.features(exemplar, template=True), forward["zf"], strict=True):
            check_stat(level, stat)
        check_stat(output.cls, forward["cls"])
        check_stat(output.loc, forward["loc"])
        if isinstance(model, SiamMask):
            features = model.track_with_mask(kernels, search)[1]
            check_stat(model.mask(features), forward["mask"])
            check_stat(model.refine(features, (12, 12)).reshape(1, -1), forward["refine_12_12"])


def test_parameter_count_of_the_unweighted_network() -> None:
    golden = recorded("second_reference.json")["siamrpn_r50_l234_dwxcorr_otb"]
    assert count_parameters(build_model(load_config("siamrpn_r50_l234_dwxcorr_otb"))) == golden["params"]


SIAMESE = [name for name in list_experiments() if load_config(name).HEAD.TYPE in ("RPN", "BAN")]


@pytest.mark.parametrize("name", SIAMESE)
def test_every_experiment_computes_maps_of_one_size_and_has_gradients(name: str) -> None:
    cfg = load_config(name)
    if cfg.BACKBONE.TYPE == "resnet50" and name not in ("siamrpn_r50_l234_dwxcorr_lt", "siammask_r50_l3"):
        pytest.skip("same network as the two ResNet-50 experiments that are run")
    model = build_model(cfg).train()
    output = model(torch.rand(1, 3, 127, 127) * 255, torch.rand(1, 3, 191, 191) * 255)
    assert output.cls.shape[-2:] == output.loc.shape[-2:] and output.loc.shape[1] == 2 * output.cls.shape[1]
    (output.cls.mean() + output.loc.log1p().nan_to_num().mean()).backward()
    assert model.backbone.get_parameter(next(iter(dict(model.backbone.named_parameters())))).grad is not None


@pytest.mark.parametrize("name", list(BACKBONES))
def test_every_backbone_tells_its_channels_and_stages(name: str) -> None:
    backbone = BACKBONES[name]().eval()
    with torch.inference_mode():
        levels = backbone(torch.rand(1, 3, 127, 127))
    assert [level.shape[1] for level in levels] == backbone.out_channels
    assert all(isinstance(backbone.get_submodule(stage), nn.Module) for stage in backbone.stages)


@pytest.mark.parametrize(
    ("experiment", "opts", "message"),
    [
        ("siamrpn_alex_dwxcorr", ["BACKBONE.TYPE", "alexnett"], "Did you mean 'alexnet'"),
        (
            "siamrpn_alex_dwxcorr",
            ["BACKBONE.KWARGS.width", "2"],
            "BACKBONE.KWARGS .*do not fit backbone 'alexnetlegacy'",
        ),
        (
            "siamrpn_alex_dwxcorr",
            ["RPN.KWARGS.in_channels", "128"],
            r"\[256\] channels.*RPN.KWARGS.in_channels 256, but it is 128",
        ),
        ("siamrpn_alex_dwxcorr", ["BACKBONE.KWARGS.width_mult", "0.5"], r"\[128\] channels"),
        ("siamrpn_r50_l234_dwxcorr", ["ADJUST.KWARGS.in_channels", "[512, 1024, 1024]"], "delivers maps of"),
        ("siamrpn_r50_l234_dwxcorr", ["ADJUST.KWARGS.out_channels", "[256, 256]"], "differ in length"),
        ("siamrpn_tiny", ["ANCHOR.STRIDE", "8"], "stride 16, but ANCHOR.STRIDE is 8. Set ANCHOR.STRIDE to 16"),
        ("nanotrack_v2", ["POINT.STRIDE", "8"], "stride 16, but POINT.STRIDE is 8. Set POINT.STRIDE to 16"),
        (
            "siamrpn_r50_l234_dwxcorr",
            ["BACKBONE.KWARGS.used_layers", "[1, 2, 3]", "ADJUST.KWARGS.in_channels", "[256, 512, 1024]"],
            r"delivers maps of strides \[4, 8, 8\]. Name levels of one stride",
        ),
        (
            "siammask_r50_l3",
            ["BACKBONE.KWARGS.used_layers", "[2, 3]"],
            r"takes three maps beside the deepest.*\[8, 8\]",
        ),
        (
            "lmt_tiny",
            ["HEAD.KWARGS.pool", "cells"],
            "HEAD.KWARGS {'width': 32, 'size': 5} do not fit box pooling 'cells'",
        ),
        (
            "lmt_vggm_otb",
            ["BACKBONE.TYPE", "compact", "BACKBONE.KWARGS.used_layers", "[2, 3]"],
            "cells reads one map, but the backbone Compact delivers 2",
        ),
        ("nanotrack_v2", ["BAN.TYPE", "DepthwiseBAN"], "no anchor-free head 'DepthwiseBAN'.*NanoHeadV1"),
    ],
)
def test_impossible_models_are_explained(experiment: str, opts: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_model(load_config(experiment, opts))


def test_registries_know_the_published_parts() -> None:
    assert {"alexnet", "alexnetlegacy", "mobilenetv2", "resnet18", "resnet34", "resnet50"} <= set(BACKBONES)
    assert {"UPChannelRPN", "DepthwiseRPN", "MultiRPN", "PixelRPN"} <= set(RPN_HEADS)
    assert {"AdjustLayer", "AdjustAllLayer"} <= set(NECKS)
