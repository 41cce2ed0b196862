"""OpenCV: a clear word where it is installed but cannot start, and silence where it talks too much."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


def require_cv2() -> None:
    """Imports cv2, its ffmpeg and Qt silent unless the environment says otherwise; where that fails, the `ImportError`
    names the missing library and the package that needs none.

    Desktop builds of OpenCV need the system's libGL, which servers and containers often lack.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET; read when the first video is opened
    os.environ.setdefault("QT_LOGGING_RULES", "*.debug=false;*.info=false;*.warning=false")
    try:
        import cv2  # noqa: F401
    except ModuleNotFoundError as error:
        raise ImportError(f"OpenCV is not installed ({error}). Install it: pip install opencv-python") from error
    except ImportError as error:
        raise ImportError(
            f"OpenCV is installed but cannot start: {error}. The package opencv-python needs the system library libGL "
            "(Debian, Ubuntu: apt install libgl1). On a machine without a screen, replace it: "
            "pip uninstall opencv-python && pip install opencv-python-headless"
        ) from error


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """Silences OpenCV's log inside the block: opening a device or a codec that is not there writes pages."""
    import cv2

    log = cv2.utils.logging
    before = log.setLogLevel(log.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        log.setLogLevel(before)
