"""The inference form of a model computes the same as the model it was made from."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pysot.config.loading import load_config
from pysot.core.errors import ConfigError
from pysot.models.builder import build_model
from pysot.models.inference import prepare_for_inference
from tests.golden.recipe import fill_weights_by_hash, random_crop

FAMILIES = ["siamrpn_alex_dwxcorr_16gpu", "siamrpn_mobilev2_l234_dwxcorr", "nanotrack_v1", "nanotrack_v3"]


@pytest.mark.parametrize("name", FAMILIES)
def test_inference_form_computes_the_same_with_fewer_modules(name: str) -> None:
    model = build_model(load_config(name)).eval()
    fill_weights_by_hash(model, 1e-3)
    z, x = random_crop(0, 127), random_crop(1, 255)
    with torch.inference_mode():
        before = model(z, x)
        prepare_for_inference(model, torch.device("cpu"))
        after = model(z, x)
    for old, new in zip(before, after, strict=True):
        assert (old - new).abs().max() <= 1e-4 * old.abs().max()
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    used = [m for m in norms if m not in list(getattr(model, "neck", torch.nn.Module()).modules())]
    assert not used
    assert not any(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("name", ["siamrpn_tiny", "dimp_tiny"])
def test_shorter_floats_inside_give_nearly_the_same_from_outside(name: str, precision: str) -> None:
    models = [build_model(load_config(name)).eval() for _ in range(2)]
    for model in models:
        fill_weights_by_hash(model, 1e-3)
    plain, short = (
        prepare_for_inference(m, torch.device("cpu"), p) for m, p in zip(models, ("fp32", precision), strict=True)
    )
    image = random_crop(1, 256)
    with torch.inference_mode():
        for old, new in zip(plain.backbone(image), short.backbone(image), strict=True):
            assert new.dtype is torch.float32
            assert 0 < (new - old).norm() < 0.03 * old.norm()
    assert short.backbone.layer1[0][0].weight.dtype is not torch.float32


def test_unknown_precisions_and_models_without_such_parts_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"MODEL.PRECISION is 'int8'; expected one of fp32, bf16, fp16"):
        prepare_for_inference(nn.Sequential(), torch.device("cpu"), "int8")
    with pytest.raises(ConfigError, match="Sequential has no parts"):
        prepare_for_inference(nn.Sequential(), torch.device("cpu"), "bf16")
