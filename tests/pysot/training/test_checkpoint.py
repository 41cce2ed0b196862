"""Checkpoints: whole after a kill or a full disk, safe to read, the right one found, exact random states."""

from __future__ import annotations

import logging
import multiprocessing
import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open

from pysot.core.errors import SnapshotError, TrainingError
from pysot.training.checkpoint import (
    epoch_path,
    export_snapshot,
    find_latest,
    keep_last,
    load_checkpoint,
    rng_state,
    save_checkpoint,
    set_rng_state,
)
from pysot.zoo.loading import read_state_dict


def state_after(epoch: int, iteration: int = 0, size: int = 8) -> dict[str, Any]:
    """A checkpoint whose every weight is `epoch`."""
    weights = {"w": torch.full((size,), float(epoch))}
    return {"epoch": epoch, "iteration": iteration, "state_dict": weights, "optimizer": {}}


def write(folder: Path, name: str, epoch: int, iteration: int = 0) -> Path:
    save_checkpoint(folder / name, state_after(epoch, iteration))
    return folder / name


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = b""
    path.write_bytes(content)


def test_parts_under_their_old_names_are_read(tmp_path: Path) -> None:
    weights = {"model.w": torch.ones(1), "judges.d_app.w": torch.zeros(2), "judges.d_mot.w": torch.zeros(3)}
    save_checkpoint(tmp_path / "old.pth", {**state_after(1), "learner": weights})
    learner = load_checkpoint(tmp_path / "old.pth")["learner"]
    assert {key: len(value) for key, value in learner.items()} == {
        "model.w": 1,
        "discriminators.d_app.w": 2,
        "discriminators.d_mot.w": 3,
    }


