"""Files made to run code, to crash their reader or to fill its memory are refused, with the reason."""

from __future__ import annotations

import builtins
import importlib
import io
import os
import pickle
import resource
import struct
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pysot.core.errors import SnapshotError
from pysot.zoo.loading import read_state_dict, read_torch_file
from pysot.zoo.pickles import DEEPEST, why_refused

MAGIC = [0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}]
HEAD, TAIL = b"".join(pickle.dumps(part, protocol=2) for part in MAGIC), pickle.dumps([], protocol=2)
FORMS = ["old", "zip"]
DEEP = b"\x80\x02}" + b")" + b"\x85" * 1_000_000 + b"K\x01s."


def torch_file(path: Path, body: bytes, form: str) -> Path:
    """A torch file whose pickle is `body`."""
    if form == "old":
        path.write_bytes(HEAD + body + TAIL)
        return path
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (("data.pkl", body), ("version", b"3\n"), ("byteorder", b"little")):
            archive.writestr(f"archive/{name}", content)
    return path


def text(word: str) -> bytes:
    return b"X" + struct.pack("<I", len(word)) + word.encode()


def call(module: str, name: str, *arguments: str) -> bytes:
    return f"c{module}\n{name}\n(".encode() + b"".join(map(text, arguments)) + b"tR"


