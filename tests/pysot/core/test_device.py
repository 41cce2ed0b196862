"""Devices are checked, and the environment is told."""

from __future__ import annotations

import pytest
import torch

from pysot.core.device import environment_report, resolve_device
from pysot.core.errors import DeviceError


def test_devices() -> None:
    assert resolve_device("cpu").type == "cpu"
    assert resolve_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(DeviceError, match="Unknown device 'gpu'"):
        resolve_device("gpu")
    for name in ("cpu:x", "cpu:", "auto:1"):
        with pytest.raises(DeviceError, match=f"Unknown device '{name}'"):
            resolve_device(name)
    if not torch.cuda.is_available():
        with pytest.raises(DeviceError, match="sees no CUDA device"):
            resolve_device("cuda:0")


def test_environment_report_names_what_matters() -> None:
    report = environment_report()
    for name in ("python:", "torch:", "numpy:", "opencv", "cpu:", "cuda:"):
        assert name in report
