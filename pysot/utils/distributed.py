"""PySOT's functions for several processes at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from pysot.compat.processes import (
    DistModule,
    average_reduce,
    broadcast_buffers,
    broadcast_params,
    dist_init,
    get_rank,
    get_world_size,
    reduce_gradients,
)

__all__ = [
    "DistModule",
    "average_reduce",
    "broadcast_buffers",
    "broadcast_params",
    "dist_init",
    "get_rank",
    "get_world_size",
    "reduce_gradients",
]
