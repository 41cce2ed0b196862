"""pytracking's checkpoints load, and none of the code they name is found, made or run."""

from __future__ import annotations

import importlib
import math
import os
import pickle
import subprocess
import sys
import types
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from pysot.config.loading import load_config
from pysot.core.errors import SnapshotError
from pysot.models.backbone import BACKBONES
from pysot.models.builder import build_model
from pysot.models.head.iounet import IouNet
from pysot.models.meta_arch.atom import AtomNet
from pysot.zoo.convert import FOREIGN_PACKAGES, Placeholder, own_key, own_keys, placeholders_for
from pysot.zoo.loading import load_snapshot, read_state_dict, read_torch_file
from tests.golden.recipe import published_shapes

FORMATS = [pytest.param(True, id="zip"), pytest.param(False, id="before torch 1.6")]
RAN: list[str] = []
"""What the foreign classes did."""


class Foreign:
    """A class that pytracking's code would define; it notes when it is made or filled."""

    def __new__(cls, *_args: object) -> Foreign:
        RAN.append(cls.__name__)
        return super().__new__(cls)

    def __setstate__(self, state: dict[str, object]) -> None:
        RAN.append("state")
        self.__dict__.update(state)


@contextmanager
def foreign_code(**classes: str) -> Iterator[dict[str, type[Foreign]]]:
    """Modules of another project, importable inside the block: {class name: module}."""
    made, before = {}, set(sys.modules)
    for name, module in classes.items():
        parts = module.split(".")
        for k in range(len(parts)):
            sys.modules.setdefault(".".join(parts[: k + 1]), types.ModuleType(".".join(parts[: k + 1])))
        made[name] = type(name, (Foreign,), {"__module__": module})
        setattr(sys.modules[module], name, made[name])
    try:
        yield made
    finally:
        for module in set(sys.modules) - before:
            del sys.modules[module]
        RAN.clear()


def filled(cls: type[Foreign], **values: object) -> Foreign:
    instance = cls()
    instance.__dict__.update(values)
    return instance


