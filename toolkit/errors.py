"""The toolkit's own exceptions. Every message names the thing, what was found, what was expected and the next step."""


class ToolkitError(Exception):
    """Base of everything the toolkit raises on purpose: bad input, never a bug."""


class DatasetError(ToolkitError):
    """A benchmark, its folder or its annotation file is missing or inconsistent."""


class FrameError(ToolkitError):
    """One frame of a sequence is missing or cannot be decoded; the message names the file."""


class RegionError(ToolkitError, ValueError):
    """A region (rectangle, polygon, mask) cannot be parsed or has an impossible shape."""


class ResultError(ToolkitError):
    """A result folder or file is missing, empty, of the wrong length or not parseable."""


class ProtocolError(ToolkitError):
    """A benchmark cannot be run or scored under the requested protocol."""
