"""The siamese head slot: what a head does with template and search features, and the registries of heads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, TypeAlias

from torch import Tensor, nn

from pysot.core.anchors import ResponseGrid
from pysot.core.registry import Registry
from pysot.models.parts import Delivered

Kernels: TypeAlias = tuple[Tensor, ...]
"""What a head keeps of a template: everything that does not depend on the search region."""


class SiameseHead(nn.Module, ABC):
    """Compares a template with a search region.

    The work on the template alone is split off (`kernels`), because a tracker does it once and then calls
    `correlate` for every frame.

    A head that is chosen by a config may have a class method `arguments_for(given)`: those arguments that follow from
    what it is built on (`pysot.models.parts.Delivered`), or `ConfigError` where it cannot be.

    Attributes:
        smallest_template: cells that a template's map must have along a side.
    """

    smallest_template: ClassVar[int] = 1

    def response(self, given: Delivered, instance_size: int) -> ResponseGrid:
        """Where the cells of the response map look, for search crops of `instance_size` pixels; here, of a head that
        slides the template over the search region, both after the same layers.

        The template's place in its own crop is known, so that what counts are steps of the stride.
        """
        spec = given.specs[-1]
        side = spec.cells(instance_size) - given.template_cells + 1
        first = -(instance_size - given.exemplar_size) / 2 - given.template_start * spec.stride
        return ResponseGrid.starting_at(first, spec.stride, side)

    @abstractmethod
    def kernels(self, template: list[Tensor]) -> Kernels:
        """The template's share of the work, from its feature maps (B, C, h, w), one per level."""

    @abstractmethod
    def correlate(self, kernels: Kernels, search: list[Tensor]) -> tuple[Tensor, Tensor]:
        """(cls, loc) response maps for search features (B, C, H, W), one per level."""

    def forward(self, template: list[Tensor], search: list[Tensor]) -> tuple[Tensor, Tensor]:
        """(cls, loc) response maps of a pair."""
        return self.correlate(self.kernels(template), search)


class PixelwiseHead(SiameseHead):
    """A head whose response cells are those of the search map: every cell of the template is a kernel of its own."""

    def response(self, given: Delivered, instance_size: int) -> ResponseGrid:
        spec = given.specs[-1]
        first = spec.pixel_at(0) - (instance_size - 1) / 2
        return ResponseGrid.starting_at(first, spec.stride, spec.cells(instance_size))


RPN_HEADS: Registry[type[SiameseHead]] = Registry("anchor-based head", key="RPN.TYPE")
"""Heads called with `**RPN.KWARGS`; cls (B, 2k, S, S), loc (B, 4k, S, S)."""

BAN_HEADS: Registry[type[SiameseHead]] = Registry("anchor-free head", key="BAN.TYPE")
"""Heads called with `**BAN.KWARGS`; cls (B, 2, S, S), loc (B, 4, S, S) positive left, top, right, bottom distances in
search-crop pixels."""

MASK_HEADS: Registry[type[nn.Module]] = Registry("mask head", key="MASK.TYPE")
"""Heads called with `**MASK.KWARGS`."""

REFINE_HEADS: Registry[type[nn.Module]] = Registry("mask refinement head", key="REFINE.TYPE")
"""Heads called with `correlation`, the channels of the mask head's correlation map, and what `arguments_for` says."""
