"""A linear layer whose weights no longer change, and the gradient of its input.

For a few rows, multiplying with a large matrix is mostly reading it, and torch's product rearranges it as well, every
time. Here oneDNN rearranges it once, and once more its transpose for the gradient. CPU milliseconds for 10 rows, 6400
inputs and 256 outputs (EPYC, Zen 5; medians of 60), forward and backward:

| threads | torch | packed |
|---|---|---|
| 1 | 0.70, 0.74 | 0.20, 0.25 |
| 2 | 0.42, 0.44 | 0.10, 0.11 |
"""

from __future__ import annotations

import logging
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

logger = logging.getLogger(__name__)


class PackedLinear:
    """`x @ weight.T + bias`, and back. Autograd does not see it.

    Where oneDNN's form does not apply (another device than the CPU, another precision than float32), torch multiplies.

    Args:
        weight: (outputs, inputs), not to be changed any more.
        bias: (outputs,).
        rows: about how many rows there will be.
    """

    def __init__(self, weight: Tensor, bias: Tensor, rows: int) -> None:
        self.weight, self.bias, self.rows = weight.detach(), bias.detach(), rows
        self._packed: tuple[Tensor, Tensor] | None = None
        if weight.device.type == "cpu" and weight.dtype is torch.float32 and weight.numel() and _is_supported():
            pack = torch.ops.mkldnn._reorder_linear_weight
            self._packed = pack(self.weight.contiguous(), rows), pack(self.weight.t().contiguous(), rows)

    def __reduce__(self) -> tuple[type[PackedLinear], tuple[Tensor, Tensor, int]]:
        """Without the packed weights, which can be neither copied nor pickled."""
        return PackedLinear, (self.weight, self.bias, self.rows)

    def __call__(self, x: Tensor) -> Tensor:
        """(N, outputs) of (N, inputs)."""
        with torch.no_grad():
            return (
                F.linear(x, self.weight, self.bias) if self._packed is None else _product(x, self._packed[0], self.bias)
            )

    def back(self, gradient: Tensor) -> Tensor:
        """(N, inputs): the gradient by the inputs, of (N, outputs): that by the outputs."""
        with torch.no_grad():
            return gradient @ self.weight if self._packed is None else _product(gradient, self._packed[1], None)


def _product(x: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
    out: Tensor = torch.ops.mkldnn._linear_pointwise(x, packed, bias, "none", [], "")
    return out


@lru_cache(maxsize=1)
def _is_supported() -> bool:
    """Whether this torch has the operators, and they multiply."""
    if not torch.backends.mkldnn.is_available():
        return False
    x, weight = torch.linspace(-1, 1, 24).reshape(3, 8), torch.linspace(-2, 1, 32).sin().reshape(4, 8)
    try:
        packed = torch.ops.mkldnn._reorder_linear_weight(weight, len(x))
        return torch.allclose(_product(x, packed, None), x @ weight.t(), atol=1e-5)
    except (AttributeError, RuntimeError) as error:
        logger.info("Linear layers are torch's own: oneDNN's packed ones are not to be had (%s).", error)
        return False
