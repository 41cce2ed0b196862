"""Importing this package registers SiamBAN with pysot-toolkit: HEAD.TYPE SIAMBAN, BAN.TYPE MultiBAN."""

from pysot_siamban import head, system  # noqa: F401
