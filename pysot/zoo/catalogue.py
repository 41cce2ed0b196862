"""The snapshots known by name. Data, not code: one row each."""

from __future__ import annotations

from dataclasses import dataclass

_NANO = "https://raw.githubusercontent.com/HonglinChu/SiamTrackers/master/NanoTrack/models/pretrained"


@dataclass(frozen=True)
class Entry:
    """One snapshot.

    Attributes:
        name: zoo name; also the name of the experiment it belongs to.
        file: name of the file in a zoo folder.
        sha256: of the file, 64 hex digits.
        urls: where to download it, in the order to try.
        licence: of the weights.
        origin: project that published it.
    """

    name: str
    file: str
    sha256: str
    urls: tuple[str, ...]
    licence: str
    origin: str


def _nanotrack(version: int, sha256: str) -> Entry:
    file = f"nanotrackv{version}.pth"
    return Entry(
        name=f"nanotrack_v{version}",
        file=file,
        sha256=sha256,
        urls=(f"{_NANO}/{file}",),
        licence="Apache-2.0",
        origin="HonglinChu/SiamTrackers",
    )


CATALOGUE: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        _nanotrack(1, "2a24bbfd1163a7692ab22100336a54de55dde12301b7d8ae7a4e745fb10b09a3"),
        _nanotrack(2, "938a320c560fd8c8d6a148a76a072bca29c529ce16591c9a2157859ee0ecc5e1"),
        _nanotrack(3, "4f0d25108385a67bdec5fa01ca37c74acb72343b53996dd645fe18b86e512e69"),
    )
}
