"""The attention slot: from a picture of the target, a frame and what came before it to a map over the whole frame."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple, TypeAlias

from torch import Tensor, nn
from yacs.config import CfgNode

from pysot.core.registry import Registry
from pysot.models.meta_arch.base import MODELS, check_family
from pysot.models.parts import make_part

TargetFeatures: TypeAlias = tuple[Tensor, ...]
"""Whatever a network remembers of a target; depends on its picture alone."""


class AttentionInput(NamedTuple):
    """What a network is shown; see the attributes of `AttentionNet`."""

    input_size: int
    target_size: int
    target_context: float
    clip_len: int


@MODELS.register("ATTENTION")
class AttentionNet(nn.Module, ABC):
    """Attends to one target in whole frames (docs/systems/tanet.md, Generator).

    All images are float BGR in 0..255. The model keeps nothing of a target, so that any number of trackers can share
    one: `encode` is done once per target, `attend` for every frame.

    Attributes:
        input_size: side of the square that frames are resized to, without keeping their aspect.
        target_size: side of the square that the target's picture is resized to.
        target_context: side of the target's picture in target sizes, along both axes; 1 is the tight box.
        clip_len: frames that `attend` takes beside the frame itself; 0 where it looks at no motion.
        backbone: the part that may start from pre-trained weights.
        uses_batch_statistics: its batch norms must stay as they are, also in eval mode.
    """

    config_keys = ("BACKBONE", "ATTENTION")

    input_size: int
    target_size: int
    target_context: float = 1.0
    clip_len: int
    backbone: nn.Module
    uses_batch_statistics: bool = False

    @classmethod
    def shown(cls, input_size: int, clip_len: int, **kwargs: Any) -> AttentionInput:
        """What a network made with these arguments is shown, known without making it; by default the target alone, as
        large as a frame.
        """
        return AttentionInput(input_size, input_size, 1.0, clip_len)

    @abstractmethod
    def encode(self, target: Tensor) -> TargetFeatures:
        """What is remembered of the targets in (B, 3, P, P) pictures."""

    @abstractmethod
    def attend(self, frame: Tensor, remembered: TargetFeatures, clip: Tensor | None) -> Tensor:
        """(B, 1, S, S) logits of attention.

        Args:
            frame: (B, 3, S, S).
            remembered: of the B targets.
            clip: (B, T, 3, S, S) consecutive frames in the order of time; None for a network without motion.
        """

    def forward(self, frame: Tensor, target: Tensor, clip: Tensor | None) -> Tensor:
        """(B, 1, S, S) logits of attention to the targets in (B, 3, P, P) pictures, for training."""
        return self.attend(frame, self.encode(target), clip)

    @staticmethod
    def check_config(cfg: CfgNode) -> None:
        """Raises `ConfigError` when MODEL.TYPE names another family."""
        check_family(cfg, "attention")

    @staticmethod
    def from_config(cfg: CfgNode) -> AttentionNet:
        """The network of ATTENTION.TYPE, with fresh weights."""
        group = cfg.ATTENTION
        kwargs = {"input_size": group.INPUT_SIZE, "clip_len": group.CLIP_LEN, **group.KWARGS}
        net: AttentionNet = make_part(ATTENTION_NETS, group.TYPE, kwargs)
        return net


ATTENTION_NETS: Registry[type[AttentionNet]] = Registry("attention network", key="ATTENTION.TYPE")
"""Classes called with `input_size`, `clip_len` and `**ATTENTION.KWARGS`."""
