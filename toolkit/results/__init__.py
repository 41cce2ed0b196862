"""Result files: where they are, what they hold, and how they are written."""

from toolkit.registry import import_modules
from toolkit.results.layout import TrackerFiles, find_trackers, open_tracker
from toolkit.results.reader import BoxRuns, LongtermRun, VotRun, read_boxes, read_longterm, read_vot

__all__ = [
    "BoxRuns",
    "LongtermRun",
    "TrackerFiles",
    "VotRun",
    "find_trackers",
    "open_tracker",
    "read_boxes",
    "read_longterm",
    "read_vot",
]

import_modules(__name__, __path__)
