"""Snapshots: found by name, read safely, loaded strictly."""

from __future__ import annotations

import hashlib
import http.server
import os
import pickle
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pysot
from pysot.core.config import load_config
from pysot.core.errors import SnapshotError
from pysot.models.builder import build_model
from pysot.zoo import locate
from pysot.zoo.catalogue import CATALOGUE
from pysot.zoo.loading import compare_keys, load_snapshot, read_state_dict
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
        find_snapshot("siamrpn_r50_l234_dwxcorr")
    for part in ("zoo/siamrpn_r50_l234_dwxcorr.pth", "cache", "model.pth", "PYSOT_ZOO", "nanotrack_v2"):
        assert part in str(caught.value)
    (tmp_path / "zoo").mkdir()
    own = tmp_path / "zoo" / "siamrpn_r50_l234_dwxcorr.pth"
    own.write_bytes(b"x")
    assert find_snapshot("siamrpn_r50_l234_dwxcorr") == own
    assert find_snapshot(own) == own
    assert find_snapshot(own.name) == own


def test_a_catalogue_file_with_another_hash_is_refused(tmp_path: Path) -> None:
    (tmp_path / "zoo").mkdir()
    (tmp_path / "zoo" / "nanotrackv2.pth").write_bytes(b"something else")
    with pytest.raises(SnapshotError, match="is not the published nanotrack_v2: sha256"):
        find_snapshot("nanotrack_v2")


CONTENT = b"weights" * 1000


@pytest.fixture
def server() -> Iterator[str]:
    """A real HTTP server on loopback: /good answers, /wrong sends other bytes, everything else is 404."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = {"/good": CONTENT, "/wrong": b"other"}.get(self.path)
            self.send_response(200 if body else 404)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()


def entry_with(monkeypatch: pytest.MonkeyPatch, *urls: str) -> None:
    entry = replace(CATALOGUE["nanotrack_v2"], sha256=hashlib.sha256(CONTENT).hexdigest(), urls=urls)
    monkeypatch.setitem(locate.CATALOGUE, "nanotrack_v2", entry)


def test_download_tries_the_links_in_order_and_keeps_only_checked_files(
    monkeypatch: pytest.MonkeyPatch, server: str, tmp_path: Path
) -> None:
    entry_with(monkeypatch, f"{server}/gone", f"{server}/wrong", f"{server}/good")
    path = find_snapshot("nanotrack_v2")
    assert path.read_bytes() == CONTENT and path.parent == tmp_path / "cache" / "pysot"
    assert [p.name for p in path.parent.iterdir()] == ["nanotrackv2.pth"]


def test_failed_download_names_every_link_and_the_way_by_hand(
    monkeypatch: pytest.MonkeyPatch, server: str, tmp_path: Path
) -> None:
    entry_with(monkeypatch, f"{server}/gone", f"{server}/wrong")
    with pytest.raises(SnapshotError) as caught:
        pysot.load_tracker("nanotrack_v2", device="cpu")
    text = str(caught.value)
    assert "/gone: HTTP Error 404" in text and "/wrong: " in text and "Fetch nanotrackv2.pth by hand" in text
    assert not list((tmp_path / "cache" / "pysot").iterdir())
    with pytest.raises(SnapshotError, match="was not found"):
        find_snapshot("nanotrack_v2", download=False)
