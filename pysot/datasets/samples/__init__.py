"""Training samples: importing this package fills `TRAINING_DATA` with the data set of every HEAD.TYPE."""

from pysot.datasets.samples import clips, frame_sets, pairs, tasks

__all__ = ["clips", "frame_sets", "pairs", "tasks"]
