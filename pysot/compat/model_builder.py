"""PySOT's network class: it keeps the template it was given, and its parts take and return single maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from pysot.compat.config import cfg, shared_config
from pysot.core.device import device_of
from pysot.models.builder import build_model
from pysot.models.meta_arch.siamese import MaskFeatures
from pysot.training.losses import anchor_cls_loss, anchor_loc_loss

Maps: TypeAlias = Tensor | list[Tensor]
"""One feature map, or a list with one per level where there are several."""


TEMPLATE_MAX_WIDTH = 20
"""A feature map narrower than this is a template's."""


class ModelBuilder(nn.Module):
    """The network that `pysot.core.config.cfg` describes, with the state_dict keys of published snapshots.

    For a HEAD.TYPE that PySOT does not have, calling the class gives this package's own model.

    Attributes:
        backbone, neck, rpn_head, mask_head, refine_head: its parts, as far as the config has them. Each takes and
            returns a single map where there is one level, a list where there are several.
        zf: what `template` made of the exemplar; may be replaced.
        xf, mask_corr_feature: of the last search crop, with a mask head: its shallow maps and correlation map.
    """

    backbone: nn.Module
    neck: nn.Module
    rpn_head: nn.Module
    mask_head: Any
    refine_head: nn.Module
    zf: Maps
    xf: list[Tensor]
    mask_corr_feature: Tensor

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return super().__new__(cls) if cfg.HEAD.TYPE == "RPN" else build_model(shared_config())

    def __init__(self) -> None:
        super().__init__()
        for name, part in build_model(shared_config()).named_children():
            if name in ("neck", "rpn_head"):
                part.register_forward_pre_hook(_as_lists)
            if name == "neck":
                part.register_forward_hook(_cut_templates)
            if name in ("backbone", "neck"):
                part.register_forward_hook(_as_single)
            self.add_module(name, part)

    def template(self, z: Tensor) -> None:
        """Remembers the exemplar crop `z` (1, 3, 127, 127), BGR in 0..255, as `zf`."""
        self.zf = self._adjusted(self._levels(z)[1])

    def track(self, x: Tensor) -> dict[str, Tensor | None]:
        """`cls` (1, 2k, S, S) logits, `loc` (1, 4k, S, S) deltas and `mask` (1, 63 * 63, S, S) or None, of a search
        crop (1, 3, H, W).
        """
        self.xf, deep = self._levels(x)
        xf = self._adjusted(deep)
        cls, loc = self.rpn_head(self.zf, xf)
        return {"cls": cls, "loc": loc, "mask": self._mask(self.zf, xf) if hasattr(self, "mask_head") else None}

    def mask_refine(self, pos: tuple[int, int]) -> Tensor:
        """(1, 127 * 127) mask logits of the cell (row, column) of the last search crop."""
        cell = torch.tensor([(0, *pos)]).to(self.mask_corr_feature.device)
        logits: Tensor = self.refine_head(self.xf, self.mask_corr_feature, cell)
        return logits

    def refine(self, features: MaskFeatures, cell: tuple[int, int]) -> Tensor:
        """(1, 127, 127) `mask_refine`, as SiamMask's tracker asks for it."""
        logits = self.mask_refine(cell)
        return logits.view(1, round(logits.numel() ** 0.5), -1)

    def mask_window(self, exemplar_size: int) -> tuple[int, int]:
        """Step and margin, search pixels, of the squares that masks cover, as SiamMask's tracker asks for them."""
        return cfg.ANCHOR.STRIDE, cfg.TRACK.BASE_SIZE * cfg.ANCHOR.STRIDE // 2

    def forward(self, data: dict[str, Tensor]) -> dict[str, Tensor]:
        """`total_loss`, `cls_loss` and `loc_loss` of a batch of `pysot.datasets.dataset.TrkDataset`.

        The masks of a SiamMask are not trained here, nor in PySOT; `tools/train.py` of this package does.
        """
        batch = {key: value.to(device_of(self)) for key, value in data.items() if isinstance(value, Tensor)}
        zf, xf = (self._adjusted(self._levels(batch[view])[1]) for view in ("template", "search"))
        cls, loc = self.rpn_head(zf, xf)
        positive, negative = anchor_cls_loss(cls, batch["label_cls"])
        cls_loss = 0.5 * positive.value() + 0.5 * negative.value()
        loc_loss = anchor_loc_loss(loc, batch["label_loc"], batch["label_loc_weight"]).value()
        total = cfg.TRAIN.CLS_WEIGHT * cls_loss + cfg.TRAIN.LOC_WEIGHT * loc_loss
        return {"total_loss": total, "cls_loss": cls_loss, "loc_loss": loc_loss}

    def log_softmax(self, cls: Tensor) -> Tensor:
        """(B, k, S, S, 2) log probabilities of background and target, of (B, 2k, S, S) logits."""
        return cls.unflatten(1, (2, -1)).movedim(1, -1).log_softmax(-1)

    def _levels(self, image: Tensor) -> tuple[list[Tensor], Maps]:
        """The maps that only a mask's refinement sees, and those for the neck."""
        maps = self.backbone(image)
        return (maps[:-1], maps[-1]) if hasattr(self, "mask_head") else ([], maps)

    def _adjusted(self, maps: Maps) -> Maps:
        adjusted: Maps = self.neck(maps) if hasattr(self, "neck") else maps
        return adjusted

    def _mask(self, zf: Maps, xf: Maps) -> Tensor:
        head = self.mask_head
        self.mask_corr_feature = head.correlation(head.conv_kernel(zf), xf)
        logits: Tensor = head.head(self.mask_corr_feature)
        return logits


def _as_lists(part: nn.Module, maps: Sequence[Maps]) -> tuple[list[Tensor], ...]:
    """Single maps become lists of one, which is what necks and anchor heads take."""
    return tuple([one] if isinstance(one, Tensor) else one for one in maps)


def _cut_templates(neck: Any, inputs: Sequence[Any], maps: list[Tensor]) -> list[Tensor]:
    """PySOT's necks tell a template by its narrow map, and cut it to the middle."""
    cut: list[Tensor] = neck.cut(maps) if maps[0].shape[-1] < TEMPLATE_MAX_WIDTH else maps
    return cut


def _as_single(part: nn.Module, inputs: Sequence[Any], maps: list[Tensor]) -> Maps:
    """A list of one map becomes that map."""
    return maps[0] if len(maps) == 1 else maps
