"""Adversarial features: the cells of a target's feature that the classifier relies on most are taken away while it
learns, so that it learns to do without them (Song et al., VITAL, CVPR 2018; docs/systems/lmt.md, Adversarial features).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from pysot.core.checks import CheckedParams

Classify = Callable[[Tensor], Tensor]
"""(N, 2) logits of features (N, C, k, k) under the parameters of the moment; index 1 is the target."""
MODES = ("search", "gnet", "gradient", "random")


@dataclass(frozen=True)
class AdversarialParams(CheckedParams):
    """When and how features are masked.

    Attributes:
        enabled: False never masks.
        mode: what says which cells matter: `search` tries each one, exactly; `gnet` asks a small network that learns
            from searches; `gradient` takes one backward pass; `random` is for comparison.
        num_cells: cells taken away.
        weight: of the loss on masked features.
        temperature: of the softmax from which `search` and `gradient` draw cells.
        inner: also mask in the loss of the inner step.
    """

    config_group: ClassVar[str] = "ADV"

    enabled: bool = True
    mode: str = "search"
    num_cells: int = 3
    weight: float = 0.5
    temperature: float = 0.1
    inner: bool = False

    def __post_init__(self) -> None:
        self.check_choice("mode", MODES)
        self.check_least(1, "num_cells")
        self.check("temperature", self.temperature > 0, "a number above 0")


class MaskGenerator(nn.Module):
    """Predicts from a feature which cells a search would keep: (N, C, k, k) to (N, k * k), about 1 kept and 0 not."""

    def __init__(self, channels: int, size: int, hidden: int = 256) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(channels * size * size, hidden), nn.ReLU(), nn.Linear(hidden, size * size)
        )

    def forward(self, features: Tensor) -> Tensor:
        out: Tensor = self.layers(features.flatten(1))
        return out


def score_drops(features: Tensor, classify: Classify) -> Tensor:
    """(N, k * k) how much the target's probability falls when one cell of (N, C, k, k) is zeroed in all channels."""
    count, cells = len(features), features.shape[-1] * features.shape[-2]
    keep = 1 - torch.eye(cells, dtype=features.dtype, device=features.device)
    masked = features[:, None] * keep.reshape(1, cells, 1, *features.shape[-2:])
    with torch.no_grad():
        whole = classify(features).softmax(dim=1)[:, 1]
        without = classify(masked.flatten(0, 1)).softmax(dim=1)[:, 1].reshape(count, cells)
    return whole[:, None] - without


def gradient_importance(features: Tensor, classify: Classify) -> Tensor:
    """(N, k * k) share of each cell in the sum over channels of |feature x gradient of the target's logit|."""
    with torch.enable_grad():
        variable = features.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(classify(variable)[:, 1].sum(), variable)
    cells = (variable.detach() * gradient).abs().sum(dim=1).flatten(1)
    return cells / cells.sum(dim=1, keepdim=True).clamp(min=1e-12)


def draw_mask(importance: Tensor, count: int, temperature: float, generator: torch.Generator) -> Tensor:
    """(N, cells) of 1, with 0 at `count` cells each, drawn without replacement from softmax(importance / temperature).

    Random, so that the classifier cannot learn one fixed pattern. Drawn on the CPU: the same on every device.
    """
    uniform = torch.rand(importance.shape, generator=generator, dtype=torch.float64).clamp(1e-12, 1 - 1e-12)
    keys = importance.detach().double().cpu() / temperature - torch.log(-torch.log(uniform))
    chosen = keys.topk(min(count, importance.shape[1]), dim=1).indices
    return torch.ones_like(keys).scatter_(1, chosen, 0.0).to(importance)


class Adversary:
    """Makes masks for the features of targets.

    Args:
        params: how.
        generator_net: for `gnet`, learned beside the model.
    """

    def __init__(self, params: AdversarialParams, generator_net: MaskGenerator | None = None) -> None:
        self.params, self.generator_net = params, generator_net

    def mask(self, features: Tensor, classify: Classify, task: int) -> tuple[Tensor, Tensor | None]:
        """A mask (N, 1, k, k) for features (N, C, k, k), and the loss of the mask generator where it learned from this.

        Args:
            task: position of the task in the run; decides, with the parameters, every random choice.
        """
        features = features.detach()
        params, random = self.params, torch.Generator().manual_seed(task)
        size = features.shape[-2:]
        if params.mode == "gnet" and task % 2:  # the other half of the tasks teaches it
            assert self.generator_net is not None
            with torch.no_grad():
                lowest = self.generator_net(features).topk(params.num_cells, dim=1, largest=False).indices
            mask = features.new_ones(len(features), size[0] * size[1]).scatter_(1, lowest, 0.0)
            return mask.reshape(-1, 1, *size), None
        if params.mode == "random":
            importance = features.new_zeros(len(features), size[0] * size[1])
        else:
            importance = (gradient_importance if params.mode == "gradient" else score_drops)(features, classify)
        mask = draw_mask(importance, params.num_cells, params.temperature, random)
        loss = None
        if self.generator_net is not None:
            target = torch.ones_like(importance)
            target.scatter_(1, importance.argmax(dim=1, keepdim=True), 0.0)
            loss = nn.functional.mse_loss(self.generator_net(features), target)
        return mask.reshape(-1, 1, *size), loss
