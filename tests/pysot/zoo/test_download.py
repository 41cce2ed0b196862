"""Downloads, from a real server: resumed, retried, checked, fetched once, and explained when they fail."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pysot.core.errors import SnapshotError
from pysot.zoo import download, drive, http
from pysot.zoo.catalog import CATALOG
from pysot.zoo.entry import ModelEntry
from pysot.zoo.entry import drive as drive_links
from pysot.zoo.hashing import Trust, check_hash
from pysot.zoo.http import TransferError, fetch_http, tag_file
from pysot.zoo.locate import find_snapshot
from tests.pysot.zoo.server import CONTENT, ZooServer, zoo_server

SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSOT_ZOO", str(tmp_path / "zoo"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("PYSOT_OFFLINE", raising=False)
    monkeypatch.setattr(http, "TIMEOUT_S", 0.4)
    monkeypatch.setattr(http, "PAUSE_S", 0.01)


@pytest.fixture
def server() -> Iterator[ZooServer]:
    with zoo_server() as running:
        yield running


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    return tmp_path / "zoo"


def put(monkeypatch: pytest.MonkeyPatch, *urls: str, sha256: str = SHA256) -> ModelEntry:
    """NanoTrack's row, with these links."""
    entry = replace(CATALOG["nanotrack_v2"], sha256=sha256, urls=urls, size=0)
    monkeypatch.setitem(CATALOG, "nanotrack_v2", entry)
    return entry


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


@pytest.mark.parametrize(
    ("path", "requests"),
    [("/good", 1), ("/away", 2), ("/no-ranges", 1), ("/cut", 3), ("/cut-no-ranges", 2), ("/stall", 2), ("/busy", 3)],
)
def test_the_file_arrives_whole(server: ZooServer, tmp_path: Path, path: str, requests: int) -> None:
    part = tmp_path / "part"
    fetch_http(server.url + path, part)
    assert part.read_bytes() == CONTENT and len(server.requests) == requests