def write_checkpoint(path: Path, net: dict[str, torch.Tensor], *, zipped: bool, extra: Any = None) -> None:
    """A checkpoint of the shape of `atom_default.pth` (docs/systems/atom.md, Snapshots)."""
    with foreign_code(
        NetConstructor="ltr.admin.model_constructor",
        Settings="ltr.admin.settings",
        EnvironmentSettings="ltr.admin.local",
        AverageMeter="ltr.admin.stats",
        StatValue="ltr.admin.stats",
    ) as ltr:
        constructor = filled(
            ltr["NetConstructor"],
            fun_name="atom_resnet18",
            fun_module="ltr.models.bbreg.atom",
            args=(),
            kwds={"backbone_pretrained": True},
        )
        meter = filled(ltr["AverageMeter"], avg=0.1, history=[filled(ltr["StatValue"], val=0.2)])
        environment = filled(ltr["EnvironmentSettings"], workspace_dir="/w")
        checkpoint = {
            "epoch": 50,
            "actor_type": "AtomActor",
            "net_type": "ATOMnet",
            "net": OrderedDict(net),
            "net_info": None,
            "constructor": constructor,
            "optimizer": {"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 1e-3, "params": [0]}]},
            "stats": OrderedDict(train=OrderedDict({"Loss/total": meter})),
            "settings": filled(ltr["Settings"], env=environment, module_name="bbreg", device=torch.device("cpu")),
        }
        checkpoint |= {} if extra is None else {"extra": extra}
        torch.save(checkpoint, path, _use_new_zipfile_serialization=zipped)


@pytest.fixture
def small_net() -> dict[str, torch.Tensor]:
    return {
        "feature_extractor.conv1.weight": torch.arange(6.0).reshape(2, 3),
        "bb_regressor.iou_predictor.bias": torch.tensor([7.0]),
    }


@pytest.mark.parametrize("zipped", FORMATS)
def test_published_checkpoint_fills_the_network(tmp_path: Path, zipped: bool) -> None:
    shapes = published_shapes("pytracking_atom")
    generator = torch.Generator().manual_seed(0)
    net = {
        name: torch.tensor(5) if name.endswith("num_batches_tracked") else torch.rand(shape, generator=generator)
        for name, shape in shapes.items()
    }
    write_checkpoint(tmp_path / "atom_default.pth", net, zipped=zipped)
    model = AtomNet(BACKBONES["resnet18_std"](), IouNet())
    load_snapshot(model, tmp_path / "atom_default.pth")
    state = model.state_dict()
    assert len(state) == len(net) and all(torch.equal(state[own_key(name)], value) for name, value in net.items())


def overlapping_net(shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """Different weights of these names and shapes, whose file is as small as the largest of them."""
    sizes = [math.prod(shape) for shape in shapes.values()]
    numbers = torch.arange(max(sizes) + len(sizes)).float()
    places = zip(shapes.items(), sizes, strict=True)
    return {name: numbers[k : k + size].reshape(shape) for k, ((name, shape), size) in enumerate(places)}


@pytest.mark.parametrize(
    ("experiment", "golden", "file", "zipped"),
    [
        ("dimp_r18", "pytracking_dimp18", "dimp18.pth", False),
        ("dimp_r50", "pytracking_dimp50", "dimp50.pth", True),
        ("super_dimp", "pytracking_dimp50", "super_dimp.pth.tar", True),
        ("prdimp_r18", "pytracking_dimp18", "prdimp18.pth.tar", True),
        ("prdimp_r50", "pytracking_dimp50", "prdimp50.pth.tar", True),
    ],
)
def test_published_checkpoints_of_dimp_fill_the_network(
    tmp_path: Path, experiment: str, golden: str, file: str, zipped: bool
) -> None:
    shapes = published_shapes(golden)
    if experiment.startswith("prdimp"):  # its wanted scores are not learned
        shapes = {name: s for name, s in shapes.items() if not ("filter_optimizer" in name and "predictor" in name)}
    net = overlapping_net(shapes)
    write_checkpoint(tmp_path / file, net, zipped=zipped)
    with torch.device("meta"):  # initial weights would take seconds
        model = build_model(load_config(experiment))
    load_snapshot(model.to_empty(device="cpu"), tmp_path / file)
    state = model.state_dict()
    assert len(state) == len(net)
    for name, value in net.items():
        assert torch.equal(state[own_key(name)], value.to(state[own_key(name)].dtype)), name


def test_the_classifier_of_dimp_does_not_fill_that_of_prdimp(tmp_path: Path) -> None:
    net = overlapping_net(published_shapes("pytracking_dimp18"))
    write_checkpoint(tmp_path / "dimp18.pth", net, zipped=True)
    model = build_model(load_config("prdimp_r18"))
    with pytest.raises(SnapshotError, match=r"unexpected \(3\): classifier.filter_optimizer.label_map_predictor"):
        load_snapshot(model, tmp_path / "dimp18.pth")


@pytest.mark.parametrize("zipped", FORMATS)
def test_foreign_classes_are_neither_imported_nor_made(
    tmp_path: Path, small_net: dict[str, torch.Tensor], zipped: bool
) -> None:
    path = tmp_path / "atom.pth"
    write_checkpoint(path, small_net, zipped=zipped)
    (tmp_path / "ltr").mkdir()
    (tmp_path / "ltr" / "__init__.py").write_text("raise SystemExit('imported')")
    sys.path.insert(0, str(tmp_path))
    try:
        with foreign_code(NetConstructor="ltr.admin.model_constructor"):  # even where the code is at hand
            content = read_torch_file(path)
            assert RAN == []
        content = read_torch_file(path)
    finally:
        sys.path.remove(str(tmp_path))
    assert "ltr" not in sys.modules
    assert isinstance(content["constructor"], Placeholder) and vars(content["constructor"]) == {}
    assert isinstance(content["stats"]["train"]["Loss/total"], Placeholder)
    assert content["epoch"] == 50 and content["optimizer"]["param_groups"][0]["lr"] == 1e-3
    assert list(read_state_dict(path)) == ["backbone.conv1.weight", "bb_regressor.iou_predictor.bias"]


def test_placeholders_do_not_outlive_the_reading(tmp_path: Path, small_net: dict[str, torch.Tensor]) -> None:
    before = set(torch.serialization.get_safe_globals())
    write_checkpoint(tmp_path / "atom.pth", small_net, zipped=True)
    read_torch_file(tmp_path / "atom.pth")
    assert set(torch.serialization.get_safe_globals()) == before


class Call:
    """Unpickling this would call a function."""

    def __init__(self, function: Any, *arguments: object) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[object, ...]]:
        return self.function, self.arguments


@pytest.mark.parametrize("zipped", FORMATS)
@pytest.mark.parametrize("kind", ["system", "eval", "getattr", "import", "subprocess"])
def test_hostile_objects_beside_foreign_ones_are_refused(
    tmp_path: Path, small_net: dict[str, torch.Tensor], kind: str, zipped: bool
) -> None:
    trap = tmp_path / "trapped"
    code = f"open({str(trap)!r}, 'w')"
    bombs: dict[str, object] = {
        "system": Call(os.system, f"touch {trap}"),
        "eval": Call(eval, code),
        "getattr": Call(getattr, Placeholder, "__subclasses__"),
        "import": Call(importlib.import_module, "this"),
        "subprocess": Call(subprocess.Popen, ["touch", str(trap)]),
    }
    write_checkpoint(tmp_path / "atom.pth", small_net, zipped=zipped, extra=bombs[kind])
    with pytest.raises(SnapshotError, match="was refused"):
        read_state_dict(tmp_path / "atom.pth")
    assert not trap.exists() and "this" not in sys.modules


def test_a_function_of_torch_cannot_be_rewritten(tmp_path: Path) -> None:
    rebuild = torch._utils._rebuild_tensor_v2
    defaults = rebuild.__defaults__
    parts = [0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}]
    header = b"".join(pickle.dumps(part, protocol=2) for part in parts)
    attribute = b"}X\x0c\x00\x00\x00__defaults__K\x01\x85sb"  # a dict of one attribute, then BUILD
    body = b"\x80\x02(cltr.a\nB\nctorch._utils\n_rebuild_tensor_v2\n" + attribute + b"t."
    (tmp_path / "atom.pth").write_bytes(header + body + pickle.dumps([], protocol=2))
    assert [name for _, name in placeholders_for(tmp_path / "atom.pth")] == ["ltr.a.B"]
    with pytest.raises(SnapshotError, match=r"was refused.*Can only build Tensor"):
        read_torch_file(tmp_path / "atom.pth")
    assert rebuild.__defaults__ == defaults


