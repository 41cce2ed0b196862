"""TANet's generator as released (Wang et al., "Tracking by Joint Local and Global Search", TNNLS 2021;
docs/systems/tanet.md, Generator), with what the release left out as options.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pysot.core.checks import check_choice
from pysot.core.errors import ConfigError
from pysot.models.attention.base import ATTENTION_NETS, AttentionInput, AttentionNet, TargetFeatures
from pysot.models.attention.c3d import motion_trunk
from pysot.models.backbone.resnet import StandardResNet18
from pysot.models.layers.normalize import normalize_imagenet

DECODER = (512, 512, 512, 0, 512, 512, 512, 0, 256, 256, 256, 0, 128, 128, 0, 64, 64)
"""Channels of the decoder's layers; 0 doubles the side of the map. The position is the published key's number."""
LEVELS = (128, 256, 512)
"""Channels of the encoder's maps, of strides 8, 16 and 32."""


@ATTENTION_NETS.register("TANet")
class TANet(AttentionNet):
    """One ResNet-18 for frame and target, C3D for the clip, and a decoder.

    The released weights were made with the defaults, and were run with batch statistics: `bn_mode="batch"`.

    Args:
        input_size: side of frames and target pictures; 300 as published.
        clip_len: frames of the clip, at least 2; 3 as published.
        norm: what the encoder sees: `none`, values 0..1 in BGR order; `imagenet`, what its pre-training saw.
        dec_act: what follows each layer of the decoder: `none` or `relu`.
        motion: `c3d`, or `none`: faster, and for a single frame.
        bn_mode: statistics of batch norms when not training: `eval`, those learned; `batch`, the image's own.
        width: factor on the channels of decoder and C3D; 1 as published.
    """

    def __init__(
        self,
        input_size: int = 300,
        clip_len: int = 3,
        norm: str = "none",
        dec_act: str = "none",
        motion: str = "c3d",
        bn_mode: str = "eval",
        width: float = 1.0,
    ) -> None:
        super().__init__()
        check_choice("ATTENTION.KWARGS.norm", norm, ("none", "imagenet"))
        check_choice("ATTENTION.KWARGS.dec_act", dec_act, ("none", "relu"))
        check_choice("ATTENTION.KWARGS.motion", motion, ("c3d", "none"))
        check_choice("ATTENTION.KWARGS.bn_mode", bn_mode, ("eval", "batch"))
        if motion == "c3d" and clip_len < 2:
            raise ConfigError(f"ATTENTION.CLIP_LEN is {clip_len}; C3D needs 2 or more frames. Or set motion none.")
        self.input_size, self.target_size, self.target_context, self.clip_len = self.shown(
            input_size, clip_len, motion=motion
        )
        self.norm, self.dec_act, self.uses_batch_statistics = norm, dec_act, bn_mode == "batch"
        self.encoder = StandardResNet18(used_layers=[2, 3, 4])
        fused = 2 * sum(LEVELS)
        if self.clip_len:
            self.motionModel = motion_trunk(width)
            fused += self.motionModel.out_channels
        layers: list[nn.Module] = []
        for count in DECODER:
            if count == 0:
                layers.append(nn.Upsample(scale_factor=2))
                continue
            channels = max(1, round(width * count))
            layers.append(nn.ConvTranspose2d(fused, channels, 3, padding=1))
            fused = channels
        self.decoder = nn.Sequential(*layers)
        self.mymodules = nn.ModuleList([nn.ConvTranspose2d(fused, 1, 1)])

    @classmethod
    def shown(cls, input_size: int, clip_len: int, **kwargs: Any) -> AttentionInput:
        return super().shown(input_size, 0 if kwargs.get("motion") == "none" else clip_len)

    @property
    def backbone(self) -> StandardResNet18:  # type: ignore[override]
        return self.encoder

    def train(self, mode: bool = True) -> TANet:
        """Sets the mode; with `bn_mode` batch, batch norms go on using (and no longer learning) batch statistics."""
        super().train(mode)
        for module in self.encoder.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.track_running_stats = mode or not self.uses_batch_statistics
                if self.uses_batch_statistics:
                    module.train()
        return self

    def encode(self, target: Tensor) -> TargetFeatures:
        return tuple(self.encoder.levels_of(self._prepared(target)))

    def attend(self, frame: Tensor, remembered: TargetFeatures, clip: Tensor | None) -> Tensor:
        levels = self.encoder.levels_of(self._prepared(frame))
        side = levels[1].shape[-2:]
        pairs = [torch.cat(pair, dim=1) for pair in zip(levels, remembered, strict=True)]
        if self.clip_len:
            assert clip is not None
            pairs.append(self.motionModel(clip.transpose(1, 2) / 255).squeeze(2))
        fused = torch.cat([F.interpolate(pair, size=side) for pair in pairs], dim=1)
        for layer in self.decoder:
            fused = layer(fused)
            if self.dec_act == "relu" and isinstance(layer, nn.ConvTranspose2d):
                fused = F.relu(fused)
        return F.interpolate(self.mymodules[0](fused), size=frame.shape[-2:])

    def _prepared(self, image: Tensor) -> Tensor:
        return normalize_imagenet(image) if self.norm == "imagenet" else image / 255
