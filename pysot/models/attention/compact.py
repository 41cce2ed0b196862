"""A small attention network for a CPU, on the project's own backbone; its task and its training are TANet's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pysot.core.errors import ConfigError
from pysot.models.attention.base import ATTENTION_NETS, AttentionInput, AttentionNet, TargetFeatures
from pysot.models.backbone.base import init_conv_bn
from pysot.models.backbone.compact import Compact, Residual, conv_bn_relu

TARGET_SIZE, TARGET_CONTEXT = 128, 2.0
PRIOR = -3.0
"""First bias of the last layer: an untrained map is nearly dark, as most of every wanted map is."""


@ATTENTION_NETS.register("TANetTiny")
class CompactAttention(AttentionNet):
    """Compares every place of the frame with every part of the target.

    Frame and target go through the same backbone. At both of its levels each place is compared with the target's parts
    (cosine), and its features are weighted by their mean; differences of consecutive frames tell what moves. A few
    convolutions make a map of it, at a quarter of the frame's resolution. They see nothing of the frame but this: an
    object that is merely conspicuous is not worth attention.

    Args:
        input_size: side of frames; a multiple of 16.
        clip_len: frames of the clip; 0 or 1 looks at no motion.
        target_size: side of target pictures; a multiple of 16.
        target_context: side of the picture in target sizes.
        widths, blocks: of the backbone, see `Compact`.
        embed: channels in which frame and target are weighted.
        cells: the target's inside is compared as cells x cells parts.
        hidden: channels of the map's layers.
        motion: channels made of the frame differences.
    """

    def __init__(
        self,
        input_size: int = 224,
        clip_len: int = 3,
        target_size: int = TARGET_SIZE,
        target_context: float = TARGET_CONTEXT,
        widths: Sequence[int] = (16, 32, 64, 128),
        blocks: Sequence[int] = (0, 1, 2),
        embed: int = 32,
        cells: int = 4,
        hidden: int = 48,
        motion: int = 8,
    ) -> None:
        super().__init__()
        if input_size % 16 or target_size % 16:
            raise ConfigError(
                f"ATTENTION.INPUT_SIZE is {input_size} and ATTENTION.KWARGS.target_size {target_size}; TANetTiny needs "
                "multiples of 16."
            )
        self.input_size, self.target_size, self.target_context, self.clip_len = self.shown(
            input_size, clip_len, target_size=target_size, target_context=target_context
        )
        self.cells = cells
        self.backbone = Compact(widths, blocks, used_layers=(2, 3), top_down=False)
        # No batch norm here: the statistics of frames and of targets are not the same.
        self.project = nn.ModuleList(nn.Conv2d(channels, embed, 1) for channels in self.backbone.out_channels)
        channels = 2 * (embed + cells * cells)
        if self.clip_len:
            self.motion = nn.Sequential(conv_bn_relu(clip_len - 1, motion, stride=2), conv_bn_relu(motion, motion))
            channels += motion
        self.mix = nn.Sequential(
            nn.BatchNorm2d(channels), conv_bn_relu(channels, hidden), Residual(hidden), Residual(hidden)
        )
        self.last = nn.Conv2d(hidden, 4, 3, padding=1)
        for part in (self.project, self.mix, *([self.motion] if self.clip_len else [])):
            init_conv_bn(part)
        nn.init.normal_(self.last.weight, 0, 0.01)
        nn.init.constant_(self.last.bias, PRIOR)  # type: ignore[arg-type]

    @classmethod
    def shown(cls, input_size: int, clip_len: int, **kwargs: Any) -> AttentionInput:
        target = kwargs.get("target_size", TARGET_SIZE), kwargs.get("target_context", TARGET_CONTEXT)
        return AttentionInput(input_size, *target, clip_len if clip_len > 1 else 0)

    def encode(self, target: Tensor) -> TargetFeatures:
        """For each level (B, C, cells, cells) features of the target's parts."""
        parts = []
        for features in self.backbone(target):
            side = features.shape[-1]
            margin = round(side * (1 - 1 / self.target_context) / 2)
            inside = features[..., margin : side - margin, margin : side - margin]
            parts.append(F.adaptive_avg_pool2d(inside, self.cells))
        return tuple(parts)

    def attend(self, frame: Tensor, remembered: TargetFeatures, clip: Tensor | None) -> Tensor:
        levels = self.backbone(frame)
        size_hw = (levels[0].shape[-2], levels[0].shape[-1])
        told = []
        for features, parts, project in zip(levels, remembered, self.project, strict=True):
            weighted = project(features) * project(parts).mean(dim=(2, 3), keepdim=True)
            compared = torch.cat([weighted, alikeness(features, parts)], dim=1)
            told.append(F.interpolate(compared, size=size_hw, mode="bilinear", align_corners=False))
        if self.clip_len:
            assert clip is not None
            small = F.adaptive_avg_pool2d(clip.mean(dim=2), (2 * size_hw[0], 2 * size_hw[1]))  # (B, T, h, w), gray
            told.append(self.motion((small[:, 1:] - small[:, :-1]).abs() / 64))
        logits = F.pixel_shuffle(self.last(self.mix(torch.cat(told, dim=1))), 2)
        return F.interpolate(logits, size=frame.shape[-2:], mode="bilinear", align_corners=False)


def alikeness(features: Tensor, parts: Tensor) -> Tensor:
    """(B, N, H, W) cosines between the features of every place, (B, C, H, W), and of N parts, (B, C, n, m).

    Both are taken relative to the frame's mean: what all places share tells nothing.
    """
    mean = features.mean(dim=(2, 3), keepdim=True)
    places, wanted = F.normalize(features - mean, dim=1), F.normalize((parts - mean).flatten(2), dim=1)
    return torch.einsum("bchw,bcn->bnhw", places, wanted)
