"""One function per folder layout, `(base, row) -> Found`; a benchmark's row names the one it uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from toolkit.datasets.catalog import BenchmarkRow
from toolkit.datasets.layouts.folders import (
    got10k_folders,
    lasot_folders,
    nfs_folders,
    sequence_folders,
    split_folders,
)
from toolkit.datasets.layouts.place import Found
from toolkit.datasets.layouts.vot import vot_folders

LAYOUTS: Mapping[str, Callable[[Path, BenchmarkRow], Found]] = {
    "sequence_folders": sequence_folders,
    "split_folders": split_folders,
    "lasot_folders": lasot_folders,
    "got10k_folders": got10k_folders,
    "nfs_folders": nfs_folders,
    "vot_folders": vot_folders,
}

__all__ = ["LAYOUTS", "Found"]
