"""The yacs configuration tree, and how an experiment file becomes a frozen config.

The tree is PySOT's, key for key, so that a PySOT YAML loads unchanged, plus the keys that choose between families
(docs/config.md). Nothing in the package keeps a global config: `load_config` returns one, and only
the `builder.py` files and the command line read it.
"""

from __future__ import annotations

from pysot.config.loading import get_cfg

cfg = get_cfg()
"""A module-level tree for old scripts (`cfg.merge_from_file(...)`). Nothing in this package reads it."""
