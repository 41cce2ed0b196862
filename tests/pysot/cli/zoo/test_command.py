"""`tools/zoo.py`: the list, a snapshot's facts, fetching, checking, adding; and the page made of the catalog."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pysot.cli.main import main
from pysot.cli.zoo import add as zoo_add
from pysot.cli.zoo import page as zoo_page
from pysot.config.loading import load_config
from pysot.models.builder import build_model
from pysot.zoo import http
from pysot.zoo.catalog import CATALOG
from pysot.zoo.entry import FAMILIES
from pysot.zoo.locate import find_snapshot
from tests.pysot.zoo.server import zoo_server


@pytest.fixture(autouse=True)
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty zoo."""
    folder = tmp_path / "zoo"
    folder.mkdir()
    monkeypatch.setenv("PYSOT_ZOO", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return folder


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(["zoo", *arguments]) == code
    out, err = capsys.readouterr()
    return out + err


def test_the_list_fits_a_terminal_and_tells_the_licenses(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "list").splitlines()
    table = {line.split()[0]: line for line in lines[1:-1]}
    assert set(table) == set(CATALOG) and max(map(len, lines[:-1])) <= 100
    assert all(table[name].endswith(entry.license) for name, entry in CATALOG.items())
    assert re.search(r"ours +3\.9 MB +sha256", table["siamrpn_tiny"])
    assert re.search(r" no +\? +unverified", table["dimp50"])


def test_the_list_is_filtered(capsys: pytest.CaptureFixture[str], zoo: Path) -> None:
    (zoo / "atom.pth").write_bytes(b"weights")
    for family in FAMILIES:
        rows = said(capsys, "list", "--family", family).splitlines()[1:-1]
        assert [row.split()[0] for row in rows] == [e.name for e in CATALOG.values() if e.family == family]
    rows = said(capsys, "list", "--downloaded").splitlines()[1:-1]
    assert {row.split()[0] for row in rows} == {"atom", *(e.name for e in CATALOG.values() if e.is_own)}
    atoms = said(capsys, "list", "--family", "atom", "--downloaded").splitlines()[1:-1]
    assert atoms[-1].split()[:3] == ["atom", "atom", "yes"]


@pytest.mark.parametrize("name", CATALOG)
def test_the_facts_of_every_snapshot(capsys: pytest.CaptureFixture[str], name: str) -> None:
    entry, text = CATALOG[name], said(capsys, "info", name)
    assert entry.license in text and entry.origin in text
    assert entry.is_own or f"pysot zoo download {name}" in text
    assert entry.is_verified or "unverified" in text or "8 digits" in text


def test_a_misspelt_name_is_met_with_the_closest(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no snapshot 'dimp5'. Did you mean 'dimp50'?" in said(capsys, "info", "dimp5", code=2)


def test_what_is_here_need_not_be_fetched(capsys: pytest.CaptureFixture[str]) -> None:
    assert "experiments/siamrpn_tiny/model.safetensors" in said(capsys, "download", "siamrpn_tiny")
    assert "Nothing to fetch" in said(capsys, "download", code=1)


def test_what_cannot_be_fetched_is_explained(capsys: pytest.CaptureFixture[str], zoo: Path) -> None:
    text = said(capsys, "download", "siamrpn_tiny", "dimp_r50", code=1)
    assert "siamrpn_tiny: " in text and "uc?id=1qgachgqks2UGjKx-GdO1qylBDdB1f9KN" in text
    assert "pysot zoo add FILE --as dimp50" in text and str(zoo) in text


def test_a_run_says_what_it_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "--snapshot", "dimp50", "--config", "dimp_r50", "--dataset", "SYNTH"]) == 2
    text = capsys.readouterr().err
    assert "uc?id=1qgachgqks2UGjKx" in text and "dimp50.pth" in text and "pysot zoo add FILE --as dimp50" in text
    assert main(["test", "--snapshot", "dimp50", "--dataset", "SYNTH"]) == 2  # the catalog knows its config
    assert "By hand: fetch dimp50.pth" in capsys.readouterr().err


