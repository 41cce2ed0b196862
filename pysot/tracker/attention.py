"""An attention network at work on one target: from frames to maps, and how a map is looked at by people."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pysot.core.attention_input import CLIPS, target_picture, whole_frame
from pysot.core.crop import Image
from pysot.core.errors import ConfigError
from pysot.core.runtime import device_of
from pysot.models.attention import AttentionNet


class Attention:
    """Maps of one target over whole frames.

    The target's features are computed once, in `start`.

    Args:
        net: in eval mode, on its device.
        clip: which frames go with one: `causal` (it is the last of them) or `centered` (it is in their middle).
    """

    def __init__(self, net: AttentionNet, clip: str = "causal") -> None:
        if clip not in CLIPS:
            raise ConfigError(f"ATTENTION.CLIP is '{clip}'; expected {' or '.join(CLIPS)}.")
        self.net, self.clip = net, clip
        self.device = device_of(net)

    @property
    def clip_len(self) -> int:
        """Frames that `map_of` takes."""
        return max(self.net.clip_len, 1)

    def start(self, image: Image, box_xywh: tuple[float, float, float, float]) -> None:
        """Learns the target `box_xywh` (image pixels) in `image`."""
        picture = target_picture(image, box_xywh, self.net.target_size, self.net.target_context)
        with torch.inference_mode():
            self.remembered = self.net.encode(self._tensor([picture]))

    def shrink(self, image: Image) -> Image:
        """The frame as the network takes it: (S, S, 3) uint8."""
        return whole_frame(image, self.net.input_size)

    def map_of(self, clip: Sequence[Image]) -> NDArray[np.float32]:
        """(S, S) attention in 0..1 to the target in one of `clip_len` shrunk frames, the one that `clip` says."""
        frames = self._tensor(clip)
        index = len(clip) - 1 if self.clip == "causal" else (len(clip) - 1) // 2
        with torch.inference_mode():
            moving = frames[None] if self.net.clip_len else None
            logits = self.net.attend(frames[index : index + 1], self.remembered, moving)
            attention: NDArray[np.float32] = logits[0, 0].float().sigmoid().cpu().numpy()
        return np.nan_to_num(attention)

    def _tensor(self, images: Sequence[Image]) -> Tensor:
        """(N, 3, S, S) float32 of N pictures."""
        stacked = torch.from_numpy(np.stack(images)).to(self.device).permute(0, 3, 1, 2)
        return stacked.to(torch.float32, memory_format=torch.channels_last)


def overlay(image: Image, attention: NDArray[np.floating]) -> Image:
    """The frame in grey with its map (any size, 0..1) over it in colour: the warmer, the more attention."""
    height, width = image.shape[:2]
    resized = np.asarray(cv2.resize(np.asarray(attention, np.float32), (width, height)), np.float32)
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    colour = cv2.applyColorMap(to_grey_levels(resized), cv2.COLORMAP_JET)
    weight = np.clip(resized, 0, 1)[..., None] * 0.7
    return np.asarray(grey * (1 - weight) + colour * weight, np.uint8)


def to_grey_levels(attention: NDArray[np.floating]) -> NDArray[np.uint8]:
    """A map in 0..1 as 8 bits."""
    return np.asarray(np.clip(attention, 0, 1) * 255 + 0.5, np.uint8)
