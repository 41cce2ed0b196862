"""Siamese models: a backbone, a neck and a head, put together under the key names of published snapshots.

The public surface is the same for all::

    kernels = model.template(z)         # once, from the exemplar crop
    output = model.track(kernels, x)    # for every search crop

A model keeps nothing of a template, so that any number of trackers can share one. What a target's tracker has chosen
of the channels (`pysot.models.target_aware`) is handed in with each call.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from yacs.config import CfgNode

from pysot.core.anchors import ResponseGrid
from pysot.core.errors import ConfigError
from pysot.models.backbone import BACKBONES
from pysot.models.backbone.base import Backbone, FeatureSpec
from pysot.models.head import BAN_HEADS, MASK_HEADS, REFINE_HEADS, RPN_HEADS
from pysot.models.head.base import Kernels, SiameseHead
from pysot.models.head.mask import MaskCorr, Refine
from pysot.models.meta_arch.base import BACKBONE_KEYS, MODELS, check_agrees, check_family
from pysot.models.neck import NECKS, Neck
from pysot.models.parts import Delivered, make_part
from pysot.models.target_aware.base import Selection


class SiameseOutput(NamedTuple):
    """Response maps of one search crop.

    cls: (B, 2k, S, S) logits; loc: (B, 4k, S, S) box code (anchor deltas, or point distances with k = 1).
    """

    cls: Tensor
    loc: Tensor


class MaskFeatures(NamedTuple):
    """What SiamMask keeps of a search crop until a cell is chosen: its correlation map and shallow features."""

    correlation: Tensor
    shallow: list[Tensor]


class SiameseModel(nn.Module):
    """Base of all siamese models. Images are (B, 3, H, W) float32 BGR in 0..255.

    Attributes:
        backbone: a child of this name.
        head: a child, or a property that answers the child of the name that the family's snapshots have.
        applied_neck: what the maps go through before the head; None where they go as they are.
    """

    backbone: Backbone
    head: SiameseHead
    short_float_parts = ("backbone",)
    applied_neck: Neck | None = None

    @property
    def level_specs(self) -> list[FeatureSpec]:
        """What each map is that `levels` returns."""
        return self.backbone.specs

    def levels(self, image: Tensor) -> list[Tensor]:
        """The backbone's maps that go to the neck, or without one to the head, shallow to deep."""
        return self.backbone(image)

    def response(self, exemplar_size: int, instance_size: int) -> ResponseGrid:
        """Where the cells of the response map look, with template and search crops of these sides, pixels.

        Raises `ConfigError` where the template's map is too small, or another than the head was made for.
        """
        source = type(self.backbone).__name__
        given = template_of(Delivered(source, self.level_specs, exemplar_size=exemplar_size), self.applied_neck)
        head, least = type(self.head).__name__, self.head.smallest_template
        if given.template_cells < least:
            raise ConfigError(
                f"A template crop of {exemplar_size} pixels gives {given.template_cells} cells along a side of the map "
                f"of {source}, but {head} needs {least}. Raise TRACK.EXEMPLAR_SIZE, or name shallower levels."
            )
        made_for = getattr(self.head, "template_size", given.template_cells)
        if made_for != given.template_cells:
            raise ConfigError(
                f"A template crop of {exemplar_size} pixels gives {given.template_cells} x {given.template_cells} "
                f"cells of {source}, but {head} is made for {made_for} x {made_for}. Use one EXEMPLAR_SIZE in TRACK "
                f"and TRAIN, or set template_size of the head to {given.template_cells}."
            )
        return self.head.response(given, instance_size)

    def features(self, image: Tensor, selection: Selection | None = None, *, template: bool = False) -> list[Tensor]:
        """Feature maps of a search crop, or a template crop, as the head takes them, one per level, of the selected
        channels.
        """
        return self._adjusted(self.levels(image), selection, template)

    def _adjusted(self, levels: list[Tensor], selection: Selection | None, template: bool = False) -> list[Tensor]:
        selected, neck = levels if selection is None else selection.apply(levels), self.applied_neck
        if neck is None:
            return selected
        return neck.template(selected) if template else neck(selected)

    def template(self, exemplar: Tensor) -> Kernels:
        """Everything the model needs to remember of an exemplar crop."""
        return self.kernels(self.levels(exemplar))

    def kernels(self, levels: list[Tensor], selection: Selection | None = None) -> Kernels:
        """`template`, from the exemplar's `levels`."""
        return self.head.kernels(self._adjusted(levels, selection, template=True))

    def track(self, kernels: Kernels, search: Tensor, selection: Selection | None = None) -> SiameseOutput:
        """Response maps of a search crop."""
        return SiameseOutput(*self.head.correlate(kernels, self.features(search, selection)))

    def forward(self, exemplar: Tensor, search: Tensor) -> SiameseOutput:
        """Response maps of a pair, for training."""
        return self.track(self.template(exemplar), search)


