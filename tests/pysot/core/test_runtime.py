"""Devices are checked, and the inference form of a model computes the same."""

from __future__ import annotations

import pytest
import torch

from pysot.core.config import load_config
from pysot.core.errors import DeviceError
from pysot.core.runtime import environment_report, prepare_for_inference, resolve_device
from pysot.models.builder import build_model
from tests.golden import fill_weights_by_hash, random_crop

FAMILIES = ["siamrpn_alex_dwxcorr_16gpu", "siamrpn_mobilev2_l234_dwxcorr", "nanotrack_v1", "nanotrack_v3"]


def test_devices() -> None:
    assert resolve_device("cpu").type == "cpu"
    assert resolve_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(DeviceError, match="Unknown device 'gpu'"):
        resolve_device("gpu")
    if not torch.cuda.is_available():
        with pytest.raises(DeviceError, match="sees no CUDA device"):
            resolve_device("cuda:0")


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


def test_environment_report_names_what_matters() -> None:
    report = environment_report()
    for name in ("python:", "torch:", "numpy:", "opencv", "cpu:", "cuda:"):
        assert name in report
