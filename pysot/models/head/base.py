"""The siamese head slot: what a head does with template and search features, and the registries of heads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeAlias

from torch import Tensor, nn

from pysot.core.registry import Registry

Kernels: TypeAlias = tuple[Tensor, ...]
"""What a head keeps of a template: everything that does not depend on the search region."""


class SiameseHead(nn.Module, ABC):
    """Compares a template with a search region.

    The work on the template alone is split off (`kernels`), because a tracker does it once and then calls
    `correlate` for every frame.
    """

    @abstractmethod
    def kernels(self, template: list[Tensor]) -> Kernels:
        """The template's share of the work, from its feature maps (B, C, h, w), one per level."""

    @abstractmethod
    def correlate(self, kernels: Kernels, search: list[Tensor]) -> tuple[Tensor, Tensor]:
        """(cls, loc) response maps for search features (B, C, H, W), one per level."""

    def forward(self, template: list[Tensor], search: list[Tensor]) -> tuple[Tensor, Tensor]:
        """(cls, loc) response maps of a pair."""
        return self.correlate(self.kernels(template), search)


RPN_HEADS: Registry[type[SiameseHead]] = Registry("anchor-based head", key="RPN.TYPE")
"""Heads called with `**RPN.KWARGS`; cls (B, 2k, S, S), loc (B, 4k, S, S)."""

BAN_HEADS: Registry[type[SiameseHead]] = Registry("anchor-free head", key="BAN.TYPE")
"""Heads called with `**BAN.KWARGS`; cls (B, 2, S, S), loc (B, 4, S, S) positive left, top, right, bottom distances in
search-crop pixels."""

MASK_HEADS: Registry[type[nn.Module]] = Registry("mask head", key="MASK.TYPE")
"""Heads called with `**MASK.KWARGS`."""

REFINE_HEADS: Registry[type[nn.Module]] = Registry("mask refinement head", key="REFINE.TYPE")
"""Heads called without arguments."""