def template_of(given: Delivered, neck: Neck | None) -> Delivered:
    """`given` with the cells that a template's deepest map has after the `neck`."""
    cells = given.specs[-1].cells(given.exemplar_size)
    start, count = (0, cells) if neck is None else neck.middle(cells)
    return replace(given, template_cells=count, template_start=start)


@MODELS.register("RPN")
class SiamRPN(SiameseModel):
    """SiamRPN and SiamRPN++. Children: backbone, neck (unless None), rpn_head."""

    config_keys = (*BACKBONE_KEYS, "ADJUST", "RPN", "ANCHOR", "MASK", "REFINE", "TRACK.EXEMPLAR_SIZE")

    def __init__(self, backbone: Backbone, neck: Neck | None, rpn_head: SiameseHead) -> None:
        super().__init__()
        self.backbone = backbone
        if neck is not None:
            self.neck = neck
        self.rpn_head = rpn_head

    @property
    def head(self) -> SiameseHead:  # type: ignore[override]
        return self.rpn_head

    @property
    def applied_neck(self) -> Neck | None:  # type: ignore[override]
        return self.neck if hasattr(self, "neck") else None

    @staticmethod
    def check_config(cfg: CfgNode) -> None:
        """Raises `ConfigError` when anchors, levels or widths that are stated twice disagree."""
        check_family(cfg, "siamese")
        for key in ("RATIOS", "SCALES"):
            if not all(value > 0 for value in cfg.ANCHOR[key]):
                raise ConfigError(f"ANCHOR.{key} is {list(cfg.ANCHOR[key])}; expected numbers above 0.")
        count = len(cfg.ANCHOR.RATIOS) * len(cfg.ANCHOR.SCALES)
        in_head = cfg.RPN.KWARGS.get("anchor_num", count)
        if not count == cfg.ANCHOR.ANCHOR_NUM == in_head:
            raise ConfigError(
                f"Anchors disagree: ANCHOR.RATIOS x ANCHOR.SCALES give {count}, ANCHOR.ANCHOR_NUM is "
                f"{cfg.ANCHOR.ANCHOR_NUM}, RPN.KWARGS.anchor_num is {in_head}. Make the three equal."
            )
        used, channels = cfg.BACKBONE.KWARGS.get("used_layers"), cfg.ADJUST.KWARGS.get("in_channels")
        if cfg.ADJUST.ADJUST and isinstance(used, (list, tuple)) and isinstance(channels, (list, tuple)):
            levels = 1 if cfg.MASK.MASK else len(used)  # SiamMask sends only the deepest through the neck
            if levels != len(channels):
                raise ConfigError(
                    f"BACKBONE.KWARGS.used_layers {list(used)} sends {levels} feature map(s) to the neck, but "
                    f"ADJUST.KWARGS.in_channels {list(channels)} expects {len(channels)}. Give one channel count per "
                    "level."
                )

    @classmethod
    def from_config(cls, cfg: CfgNode) -> SiamRPN:
        """The model that `cfg` describes: a `SiamMask` where MASK.MASK is True."""
        backbone: Backbone = make_part(BACKBONES, cfg.BACKBONE.TYPE, cfg.BACKBONE.KWARGS)
        source, exemplar = f"BACKBONE.TYPE {cfg.BACKBONE.TYPE}", cfg.TRACK.EXEMPLAR_SIZE
        specs = backbone.specs[-1:] if cfg.MASK.MASK else backbone.specs
        check_agrees("ANCHOR.STRIDE", cfg.ANCHOR.STRIDE, source, "a map of stride {}", specs[-1].stride)
        given = Delivered(source, specs, exemplar_size=exemplar, anchor_num=cfg.ANCHOR.ANCHOR_NUM)
        neck: Neck | None = None
        if cfg.ADJUST.ADJUST:
            neck = make_part(NECKS, cfg.ADJUST.TYPE, cfg.ADJUST.KWARGS, given)
            given = replace(given, source=f"ADJUST.TYPE {cfg.ADJUST.TYPE}", specs=neck.specs_after(specs))
        given = template_of(given, neck)
        rpn_head = make_part(RPN_HEADS, cfg.RPN.TYPE, cfg.RPN.KWARGS, given)
        if not cfg.MASK.MASK:
            return SiamRPN(backbone, neck, rpn_head)
        mask_head: MaskCorr = make_part(MASK_HEADS, cfg.MASK.TYPE, cfg.MASK.KWARGS, given)
        refine: Refine | None = None
        if cfg.REFINE.REFINE:
            all_maps = replace(given, source=source, specs=backbone.specs)
            refine = make_part(REFINE_HEADS, cfg.REFINE.TYPE, {"correlation": mask_head.hidden}, all_maps)
        return SiamMask(backbone, neck, rpn_head, mask_head, refine)


