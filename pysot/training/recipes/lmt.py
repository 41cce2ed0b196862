"""How LMT learns: an initialization and rates from which a single step on one frame makes a tracker that works on later
frames (Park and Berg, Meta-Tracker, ECCV 2018; docs/systems/lmt.md, Meta-learning).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from yacs.config import CfgNode

from pysot.config.params import params_from_config
from pysot.core.checks import CheckedParams
from pysot.core.device import device_of
from pysot.datasets.builder import resolve_root
from pysot.datasets.samples.tasks import TaskDataset
from pysot.datasets.sources.folder import FolderSource
from pysot.models.meta_arch.lmt import LmtNet
from pysot.online.meta_step import Params, binary_loss, inner_steps, overlap_loss, right_share
from pysot.training.optim import Group, learnable
from pysot.training.recipes.base import (
    RECIPES,
    BackbonePlan,
    Batch,
    MeanOf,
    PlannedRecipe,
    TrackingValidation,
    Validation,
)
from pysot.training.recipes.lmt_adversarial import AdversarialParams, Adversary, MaskGenerator
from toolkit.datasets.sequence import Sequence as Recording

logger = logging.getLogger(__name__)

VALIDATION_SEED = 7
"""Of the held-out tasks, which are the same in every run."""


@dataclass(frozen=True)
class MetaParams(CheckedParams):
    """The inner step, and how the outer loss is made.

    Attributes:
        inner_steps: gradient steps on the first frame.
        first_order: gradients of the inner step count as constants.
        clamp_alpha: rates never fall below 0.
        focal: classification losses weighted by 1 - probability of the right class.
        iou_weight: of the overlap branch's loss.
        lr_alpha, base_lr: learning rates of the rates, and of the weights.
    """

    config_group: ClassVar[str] = "META"

    inner_steps: int = 1
    first_order: bool = False
    clamp_alpha: bool = False
    focal: bool = False
    iou_weight: float = 1.0
    lr_alpha: float = 1e-5
    base_lr: float = field(default=0.005, metadata={"key": "TRAIN.BASE_LR"})

    def __post_init__(self) -> None:
        self.check("base_lr", self.base_lr > 0, "a number above 0")


class TaskFrame(NamedTuple):
    """Features of one frame of a task: of the class that plays the target, of the other, and for the overlap branch."""

    good: Tensor
    bad: Tensor
    near: Tensor
    overlaps: Tensor


class TaskValidation(Validation):
    """Scores of tracking, and `accuracy` and `iou_error` of tasks of the same sequences; see `validate_tasks`."""

    def __init__(self, tracking: Validation, recipe: MetaRecipe, tasks: Sequence[Mapping[str, Any]]) -> None:
        self.tracking, self.recipe, self.tasks = tracking, recipe, tasks

    def __call__(self) -> dict[str, float]:
        return {**self.tracking(), **validate_tasks(self.recipe, self.tasks)}

    @classmethod
    def from_config(cls, cfg: CfgNode, recipe: MetaRecipe, sequences: Sequence[Recording]) -> TaskValidation:
        paths, each = list(cfg.TRAIN.VALIDATE.SEQUENCES), cfg.META.VAL_TASKS
        sources = [FolderSource(str(path), resolve_root(path), frame_range=10, num_use=each) for path in paths]
        tasks = TaskDataset.from_config(cfg, sources, seed=VALIDATION_SEED, vary=False)
        held_out = [tasks[index] for index in range(each * len(sources))]
        return cls(TrackingValidation.from_config(cfg, recipe, sequences), recipe, held_out)


@RECIPES.register("LMT")
class MetaRecipe(PlannedRecipe):
    """Initialization and rates learn from the loss that is left on a later frame after the step.

    In the first stage everything but the backbone learns. In the second the chosen layers of the backbone do, too, and
    the step adapts the backbone where the model has rates for it. Batch norms keep their statistics.

    The tasks of a batch are worked off one by one, so that memory holds the graph of a single one. Losses: `outer` is
    what is minimized, the mean over tasks; `inner_before`, `inner_after` (first frame, before and after the step),
    `accuracy` (later frame, after the step) and `iou_error` are reported; `generator` belongs to ADV.MODE gnet.

    Args:
        model: to be trained.
        plan: when the backbone learns.
        params: the step and the losses.
        adversarial: how features are masked.
    """

    config_keys = ("ADV", "META")
    model: LmtNet
    validation = TaskValidation

    def __init__(
        self, model: LmtNet, plan: BackbonePlan, params: MetaParams, adversarial: AdversarialParams | None = None
    ) -> None:
        reported = ("inner_before", "inner_after", "accuracy", "iou_error")
        super().__init__(model, {"outer": 1.0, "generator": 1.0, **dict.fromkeys(reported, 0.0)}, plan)
        self.params, self.masking = params, adversarial or AdversarialParams(enabled=False)
        generator = None
        if self.masking.enabled and self.masking.mode == "gnet":
            generator = MaskGenerator(model.pool.channels, model.pool.size)
            self.learner = nn.ModuleDict({"model": model, "generator": generator})
        self.adversary = Adversary(self.masking, generator)
        self._adapts_backbone = False

    def enter(self, stage: int) -> list[Group]:
        groups = super().enter(stage)
        self.model.backbone.eval()
        self._adapts_backbone = stage == 1 and self.model.adapts_backbone
        factor = self.params.lr_alpha / self.params.base_lr
        return [Group(group.name, group.parameters, factor) if group.name == "rates" else group for group in groups]

    def learner_parts(self) -> list[tuple[str, nn.Module]]:
        parts = super().learner_parts()
        generator = self.adversary.generator_net
        return parts if generator is None else [*parts, ("generator", generator)]

    def losses(self, batch: Batch, mean: MeanOf) -> dict[str, Tensor]:
        rates = list(self.model.rates.parameters())
        if self.params.clamp_alpha:
            with torch.no_grad():
                for rate in rates:
                    rate.clamp_(min=0)
        weights = learnable(self.model)
        gradients = [torch.zeros_like(weight) for weight in weights]
        reports: list[dict[str, Tensor]] = []
        for number in range(len(batch["index"])):
            report = self.task(batch, number, training=True)
            outer = report["outer"]
            found = torch.autograd.grad(outer, weights, allow_unused=True)
            if not all(bool(g.isfinite().all()) for g in (outer, *found) if g is not None):
                logger.warning("task %d passed over: its loss or gradient is not finite", int(batch["index"][number]))
                continue
            for total, gradient in zip(gradients, found, strict=True):
                if gradient is not None:
                    total += gradient
            reports.append({name: value if name == "generator" else value.detach() for name, value in report.items()})
        if not reports:
            nothing = sum(weight.sum() for weight in weights) * torch.nan
            return {"outer": nothing if isinstance(nothing, Tensor) else torch.tensor(torch.nan)}
        count = len(reports)
        losses = {name: _mean_of(reports, name) for name in {name for report in reports for name in report}}
        losses["outer"] = with_gradient(losses["outer"], weights, [total / count for total in gradients])
        return dict(sorted(losses.items()))

    def task(self, batch: Batch, number: int, training: bool) -> dict[str, Tensor]:
        """Losses of one task of `batch`: everything by name, `outer` with its graph when `training`.

        Without `training` the classes are not swapped, nothing is masked, and only the step itself needs gradients.
        """
        theta = self._initial(training)
        rates = self.model.rates.by_name()
        swap = training and bool(batch["swap"][number])
        first = self._frames(batch, number, 0, swap)
        second_order = training and not self.params.first_order
        masked = training and self.masking.enabled and bool(batch["adversarial"][number])
        index = int(batch["index"][number])

        def inner(params: Params) -> Tensor:
            frame = first(params)
            total = self._loss(frame, params)
            if masked and self.masking.inner:
                total = total + self._masked_loss(frame, params, index)[0]
            return total

        adapted = inner_steps(inner, theta, rates, self.params.inner_steps, second_order=second_order)
        later = self._frames(batch, number, 1, swap)(adapted)
        logits = self.model.classify(later.good, adapted), self.model.classify(later.bad, adapted)
        outer = self._loss(later, adapted)
        report: dict[str, Tensor] = {}
        if masked:
            loss, teaching = self._masked_loss(later, adapted, index)
            outer = outer + loss
            if teaching is not None:
                report["generator"] = teaching
        with torch.no_grad():
            report["inner_before"] = self._loss(first(theta), theta)
            report["inner_after"] = self._loss(first(adapted), adapted)
            report["accuracy"] = right_share(*logits)
            if self.model.head.has_iou:
                predicted = self.model.predict_iou(later.near, adapted)
                report["iou_error"] = (predicted - later.overlaps).abs().mean()
        report["outer"] = outer
        return report

    def _initial(self, training: bool) -> dict[str, Tensor]:
        """The parameters that the step changes, as they are learned so far."""
        params = {
            name: value
            for name, value in self.model.adapted().items()
            if self._adapts_backbone or not name.startswith("backbone.")
        }
        return {
            name: value if training and value.requires_grad else value.detach().requires_grad_()
            for name, value in params.items()
        }

    def _frames(self, batch: Batch, number: int, frame: int, swap: bool) -> Callable[[Params], TaskFrame]:
        """The features of a frame under given parameters; computed once where these do not change them."""
        kept: list[TaskFrame] = []

        def under(params: Params) -> TaskFrame:
            if kept:
                return kept[0]
            positives, negatives, near = self._features(batch, number, frame, params)
            good, bad = (negatives, positives) if swap else (positives, negatives)
            found = TaskFrame(good, bad, near, batch["overlaps"][number, frame])
            if not self._adapts_backbone:
                kept.append(found)
            return found

        return under

    def _features(self, batch: Batch, number: int, frame: int, params: Params) -> tuple[Tensor, Tensor, Tensor]:
        parts = [batch[name][number, frame] for name in ("positives", "negatives", "boxes")]
        counts = [len(part) for part in parts]
        joined = torch.cat(parts)
        if "patches" in batch:
            maps = self.model.maps(batch["patches"][number, frame][None], params)
            features = self.model.boxes(maps, joined[None])[0]
        else:
            corners = torch.zeros(len(joined), 4, device=joined.device)  # these crops show their box by their form
            features = self.model.crops(joined.float(), corners, params)
        positives, negatives, near = features.split(counts)
        return positives, negatives, near

    def _loss(self, frame: TaskFrame, params: Params) -> Tensor:
        classify = self.model.classify
        total = binary_loss(classify(frame.good, params), classify(frame.bad, params), self.params.focal)
        if self.model.head.has_iou:
            predicted = self.model.predict_iou(frame.near, params)
            total = total + self.params.iou_weight * overlap_loss(predicted, frame.overlaps)
        return total

    def _masked_loss(self, frame: TaskFrame, params: Params, index: int) -> tuple[Tensor, Tensor | None]:
        """Weighted classification loss with masked targets, and what the mask generator learns from."""
        fixed = {name: value.detach() for name, value in params.items()}
        mask, teaching = self.adversary.mask(frame.good, lambda features: self.model.classify(features, fixed), index)
        good, bad = self.model.classify(frame.good * mask, params), self.model.classify(frame.bad, params)
        return self.masking.weight * binary_loss(good, bad, self.params.focal), teaching

    @classmethod
    def from_config(cls, cfg: CfgNode, model: LmtNet, device: torch.device) -> MetaRecipe:
        params, masking = params_from_config(cfg, MetaParams), params_from_config(cfg, AdversarialParams)
        return cls(model, BackbonePlan.from_config(cfg), params, masking)


def _mean_of(reports: Sequence[Mapping[str, Tensor]], name: str) -> Tensor:
    return torch.stack([report[name] for report in reports if name in report]).mean()


class _WithGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, count: int, *tensors: Tensor) -> Tensor:
        ctx.count = count
        ctx.save_for_backward(*tensors[count:])
        return value.clone()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        gradients = ctx.saved_tensors
        return (None, None, *(grad * gradient for gradient in gradients), *([None] * ctx.count))


def with_gradient(value: Tensor, parameters: Iterable[Tensor], gradients: Iterable[Tensor]) -> Tensor:
    """`value`, a scalar, whose derivative with respect to `parameters` was computed before and is `gradients`."""
    weights, slopes = list(parameters), list(gradients)
    result: Tensor = _WithGradient.apply(value.detach(), len(weights), *weights, *slopes)
    return result


def validate_tasks(recipe: MetaRecipe, tasks: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """`accuracy` and `iou_error` on the later frame after the step, means over tasks that were held out."""
    device = device_of(recipe.model)
    reports = []
    for sample in tasks:
        batch = {name: value[None].to(device) for name, value in sample.items() if isinstance(value, Tensor)}
        reports.append(recipe.task(batch, 0, training=False))
    names = ("accuracy", "iou_error") if recipe.model.head.has_iou else ("accuracy",)
    return {name: float(_mean_of(reports, name).detach()) for name in names}