@pytest.mark.parametrize("path", ["/cut", "/stall"])
def test_an_interrupted_file_is_continued(server: ZooServer, tmp_path: Path, path: str) -> None:
    fetch_http(server.url + path, tmp_path / "part")
    asked = [int(ranges.removeprefix("bytes=").removesuffix("-") or 0) for _, ranges in server.requests]
    third = len(CONTENT) // 3
    if path == "/cut":
        assert asked == [0, third, third + (len(CONTENT) - third) // 3]
    else:
        assert asked == [0, len(CONTENT) // 2]


def test_another_version_is_fetched_anew(server: ZooServer, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(CONTENT[:500])
    tag_file(part).write_text('"v0"')
    fetch_http(f"{server.url}/good", part)
    assert part.read_bytes() == CONTENT and server.requests == [("/good", "bytes=500-")]


def test_without_a_version_only_what_a_hash_will_check_is_continued(server: ZooServer, tmp_path: Path) -> None:
    fetch_http(f"{server.url}/no-version", tmp_path / "part")
    fetch_http(f"{server.url}/no-version", tmp_path / "other", same_file=True)
    assert [ranges for _, ranges in server.requests] == ["", "", ""]
    (tmp_path / "third").write_bytes(CONTENT[:500])
    fetch_http(f"{server.url}/no-version", tmp_path / "third", same_file=True)
    assert server.requests[-1][1] == "bytes=500-" and (tmp_path / "third").read_bytes() == CONTENT


def test_a_part_that_is_whole_needs_no_more(server: ZooServer, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(CONTENT)
    tag_file(part).write_text(server.etag)
    fetch_http(f"{server.url}/good", part)
    assert server.requests == [("/good", f"bytes={len(CONTENT)}-")] and part.read_bytes() == CONTENT
    part.write_bytes(CONTENT + b"more")
    fetch_http(f"{server.url}/good", part)
    assert part.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("path", "size", "message", "requests"),
    [
        ("/gone", 0, "HTTP 404", 1),
        ("/trickle", 0, r"sent \d+ bytes in 0.4 s", 5),
        ("/endless", 100_000, "sent more than 100000 bytes", 1),
        ("/good", 5, "has a file of 76802 bytes, the published one has 5", 1),
        ("/other-range", 0, "answered with other bytes", 2),
    ],
)
def test_what_goes_wrong_is_said(
    server: ZooServer, tmp_path: Path, path: str, size: int, message: str, requests: int
) -> None:
    with pytest.raises(TransferError, match=message):
        fetch_http(server.url + path, tmp_path / "part", size=size)
    assert len(server.requests) == requests


def test_a_silent_server_is_given_up(server: ZooServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "ATTEMPTS", 1)
    began = time.monotonic()
    with pytest.raises(TransferError, match=r"silent for 0\.4 s"):
        fetch_http(f"{server.url}/stall", tmp_path / "part")
    assert time.monotonic() - began < 3
    assert (tmp_path / "part").read_bytes() == CONTENT[: len(CONTENT) // 2]  # kept for the next time


def test_nobody_there_is_said_at_once(tmp_path: Path) -> None:
    with zoo_server() as gone:
        url = gone.url
    with pytest.raises(TransferError, match="refused"):
        fetch_http(f"{url}/good", tmp_path / "part")
    with pytest.raises(TransferError, match="unknown url type"):
        fetch_http("no link", tmp_path / "part")


def test_a_redirect_may_not_leave_https() -> None:
    request = SimpleNamespace(full_url="https://example.org/a")
    with pytest.raises(TransferError, match="leads away from https"):
        http._CarefulRedirects().redirect_request(request, None, 302, "", None, "http://example.org/a")


def test_the_links_are_tried_in_order_and_only_a_checked_file_is_kept(
    monkeypatch: pytest.MonkeyPatch, server: ZooServer, zoo: Path
) -> None:
    put(monkeypatch, *(server.url + path for path in ("/gone", "/wrong", "/good")))
    path = find_snapshot("nanotrack_v2")
    assert path == zoo / "nanotrackv2.pth" and path.read_bytes() == CONTENT
    assert names(zoo) == ["nanotrackv2.pth"]
    assert find_snapshot("nanotrack_v2") == path and len(server.requests) == 3


def test_a_failed_download_names_every_link_and_the_way_by_hand(
    monkeypatch: pytest.MonkeyPatch, server: ZooServer, zoo: Path
) -> None:
    put(monkeypatch, f"{server.url}/gone", f"{server.url}/wrong")
    with pytest.raises(SnapshotError) as caught:
        find_snapshot("nanotrack_v2")
    text = str(caught.value)
    assert "/gone: HTTP 404" in text and "/wrong: sent another file: sha256 " in text
    assert f"fetch nanotrackv2.pth from {server.url}/gone" in text
    assert "pysot zoo add FILE --as nanotrack_v2" in text and str(zoo) in text
    assert names(zoo) == []
    with pytest.raises(SnapshotError, match="was not found"):
        find_snapshot("nanotrack_v2", download=False)


def test_offline_nothing_is_asked_for(monkeypatch: pytest.MonkeyPatch, server: ZooServer) -> None:
    entry = put(monkeypatch, f"{server.url}/good")
    monkeypatch.setenv("PYSOT_OFFLINE", "1")
    with pytest.raises(SnapshotError, match=r"was not found(.|\n)*By hand: fetch nanotrackv2\.pth"):
        find_snapshot("nanotrack_v2")
    with pytest.raises(SnapshotError, match="PYSOT_OFFLINE"):
        download.fetch(entry)
    assert server.requests == []


def test_a_part_left_by_a_killed_process_is_continued(
    monkeypatch: pytest.MonkeyPatch, server: ZooServer, zoo: Path
) -> None:
    url = f"{server.url}/good"
    put(monkeypatch, url)
    zoo.mkdir()
    (zoo / f".part-{hashlib.sha256(url.encode()).hexdigest()[:8]}-nanotrackv2.pth").write_bytes(CONTENT[:1000])
    assert find_snapshot("nanotrack_v2").read_bytes() == CONTENT
    assert server.requests == [("/good", "bytes=1000-")] and names(zoo) == ["nanotrackv2.pth"]


def test_a_part_of_something_else_is_fetched_again(
    monkeypatch: pytest.MonkeyPatch, server: ZooServer, zoo: Path
) -> None:
    url = f"{server.url}/good"
    put(monkeypatch, url)
    zoo.mkdir()
    (zoo / f".part-{hashlib.sha256(url.encode()).hexdigest()[:8]}-nanotrackv2.pth").write_bytes(b"y" * 1000)
    assert find_snapshot("nanotrack_v2").read_bytes() == CONTENT
    assert [ranges for _, ranges in server.requests] == ["bytes=1000-", ""]


def test_an_unknown_hash_is_noted_and_asked_for_ever_after(
    monkeypatch: pytest.MonkeyPatch, server: ZooServer, zoo: Path, caplog: pytest.LogCaptureFixture
) -> None:
    entry = put(monkeypatch, f"{server.url}/good", sha256="")
    path = find_snapshot("nanotrack_v2")
    assert "not published" in caplog.text and names(zoo) == ["nanotrackv2.pth", "nanotrackv2.pth.sha256"]
    assert subprocess.run(["sha256sum", "-c", "nanotrackv2.pth.sha256"], cwd=zoo, capture_output=True).returncode == 0
    assert check_hash(path, entry) is Trust.PINNED
    path.write_bytes(CONTENT + b"changed")
    with pytest.raises(SnapshotError, match=r"not the file that was first here(.|\n)*nanotrackv2\.pth\.sha256"):
        find_snapshot("nanotrack_v2")
    path.unlink()
    server.content = CONTENT + b"changed"
    with pytest.raises(SnapshotError, match="sent another file"):
        find_snapshot("nanotrack_v2")
    server.content = CONTENT
    assert find_snapshot("nanotrack_v2").read_bytes() == CONTENT


@pytest.mark.parametrize(("digits", "fits"), [(SHA256[:8], True), ("0" * 8, False)])
def test_first_digits_of_a_hash_count(
    monkeypatch: pytest.MonkeyPatch, server: ZooServer, digits: str, fits: bool
) -> None:
    entry = put(monkeypatch, f"{server.url}/good", sha256=digits)
    if fits:
        assert check_hash(find_snapshot("nanotrack_v2"), entry) is Trust.PINNED
    else:
        with pytest.raises(SnapshotError, match="sent another file"):
            find_snapshot("nanotrack_v2")


def test_a_page_is_no_snapshot(monkeypatch: pytest.MonkeyPatch, server: ZooServer, zoo: Path) -> None:
    put(monkeypatch, f"{server.url}/page", sha256="")
    with pytest.raises(SnapshotError, match="sent something that is a web page"):
        find_snapshot("nanotrack_v2")
    assert names(zoo) == []


def test_a_folder_that_cannot_be_written_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, server: ZooServer, zoo: Path, tmp_path: Path
) -> None:
    put(monkeypatch, f"{server.url}/good")
    zoo.write_text("a file where the folder should be")
    assert find_snapshot("nanotrack_v2") == tmp_path / "cache" / "pysot" / "nanotrackv2.pth"
    monkeypatch.setenv("XDG_CACHE_HOME", str(zoo))
    with pytest.raises(SnapshotError, match="No folder for snapshots can be written"):
        find_snapshot("nanotrack_v2")


def test_two_processes_fetch_once(server: ZooServer, zoo: Path, repo: Path) -> None:
    code = f"""
import logging
from dataclasses import replace
from pysot.zoo.catalog import CATALOG
from pysot.zoo.locate import find_snapshot
logging.basicConfig(level=logging.WARNING)
CATALOG["nanotrack_v2"] = replace(CATALOG["nanotrack_v2"], sha256="{SHA256}", size=0, urls=("{server.url}/slow",))
print(find_snapshot("nanotrack_v2"))
"""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code], cwd=repo, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60) for process in started]
    assert [out.strip() for out, _ in said] == [str(zoo / "nanotrackv2.pth")] * 2, said
    assert server.count("/slow") == 1
    assert [("Waiting for another process" in err) for _, err in said].count(True) == 1
    assert names(zoo) == ["nanotrackv2.pth"]


