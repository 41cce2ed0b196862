"""The package's own exceptions. Every message names the thing, what was found, what was expected and the next step."""


class SotError(Exception):
    """Base of everything raised on purpose: bad input, never a bug."""


class ConfigError(SotError, ValueError):
    """A config file, key, value or pairing of parts cannot work."""


class SnapshotError(SotError):
    """A snapshot is missing, damaged, unsafe, or of another architecture than the config."""


class ImageError(SotError, ValueError):
    """An array is not an image the trackers read: (H, W, 3) uint8 in BGR order."""


class BadBoxError(SotError, ValueError):
    """A first box is NaN, without area, or outside the image."""


class DeviceError(SotError, RuntimeError):
    """The requested device is not usable on this machine."""


class TrainingError(SotError, RuntimeError):
    """A training run cannot go on."""


class WriteError(TrainingError):
    """A file of a run cannot be written: no room, or no permission."""
