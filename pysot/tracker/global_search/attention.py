"""An attention network at work on one target: from frames to maps, and how a map is looked at by people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from yacs.config import CfgNode

from pysot.config.loading import attention_config
from pysot.core.attention_input import CLIPS, target_picture, whole_frame
from pysot.core.checks import check_choice
from pysot.core.crop import Image
from pysot.core.device import device_of
from pysot.core.errors import ConfigError
from pysot.core.finite import require_finite
from pysot.models.attention import AttentionNet
from pysot.models.inference import prepare_for_inference
from pysot.zoo.loading import load_snapshot
from pysot.zoo.locate import find_snapshot


class Attention:
    """Maps of one target over whole frames.

    The target's features are computed once, in `start`.

    Args:
        net: in eval mode, on its device.
        clip: which frames go with one: `causal` (it is the last of them) or `centered` (it is in their middle).
    """

    def __init__(self, net: AttentionNet, clip: str = "causal") -> None:
        check_choice("ATTENTION.CLIP", clip, CLIPS)
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
            require_finite("The attention logits of this frame", self.net, logits)
            attention: NDArray[np.float32] = logits[0, 0].float().sigmoid().cpu().numpy()
        return attention

    def _tensor(self, images: Sequence[Image]) -> Tensor:
        """(N, 3, S, S) float32 of N pictures."""
        stacked = torch.from_numpy(np.stack(images)).to(self.device).permute(0, 3, 1, 2)
        return stacked.to(torch.float32, memory_format=torch.channels_last)

    @classmethod
    def from_config(cls, cfg: CfgNode, device: torch.device, snapshot: str | Path = "") -> Attention:
        """The attention network on `device`, with the weights of `snapshot` (zoo name or file; by default
        ATTENTION.SNAPSHOT).

        Where that is the name of an experiment, it says what ATTENTION leaves open of the network.

        Raises `ConfigError` and `SnapshotError` as `pysot.load_tracker` does.
        """
        snapshot = snapshot or cfg.ATTENTION.SNAPSHOT
        if not snapshot:
            raise ConfigError(
                "ATTENTION.SNAPSHOT is empty. Name the attention network's weights: tanet_tiny, or a file."
            )
        net = AttentionNet.from_config(attention_config(cfg, snapshot))
        load_snapshot(net, find_snapshot(snapshot))
        if net.uses_batch_statistics:
            net.eval().requires_grad_(False).to(device)
        else:
            prepare_for_inference(net, device)
        return cls(net, cfg.ATTENTION.CLIP)
