"""How attention is learned: a generator of maps against two discriminators of them (docs/systems/tanet.md,
Training).

Unlike the released code, the discriminators answer with logits, real and made-up clips go to them along the same axes,
every sample of a batch is scored, and nothing of the generator learns in a discriminator's turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from yacs.config import CfgNode

from pysot.config.params import params_from_config
from pysot.core.attention_input import SCORED_FRAMES, clip_indices
from pysot.core.checks import CheckedParams
from pysot.core.errors import ConfigError
from pysot.models.attention import AttentionNet
from pysot.models.attention import discriminators as adversaries
from pysot.training.losses import Mean
from pysot.training.optim import Group, learnable
from pysot.training.recipes.base import RECIPES, BackbonePlan, Batch, MeanOf, PlannedRecipe
from pysot.training.tanet_validation import AttentionValidation

GENERATOR, APPEARANCE, MOTION = "generator", "d_app", "d_mot"
SIGMA = 0.3
"""Standard deviation of a Gaussian target map, in sides of the box."""


@dataclass(frozen=True)
class AttentionLosses(CheckedParams):
    """Weights and schedule.

    Attributes:
        alpha_app, alpha_mot: weights of the two adversarial losses beside the map's own.
        d_app_every, d_mot_every: of the steps counted from 1, number 1 of every so many is the turn of the appearance
            discriminator; of the others number 1 of every so many that of the motion discriminator. 0: it never learns,
            and does not count.
        target_map: what is wanted: `box`, the filled box, or `gaussian`.
        smoothing: how far below 1 a discriminator is asked to answer to real maps.
        positive_weight: factor on the map's loss inside the target.
    """

    config_group: ClassVar[str] = "ATTENTION.TRAIN"

    alpha_app: float = 0.1
    alpha_mot: float = 0.2
    d_app_every: int = 5
    d_mot_every: int = 3
    target_map: str = "box"
    smoothing: float = 0.0
    positive_weight: float = 1.0

    def __post_init__(self) -> None:
        self.check_choice("target_map", ("box", "gaussian"))
        if not 0 <= self.smoothing < 1 or min(self.d_app_every, self.d_mot_every) < 0 or 1 in self.every:
            raise ConfigError(
                f"ATTENTION.TRAIN: SMOOTHING {self.smoothing} must lie in [0, 1); D_APP_EVERY {self.d_app_every} and "
                f"D_MOT_EVERY {self.d_mot_every} must be 0 or at least 2, or the generator never learns."
            )

    @property
    def every(self) -> tuple[int, int]:
        """Both numbers."""
        return self.d_app_every, self.d_mot_every

    def turn(self, step: int) -> str:
        """Whose turn step number `step` (from 0) is."""
        number = step + 1
        if self.d_app_every and number % self.d_app_every == 1:
            return APPEARANCE
        return MOTION if self.d_mot_every and number % self.d_mot_every == 1 else GENERATOR


@RECIPES.register("ATTENTION")
class AttentionRecipe(PlannedRecipe):
    """A batch is what `pysot.datasets.samples.clips.ClipDataset` returns.

    Losses: in the generator's turn `bce` of the maps and `adv_app`, `adv_mot`, how far the discriminators are from
    taking them for real; in a discriminator's turn its own cross-entropy, and, without weight, the mean probability of
    "real" that it gives to real maps (`.../real`) and to the generator's (`.../fake`).

    Args:
        model: the generator, in train form.
        discriminators: of appearance and of motion.
        plan: when the generator's backbone learns.
        params: weights and schedule.
        clip: `causal` or `centered`, see `clip_indices`.
        discriminator_factor: learning rate of the discriminators relative to the schedule's.
    """

    config_keys = ("ATTENTION",)
    model: AttentionNet
    validation = AttentionValidation
    turns = (GENERATOR, APPEARANCE, MOTION)

    def __init__(
        self,
        model: AttentionNet,
        discriminators: Mapping[str, nn.Module],
        plan: BackbonePlan,
        params: AttentionLosses,
        clip: str = "causal",
        discriminator_factor: float = 1.0,
    ) -> None:
        weights = {"bce": 1.0, "adv_app": params.alpha_app, "adv_mot": params.alpha_mot}
        for name in (APPEARANCE, MOTION):
            weights |= {name: 1.0, f"{name}/real": 0.0, f"{name}/fake": 0.0}
        super().__init__(model, weights, plan)
        self.discriminators = nn.ModuleDict({name: discriminators[name] for name in (APPEARANCE, MOTION)})
        self.learner = nn.ModuleDict({"model": model, "discriminators": self.discriminators})
        self.params, self.clip, self.discriminator_factor = params, clip, discriminator_factor

    def turn(self, step: int) -> str:
        return self.params.turn(step)

    def learner_parts(self) -> list[tuple[str, nn.Module]]:
        backbone = self.model.backbone
        return [(name, child) for name, child in self.model.named_children() if child is not backbone]

    def enter(self, stage: int) -> list[Group]:
        groups = [Group(group.name, group.parameters, group.factor, GENERATOR) for group in super().enter(stage)]
        return groups + [
            Group(name, learnable(discriminator), self.discriminator_factor, name)
            for name, discriminator in self.discriminators.items()
        ]

    def losses(self, batch: Batch, mean: MeanOf) -> dict[str, Tensor]:
        return self.losses_of(GENERATOR, batch, mean)

    def losses_of(self, turn: str, batch: Batch, mean: MeanOf) -> dict[str, Tensor]:
        self.discriminators.requires_grad_(turn != GENERATOR)
        frames, wanted = self.scored_maps(batch)
        if turn == GENERATOR:
            return self._generator_losses(self.generate(batch), frames, wanted, mean)
        with torch.no_grad():
            made = self.generate(batch).sigmoid()
        real, fake = self.discriminator(turn, frames, wanted), self.discriminator(turn, frames, made)
        truth = 1 - self.params.smoothing
        loss = [mean(cross_entropy(real, truth)), mean(cross_entropy(fake, 0.0))]
        chances = [logits.detach().float().sigmoid().mean() for logits in (real, fake)]
        return {turn: loss[0] + loss[1], f"{turn}/real": chances[0], f"{turn}/fake": chances[1]}

    def _generator_losses(self, logits: Tensor, frames: Tensor, wanted: Tensor, mean: MeanOf) -> dict[str, Tensor]:
        losses = {"bce": mean(map_loss(logits, wanted, self.params.positive_weight))}
        made = logits.sigmoid()
        for loss, discriminator, every in zip(
            ("adv_app", "adv_mot"), (APPEARANCE, MOTION), self.params.every, strict=True
        ):
            if every:
                losses[loss] = mean(cross_entropy(self.discriminator(discriminator, frames, made), 1.0))
        return losses

    def discriminator(self, name: str, frames: Tensor, maps: Tensor) -> Tensor:
        """Logits of one discriminator for (B, 3, 3, S, S) frames and their (B, 3, 1, S, S) maps."""
        if name == APPEARANCE:
            frames, maps = frames.flatten(0, 1), maps.flatten(0, 1)
        logits: Tensor = self.discriminators[name](frames, maps)
        return logits

    def scored_maps(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The frames that maps are made of, (B, 3, 3, S, S) float32 in 0..255, and the wanted maps, (B, 3, 1, S, S)."""
        places = self._places(batch["frames"].shape[1])
        frames = batch["frames"][:, places].float()
        boxes = batch["boxes"][:, places]
        maps = wanted_maps(boxes.flatten(0, 1), frames.shape[-1], self.params.target_map)
        return frames, maps.unflatten(0, boxes.shape[:2])

    def generate(self, batch: Batch) -> Tensor:
        """(B, 3, 1, S, S) logits."""
        frames = batch["frames"].float()
        places = self._places(frames.shape[1])
        seen = frames[:, places].flatten(0, 1).contiguous(memory_format=torch.channels_last)
        clips = None
        if self.model.clip_len:
            length = frames.shape[1]
            numbers = [clip_indices(place, length, self.model.clip_len, self.clip) for place in places]
            clips = frames[:, torch.tensor(numbers)].flatten(0, 1)
        target = batch["target"].to(torch.float32, memory_format=torch.channels_last)
        remembered = tuple(part.repeat_interleave(SCORED_FRAMES, dim=0) for part in self.model.encode(target))
        return self.model.attend(seen, remembered, clips).unflatten(0, (len(frames), SCORED_FRAMES))

    def _places(self, length: int) -> list[int]:
        """Which frames of a clip are scored: the last that have all frames of their own clip around them."""
        after = 0 if self.clip == "causal" else max(self.model.clip_len - 1, 0) // 2
        return list(range(length - after - SCORED_FRAMES, length - after))

    @classmethod
    def from_config(cls, cfg: CfgNode, model: AttentionNet, device: torch.device) -> AttentionRecipe:
        discriminators, losses = adversaries.from_config(cfg), params_from_config(cfg, AttentionLosses)
        factor = cfg.ATTENTION.TRAIN.D_FACTOR
        return cls(model, discriminators, BackbonePlan.from_config(cfg), losses, cfg.ATTENTION.CLIP, factor)


