"""LMT: a classifier and an overlap predictor on the features of boxes, learned by one step in the first frame."""

from typing import TYPE_CHECKING

from pysot.core.moved import old_names

if not TYPE_CHECKING:
    __getattr__ = old_names(__name__)  # what pickles and scripts may call otherwise
