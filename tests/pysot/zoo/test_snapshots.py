"""Snapshots: found by name, read safely, loaded strictly."""

from __future__ import annotations

import argparse
import os
import pickle
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from pysot.config.loading import load_config
from pysot.core.errors import SnapshotError
from pysot.models.builder import build_model
from pysot.zoo.loading import MismatchError, compare_keys, load_snapshot, read_state_dict
from pysot.zoo.locate import find_snapshot


@pytest.fixture
def nano() -> torch.nn.Module:
    return build_model(load_config("nanotrack_v2"))


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSOT_ZOO", str(tmp_path / "zoo"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


class Bomb:
    """Unpickling this would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_published_nanotrack_loads_strictly(shared: Path, monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    monkeypatch.setenv("PYSOT_ZOO", str(shared / "data" / "weights"))
    path = find_snapshot(f"nanotrack_v{version}", download=False)
    report = compare_keys(build_model(load_config(f"nanotrack_v{version}")), read_state_dict(path))
    assert report.fits and str(report) == ""


def test_prefix_container_and_counters(nano: torch.nn.Module, tmp_path: Path) -> None:
    state = nano.state_dict()
    wrapped = {f"module.{k}": v + 1 if v.is_floating_point() else v for k, v in state.items()}
    without_counters = {k: v for k, v in wrapped.items() if not k.endswith("num_batches_tracked")}
    torch.save({"epoch": 3, "state_dict": without_counters, "lr": np.float64(0.1)}, tmp_path / "a.pth")
    load_snapshot(nano, tmp_path / "a.pth")
    key = "ban_head.cls_pred.0.bias"
    torch.testing.assert_close(nano.state_dict()[key], wrapped[f"module.{key}"])


@pytest.mark.parametrize("key", ["state_dict", "net", "model", "model_state_dict", ""])
@pytest.mark.parametrize("prefix", ["module.module.", "_orig_mod.", "model.", "net._orig_mod."])
def test_what_other_trainings_wrap_a_model_in(nano: torch.nn.Module, tmp_path: Path, key: str, prefix: str) -> None:
    wrapped = {prefix + name: value for name, value in nano.state_dict().items()}
    torch.save({"epoch": 3, key: wrapped} if key else wrapped, tmp_path / "a.pth")
    assert compare_keys(nano, read_state_dict(tmp_path / "a.pth")).fits


class Settings:
    """Stands for what Lightning keeps beside the weights."""

    def __init__(self, lr: float) -> None:
        self.lr = lr


def test_a_checkpoint_of_lightning(nano: torch.nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("pytorch_lightning")
    module.Settings = Settings  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pytorch_lightning", module)
    monkeypatch.setattr(Settings, "__module__", "pytorch_lightning")
    content = {
        "pytorch-lightning_version": "2.4.0",
        "state_dict": {f"model.{name}": value for name, value in nano.state_dict().items()},
        "hyper_parameters": {"nested": Settings(lr=0.1)},
        "args": argparse.Namespace(lr=0.1),
        "callbacks": {"ModelCheckpoint{'mode': 'min'}": {"best_model_score": torch.tensor(1.0)}},
        "optimizer_states": [{"state": {}, "param_groups": [{"lr": 0.1}]}],
    }
    torch.save(content, tmp_path / "last.ckpt")
    monkeypatch.delitem(sys.modules, "pytorch_lightning")
    assert compare_keys(nano, read_state_dict(tmp_path / "last.ckpt")).fits
    content["state_dict"]["loss.weight"] = torch.ones(2)  # type: ignore[index]
    content["hyper_parameters"] = {}
    torch.save(content, tmp_path / "more.ckpt")
    assert compare_keys(nano, read_state_dict(tmp_path / "more.ckpt")).unexpected == ("loss.weight",)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16, torch.float8_e5m2])
def test_weights_that_are_no_numbers_are_refused(
    nano: torch.nn.Module, tmp_path: Path, number: float, kind: torch.dtype
) -> None:
    state = {name: value.to(kind) if value.is_floating_point() else value for name, value in nano.state_dict().items()}
    second, third = list(state)[1:3]
    for key in (second, third):
        state[key] = state[key].float().flatten().index_fill(0, torch.tensor([1]), number).view_as(state[key]).to(kind)
    for name, save in (("a.pth", torch.save), ("a.safetensors", save_file)):
        if kind != torch.float8_e5m2 or name == "a.pth":
            save(state, tmp_path / name)
            with pytest.raises(
                SnapshotError, match=rf"{name}: weight '({second}|{third})' is not finite: 1 of its \d+ values"
            ):
                load_snapshot(nano, tmp_path / name)


def test_the_largest_numbers_are_numbers(tmp_path: Path) -> None:
    state = {str(kind): torch.full((9,), torch.finfo(kind).max, dtype=kind) for kind in (torch.float16, torch.float32)}
    torch.save(state, tmp_path / "a.pth")
    assert len(read_state_dict(tmp_path / "a.pth")) == 2


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<!DOCTYPE html><html><title>Quota exceeded</title></html>", r"web page \(HTML\), not weights.*browser"),
        (b"\xef\xbb\xbf\r\n  <HTML lang='en'>", r"web page \(HTML\)"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", r"answer \(XML\)"),
        (b'{"error": "Invalid username or password."}', r"answer \(JSON\)"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", r"Git LFS pointer.*`git lfs pull`"),
        (b"/annex/objects/SHA256E-s9--0.pth\n", r"git-annex pointer.*`git annex get`"),
        (b"\x1f\x8b\x08\x00more", "compressed archive: unpack it"),
        (b"", "its download or copy never began"),
    ],
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".mat"])
def test_what_lies_about_instead_of_weights_is_named(tmp_path: Path, content: bytes, told: str, suffix: str) -> None:
    file = tmp_path / f"x{suffix}"
    file.write_bytes(content)
    with pytest.raises(SnapshotError, match=f"{file} is.*{told}"):
        read_state_dict(file)


def test_a_zip_that_holds_a_snapshot_is_not_one(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.pth", "w") as archive:
        archive.writestr("nanotrack/model.pth", b"1")
    with pytest.raises(SnapshotError, match=r"model\.pth is a zip archive, but not one of torch: unpack it"):
        read_state_dict(tmp_path / "model.pth")


def test_other_architecture_lists_all_three_kinds_and_changes_nothing(nano: torch.nn.Module, tmp_path: Path) -> None:
    before = {k: v.clone() for k, v in nano.state_dict().items()}
    state = OrderedDict(nano.state_dict())
    del state["ban_head.cls_pred.0.bias"]
    state["extra.weight"] = torch.zeros(1)
    state["ban_head.bbox_pred.0.bias"] = torch.zeros(7)
    torch.save(state, tmp_path / "b.pth")
    with pytest.raises(SnapshotError) as caught:
        load_snapshot(nano, tmp_path / "b.pth")
    text = str(caught.value)
    assert "missing (1): ban_head.cls_pred.0.bias" in text and "unexpected (1): extra.weight" in text
    assert "wrong shape (1): ban_head.bbox_pred.0.bias: snapshot (7,), model (4,)" in text
    assert all(torch.equal(before[k], v) for k, v in nano.state_dict().items())


def test_snapshot_of_another_version_is_refused(shared: Path, nano: torch.nn.Module) -> None:
    with pytest.raises(SnapshotError, match=r"does not fit(.|\n)*missing \(\d+\)(.|\n)*and \d+ more"):
        load_snapshot(nano, shared / "data" / "weights" / "nanotrackv3.pth")


def test_code_in_a_snapshot_never_runs(nano: torch.nn.Module, tmp_path: Path) -> None:
    trap = tmp_path / "trapped"
    torch.save({"state_dict": nano.state_dict(), "x": Bomb(trap)}, tmp_path / "zip.pth")
    (tmp_path / "raw.pth").write_bytes(pickle.dumps({"state_dict": Bomb(trap)}, protocol=2))
    for name in ("zip.pth", "raw.pth"):
        with pytest.raises(SnapshotError, match="was refused") as caught:
            load_snapshot(nano, tmp_path / name)
        assert "nsupported" in str(caught.value)
        assert "`False`" not in str(caught.value)
    assert not trap.exists()


def test_truncated_and_missing_files(nano: torch.nn.Module, tmp_path: Path) -> None:
    whole = tmp_path / "whole.pth"
    torch.save(nano.state_dict(), whole)
    content = whole.read_bytes()
    for share in (0, 0.01, 0.5, 0.99):
        part = tmp_path / "part.pth"
        part.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(SnapshotError, match=r"part\.pth"):
            load_snapshot(nano, part)
    with pytest.raises(SnapshotError, match="does not exist"):
        load_snapshot(nano, tmp_path / "none.pth")


@pytest.mark.parametrize("content", [[1, 2], {}, {"state_dict": {}}, {"state_dict": 3}, {"a": 1}])
def test_files_without_weights_are_described(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "c.pth")
    with pytest.raises(SnapshotError, match="holds no weights"):
        read_state_dict(tmp_path / "c.pth")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_random_bytes_only_ever_give_snapshot_errors(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "noise.pth"
    path.write_bytes(content)
    with pytest.raises(SnapshotError):
        read_state_dict(path)


def test_search_order_and_message(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError) as caught:
        find_snapshot("siamrpn_r50_l234_dwxcorr_8gpu")
    for part in ("zoo/siamrpn_r50_l234_dwxcorr_8gpu.pth", "cache", "model.pth", "PYSOT_ZOO", "pysot zoo list"):
        assert part in str(caught.value)
    (tmp_path / "zoo").mkdir()
    own = tmp_path / "zoo" / "siamrpn_r50_l234_dwxcorr.pth"
    own.write_bytes(b"x")
    assert find_snapshot("siamrpn_r50_l234_dwxcorr") == own
    assert find_snapshot(own) == own
    assert find_snapshot(own.name) == own


@pytest.mark.parametrize("name", ["atom", "atom_r18", "atom_r18_vot", "atom_default.pth"])
def test_one_file_answers_to_all_its_names(tmp_path: Path, name: str) -> None:
    (tmp_path / "zoo").mkdir()
    file = tmp_path / "zoo" / "atom.pth"
    file.write_bytes(b"x")
    assert find_snapshot(name) == file
    if name == "atom_r18":  # the experiment's own comes first
        (tmp_path / "zoo" / "atom_r18.pth").write_bytes(b"y")
        assert find_snapshot(name) == tmp_path / "zoo" / "atom_r18.pth"


def test_the_backbone_of_a_published_config_is_found_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "zoo").mkdir()
    for file, path in (("resnet50.model", "resnet50.model"), ("resnet18-f37072fd.pth", "resnet18.pth")):
        (tmp_path / "zoo" / file).write_bytes(b"x")
        if file == "resnet50.model":
            assert find_snapshot(f"pretrained_models/{path}").name == file
        else:
            with pytest.raises(SnapshotError, match="is not the published resnet18: sha256"):
                find_snapshot(f"pretrained_models/{path}")
    with pytest.raises(SnapshotError, match="was not found"):
        find_snapshot("elsewhere/resnet50.model")


def test_the_mismatch_can_be_read_by_a_program(nano: torch.nn.Module, tmp_path: Path) -> None:
    torch.save({"extra": torch.zeros(2)}, tmp_path / "a.pth")
    with pytest.raises(MismatchError) as caught:
        load_snapshot(nano, tmp_path / "a.pth")
    assert caught.value.report.unexpected == ("extra",) and len(caught.value.report.missing) > 100


def test_a_catalog_file_with_another_hash_is_refused(tmp_path: Path) -> None:
    (tmp_path / "zoo").mkdir()
    (tmp_path / "zoo" / "nanotrackv2.pth").write_bytes(b"something else")
    with pytest.raises(SnapshotError, match="is not the published nanotrack_v2: sha256"):
        find_snapshot("nanotrack_v2")