def wanted_maps(boxes_xywh: Tensor, side: int, kind: str = "box") -> Tensor:
    """(N, 1, S, S) float32 of (N, 4) boxes in map pixels: 1 in the box and 0 beside it, or a Gaussian; 0 everywhere for
    a box of NaN.

    A pixel is in the box when its center is; a box that holds none has the one pixel its own center is in.
    """
    at = torch.arange(side, device=boxes_xywh.device, dtype=torch.float32) + 0.5
    columns, rows = (_along(at, boxes_xywh[:, axis], boxes_xywh[:, axis + 2], kind) for axis in (0, 1))
    maps = rows[:, :, None] * columns[:, None, :]
    return torch.nan_to_num(maps)[:, None]


def _along(at: Tensor, start: Tensor, length: Tensor, kind: str) -> Tensor:
    """(N, S) share of one axis."""
    middle = (start + length / 2)[:, None]
    if kind == "gaussian":
        return torch.exp(-0.5 * ((at - middle) / (SIGMA * length[:, None]).clamp(min=0.5)) ** 2)
    return ((at - middle).abs() <= (length[:, None] / 2).clamp(min=0.5)).float()


def map_loss(logits: Tensor, wanted: Tensor, positive_weight: float = 1.0) -> Mean:
    """Cross-entropy of maps over all pixels, in float32."""
    weight = torch.tensor(positive_weight, device=logits.device)
    total = F.binary_cross_entropy_with_logits(logits.float(), wanted, pos_weight=weight, reduction="sum")
    return Mean(total, torch.tensor(logits.numel(), device=logits.device))


def cross_entropy(logits: Tensor, truth: float) -> Mean:
    """Of a discriminator's (B,) logits, all of whom should say `truth`, in float32."""
    total = F.binary_cross_entropy_with_logits(
        logits.float(), torch.full_like(logits, truth, dtype=torch.float32), reduction="sum"
    )
    return Mean(total, torch.tensor(logits.numel(), device=logits.device))
