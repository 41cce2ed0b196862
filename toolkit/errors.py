"""The toolkit's own exceptions. Every message names the thing, what was found, what was expected and the next step."""

from collections.abc import Sequence


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


def abbreviate(items: Sequence[str], separator: str = ", ", shown: int = 5) -> str:
    """The first `shown` of `items`, and how many more there are: for messages about many files."""
    rest = f"{separator}and {len(items) - shown} more" if len(items) > shown else ""
    return separator.join(items[:shown]) + rest
