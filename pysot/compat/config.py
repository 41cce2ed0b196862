"""The one config that PySOT's programs share: they merge into it, and the classes of `pysot.compat` read it."""

from __future__ import annotations

from yacs.config import CfgNode

from pysot.config.loading import get_cfg, merge_files
from pysot.config.parts import add_declared


class SharedConfig(CfgNode):
    """A tree whose `merge_from_file` also takes experiments of this package: their names, bases and plug-ins."""

    def merge_from_file(self, cfg_filename: str) -> None:
        """Writes a YAML file, or the experiment of that name, into the tree.

        Raises `ConfigError` for a file that is not there, or a key or value that does not fit.
        """
        merge_files(self, cfg_filename)


cfg = SharedConfig()
"""The tree itself, writable; `pysot.core.config.cfg`."""
for _key, _value in get_cfg().items():
    cfg[_key] = _value


def shared_config() -> CfgNode:
    """A copy of `cfg` as it is now, with the keys of parts that were registered since."""
    tree = cfg.clone()
    add_declared(tree)
    return tree
