"""PySOT's `load_pretrain` and its like at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from pysot.compat.snapshots import check_keys, load_pretrain, remove_prefix, restore_from

__all__ = ["check_keys", "load_pretrain", "remove_prefix", "restore_from"]
