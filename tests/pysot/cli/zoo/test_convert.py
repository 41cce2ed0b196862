"""`tools/zoo.py convert`: a file of every foreign form, made here with its structure, comes out under our names, bit
for bit, and loads into the model it is for.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pysot.cli.main import main
from pysot.cli.zoo import fit as zoo_fit
from pysot.cli.zoo.fit import model_for
from pysot.config.loading import load_config
from pysot.models.attention import ATTENTION_NETS
from pysot.models.builder import build_model
from pysot.zoo.loading import load_snapshot, read_state_dict
from pysot.zoo.locate import find_snapshot
from tests.golden.recipe import published_shapes
from tests.pysot.zoo.test_convert import write_checkpoint

State = dict[str, Tensor]


@pytest.fixture(autouse=True)
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYSOT_ZOO", str(tmp_path / "zoo"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "zoo"


def numbered(shapes: dict[str, tuple[int, ...]]) -> State:
    """Tensors of these names and shapes, each of other numbers than the others; counters stay integers."""
    state: State = {}
    for number, (name, shape) in enumerate(shapes.items()):
        count = int(np.prod(shape))
        values = torch.arange(count, dtype=torch.float32).reshape(shape) / 7 + number
        state[name] = torch.tensor(number) if name.endswith("num_batches_tracked") else values
    return state


def shapes_of(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in model.state_dict().items()}


def converted(source: Path, name: str, capsys: pytest.CaptureFixture[str]) -> State:
    """The state that came out, which must be found by the name."""
    assert main(["zoo", "convert", str(source), "--to", name]) == 0, capsys.readouterr().err
    path = find_snapshot(name)
    assert path.suffix == ".safetensors" and str(path) in capsys.readouterr().out
    return read_state_dict(path)


def assert_same(found: State, wanted: State) -> None:
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert found[name].dtype == value.dtype and torch.equal(found[name], value), name


@pytest.mark.parametrize("wrapped", [True, False])
def test_pysot(tmp_path: Path, capsys: pytest.CaptureFixture[str], wrapped: bool) -> None:
    state = numbered(shapes_of(build_model(load_config("siamrpn_alex_dwxcorr"))))
    content: object = OrderedDict(state)
    if wrapped:
        content = {"epoch": 20, "state_dict": {f"module.{k}": v for k, v in state.items()}, "optimizer": {"state": {}}}
    torch.save(content, tmp_path / "model.pth")
    assert_same(converted(tmp_path / "model.pth", "siamrpn_alex_dwxcorr", capsys), state)


def test_nanotrack(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = shared / "data" / "weights" / "nanotrackv3.pth"
    state = read_state_dict(source)
    assert_same(converted(source, "nanotrack_v3", capsys), state)
    load_snapshot(build_model(load_config("nanotrack_v3")), find_snapshot("nanotrack_v3"))


@pytest.mark.parametrize(
    ("golden", "name", "zipped"),
    [("pytracking_atom", "atom", True), ("pytracking_dimp18", "dimp18", False)],
)
def test_pytracking(tmp_path: Path, capsys: pytest.CaptureFixture[str], golden: str, name: str, zipped: bool) -> None:
    net = numbered(published_shapes(golden))
    write_checkpoint(tmp_path / "net.pth.tar", net, zipped=zipped)
    found = converted(tmp_path / "net.pth.tar", name, capsys)
    assert_same(found, {key.replace("feature_extractor.", "backbone.", 1) if key.startswith("feature_") else key: value
                        for key, value in net.items()})  # fmt: skip
    load_snapshot(build_model(load_config({"atom": "atom_r18", "dimp18": "dimp_r18"}[name])), find_snapshot(name))


def test_torchvision(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = model_for("resnet18")
    assert model is not None
    state = numbered(shapes_of(model))
    assert "fc.weight" in state and "layer4.1.bn2.running_var" in state
    torch.save(OrderedDict(state), tmp_path / "resnet18-f37072fd.pth")
    assert_same(converted(tmp_path / "resnet18-f37072fd.pth", "resnet18", capsys), state)


def test_a_tracker_that_is_a_backbone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = numbered(shapes_of(build_model(load_config("tadt_vgg16"))))
    state = {key.removeprefix("backbone."): value for key, value in own.items()}
    torch.save({**state, "classifier.6.bias": torch.zeros(5)}, tmp_path / "vgg16-397923af.pth")
    assert_same(converted(tmp_path / "vgg16-397923af.pth", "vgg16", capsys), own)


def test_matconvnet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("scipy")
    from tests.pysot.zoo.test_matconvnet import VGG_M, write

    write(tmp_path / "imagenet-vgg-m.mat", VGG_M)
    state = read_state_dict(tmp_path / "imagenet-vgg-m.mat")
    assert_same(converted(tmp_path / "imagenet-vgg-m.mat", "imagenet-vgg-m", capsys), state)


def test_metasdnet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    convolutions = {"conv1": (96, 3, 7, 7), "conv2": (256, 96, 5, 5), "conv3": (512, 256, 3, 3)}
    heads = {"fc4": (512, 4608), "fc5": (512, 512), "fc6": (2, 512)}
    shapes: dict[str, tuple[int, ...]] = {}
    for part, layers in (("features", convolutions), ("fc", heads)):
        for layer, shape in layers.items():
            shapes |= {f"{part}.{layer}.weight": shape, f"{part}.{layer}.bias": shape[:1]}
    init = numbered(shapes)
    torch.save(
        {"meta_init": init, "meta_alpha": {key: value * 1e-4 for key, value in init.items()}}, tmp_path / "a.pth"
    )
    found = converted(tmp_path / "a.pth", "metasdnet_otb", capsys)
    torch.testing.assert_close(found["backbone.conv2.weight"], init["features.conv2.weight"], rtol=0, atol=0)
    torch.testing.assert_close(found["head.cls.fc3.bias"], init["fc.fc6.bias"], rtol=0, atol=0)
    assert_same(found, read_state_dict(tmp_path / "a.pth"))


def test_ddgan(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    make: Callable[[], nn.Module] = lambda: ATTENTION_NETS["TANet"](width=0.0625)  # type: ignore[call-arg]  # noqa: E731
    monkeypatch.setattr(zoo_fit, "MODELS_OF_FORMS", {"ddgan": make})
    state = numbered(shapes_of(make()))
    unused = {"motionModel.fc6.weight": torch.ones(4, 4), "motionModel.fc8.bias": torch.ones(4)}
    torch.save(OrderedDict({**state, **unused}), tmp_path / "TANet_model.pkl")
    assert_same(converted(tmp_path / "TANet_model.pkl", "tanet", capsys), state)


def test_the_same_file_comes_out_the_same(tmp_path: Path, shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = str(shared / "data" / "weights" / "nanotrackv1.pth")
    for name in ("a", "b"):
        assert (
            main(["zoo", "convert", source, "--to", "nanotrack_v1", "--out", str(tmp_path / f"{name}.safetensors")])
            == 0
        )
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert main(["zoo", "convert", str(tmp_path / "a.safetensors"), "--to", "nanotrack_v1"]) == 0  # and once more
    assert_same(read_state_dict(find_snapshot("nanotrack_v1")), read_state_dict(source))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "nanotrack_v1"], r"does not fit this model (NanoTrack)"),
        (["--to", "nanotrack"], "no snapshot or experiment 'nanotrack'. Did you mean 'nanotrack_v"),
        (["--to", "nanotrack_v2", "--out", "a.pth"], "must end in .safetensors"),
    ],
)
def test_what_does_not_go_is_said(
    shared: Path, capsys: pytest.CaptureFixture[str], zoo: Path, arguments: list[str], message: str
) -> None:
    assert main(["zoo", "convert", str(shared / "data" / "weights" / "nanotrackv2.pth"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not list(zoo.glob("*.safetensors"))
