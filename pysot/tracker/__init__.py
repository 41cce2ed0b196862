"""Trackers, one file or folder per system. `pysot.tracker.builder` makes one from a config."""
