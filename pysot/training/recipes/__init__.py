"""How every system is trained: importing this package fills `RECIPES` with the recipe of every HEAD.TYPE."""

from pysot.training.recipes import atom, dimp, lmt, siamese, tanet

__all__ = ["atom", "dimp", "lmt", "siamese", "tanet"]