def test_round_trip_with_optimizer(tmp_path: Path) -> None:
    layer = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=0.1, betas=(0.8, 0.9))
    layer(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    saved = {
        "epoch": 2,
        "state_dict": layer.state_dict(),
        "optimizer": optimizer.state_dict(),
        "best": np.float64(0.25),
        "schedule": {"kind": "log", "steps": [1, (2, None)], "warm": True},
    }
    save_checkpoint(tmp_path / "new" / "a.pth", saved)
    loaded = load_checkpoint(tmp_path / "new" / "a.pth")
    assert list(loaded) == list(saved) and loaded["schedule"] == saved["schedule"] and loaded["best"] == 0.25
    torch.testing.assert_close(loaded["state_dict"], saved["state_dict"], rtol=0, atol=0)
    other = torch.optim.AdamW(layer.parameters())
    other.load_state_dict(loaded["optimizer"])
    assert other.param_groups[0]["betas"] == (0.8, 0.9)
    torch.testing.assert_close(other.state_dict()["state"], optimizer.state_dict()["state"], rtol=0, atol=0)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.pth"]


def draw() -> list[float]:
    numbers = [random.random(), random.gauss(0, 1), np.random.rand(), np.random.standard_normal()]  # noqa: NPY002
    return numbers + torch.randn(3).tolist() + torch.randperm(5).tolist()


def test_random_states_go_through_a_file(tmp_path: Path) -> None:
    before = rng_state()
    random.gauss(0, 1)  # both generators now hold the second number of a pair
    np.random.standard_normal()  # noqa: NPY002
    save_checkpoint(tmp_path / "a.pth", {**state_after(1), "rng": rng_state()})
    first, second = draw(), draw()
    set_rng_state(load_checkpoint(tmp_path / "a.pth")["rng"])
    assert draw() == first and draw() == second != first
    set_rng_state(before)


@pytest.mark.parametrize(
    ("value", "where"), [(Path("x"), "Path"), (np.zeros(2), "ndarray"), (np.float32(1), "float32")]
)
def test_what_cannot_be_read_back_is_refused_and_named(tmp_path: Path, value: object, where: str) -> None:
    path = write(tmp_path, "latest.pth", 1)
    with pytest.raises(TrainingError, match=rf"{where}.*\['extra'\]\[1\]\['x'\]"):
        save_checkpoint(path, {**state_after(2), "extra": [0, {"x": value}]})
    assert load_checkpoint(path)["epoch"] == 1


def _kill_at(call: str, path: Path) -> None:
    setattr(os, call, lambda *args: os.kill(os.getpid(), signal.SIGKILL))
    save_checkpoint(path, state_after(2))


def _write_forever(path: Path) -> None:
    for epoch in range(2, 10**6):
        save_checkpoint(path, state_after(epoch, size=300_000))


def killed(target: Any, arguments: tuple[Any, ...], delay: float | None = None) -> None:
    """Runs `target` in a child that ends by SIGKILL: by itself, or from here after `delay` seconds."""
    child = multiprocessing.get_context("fork").Process(target=target, args=arguments)
    child.start()
    if delay is not None:
        time.sleep(delay)
        child.kill()
    child.join(20)
    assert child.exitcode == -signal.SIGKILL


needs_fork = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork on this system")


@needs_fork
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_killed_while_writing_keeps_the_old_one(tmp_path: Path, call: str) -> None:
    path = write(tmp_path, "latest.pth", 1)
    killed(_kill_at, (call, path))
    assert load_checkpoint(path)["epoch"] == 1 and find_latest(tmp_path) == path
    write(tmp_path, "latest.pth", 3)
    assert load_checkpoint(path)["epoch"] == 3
    assert [file.name for file in tmp_path.iterdir()] == ["latest.pth"]  # what the killed run left is gone


@needs_fork
def test_killed_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    path = write(tmp_path, "latest.pth", 1)
    reached = []
    for delay in np.random.default_rng(0).uniform(0.02, 0.15, 12):
        killed(_write_forever, (path,), float(delay))
        content = load_checkpoint(path)
        assert (content["state_dict"]["w"] == content["epoch"]).all()
        reached.append(content["epoch"])
    assert max(reached) > 2  # the children did get to write


needs_dev_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")


@needs_dev_full
@pytest.mark.parametrize("size", [8, 300_000])
def test_a_full_disk_keeps_the_old_checkpoint(tmp_path: Path, size: int) -> None:
    path = write(tmp_path, "latest.pth", 1)
    part = tmp_path / ".latest.pth.part"
    part.symlink_to("/dev/full")  # every write to it fails with the kernel's own "no space left on device"
    with pytest.raises(TrainingError) as caught:
        save_checkpoint(path, state_after(2, size=size))
    text = str(caught.value)
    assert str(path) in text and "No space left" in text and "old latest.pth is whole" in text and "--resume" in text
    assert f"It needs {size * 4 / 2**20:.1f} MiB" in text or size == 8
    assert load_checkpoint(path)["epoch"] == 1 and [file.name for file in tmp_path.iterdir()] == ["latest.pth"]


def test_a_disk_that_fills_up_in_the_middle(tmp_path: Path) -> None:
    """A limit on the size of files, the kernel's: some of the bytes are written, then no more."""
    resource = pytest.importorskip("resource")
    path = write(tmp_path, "latest.pth", 1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        with pytest.raises(TrainingError, match="cannot be written"):
            save_checkpoint(path, state_after(2, size=300_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert load_checkpoint(path)["epoch"] == 1 and [file.name for file in tmp_path.iterdir()] == ["latest.pth"]


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="cannot be written"):
        save_checkpoint(tmp_path / "file" / "latest.pth", state_after(1))


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match=r"none\.pth does not exist"):
        load_checkpoint(tmp_path / "none.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(SnapshotError, match=r"not a checkpoint: .* found a list"):
        load_checkpoint(tmp_path / "list.pth")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), cut=st.booleans())
def test_damage_is_never_loaded(tmp_path: Path, where: float, bit: int, cut: bool) -> None:
    state = state_after(5, size=4000)
    path = tmp_path / "a.pth"
    save_checkpoint(path, state)
    content = bytearray(path.read_bytes())
    position = int(where * len(content))
    if cut:
        content[position:] = b""
    else:
        content[position] ^= 1 << bit
    path.write_bytes(content)
    with suppress(SnapshotError):
        loaded = load_checkpoint(path)
        assert not cut  # only a bit that means nothing, such as padding, may pass
        torch.testing.assert_close(loaded, state, rtol=0, atol=0)


def test_a_flipped_bit_among_the_weights_is_seen(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "a.pth", state_after(5, size=4000))
    content = bytearray((tmp_path / "a.pth").read_bytes())
    content[content.index(torch.tensor(5.0).numpy().tobytes() * 8) + 3] ^= 1
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(SnapshotError, match="checksum"):
        load_checkpoint(tmp_path / "a.pth")


def test_resume_picks_the_furthest_whole_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert find_latest(tmp_path) is None and find_latest(tmp_path / "none") is None
    best = write(tmp_path, "best.pth", 2)
    assert find_latest(tmp_path) == best
    nine, ten = write(tmp_path, "checkpoint_e9.pth", 9), write(tmp_path, "checkpoint_e10.pth", 10)
    assert find_latest(tmp_path) == ten == epoch_path(tmp_path, 10)
    write(tmp_path, "latest.pth", 9, iteration=300)
    assert find_latest(tmp_path) == ten
    latest = write(tmp_path, "latest.pth", 10, iteration=1)
    assert find_latest(tmp_path) == latest
    assert not caplog.records
    damage(latest)
    damage(ten)
    with caplog.at_level(logging.WARNING):
        assert find_latest(tmp_path) == nine
    assert "latest.pth" in caplog.text and "checkpoint_e10.pth" in caplog.text


def test_files_a_run_cannot_go_on_from_are_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    torch.save({"state_dict": {"w": torch.zeros(1)}, "epoch": 7}, tmp_path / "latest.pth")
    (tmp_path / "checkpoint_efinal.pth").write_bytes(b"someone's own file")
    with caplog.at_level(logging.WARNING):
        assert find_latest(tmp_path) is None
    assert "latest.pth has no optimizer" in caplog.text


def test_keep_last(tmp_path: Path) -> None:
    for epoch in (1, 2, 9, 10, 11):
        write(tmp_path, f"checkpoint_e{epoch}.pth", epoch)
    write(tmp_path, "best.pth", 1)
    assert keep_last(tmp_path, 0) == []
    assert [path.name for path in keep_last(tmp_path, 2)] == [f"checkpoint_e{epoch}.pth" for epoch in (1, 2, 9)]
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"best.pth", "checkpoint_e10.pth", "checkpoint_e11.pth"}


def test_exported_snapshot(tmp_path: Path) -> None:
    shared = torch.randn(4, 3)
    state = {"module.a": shared, "module.b": shared[1:], "module.c": shared.t(), "module.n": torch.tensor(7)}
    path = tmp_path / "model.safetensors"
    export_snapshot({"epoch": 3, "state_dict": state}, path, {"seed": "1"})
    loaded = read_state_dict(path)
    expected = {key.removeprefix("module."): value for key, value in state.items()}
    torch.testing.assert_close(loaded, expected, rtol=0, atol=0)
    with safe_open(path, framework="pt") as file:
        assert file.metadata() == {"format": "pt", "seed": "1"}
    for _ in range(10):
        export_snapshot(expected, tmp_path / "again.safetensors", {"seed": "1"})
        assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()
    with pytest.raises(TrainingError, match="no weights"):
        export_snapshot({"epoch": 3}, path, {})
