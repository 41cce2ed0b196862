"""Convolutions for inference on a CPU: oneDNN's, with the activation in the same pass and weights in its own layout.

torch's own convolution reorders the weights in every call, which costs a network of one small image more than a tenth
of its time; with a single thread it does not use oneDNN at all, and takes up to twice as long (docs/performance.md).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Size, Tensor, nn

logger = logging.getLogger(__name__)

SHAPES_KEPT = 3
"""Packed weights are for one shape of the input: a template, a search region, and an enlarged one."""
PACKED_AT, REPLACED_AT = 4, 40
"""Use of a shape at which weights are packed for it: while there is room, and in the place of others. Packing takes as
long as it saves in three uses, where the layout is another one at all."""


class FusedConv2d(nn.Conv2d):
    """The same function as `conv`, followed by an activation; its parameters are those of `conv`, under their names.

    Where oneDNN's form does not apply (gradients are wanted, another device than the CPU, another precision than
    float32 and bfloat16, weights other than its own), torch's convolution answers. Weights must not be changed in
    place. What it keeps are layouts of them, so that threads that share it get the same results to the last bit.

    Args:
        conv: see `fits`.
        activation: `None`, `nn.ReLU` or `nn.ReLU6`.
    """

    def __init__(self, conv: nn.Conv2d, activation: nn.Module | None = None) -> None:
        super().__init__(
            conv.in_channels,
            conv.out_channels,
            conv.kernel_size,  # type: ignore[arg-type]
            conv.stride,  # type: ignore[arg-type]
            conv.padding,  # type: ignore[arg-type]
            conv.dilation,  # type: ignore[arg-type]
            conv.groups,
            bias=conv.bias is not None,
            device="meta",
        )
        self.weight, self.bias = conv.weight, conv.bias
        self.train(conv.training)
        self.highest = 6.0 if isinstance(activation, nn.ReLU6) else None
        self.rectifies = activation is not None
        self._forget()

    @staticmethod
    def fits(conv: nn.Module) -> bool:
        """True for a plain convolution, zero-padded by a number."""
        return type(conv) is nn.Conv2d and conv.padding_mode == "zeros" and not isinstance(conv.padding, str)

    def _forget(self) -> None:
        self._own = (self.weight,)  # in a tuple, or it would be a parameter twice
        self._packed: dict[Size, Tensor] = {}  # replaced, never changed: other threads read it
        self._uses: Counter[Size] = Counter()  # of shapes that are not packed

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> FusedConv2d:
        """Moved or converted weights are packed anew."""
        super()._apply(fn, recurse)
        self._forget()
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Without the packed weights, which can be neither copied nor pickled."""
        return {key: value for key, value in self.__dict__.items() if key not in ("_own", "_packed", "_uses")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._forget()

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight
        if (
            weight is not self._own[0]
            or 0 in x.shape
            or weight.dtype is not x.dtype
            or x.dtype not in _precisions()
            or x.device.type != "cpu"
            or (torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad))
        ):
            plain = super().forward(x)
            return plain.clamp(0, self.highest) if self.highest else F.relu(plain) if self.rectifies else plain
        kind, limits = ("hardtanh", [0.0, self.highest]) if self.highest else ("relu" if self.rectifies else "none", [])
        out: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x, self._weight_for(x.shape), self.bias, self.padding, self.stride, self.dilation, self.groups,
            kind, limits, "",
        )  # fmt: skip
        return out

    def _weight_for(self, shape: Size) -> Tensor:
        """The weights in the layout that suits an input of `shape`.

        Until it pays to find out, the last layout found: mostly it is the same, and where not, oneDNN changes it.
        """
        packed = self._packed
        if shape in packed:
            return packed[shape]
        self._uses[shape] += 1
        if self._uses[shape] < (PACKED_AT if len(packed) < SHAPES_KEPT else REPLACED_AT):
            return next(reversed(packed.values()), self.weight)
        del self._uses[shape]
        reorder: Any = torch._C._nn.mkldnn_reorder_conv2d_weight  # its declared types lack the shape
        weight: Tensor = reorder(
            self.weight.detach().to_mkldnn(), self.padding, self.stride, self.dilation, self.groups, shape
        )
        self._packed = {**dict([*packed.items()][1 - SHAPES_KEPT :]), shape: weight}
        return weight


def fuse_convolutions(model: nn.Module) -> None:
    """Replaces, in place, every convolution of `model` that `FusedConv2d.fits` by its fast form.

    A ReLU or ReLU6 that directly follows one inside an `nn.Sequential`, or that a module declares in its
    `conv_relu_pairs`, becomes part of it, and `nn.Identity` where it was. Does nothing where torch lacks the operators.
    """
    if not _is_supported():
        return
    for module in list(model.modules()):
        pairs = dict(getattr(module, "conv_relu_pairs", ()))
        if isinstance(module, nn.Sequential):
            names = [name for name, child in module.named_children() if not isinstance(child, nn.Identity)]
            pairs |= dict(pairwise(names))
        for name, child in list(module.named_children()):
            if FusedConv2d.fits(child):
                assert isinstance(child, nn.Conv2d)
                activation = module._modules.get(pairs.get(name, ""))
                fused = type(activation) in (nn.ReLU, nn.ReLU6)
                setattr(module, name, FusedConv2d(child, activation if fused else None))
                if fused:
                    setattr(module, pairs[name], nn.Identity())


@lru_cache(maxsize=1)
def _precisions() -> tuple[torch.dtype, ...]:
    """What oneDNN can compute in on this processor."""
    short = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return (torch.float32, torch.bfloat16) if short else (torch.float32,)


@lru_cache(maxsize=1)
def _is_supported() -> bool:
    """Whether this torch has the operators, and they compute a convolution with its activation."""
    if not torch.backends.mkldnn.is_available():
        return False
    conv, x = nn.Conv2d(4, 8, 3, padding=1, device="meta"), torch.linspace(-1, 1, 144).reshape(1, 4, 6, 6)
    conv.to_empty(device="cpu").requires_grad_(False)
    for number, parameter in enumerate(conv.parameters()):  # not random: that would change the user's random numbers
        parameter.copy_(torch.linspace(number - 1, 0.5, parameter.numel()).sin().reshape(parameter.shape))
    try:
        fused = FusedConv2d(conv, nn.ReLU())
        return all(torch.allclose(fused(x), F.relu(conv(x)), atol=1e-5) for _ in range(PACKED_AT + 1))
    except (AttributeError, RuntimeError) as error:
        logger.info("Convolutions are torch's own: oneDNN's fused ones are not to be had (%s).", error)
        return False
