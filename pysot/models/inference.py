"""The form of a model that runs fastest: nothing to learn any more, fewer operations, the same outputs."""

from __future__ import annotations

from itertools import pairwise
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pysot.core.runtime import is_cpu
from pysot.models.layers.fused_conv import fuse_convolutions

M = TypeVar("M", bound=nn.Module)


def prepare_for_inference(model: M, device: torch.device) -> M:
    """Puts `model` into its fastest form on `device`, in place.

    Eval mode, no gradients, batch norms folded into the convolutions before them, weights channels-last, and on a CPU
    convolutions that include their ReLU (`FusedConv2d`). Outputs agree with the plain model to float rounding. The
    state_dict no longer has the published keys, so load snapshots first.
    """
    model.eval().requires_grad_(False)
    fuse_batch_norms(model)
    model.to(device)
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if is_cpu(device):
        fuse_convolutions(model)
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
