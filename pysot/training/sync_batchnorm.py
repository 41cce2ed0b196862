"""Batch normalization over the batches of all processes, on any device and backend.

Equal to `nn.BatchNorm2d` on the concatenated batch (Ioffe and Szegedy, ICML 2015) in outputs, gradients and running
statistics, when the gradients of the processes are summed. `nn.SyncBatchNorm` does the same between CUDA devices only.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from pysot.training.distributed import all_reduce_sum, world_size

_OVER = (0, 2, 3)


class SyncBatchNorm2d(nn.BatchNorm2d):
    """`nn.BatchNorm2d` whose statistics in training are those of the batches of all processes together.

    (B, C, H, W) in, the same out; B, H and W may differ between processes. In eval mode, and in a single process, it is
    `nn.BatchNorm2d` itself. Every process must run it equally often.
    """

    def forward(self, input: Tensor) -> Tensor:
        if world_size() == 1 or not (self.training or self.running_mean is None):
            return super().forward(input)
        self._check_input_dim(input)
        mean, variance, count = shared_statistics(input.detach())
        if self.training and self.track_running_stats:
            self._follow(mean, variance * (count / (count - 1)))
        return _Normalize.apply(input, self.weight, self.bias, mean, variance, count, self.eps)

    @torch.no_grad()
    def _follow(self, mean: Tensor, unbiased_variance: Tensor) -> None:
        """Moves the running statistics towards those of this batch."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        momentum = 1.0 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), momentum)
        self.running_var.lerp_(unbiased_variance.to(self.running_var.dtype), momentum)


def shared_statistics(input: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(C,) mean, (C,) biased variance and the number of values per channel, over the `input` of all processes.

    Variances are merged with the distances of the means (Chan et al., 1979), because sums of squares would cancel.
    """
    wide = input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
    variance, mean = torch.var_mean(wide, _OVER, correction=0)
    count = mean.new_full((1,), input.numel() / input.shape[1])
    rows = mean.new_zeros(world_size(), 2 * len(mean) + 1)
    rows[dist.get_rank()] = torch.cat([mean, variance, count])
    rows = all_reduce_sum(rows)  # each process fills its own row: a gather that every backend knows
    means, variances, counts = rows.split([len(mean), len(mean), 1], dim=1)
    total = counts.sum()
    if total <= 1:
        raise ValueError(f"Batch norm needs more than one value per channel in training; got {tuple(input.shape)}.")
    mean = (counts * means).sum(0) / total
    return mean, (counts * (variances + (means - mean) ** 2)).sum(0) / total, total


class _Normalize(torch.autograd.Function):
    """Normalizes with shared statistics; its gradient knows that they depend on the inputs of all processes."""

    @staticmethod
    def forward(
        ctx: Any,
        input: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        mean: Tensor,
        variance: Tensor,
        count: Tensor,
        eps: float,
    ) -> Tensor:
        ctx.save_for_backward(input, weight, mean, torch.rsqrt(variance + eps), count)
        return F.batch_norm(input, mean, variance, weight, bias, training=False, eps=eps)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        input, weight, mean, inverse_std, count = ctx.saved_tensors
        gradient = gradients[0].to(mean.dtype)
        normalized = (input - mean[:, None, None]) * inverse_std[:, None, None]
        own = torch.stack([gradient.sum(_OVER), (gradient * normalized).sum(_OVER)])
        mean_gradient, mean_product = (all_reduce_sum(own) / count)[:, :, None, None]
        scale = inverse_std if weight is None else inverse_std * weight
        to_input = scale[:, None, None] * (gradient - mean_gradient - normalized * mean_product)
        to_weight, to_bias = (None, None) if weight is None else (own[1], own[0])
        return to_input.to(input.dtype), to_weight, to_bias, None, None, None, None


def convert(model: nn.Module) -> nn.Module:
    """`model` with every plain `nn.BatchNorm2d` replaced by a `SyncBatchNorm2d`; in a single process, as it is.

    The new modules hold the very parameters and buffers of the old ones, under the same keys, so that optimizers and
    snapshots made before still fit.
    """
    if world_size() == 1:
        return model
    made: dict[nn.Module, SyncBatchNorm2d] = {}
    for parent in list(model.modules()):
        for name, child in list(parent._modules.items()):
            if type(child) is nn.BatchNorm2d:
                if child not in made:
                    made[child] = _shared_copy(child)
                setattr(parent, name, made[child])
    return _shared_copy(model) if type(model) is nn.BatchNorm2d else model


def _shared_copy(norm: nn.BatchNorm2d) -> SyncBatchNorm2d:
    copy = SyncBatchNorm2d(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
    copy._parameters, copy._buffers = norm._parameters, norm._buffers
    return copy.train(norm.training)
