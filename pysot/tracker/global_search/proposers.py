"""Who says where a lost target may be: an attention network, its maps from files, or nobody in particular, with windows
all over the frame (docs/systems/tanet.md, Search policy).
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from yacs.config import CfgNode

from pysot.config.params import params_from_config
from pysot.core.crop import Image
from pysot.core.errors import ConfigError
from pysot.core.registry import Registry
from pysot.tracker.global_search.attention import Attention
from pysot.tracker.global_search.proposals import MapReading, Proposal, mean_inside, read_map, window_grid

logger = logging.getLogger(__name__)


class Proposer(ABC):
    """Proposes places in a frame. Told of every frame, asked only while the target is lost."""

    def start(self, image: Image, box_xywh: tuple[float, float, float, float]) -> None:  # noqa: B027
        """Forgets everything, and learns the target in its first frame."""

    def see(self, image: Image) -> None:  # noqa: B027
        """Is shown the next frame. Called for every one, so this must be cheap."""

    def at_frame(self, video: str, index: int) -> None:  # noqa: B027
        """Is told which frame of which video comes next, by a benchmark that knows."""

    @abstractmethod
    def propose(self, image: Image, size_wh: tuple[float, float]) -> list[Proposal]:
        """Places in the frame last seen for a target of `size_wh` image pixels, the best first; none where nothing is
        known.
        """

    def attended(self, image: Image, box_cxcywh: tuple[float, float, float, float]) -> float:
        """Mean attention, 0..1, inside a box of the frame last proposed for; 1 where nobody pays any."""
        return 1.0


PROPOSERS: Registry[Any] = Registry("source of proposals", key="ATTENTION.PROPOSALS")
"""Proposer classes with a class method `from_config(cfg, device)`, which puts a network on `device`."""


@PROPOSERS.register("sliding")
class SlidingWindows(Proposer):
    """Every place of the frame, at every scale: what a search without attention would do.

    Args:
        spacing: between windows, in target sizes.
        scales: sizes to look for.
    """

    def __init__(self, spacing: float = 2.0, scales: Sequence[float] = (1.0,)) -> None:
        if not spacing > 0 or not scales or min(scales) <= 0:
            raise ConfigError(f"ATTENTION.POLICY: SPACING {spacing} and EXTRA_SCALES {list(scales)} must be above 0.")
        self.spacing, self.scales = spacing, tuple(scales)

    def propose(self, image: Image, size_wh: tuple[float, float]) -> list[Proposal]:
        return window_grid((image.shape[0], image.shape[1]), size_wh, self.spacing, self.scales)

    @classmethod
    def from_config(cls, cfg: CfgNode, device: torch.device) -> SlidingWindows:
        return cls(cfg.ATTENTION.POLICY.SPACING, cfg.ATTENTION.POLICY.EXTRA_SCALES)


class MapProposer(Proposer):
    """Places read off a map of the whole frame, as `reading` says."""

    def __init__(self, reading: MapReading) -> None:
        self.reading = reading
        self._map: NDArray[np.floating] | None = None

    @abstractmethod
    def map_now(self, image: Image) -> NDArray[np.floating] | None:
        """(h, w) attention in 0..1 over the frame last seen; None when there is none."""

    def propose(self, image: Image, size_wh: tuple[float, float]) -> list[Proposal]:
        self._map = self.map_now(image)
        if self._map is None:
            return []
        return read_map(self._map, (image.shape[0], image.shape[1]), size_wh, self.reading)

    def attended(self, image: Image, box_cxcywh: tuple[float, float, float, float]) -> float:
        if self._map is None:
            return 1.0
        return mean_inside(self._map, (image.shape[0], image.shape[1]), box_cxcywh)


@PROPOSERS.register("attention")
class AttentionProposer(MapProposer):
    """Maps made by a network when they are asked for.

    Raises `ConfigError` for a clip that needs the next frame.
    """

    def __init__(self, attention: Attention, reading: MapReading) -> None:
        super().__init__(reading)
        if attention.clip != "causal":
            raise ConfigError(
                f"ATTENTION.CLIP is {attention.clip}, which needs the next frame: a tracker does not have it. Use "
                "causal, or make the maps with tools/attention.py and set ATTENTION.PROPOSALS maps."
            )
        self.attention = attention
        self._seen: deque[Image] = deque(maxlen=attention.clip_len)

    def start(self, image: Image, box_xywh: tuple[float, float, float, float]) -> None:
        self.attention.start(image, box_xywh)
        self._seen.clear()
        self.see(image)

    def see(self, image: Image) -> None:
        self._seen.append(self.attention.shrink(image))

    def map_now(self, image: Image) -> NDArray[np.floating]:
        missing = self.attention.clip_len - len(self._seen)
        return self.attention.map_of([self._seen[0]] * missing + list(self._seen))

    @classmethod
    def from_config(cls, cfg: CfgNode, device: torch.device) -> AttentionProposer:
        return cls(Attention.from_config(cfg, device), params_from_config(cfg, MapReading))


@PROPOSERS.register("maps")
class MapFiles(MapProposer):
    """Maps from files: `FOLDER/<video>/<frame:08d>.png`, or `FOLDER/<frame:08d>.png` where the video is not known.

    Frames count from 0. A file is an 8-bit gray picture of the frame's size or a square one. One that is missing,
    unreadable or of another shape counts as a map that attends to nothing, and is named in a warning, once per video.

    Raises `ConfigError` when there is no such folder.
    """

    def __init__(self, folder: Path, reading: MapReading) -> None:
        super().__init__(reading)
        if not folder.is_dir():
            raise ConfigError(
                f"ATTENTION.MAP_DIR {folder} is not a folder. Make maps with tools/attention.py --out, and name its "
                "folder here."
            )
        self.folder = folder
        self._video, self._index = "", -1
        self._told: int | None = None
        self._warned: set[str] = set()

    def start(self, image: Image, box_xywh: tuple[float, float, float, float]) -> None:
        self._index = -1
        if self._told is None:
            self._video = ""
        self.see(image)

    def at_frame(self, video: str, index: int) -> None:
        self._video, self._told = video, index

    def see(self, image: Image) -> None:
        self._index = self._index + 1 if self._told is None else self._told
        self._told = None

    def map_now(self, image: Image) -> NDArray[np.floating] | None:
        path = self.folder / self._video / f"{self._index:08d}.png"
        levels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
        if levels is None:
            self._warn(path, "cannot be read" if path.is_file() else "is missing")
            return None
        square = levels.ndim == 2 and levels.shape[0] == levels.shape[1]
        if levels.dtype != np.uint8 or not (square or levels.shape == image.shape[:2]):
            found = f"{'x'.join(map(str, levels.shape[1::-1]))} pixels, {levels.shape[2:] or 'gray'}, {levels.dtype}"
            wanted = f"{image.shape[1]}x{image.shape[0]} pixels or a square, gray, uint8"
            self._warn(path, f"does not fit its frame: found {found}, expected {wanted}")
            return None
        return levels.astype(np.float32) / 255

    def _warn(self, path: Path, what: str) -> None:
        """Names the first bad file of each video."""
        if self._video not in self._warned:
            self._warned.add(self._video)
            logger.warning(
                "The attention map %s %s. The target is searched locally in this frame, and in others like it.",
                path,
                what,
            )

    @classmethod
    def from_config(cls, cfg: CfgNode, device: torch.device) -> MapFiles:
        return cls(Path(cfg.ATTENTION.MAP_DIR), params_from_config(cfg, MapReading))