class Reduced:
    """Unpickling this would call `function`."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.function, self.arguments


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "body",
    [
        call("os", "system", "touch TRAP"),
        call("posix", "system", "touch TRAP"),
        call("subprocess", "Popen", "touch TRAP"),
        call("builtins", "eval", "open('TRAP', 'w')"),
        call("builtins", "exec", "open('TRAP', 'w')"),
        call("importlib", "import_module", "antigravity"),
        call("runpy", "run_path", "TRAP.py"),
        call("torch", "load", "TRAP"),
        call("torch.hub", "load_state_dict_from_url", "http://127.0.0.1:9/TRAP"),
        call("torch.serialization", "add_safe_globals", "TRAP"),
        call("numpy", "load", "TRAP"),
        call("pathlib", "Path", "TRAP"),
        call("codecs", "open", "TRAP", "w"),
        b"cantigravity\nfly\n",  # an import alone
        text("posix") + text("system") + b"\x93" + b"(" + text("touch TRAP") + b"tR",  # STACK_GLOBAL
        b"(" + text("touch TRAP") + b"ios\nsystem\n",  # INST
        b"(cos\nsystem\n" + text("touch TRAP") + b"o",  # OBJ
        b"\x82\x01",  # EXT1
        b"\x80\x02\x80\x05\x95" + struct.pack("<Q", 1 << 60) + b"N",  # a frame of an exabyte
    ],
)
def test_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: bytes, form: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = torch_file(tmp_path / "a.pth", b"\x80\x02}" + text("w") + body + b"s.", form)
    before = set(sys.modules)
    with pytest.raises(SnapshotError, match=r"a\.pth was refused|a\.pth .* cannot be read"):
        read_state_dict(path)
    assert not (tmp_path / "TRAP").exists() and not {"antigravity"} & (set(sys.modules) - before)


def test_the_reason_names_what_was_asked_for(tmp_path: Path) -> None:
    for function, name in (
        (os.system, "posix.system"),
        (builtins.eval, "GLOBAL eval was not an allowed global by default"),
        (importlib.reload, "reload"),
    ):
        torch.save({"state_dict": {"w": torch.zeros(1)}, "x": Reduced(function, "1")}, tmp_path / "a.pth")
        with pytest.raises(SnapshotError, match=name) as caught:
            read_state_dict(tmp_path / "a.pth")
        assert "add_safe_globals" not in str(caught.value)  # how to switch the safety off is no advice


@pytest.mark.parametrize("form", FORMS)
def test_deep_containers_are_refused(tmp_path: Path, form: str) -> None:
    # hashing a tuple of a million nested ones overflows the stack of the interpreter
    with pytest.raises(SnapshotError, match=f"was refused: its containers are more than {DEEPEST} deep"):
        read_torch_file(torch_file(tmp_path / "a.pth", DEEP, form))


@pytest.mark.parametrize("form", FORMS)
def test_exploding_tuples_are_refused(tmp_path: Path, form: str) -> None:
    # t = (t, t), forty times: a hash of it would take a day
    levels = b"".join(b"q" + bytes([k]) + b"h" + bytes([k]) + b"\x86" for k in range(40))
    with pytest.raises(SnapshotError, match="was refused: its containers unfold to more than"):
        read_torch_file(torch_file(tmp_path / "a.pth", b"\x80\x02}K\x01" + levels + b"K\x01s.", form))


def test_a_bomb_cannot_hide_behind_an_archive(tmp_path: Path) -> None:
    path = torch_file(tmp_path / "a.pth", DEEP, "old")
    harmless = io.BytesIO()
    torch.save({}, harmless)
    path.write_bytes(path.read_bytes() + harmless.getvalue())
    assert zipfile.is_zipfile(path)  # by its last bytes; torch goes by the first
    with pytest.raises(SnapshotError, match="deep"):
        read_torch_file(path)


@pytest.mark.parametrize("names", [["a/DATA.PKL"], ["a/data.pkl", "a/data.pkl"], ["a/data.pkl", "b/data.pkl"]])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_bomb_cannot_hide_in_an_archive(tmp_path: Path, names: list[str]) -> None:
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        for name, body in zip(names, [DEEP, pickle.dumps({}, protocol=2)], strict=False):
            archive.writestr(name, body)
        archive.writestr("a/version", b"3\n")
    with pytest.raises(SnapshotError, match="deep"):
        read_torch_file(tmp_path / "a.pth")


def test_blown_up_archives_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}, protocol=2))
        archive.writestr("archive/data/0", bytes(50_000_000))
    assert (tmp_path / "a.pth").stat().st_size < 100_000
    with pytest.raises(SnapshotError, match="was refused: its parts claim 50000"):
        read_state_dict(tmp_path / "a.pth")


def test_weights_that_the_file_does_not_hold_are_refused(tmp_path: Path) -> None:
    cases = {
        "expanded": torch.zeros(1).expand(1 << 40),
        "meta": torch.zeros(3, device="meta"),
        "sparse": torch.eye(3).to_sparse(),
    }
    for name, tensor in cases.items():
        torch.save({"a": torch.zeros(2), name: tensor}, tmp_path / "a.pth")
        with pytest.raises(SnapshotError, match=f"weight '{name}'|was refused"):
            read_state_dict(tmp_path / "a.pth")


@pytest.mark.parametrize("form", FORMS)
def test_huge_storages_cost_nothing(tmp_path: Path, form: str) -> None:
    stream = io.BytesIO()
    torch.save({"w": torch.arange(4.0)}, stream, _use_new_zipfile_serialization=form == "zip")
    content = stream.getvalue()
    claim = struct.pack("<i", 1 << 30)
    if form == "old":
        (tmp_path / "a.pth").write_bytes(content.replace(b"K\x04N", b"J" + claim + b"N"))
        assert claim in (tmp_path / "a.pth").read_bytes()
    else:
        with zipfile.ZipFile(stream) as source, zipfile.ZipFile(tmp_path / "a.pth", "w") as target:
            for member in source.infolist():
                target.writestr(member.filename, source.read(member).replace(b"K\x04t", b"J" + claim + b"t"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SnapshotError):
        read_state_dict(tmp_path / "a.pth")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


def test_keys_that_are_no_text_are_refused(tmp_path: Path) -> None:
    torch.save({3: torch.zeros(1)}, tmp_path / "a.pth")
    with pytest.raises(SnapshotError, match="a key of its state_dict is no text but a int"):
        read_state_dict(tmp_path / "a.pth")


@pytest.mark.parametrize("version", [1, 2, 3])
def test_published_files_are_not_suspected(shared: Path, version: int) -> None:
    assert why_refused(shared / "data" / "weights" / f"nanotrackv{version}.pth") == ""


def test_plain_files_are_not_suspected(tmp_path: Path) -> None:
    adam = {"state": {k: {"step": torch.tensor(1.0), "exp_avg": torch.zeros(2)} for k in range(2)}}
    adam["param_groups"] = [{"lr": 1e-3, "betas": (0.9, 0.999), "params": [0, 1]}]  # type: ignore[assignment]
    torch.save({"net": torch.nn.Linear(2, 2).state_dict(), "optimizer": adam}, tmp_path / "a.pth")
    assert why_refused(tmp_path / "a.pth") == ""
    assert list(read_state_dict(tmp_path / "a.pth")) == ["weight", "bias"]


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300), form=st.sampled_from(FORMS))
def test_random_pickles_only_ever_give_snapshot_errors(tmp_path: Path, body: bytes, form: str) -> None:
    with pytest.raises(SnapshotError):
        read_state_dict(torch_file(tmp_path / "noise.pth", b"\x80\x02" + body, form))


@lru_cache  # an old file holds an address, whose length is not always the same
def good_file(*, zipped: bool) -> bytes:
    stream = io.BytesIO()
    torch.save({"state_dict": {"w": torch.arange(6.0)}}, stream, _use_new_zipfile_serialization=zipped)
    return stream.getvalue()


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_only_ever_gives_snapshot_errors(tmp_path: Path, data: st.DataObject) -> None:
    """Bytes of a good file are changed: it is read as well as before, or refused."""
    content = bytearray(good_file(zipped=data.draw(st.booleans())))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.pth"
    path.write_bytes(content)
    with suppress(SnapshotError):
        assert all(isinstance(value, torch.Tensor) for value in read_state_dict(path).values())
