"""Visual object tracking: one config selects a backbone, a head and a tracker.

import pysot

tracker = pysot.load_tracker("nanotrack_v2")
tracker.init(frame, (x, y, w, h))       # (H, W, 3) uint8 BGR; box in 0-based pixels
result = tracker.track(next_frame)      # result.box, result.score, result.state
"""

from toolkit.utils.opencv import require_cv2

require_cv2()

from pysot.core.experiments import list_experiments
from pysot.tracker.base import State, Tracker, TrackResult
from pysot.tracker.builder import load_tracker

__version__ = "0.1.0"
__all__ = ["State", "TrackResult", "Tracker", "__version__", "list_experiments", "load_tracker"]