class SiamMask(SiamRPN):
    """SiamRPN plus a mask branch on the same kernels. Children: + mask_head, refine_head (unless None).

    The backbone's deepest map goes through neck and heads, the shallower ones to the refinement.
    """

    def __init__(
        self,
        backbone: Backbone,
        neck: Neck | None,
        rpn_head: SiameseHead,
        mask_head: MaskCorr,
        refine: Refine | None,
    ) -> None:
        super().__init__(backbone, neck, rpn_head)
        self.mask_head = mask_head
        if refine is not None:
            self.refine_head = refine

    @property
    def level_specs(self) -> list[FeatureSpec]:
        return self.backbone.specs[-1:]

    def mask_window(self, exemplar_size: int) -> tuple[int, int]:
        """The square of `exemplar_size` pixels that a cell's mask covers: cell (row, column) sees rows
        `row * step - margin` onwards, search pixels. Returns step and margin.
        """
        given = template_of(Delivered("", self.level_specs, exemplar_size=exemplar_size), self.applied_neck)
        stride = given.specs[-1].stride
        return stride, given.template_start * stride

    def levels(self, image: Tensor) -> list[Tensor]:
        return self.backbone(image)[-1:]

    def kernels(self, levels: list[Tensor], selection: Selection | None = None) -> Kernels:
        features = self._adjusted(levels, selection, template=True)
        return (*self.rpn_head.kernels(features), self.mask_head.conv_kernel(features[-1]))

    def track(self, kernels: Kernels, search: Tensor, selection: Selection | None = None) -> SiameseOutput:
        return self.track_with_mask(kernels, search, selection)[0]

    def track_with_mask(
        self, kernels: Kernels, search: Tensor, selection: Selection | None = None
    ) -> tuple[SiameseOutput, MaskFeatures]:
        """Response maps, and what `mask` and `refine` need to make a mask of a chosen cell.

        The refinement reads all channels of the shallow maps, whatever is selected of the deepest.
        """
        *shallow, deep = self.backbone(search)
        features = self._adjusted([deep], selection)
        output = SiameseOutput(*self.rpn_head.correlate(kernels[:-1], features))
        return output, MaskFeatures(self.mask_head.correlation(kernels[-1], features[-1]), shallow)

    def mask(self, features: MaskFeatures) -> Tensor:
        """(B, 63 * 63, S, S) coarse mask logits of every cell."""
        logits: Tensor = self.mask_head.head(features.correlation)
        return logits

    def forward_with_mask(self, exemplar: Tensor, search: Tensor) -> tuple[SiameseOutput, MaskFeatures]:
        """`track_with_mask` of a pair, for training."""
        return self.track_with_mask(self.template(exemplar), search)

    def mask_cells(self, features: MaskFeatures, cells: Tensor) -> Tensor:
        """(N, 63 * 63) coarse mask logits of the cells (N, 3), each a number in the batch, a row and a column."""
        return self.mask_head.head_at(features.correlation, cells)

    def refine(self, features: MaskFeatures, cell: tuple[int, int]) -> Tensor:
        """(B, M, M) refined mask logits of the cell (row, column); M is the side of the template crop."""
        maps = features.correlation
        return self.refine_cells(features, torch.tensor([(index, *cell) for index in range(len(maps))]).to(maps.device))

    def refine_cells(self, features: MaskFeatures, cells: Tensor) -> Tensor:
        """(N, M, M) refined mask logits of the cells (N, 3)."""
        logits: Tensor = self.refine_head(features.shallow, features.correlation, cells)
        side = self.refine_head.mask_size
        return logits.reshape(-1, side, side)


