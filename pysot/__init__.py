"""Visual object tracking: one config selects a backbone, a head and a tracker.

    import pysot

    tracker = pysot.load_tracker()            # the small tracker that comes with the package, or any by name
    tracker.init(frame, (x, y, w, h))       # (H, W, 3) uint8 BGR; box in 0-based pixels
    result = tracker.track(next_frame)      # result.box, result.score, result.state

torch and OpenCV are imported at the first use of a name, so that `pysot --help` is quick and `pysot collect-env` can
say what is wrong where one of them cannot start.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pysot.core import moved, shadowed

if TYPE_CHECKING:
    from pysot.config.experiments import list_experiments
    from pysot.tracker.base import State, Tracker, TrackResult
    from pysot.tracker.builder import load_tracker

__version__ = "0.1.0"
__all__ = ["State", "TrackResult", "Tracker", "__version__", "list_experiments", "load_tracker"]

_HOMES = {
    "State": "pysot.tracker.base",
    "TrackResult": "pysot.tracker.base",
    "Tracker": "pysot.tracker.base",
    "list_experiments": "pysot.config.experiments",
    "load_tracker": "pysot.tracker.builder",
}

moved.install()
shadowed.install()


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pysot' has no attribute '{name}'")
    from toolkit.utils.opencv import require_cv2

    require_cv2()
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