def test_packages_of_similar_names_are_refused(tmp_path: Path, small_net: dict[str, torch.Tensor]) -> None:
    write_checkpoint(tmp_path / "atom.pth", small_net, zipped=False)
    content = (tmp_path / "atom.pth").read_bytes()
    renamed = content.replace(
        b"cltr.admin.model_constructor\nNetConstructor\n", b"cltrx.admin.model_constructr\nNetConstructor\n"
    )
    assert renamed != content
    (tmp_path / "renamed.pth").write_bytes(renamed)
    with pytest.raises(SnapshotError, match=r"was refused.*ltrx\.admin"):
        read_state_dict(tmp_path / "renamed.pth")
    assert not {"", "os", "torch", "numpy", "pysot", "builtins"} & set(FOREIGN_PACKAGES)


@pytest.mark.parametrize("zipped", FORMATS)
def test_damaged_checkpoints_are_explained(tmp_path: Path, small_net: dict[str, torch.Tensor], zipped: bool) -> None:
    write_checkpoint(tmp_path / "atom.pth", small_net, zipped=zipped)
    content = (tmp_path / "atom.pth").read_bytes()
    for share in (0.05, 0.3, 0.6, 0.95):
        (tmp_path / "part.pth").write_bytes(content[: int(len(content) * share)])
        with pytest.raises(SnapshotError, match=r"part\.pth"):
            read_state_dict(tmp_path / "part.pth")


def test_files_without_foreign_classes_need_no_placeholder(tmp_path: Path) -> None:
    torch.save({"state_dict": {"a": torch.zeros(1)}}, tmp_path / "own.pth")
    (tmp_path / "noise.pth").write_bytes(b"\x80\x02cltr.a\nB\n" + bytes(20))
    assert placeholders_for(tmp_path / "own.pth") == []
    assert [name for _, name in placeholders_for(tmp_path / "noise.pth")] == ["ltr.a.B"]
    with pytest.raises(SnapshotError):
        read_state_dict(tmp_path / "noise.pth")


def test_placeholders_take_everything_and_keep_nothing() -> None:
    placeholder = Placeholder(1, key=2)
    placeholder.__setstate__({"attribute": 3})
    assert vars(placeholder) == {}
    with pytest.raises(TypeError):
        placeholder()  # type: ignore[operator]


def test_keys_under_our_names() -> None:
    assert own_key("module.feature_extractor.layer1.0.bn1.bias") == "backbone.layer1.0.bn1.bias"
    assert own_key("classifier.feature_extractor.0.bn1.bias") == "classifier.feature_extractor.0.bn1.bias"
    assert own_key("bb_regressor.fc3_rt.bn.weight") == "bb_regressor.fc3_rt.bn.weight"
    assert own_key("rpn_head.cls.weight") == "rpn_head.cls.weight"
    for wrapped in ("module.module.", "_orig_mod.", "module._orig_mod.", "model.", "model._orig_mod.", "net.module."):
        assert own_key(f"{wrapped}backbone.model.weight") == "backbone.model.weight"
    with pytest.raises(SnapshotError, match=r"several weights for 'backbone\.conv1\.weight'"):
        own_keys({"backbone.conv1.weight": 0, "feature_extractor.conv1.weight": 1})


def test_pickle_of_the_test_would_run_without_the_protection(tmp_path: Path) -> None:
    trap = tmp_path / "trapped"
    pickle.loads(pickle.dumps(Call(os.system, f"touch {trap}")))
    assert trap.exists()