@MODELS.register("BAN")
class NanoTrack(SiameseModel):
    """NanoTrack V1-V3. Children: backbone, neck, ban_head.

    The neck is part of every published snapshot but none of the versions applies it (docs/systems/nanotrack.md, Neck).
    """

    config_keys = (*BACKBONE_KEYS, "ADJUST", "BAN", "POINT", "TRACK.EXEMPLAR_SIZE")

    def __init__(self, backbone: Backbone, neck: Neck | None, ban_head: SiameseHead) -> None:
        super().__init__()
        self.backbone = backbone
        if neck is not None:
            self.neck = neck
        self.ban_head = ban_head

    @property
    def head(self) -> SiameseHead:  # type: ignore[override]
        return self.ban_head

    @staticmethod
    def check_config(cfg: CfgNode) -> None:
        """Raises `ConfigError` when MODEL.TYPE names another family."""
        check_family(cfg, "siamese")

    @classmethod
    def from_config(cls, cfg: CfgNode) -> NanoTrack:
        """The model that `cfg` describes."""
        backbone: Backbone = make_part(BACKBONES, cfg.BACKBONE.TYPE, cfg.BACKBONE.KWARGS)
        source = f"BACKBONE.TYPE {cfg.BACKBONE.TYPE}"
        check_agrees("POINT.STRIDE", cfg.POINT.STRIDE, source, "a map of stride {}", backbone.specs[-1].stride)
        given = template_of(Delivered(source, backbone.specs, exemplar_size=cfg.TRACK.EXEMPLAR_SIZE), None)
        neck = None
        if cfg.ADJUST.ADJUST:  # never applied: a width that is stated, as published ones are, need not fit
            stated = "in_channels" in cfg.ADJUST.KWARGS
            neck = make_part(NECKS, cfg.ADJUST.TYPE, cfg.ADJUST.KWARGS, None if stated else given)
        return cls(backbone, neck, make_part(BAN_HEADS, cfg.BAN.TYPE, cfg.BAN.KWARGS, given))


def count_parameters(model: nn.Module) -> int:
    """Number of learned values in `model`."""
    return sum(p.numel() for p in model.parameters() if isinstance(p, torch.Tensor))
