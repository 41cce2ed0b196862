"""Which implementation counts the overlap: the compiled extension where it is built, else numba."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

logger = logging.getLogger(__name__)

Kernel: TypeAlias = Callable[..., None]
"""`overlap_many(points_a, starts_a, points_b, starts_b, bounds, mode, out)`; see `toolkit.regions.kernels`."""


@lru_cache(maxsize=1)
def select() -> tuple[str, Kernel]:
    """Name and function of the implementation in use, decided once per process."""
    if os.environ.get("PYSOT_NO_NATIVE", "0") in ("", "0"):
        try:
            from toolkit.utils._region import overlap_many as native

            return "native", native
        except ImportError as error:
            logger.info(
                "Region overlap runs on numba: the native extension is not usable (%s). Its first use compiles.", error
            )
    else:
        logger.info("Region overlap runs on numba: PYSOT_NO_NATIVE is set. Its first use compiles.")
    from toolkit.regions.kernels import overlap_many as compiled

    return "numba", compiled


def backend_name() -> str:
    """`native` or `numba`. Decided at the first overlap of a process; both give the same bits."""
    return select()[0]
