"""Folder layouts: how a sequence is opened where a benchmark keeps it. A benchmark's row names the one it uses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from toolkit.datasets.catalog import BenchmarkRow
from toolkit.datasets.layouts.folders import open_got10k, open_lasot, open_nfs, open_sequence_folder
from toolkit.datasets.layouts.place import Found, Opener, find_places, open_place
from toolkit.datasets.layouts.vot import open_vot

LAYOUTS: Mapping[str, Opener] = {
    "sequence_folders": open_sequence_folder,
    "split_folders": open_place,
    "lasot_folders": open_lasot,
    "got10k_folders": open_got10k,
    "nfs_folders": open_nfs,
    "vot_folders": open_vot,
}


def find_sequences(base: Path, row: BenchmarkRow) -> Found:
    """The sequences of a benchmark below the folder `base`, in its own layout."""
    return find_places(base, row, LAYOUTS[row.layout])


__all__ = ["LAYOUTS", "Found", "find_sequences"]
