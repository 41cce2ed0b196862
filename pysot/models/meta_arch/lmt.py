"""LMT's network: a backbone, a pooling of boxes, two heads, and the learned rates of the one step that makes it a
tracker of a given target (docs/systems/lmt.md, Network).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor, nn
from yacs.config import CfgNode

from pysot.core.errors import ConfigError
from pysot.core.roi_patch import BoxGeometry
from pysot.models.backbone import BACKBONES
from pysot.models.backbone.base import Backbone, FeatureSpec
from pysot.models.head import BOX_POOLS
from pysot.models.head.lmt import BackboneCall, BoxPool, LmtHead, Params, params_within
from pysot.models.meta_arch.base import BACKBONE_KEYS, MODELS, check_family
from pysot.models.parts import call_part, make_part


class Rates(nn.Module):
    """A learned step length for every number of some parameters.

    Args:
        shapes: name and shape of each parameter.
        initial: what all begin with.
    """

    def __init__(self, shapes: Iterable[tuple[str, torch.Size]], initial: float) -> None:
        super().__init__()
        for name, shape in shapes:
            self.register_parameter(name.replace(".", "/"), nn.Parameter(torch.full(shape, initial)))

    def by_name(self) -> dict[str, Tensor]:
        """The rates under the names of the parameters they belong to."""
        return {name.replace("/", "."): value for name, value in self.named_parameters()}


@MODELS.register("LMT")
class LmtNet(nn.Module):
    """Children: backbone, pool, head (cls, iou), rates. The model keeps nothing of a target.

    Parameters that a target changes are handed in by name, as `head.cls.fc1.weight`; what is not named is the model's.

    Args:
        backbone: delivers what the pooling reads.
        pool: how the feature of a box is made.
        head: made for the length of these features.
        alpha_init: first value of all rates.
        adapt_backbone: the step changes the backbone, too, as MetaSDNet's second stage does.
        adapt_iou: the step changes the overlap branch.

    Raises `ConfigError` when the backbone shall change and has batch norms, or the head is made for other features.
    """

    config_keys = (*BACKBONE_KEYS, "HEAD", "META.ALPHA_INIT", "META.ADAPT_BACKBONE", "META.ADAPT_IOU")

    def __init__(
        self,
        backbone: Backbone,
        pool: BoxPool,
        head: LmtHead,
        *,
        alpha_init: float = 1e-4,
        adapt_backbone: bool = False,
        adapt_iou: bool = True,
    ) -> None:
        super().__init__()
        length = pool.channels * pool.size**2
        if head.inputs != length:
            raise ConfigError(f"The head takes features of length {head.inputs}, but the pooling delivers {length}.")
        if adapt_backbone and any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in backbone.modules()):
            raise ConfigError(
                f"META.ADAPT_BACKBONE: {type(backbone).__name__} has batch norms, which a single step cannot adapt. "
                "Set it False, or use BACKBONE.TYPE vggm."
            )
        self.backbone, self.pool, self.head = backbone, pool, head
        prefixes = ["head.cls."] + ["head.iou."] * (adapt_iou and head.has_iou) + ["backbone."] * adapt_backbone
        shapes = [(name, value.shape) for name, value in self.named_parameters() if name.startswith(tuple(prefixes))]
        self.rates = Rates(shapes, alpha_init)

    @property
    def geometry(self) -> BoxGeometry:
        """How large boxes are in patches."""
        return self.pool.geometry

    @property
    def level_specs(self) -> list[FeatureSpec]:
        """The maps that boxes are read from."""
        return self.pool.level_specs

    @property
    def adapts_backbone(self) -> bool:
        """Whether the features of a target are its own."""
        return any(name.startswith("backbone/") for name, _ in self.rates.named_parameters())

    def adapted(self) -> dict[str, Tensor]:
        """The parameters that the step on the first frame changes, as they are learned, by name."""
        rates = self.rates.by_name()
        return {name: value for name, value in self.named_parameters() if name in rates}

    def maps(self, patches: Tensor, params: Params | None = None) -> list[Tensor]:
        """What the boxes of (B, 3, H, W) patches, BGR 0 to 255, are read from."""
        return self.pool.maps(self._backbone(params), patches)

    def boxes(self, maps: list[Tensor], boxes_xyxy: Tensor) -> Tensor:
        """(B, N, C, k, k) features of boxes (B, N, 4) in patch coordinates."""
        return self.pool.pool(maps, boxes_xyxy)

    def crops(self, crops: Tensor, boxes_xyxy: Tensor, params: Params | None = None) -> Tensor:
        """(N, C, k, k) features of one box (N, 4) in each of the crops (N, 3, S, S), made by `box_crops`."""
        return self.pool.crops(self._backbone(params), crops, boxes_xyxy)

    def classify(self, features: Tensor, params: Params | None = None) -> Tensor:
        """(N, 2) logits; index 1 is the target."""
        return self.head.classify(features, params_within(params, "head."))

    def predict_iou(self, features: Tensor, params: Params | None = None) -> Tensor:
        """(N,) overlaps with the target, 0 to 1."""
        return self.head.predict_iou(features, params_within(params, "head."))

    def forward(self, patches: Tensor, boxes_xyxy: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, N, 2) and overlaps (B, N) of boxes in patches, with the learned parameters."""
        features = self.boxes(self.maps(patches), boxes_xyxy)
        flat, shape = features.flatten(0, 1), features.shape[:2]
        overlaps = self.predict_iou(flat) if self.head.has_iou else flat.new_ones(len(flat))
        return self.classify(flat).reshape(*shape, 2), overlaps.reshape(shape)

    def _backbone(self, params: Params | None) -> BackboneCall:
        own = params_within(params, "backbone.")
        return with_parameters(self.backbone, own) if own else self.backbone

    @staticmethod
    def check_config(cfg: CfgNode) -> None:
        """Raises `ConfigError` when MODEL.TYPE names another family."""
        check_family(cfg, "lmt")

    @classmethod
    def from_config(cls, cfg: CfgNode) -> LmtNet:
        """The model that `cfg` describes; HEAD.KWARGS are those of the head and of the pooling."""
        backbone: Backbone = make_part(BACKBONES, cfg.BACKBONE.TYPE, cfg.BACKBONE.KWARGS)
        kwargs = dict(cfg.HEAD.KWARGS)
        head = {key: kwargs.pop(key) for key in ("hidden", "iou_branch", "init") if key in kwargs}
        name = kwargs.pop("pool", "cells")
        make_pool = partial(BOX_POOLS[name], backbone)
        pool: BoxPool = call_part(make_pool, kwargs, "HEAD.KWARGS", f"box pooling '{name}'")
        return cls(
            backbone,
            pool,
            LmtHead(pool.channels * pool.size**2, **head),
            alpha_init=cfg.META.ALPHA_INIT,
            adapt_backbone=cfg.META.ADAPT_BACKBONE,
            adapt_iou=cfg.META.ADAPT_IOU,
        )


def with_parameters(module: nn.Module, params: Params) -> nn.Module:
    """A module that computes as `module` does, with `params` instead of its own where they are named.

    Nothing is copied but the tree of modules. `torch.func.functional_call` would put the parameters into `module`
    itself while it runs, where trackers in other threads would use them.
    """
    twin = copy.copy(module)
    twin._parameters = {name: params.get(name, value) for name, value in module._parameters.items()}  # type: ignore[misc]
    twin._modules = {
        name: None if child is None else with_parameters(child, params_within(params, f"{name}."))
        for name, child in module._modules.items()
    }
    return twin