class FakeDrive:
    """In place of gdown: files by address."""

    def __init__(self, files: dict[str, bytes], folder: dict[str, str] | None = None) -> None:
        self.files, self.folder = files, folder or {}

    def download(self, url: str, output: str, **options: Any) -> str:
        if url not in self.files:
            raise RuntimeError("Cannot retrieve the public link of the file.\nCheck FAQ")
        Path(output).write_bytes(self.files[url])
        return output

    def download_folder(self, url: str, **options: Any) -> list[SimpleNamespace]:
        assert url == "https://drive.google.com/drive/folders/F" and options["skip_download"]
        return [SimpleNamespace(path=path, id=file_id) for path, file_id in self.folder.items()]


@pytest.fixture
def fake_drive(monkeypatch: pytest.MonkeyPatch) -> FakeDrive:
    fake = FakeDrive({"https://drive.google.com/uc?id=A": CONTENT}, {"sub/net.model": "A", "other.pth": "B"})
    monkeypatch.setitem(sys.modules, "gdown", fake)  # type: ignore[arg-type]
    return fake


def test_files_on_drive(monkeypatch: pytest.MonkeyPatch, fake_drive: FakeDrive) -> None:
    put(monkeypatch, "gd:gone", "gd:A", sha256="")
    assert find_snapshot("nanotrack_v2").read_bytes() == CONTENT


