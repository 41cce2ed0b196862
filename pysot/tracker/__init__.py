"""Trackers, one file per published one. `pysot.tracker.builder` makes them from a config."""
