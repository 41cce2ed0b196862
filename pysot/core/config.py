"""PySOT's `cfg` at PySOT's path (docs/pysot_users.md): programs merge into it, and `pysot.compat` reads it.

Nothing else in the package keeps a global config: `pysot.config.loading.load_config` returns one.
"""

from __future__ import annotations

from pysot.compat.config import cfg

__all__ = ["cfg"]
