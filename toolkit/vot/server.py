"""A TraX server over the package vot-trax: what the VOT toolkit, or any TraX client, starts and talks to.

TraX: Cehovin Zajc, "TraX: The visual Tracking eXchange Protocol and Library" (Neurocomputing 2017).
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from toolkit.errors import ToolkitError
from toolkit.protocols.tracker import TrackerLike
from toolkit.regions import Mask, Polygon, Rectangle, Region, Special, mask_extent
from toolkit.vot.images import FORMATS, read_frame
from toolkit.vot.objects import Objects, State

INSTALL = "pip install 'pysot-toolkit[vot]'"


class TraxError(ToolkitError):
    """A TraX session cannot begin or go on: the package is missing, or the other side is gone."""


def require_trax() -> Any:
    """The module of vot-trax; raises `TraxError` saying how to get it."""
    try:
        import trax
    except ImportError as error:
        raise TraxError(f"TraX needs the package vot-trax ({error}). Install it: {INSTALL}") from error
    return trax


def serve(make_tracker: Callable[[], TrackerLike], kind: str, name: str, info: Mapping[str, str]) -> int:
    """Answers one client on the standard streams (or the socket that its environment names) until it quits.

    Args:
        make_tracker: a tracker whose weights are loaded already; called once for every target.
        kind: form of the answers, one of `toolkit.vot.objects.REGIONS`; it is also the form that the client starts in.
        name: what the client is told the tracker is called.
        info: further properties for the client.

    Returns the number of frames tracked. Whatever goes wrong in a tracker is told to the client, traceback and all, and
    raised. Raises `TraxError` when the client is gone.
    """
    trax = require_trax()
    server = trax.Server([kind], list(FORMATS), tracker_name=name, metadata=dict(info), multiobject=True)
    objects = Objects(make_tracker, kind)
    frames = 0
    while True:
        try:
            request = server.wait()
        except trax.TraxException as error:
            raise TraxError(f"The TraX client is gone after {frames} frames: it said no 'quit' ({error}).") from error
        if request.type == "quit":
            return frames
        try:
            states = _answer(objects, request)
        except Exception:
            _tell(server, traceback.format_exc())
            raise
        frames += request.type == "frame"
        try:
            server.status([(to_trax(state.region), _properties(state)) for state in states])
        except trax.TraxException as error:
            raise TraxError(
                f"The TraX client is gone after {frames} frames: no answer reaches it ({error})."
            ) from error


def _answer(objects: Objects, request: Any) -> list[State]:
    image = read_frame((request.image or {}).get("color"))
    regions = [from_trax(region) for region, _ in request.objects or ()]
    if request.type == "initialize":
        return objects.start(image, regions)
    return [*objects.follow(image), *objects.add(image, regions)]


def _tell(server: Any, reason: str) -> None:
    """Ends the session with a reason, if the client still listens."""
    try:
        server.quit(reason)
    except Exception:  # the first error is the one to hear of
        return


def _properties(state: State) -> dict[str, str]:
    return {} if math.isnan(state.confidence) else {"confidence": f"{state.confidence:.6f}"}


def from_trax(region: Any) -> Region:
    """A region of vot-trax as one of ours."""
    if region.type == "rectangle":
        return Rectangle(*region.bounds())
    if region.type == "polygon":
        return Polygon(np.array(list(region), np.float64))
    if region.type == "mask":
        x, y = region.offset()
        return Mask(region.array() > 0, x, y)
    return Special(int(region.code))


def to_trax(region: Region) -> Any:
    """One of our regions as one of vot-trax; a mask is cut to its pixels."""
    trax = require_trax()
    if isinstance(region, Rectangle):
        return trax.Rectangle.create(region.x, region.y, region.width, region.height)
    if isinstance(region, Polygon):
        return trax.Polygon.create([(float(x), float(y)) for x, y in region.points])
    if isinstance(region, Special):
        return trax.Special.create(region.code)
    extent = mask_extent(region)
    if extent is None:
        return trax.Mask.create(np.zeros((1, 1), np.uint8))
    left, top, right, bottom = extent
    bits = region.bits[top - region.y : bottom + 1 - region.y, left - region.x : right + 1 - region.x]
    return trax.Mask.create(np.ascontiguousarray(bits, np.uint8), left, top)
