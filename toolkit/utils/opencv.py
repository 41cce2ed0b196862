"""A clear word where OpenCV is installed but cannot start."""

from __future__ import annotations


def require_cv2() -> None:
    """Imports cv2; where that fails, the `ImportError` names the missing library and the package that needs none.

    Desktop builds of OpenCV need the system's libGL, which servers and containers often lack.
    """
    try:
        import cv2  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"OpenCV is installed but cannot start: {error}. The package opencv-python needs the system library libGL "
            "(Debian, Ubuntu: apt install libgl1). On a machine without a screen, replace it: "
            "pip uninstall opencv-python && pip install opencv-python-headless"
        ) from error
