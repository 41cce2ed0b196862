"""Importing this package registers its parts with pysot-toolkit."""

from pysot_example import backbone, benchmark, heatmap  # noqa: F401
