"""Snapshots in the safetensors format: found by name and read as strictly as any other."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from pysot.core.errors import SnapshotError
from pysot.zoo import locate
from pysot.zoo.loading import load_snapshot, read_state_dict
from pysot.zoo.locate import find_snapshot


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSOT_ZOO", str(tmp_path / "zoo"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(locate, "experiments_dir", lambda: tmp_path / "experiments")


@pytest.fixture
def layer() -> torch.nn.Module:
    return torch.nn.Linear(3, 2)


def put(path: Path, layer: torch.nn.Module) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({f"module.{key}": value + 1 for key, value in layer.state_dict().items()}, path)
    return path


def test_loads_into_a_model(layer: torch.nn.Module, tmp_path: Path) -> None:
    before = {key: value.clone() for key, value in layer.state_dict().items()}
    load_snapshot(layer, put(tmp_path / "a.safetensors", layer))
    torch.testing.assert_close(dict(layer.state_dict()), {key: value + 1 for key, value in before.items()})


@pytest.mark.parametrize("place", ["experiments/mine/model", "zoo/mine/model", "zoo/mine"])
def test_found_by_the_name_of_the_experiment(layer: torch.nn.Module, tmp_path: Path, place: str) -> None:
    old = tmp_path / f"{place}.pth"
    old.parent.mkdir(parents=True)
    torch.save(layer.state_dict(), old)
    assert find_snapshot("mine") == old
    new = put(tmp_path / f"{place}.safetensors", layer)
    assert find_snapshot("mine") == new
    assert find_snapshot(new) == new


def test_found_by_its_file_name_in_the_zoo(layer: torch.nn.Module, tmp_path: Path) -> None:
    path = put(tmp_path / "zoo" / "mine.safetensors", layer)
    assert find_snapshot("mine.safetensors") == path
    with pytest.raises(SnapshotError, match=r"zoo/other\.safetensors(.|\n)*experiments/other/model\.safetensors"):
        find_snapshot("other")


def test_truncated_and_empty_files(layer: torch.nn.Module, tmp_path: Path) -> None:
    content = put(tmp_path / "whole.safetensors", layer).read_bytes()
    for length in range(1, len(content)):
        (tmp_path / "part.safetensors").write_bytes(content[:length])
        with pytest.raises(SnapshotError, match=rf"part\.safetensors \({length} bytes\) is not a whole"):
            read_state_dict(tmp_path / "part.safetensors")
    save_file({}, tmp_path / "empty.safetensors")
    with pytest.raises(SnapshotError, match="holds no weights"):
        read_state_dict(tmp_path / "empty.safetensors")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_random_bytes_only_ever_give_snapshot_errors(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "noise.safetensors"
    path.write_bytes(content)
    with pytest.raises(SnapshotError):
        read_state_dict(path)
