"""Files fetched by hand get their name, are checked and noted; archives cannot write anywhere else."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pysot.core.errors import SnapshotError
from pysot.zoo.add import add_file
from pysot.zoo.catalog import CATALOG
from pysot.zoo.hashing import Trust
from pysot.zoo.locate import find_snapshot


@pytest.fixture(autouse=True)
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYSOT_ZOO", str(tmp_path / "zoo"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "zoo"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "downloads" / "DiMP (1).pth"
    path.parent.mkdir()
    torch.save({"net": {"w": torch.arange(3.0)}}, path)
    return path


def test_a_file_gets_its_name_and_its_hash_is_noted(file: Path, zoo: Path) -> None:
    added = add_file(file, "dimp50")
    assert (added.name, added.path, added.trust, added.tensors) == ("dimp50", zoo / "dimp50.pth", Trust.PINNED, 1)
    assert find_snapshot("dimp_r50") == added.path
    assert (zoo / "dimp50.pth.sha256").read_text().startswith(hashlib.sha256(file.read_bytes()).hexdigest())
    assert add_file(file, "dimp50") == added  # once more does no harm
    torch.save({"net": {"w": torch.zeros(3)}}, file)
    with pytest.raises(SnapshotError, match="is not the first dimp50: sha256"):
        add_file(file, "dimp50")


def test_a_file_is_recognized_by_its_hash_or_name(
    file: Path, zoo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(SnapshotError, match=r"not known by its hash or its name\. Say what it is: --as NAME"):
        add_file(file)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    monkeypatch.setitem(CATALOG, "nanotrack_v1", replace(CATALOG["nanotrack_v1"], sha256=sha256))
    assert add_file(file).path == zoo / "nanotrackv1.pth"
    assert not (zoo / "nanotrackv1.pth.sha256").exists()  # the catalog has it
    renamed = file.rename(tmp_path / "atom_default.pth")
    assert add_file(renamed).name == "nanotrack_v1"
    torch.save({"net": {"w": torch.zeros(1)}}, renamed)
    assert add_file(renamed).path == zoo / "atom.pth"


def test_another_file_than_the_published_one_is_refused(file: Path, zoo: Path) -> None:
    with pytest.raises(SnapshotError, match=r"is not the published nanotrack_v2: sha256 .* --as NAME"):
        add_file(file, "nanotrack_v2")
    assert not zoo.exists()
    assert add_file(file, "my_own").path == zoo / "my_own.pth"


def test_a_converted_file_stands_beside_the_published_one(tmp_path: Path, zoo: Path) -> None:
    save_file({"w": torch.zeros(1)}, tmp_path / "a.safetensors")
    assert add_file(tmp_path / "a.safetensors", "nanotrack_v2").path == zoo / "nanotrack_v2.safetensors"
    assert find_snapshot("nanotrack_v2") == zoo / "nanotrack_v2.safetensors"


@pytest.mark.parametrize("name", ["../out", "/etc/x", "a/b", ".hidden", ".."])
def test_names_that_lead_elsewhere_are_refused(file: Path, name: str) -> None:
    with pytest.raises(SnapshotError, match="cannot be a snapshot's name"):
        add_file(file, name)


def test_what_is_no_snapshot_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.pth").write_text("<html>quota exceeded</html>")
    with pytest.raises(SnapshotError, match=r"page\.pth is a web page \(HTML\), not weights"):
        add_file(tmp_path / "page.pth", "dimp50")
    with pytest.raises(SnapshotError, match="does not exist"):
        add_file(tmp_path / "gone.pth", "dimp50")


def members(file: Path) -> dict[str, bytes]:
    return {"../../../escaped/DiMP50.pth": file.read_bytes(), "README.txt": b"text"}


def test_a_zip_cannot_write_elsewhere(file: Path, zoo: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, content in members(file).items():
            archive.writestr(name, content)
    assert add_file(tmp_path / "a.zip", "dimp50").path.read_bytes() == file.read_bytes()
    assert not list(tmp_path.rglob("escaped")) and not (tmp_path.parent / "escaped").exists()


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_tar_cannot_write_elsewhere_nor_link(file: Path, tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members(file).items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("other.pth")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert add_file(path, "dimp50").path.read_bytes() == file.read_bytes()
    assert not (tmp_path.parent / "escaped").exists()


def test_archives_with_several_snapshots_or_none(file: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.pth", file.read_bytes())
        archive.writestr("b.pth", file.read_bytes())
    with pytest.raises(SnapshotError, match=r"holds 2 snapshots: a\.pth, b\.pth\. Unpack it by hand"):
        add_file(tmp_path / "a.zip", "dimp50")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("a.txt", "text")
    with pytest.raises(SnapshotError, match="holds 0 snapshots"):
        add_file(tmp_path / "b.zip", "dimp50")
    (tmp_path / "b.zip").write_bytes((tmp_path / "a.zip").read_bytes()[:200] + bytes(22))
    with pytest.raises(SnapshotError):
        add_file(tmp_path / "b.zip", "dimp50")


def test_a_check_can_refuse(file: Path, zoo: Path) -> None:
    def refuse(path: Path, name: str) -> dict[str, torch.Tensor]:
        raise SnapshotError(f"{name} does not fit")

    with pytest.raises(SnapshotError, match="dimp50 does not fit"):
        add_file(file, "dimp50", check=refuse)
    assert not zoo.exists()