def test_files_in_a_folder_on_drive(fake_drive: FakeDrive, tmp_path: Path) -> None:
    drive.fetch_drive("gdfolder:F/net.model", tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == CONTENT
    with pytest.raises(TransferError, match=r"the folder holds sub/net\.model, other\.pth, not net\.pth"):
        drive.fetch_drive("gdfolder:F/net.pth", tmp_path / "part")


def test_drives_refusal_is_passed_on(monkeypatch: pytest.MonkeyPatch, fake_drive: FakeDrive) -> None:
    put(monkeypatch, "gd:gone", sha256="")
    with pytest.raises(SnapshotError, match=r"gd:gone: gdown: Cannot retrieve the public link(.|\n)*uc\?id=gone"):
        find_snapshot("nanotrack_v2")


def test_without_gdown_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, server: ZooServer, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "gdown", None)  # `import gdown` now raises ImportError
    put(monkeypatch, "gd:A", sha256="")
    with pytest.raises(SnapshotError, match=r"gd:A: .*gdown: pip install gdown"):
        find_snapshot("nanotrack_v2")
    put(monkeypatch, "gd:A", f"{server.url}/good", sha256="")
    assert find_snapshot("nanotrack_v2").read_bytes() == CONTENT
    assert drive_links("A")[1].startswith("https://")


def test_the_real_gdown_fetches(monkeypatch: pytest.MonkeyPatch, server: ZooServer, tmp_path: Path) -> None:
    pytest.importorskip("gdown")
    monkeypatch.setattr(drive, "page_of", lambda link: server.url + link.removeprefix("gd:"))
    monkeypatch.setattr(drive, "_RETRIES", 0)
    drive.fetch_drive("gd:/good", tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == CONTENT
    with pytest.raises(TransferError, match="gdown: 404"):
        drive.fetch_drive("gd:/gone", tmp_path / "other")
