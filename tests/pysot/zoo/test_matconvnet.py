"""MatConvNet's files, written as MATLAB lays them out, give the same numbers under our names."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn

from pysot.core.errors import SnapshotError
from pysot.models.backbone import BACKBONES
from pysot.zoo.loading import load_weights, read_state_dict

io = pytest.importorskip("scipy.io")

VGG_M = {"conv1": (7, 7, 3, 96), "conv2": (5, 5, 96, 256), "conv3": (3, 3, 256, 512), "fc8": (1, 1, 4, 1)}
VGG_16 = {
    "conv1_1": (3, 3, 3, 64),
    "conv1_2": (3, 3, 64, 64),
    "conv2_1": (3, 3, 64, 128),
    "conv4_3": (3, 3, 8, 8),
    "fc6": (7, 7, 8, 16),
}


def numbers(shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def write(path: Path, shapes: dict[str, tuple[int, ...]], *, old: bool = False, **changes: Any) -> None:
    """`layers` as a cell array of structs: convolutions, each with a ReLU behind it."""
    layers: list[dict[str, Any]] = []
    for seed, (name, shape) in enumerate(shapes.items()):
        filters, biases = numbers(shape, seed), numbers((1, shape[3]), 100 + seed)
        layer: dict[str, Any] = {"name": name, "type": "conv", "stride": 1.0, "pad": 0.0}
        if old:
            layer |= {"filters": filters, "biases": biases}
        else:
            cell = np.empty((1, 2), dtype=object)
            cell[0, 0], cell[0, 1] = filters, biases
            layer["weights"] = cell
        layers += [layer | changes, {"name": f"relu_{name}", "type": "relu"}]
    cells = np.empty((1, len(layers)), dtype=object)
    for index, layer in enumerate(layers):
        cells[0, index] = layer
    io.savemat(path, {"layers": cells, "meta": {"normalization": {"averageImage": np.zeros(3)}}})


@pytest.mark.parametrize("old", [False, True])
def test_vgg_m_fills_its_backbone(tmp_path: Path, old: bool) -> None:
    path = tmp_path / "imagenet-vgg-m.mat"
    write(path, VGG_M, old=old)
    backbone = BACKBONES["vggm"]()
    report = load_weights(backbone, path)
    assert report.missing == () and set(report.unexpected) == {"fc8.weight", "fc8.bias"}
    for seed, name in enumerate(("conv1", "conv2", "conv3")):
        filters = backbone.state_dict()[f"{name}.weight"].numpy()
        np.testing.assert_array_equal(filters.transpose(2, 3, 1, 0), numbers(VGG_M[name], seed))
        np.testing.assert_array_equal(backbone.state_dict()[f"{name}.bias"], numbers((VGG_M[name][3],), 100 + seed))


def test_vgg_16_gets_torchvisions_numbers(tmp_path: Path) -> None:
    write(tmp_path / "a.mat", VGG_16)
    state = read_state_dict(tmp_path / "a.mat")
    wanted = ["features.0", "features.2", "features.5", "features.21", "fc6"]
    assert list(state) == [f"{key}.{kind}" for key in wanted for kind in ("weight", "bias")]
    assert state["fc6.weight"].shape == (16, 8, 7, 7)
    layers = BACKBONES["vgg16"](used_layers=["conv4_3"]).features
    assert isinstance(layers, nn.Sequential)
    convolutions = [index for index, layer in enumerate(layers) if isinstance(layer, nn.Conv2d)]
    assert convolutions[:3] == [0, 2, 5] and convolutions[-1] == 21


def test_it_correlates_as_matconvnet_does(tmp_path: Path) -> None:
    """vl_nnconv: y(i, j, k) = b(k) + sum over u, v, c of filters(u, v, c, k) x(i + u, j + v, c)."""
    write(tmp_path / "a.mat", {"conv1": (2, 3, 4, 5)})
    state = read_state_dict(tmp_path / "a.mat")
    x = numbers((6, 7, 4), 9)
    filters, biases = numbers((2, 3, 4, 5), 0), numbers((5,), 100)
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 3), axis=(0, 1))
    wanted = np.einsum("ijcuv,uvck->kij", windows, filters) + biases[:, None, None]
    found = F.conv2d(torch.from_numpy(x.transpose(2, 0, 1))[None], state["conv1.weight"], state["conv1.bias"])
    np.testing.assert_allclose(found[0], wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"net": 3.0}, "holds no cell array `layers`"),
        ({"layers": np.zeros((1, 2))}, "holds no cell array `layers`"),
        ({"layers": np.array([[{"type": "relu", "name": "r"}]], dtype=object)}, "holds no convolutions"),
        (
            {"layers": np.array([[{"type": "conv", "name": "c", "weights": 3.0}]], dtype=object)},
            "layer 'c' has no filt",
        ),
    ],
)
def test_other_matlab_files_are_explained(tmp_path: Path, content: dict[str, Any], message: str) -> None:
    io.savemat(tmp_path / "a.mat", content)
    with pytest.raises(SnapshotError, match=message):
        read_state_dict(tmp_path / "a.mat")


def test_scipy_is_asked_for_only_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.mat", {"conv1": (1, 1, 2, 2)})
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(SnapshotError, match="needs scipy: pip install scipy"):
        read_state_dict(tmp_path / "a.mat")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.booleans())
def test_random_bytes_only_ever_give_snapshot_errors(tmp_path: Path, content: bytes, headed: bool) -> None:
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" if headed else b""
    (tmp_path / "noise.mat").write_bytes(head + content)
    with pytest.raises(SnapshotError):
        read_state_dict(tmp_path / "noise.mat")
