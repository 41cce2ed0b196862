"""The form of a model that runs fastest: nothing to learn any more, fewer operations, the same outputs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pysot.core.checks import check_choice
from pysot.core.device import is_cpu
from pysot.core.errors import ConfigError
from pysot.models.layers.fused_conv import fuse_convolutions

M = TypeVar("M", bound=nn.Module)
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def prepare_for_inference(model: M, device: torch.device, precision: str = "fp32") -> M:
    """Puts `model` into its fastest form on `device`, in place.

    Eval mode, no gradients, batch norms folded into the convolutions before them, weights channels-last, and on a CPU
    convolutions that include their ReLU (`FusedConv2d`). Outputs agree with the plain model to float rounding. The
    state_dict no longer has the published keys, so load snapshots first.

    With another `precision` than fp32 the parts that the model names as its `short_float_parts` compute in that one;
    what goes into them and what comes out is float32. Faster where the processor has instructions for it, and outputs
    differ by about one per cent (docs/performance.md). Raises `ConfigError` for an unknown one, or a model without such
    parts.
    """
    check_choice("MODEL.PRECISION", precision, PRECISIONS)
    model.eval().requires_grad_(False)
    fuse_batch_norms(model)
    model.to(device)
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if is_cpu(device):
        fuse_convolutions(model)
    if precision != "fp32":
        shorten_floats(model, PRECISIONS[precision])
    return model


def fuse_batch_norms(model: nn.Module) -> None:
    """Folds each BatchNorm2d that directly follows a Conv2d inside an `nn.Sequential`, or that a module declares in
    its `conv_bn_pairs`, into that convolution. The folded batch norm becomes `nn.Identity`.

    A module lists `conv_bn_pairs = (("conv1", "bn1"), ...)` where it calls the two one after the other in `forward`.
    """
    for module in model.modules():
        pairs = list(getattr(module, "conv_bn_pairs", ()))
        if isinstance(module, nn.Sequential):
            pairs += list(pairwise(module._modules))
        for conv_name, bn_name in pairs:
            conv, bn = module._modules.get(conv_name), module._modules.get(bn_name)
            if isinstance(conv, nn.Conv2d) and isinstance(bn, nn.BatchNorm2d):
                setattr(module, conv_name, fuse_conv_bn_eval(conv.eval(), bn.eval()))
                setattr(module, bn_name, nn.Identity())


def shorten_floats(model: nn.Module, dtype: torch.dtype) -> None:
    """Lets the `short_float_parts` of `model` compute in `dtype`, in place; from outside they take and give float32.

    A model lists them as dotted names of submodules that are called with tensors and return tensors.
    """
    parts: Sequence[str] = getattr(model, "short_float_parts", ())
    if not parts:
        raise ConfigError(
            f"MODEL.PRECISION: {type(model).__name__} has no parts that may compute in shorter floats. Use fp32."
        )
    for name in parts:
        part = model.get_submodule(name).to(dtype)
        part.register_forward_pre_hook(partial(_before, dtype))
        part.register_forward_hook(_after)


def _before(dtype: torch.dtype, _part: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(value.to(dtype) for value in inputs)


def _after(_part: nn.Module, _inputs: Any, outputs: Any) -> Any:
    return outputs.float() if isinstance(outputs, Tensor) else [value.float() for value in outputs]
