"""The word for a network that computes no numbers: its weights diverged, or overflow in the precision it runs in."""

from __future__ import annotations

from torch import Tensor, nn

from pysot.core.errors import SotError


def require_finite(what: str, model: nn.Module, *outputs: Tensor) -> None:
    """Raises `SotError` naming `what` and the class of `model` when a value of `outputs` is NaN or infinite."""
    if not all(bool(output.isfinite().all()) for output in outputs):
        raise SotError(
            f"{what} are not finite: the weights of this {type(model).__name__} are damaged, or overflow in this "
            "precision. Load another snapshot."
        )