def test_a_run_fetches_what_it_lacks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, shared: Path, zoo: Path
) -> None:
    monkeypatch.delenv("PYSOT_OFFLINE", raising=False)
    with zoo_server() as server:
        server.content = (shared / "data" / "weights" / "nanotrackv1.pth").read_bytes()
        monkeypatch.setitem(CATALOG, "nanotrack_v1", replace(CATALOG["nanotrack_v1"], urls=(f"{server.url}/cut",)))
        monkeypatch.setattr(http, "PAUSE_S", 0.01)
        command = ["test", "--snapshot", "nanotrack_v1", "--dataset", "SYNTH", "--video", "fast_motion_1"]
        assert main([*command, "--device", "cpu"]) == 0, capsys.readouterr().err
        assert len(server.requests) == 3  # cut off twice
    assert (zoo / "nanotrackv1.pth").is_file() and "1 sequence(s) run" in capsys.readouterr().out


def test_hashes_are_compared(capsys: pytest.CaptureFixture[str], shared: Path, zoo: Path) -> None:
    shutil.copy(shared / "data" / "weights" / "nanotrackv1.pth", zoo)
    text = said(capsys, "verify", "--read")
    assert f"nanotrack_v1: verified: {zoo / 'nanotrackv1.pth'}\n  231 tensors" in text
    assert "siamrpn_tiny: verified" in text
    with (zoo / "nanotrackv1.pth").open("ab") as file:
        file.write(b"x")
    assert "nanotrack_v1: WRONG: " in said(capsys, "verify", code=1)
    assert said(capsys, "verify", "dimp50") == "dimp50: not here\n"


def test_a_file_fetched_by_hand_is_compared_with_its_model(capsys: pytest.CaptureFixture[str], zoo: Path) -> None:
    state = build_model(load_config("siamrpn_alex_dwxcorr")).state_dict()
    torch.save({"state_dict": state}, "model.pth")
    assert "hash as first fetched" in said(capsys, "add", "model.pth", "--as", "siamrpn_alex_dwxcorr")
    assert find_snapshot("siamrpn_alex_dwxcorr") == zoo / "siamrpn_alex_dwxcorr.pth"
    assert "siamrpn_alex_dwxcorr: as first fetched" in said(capsys, "verify", "siamrpn_alex_dwxcorr")
    assert "does not fit" in said(capsys, "add", "model.pth", "--as", "siammask_r50_l3", code=2)
    assert "not known by its hash or its name" in said(capsys, "add", "model.pth", code=2)


def test_the_row_of_a_snapshot_of_ours(
    capsys: pytest.CaptureFixture[str], repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = said(capsys, "add", str(repo / "experiments" / "siamrpn_tiny" / "model.safetensors"))
    entry = CATALOG["siamrpn_tiny"]
    for wanted in ("_own(", '"siamrpn_tiny"', 'family="siamrpn"', f'sha256="{entry.sha256}"', f"size={entry.size}"):
        assert wanted in text
    monkeypatch.setattr(zoo_add, "experiments_dir", lambda: tmp_path / "experiments")
    path = tmp_path / "experiments" / "siamrpn_tiny" / "model.safetensors"
    path.parent.mkdir(parents=True)
    save_file({"w": torch.zeros(1)}, path)
    assert "does not fit" in said(capsys, "add", str(path), code=2)


def test_the_page_is_up_to_date(capsys: pytest.CaptureFixture[str], repo: Path) -> None:
    assert zoo_page.page() == (repo / "MODEL_ZOO.md").read_text(), "Run: python tools/zoo.py page"
    assert said(capsys, "page", "--check") == ""


def test_the_page_holds_every_fact(repo: Path) -> None:
    text = (repo / "MODEL_ZOO.md").read_text()
    for entry in CATALOG.values():
        assert f"| {entry.name} | {entry.file} | {entry.sha256 or 'unverified'}" in text
        assert any(f"| {entry.name} |" in line and entry.license in line for line in text.splitlines())
        for scores in entry.published.values():
            assert all(f"{value:.3f}".removeprefix("0") in text for value in scores.values())
    assert (repo / "experiments" / "siamrpn_tiny" / "training.md").read_text() in text
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (repo / link).is_file(), link


def test_a_page_that_is_behind_is_noticed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zoo_page, "PAGE", tmp_path / "MODEL_ZOO.md")
    assert "needs a checkout" in said(capsys, "page", code=2)
    (tmp_path / "MODEL_ZOO.md").write_text("old")
    assert "is not up to date. Run: python tools/zoo.py page" in said(capsys, "page", "--check", code=1)
    said(capsys, "page")
    assert said(capsys, "page", "--check") == ""
    monkeypatch.setitem(CATALOG, "atom", replace(CATALOG["atom"], paper="another"))
    said(capsys, "page", "--check", code=1)
