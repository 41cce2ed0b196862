"""Box regression learned on the first frame: ridge regression from features to corrections (MDNet, CVPR 2016,
section 4; docs/systems/lmt.md, Box regression).
"""

from __future__ import annotations

import torch
from torch import Tensor

from pysot.core.errors import SotError


def fit_ridge(features: Tensor, targets: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Ridge regression with an intercept that is not penalized.

    Args:
        features: (n, d).
        targets: (n, m).
        alpha: weight of the squared norm of the coefficients.

    Returns:
        Coefficients (d, m) and intercept (m,). Solved in the dual, w = X'(XX' + alpha I)^-1 Y of centered data, where n
        is smaller than d, and in the primal otherwise; in double precision where single is not enough.

    Raises `SotError` where that is not enough either: features so large that `alpha` is nothing beside them.
    """
    center, middle = features.mean(dim=0), targets.mean(dim=0)
    x, y = features - center, targets - middle
    for exact in (x, x.double()):
        dual, right = len(x) < x.shape[1], y.to(exact)
        solved = (
            _solved(exact @ exact.t(), alpha, right) if dual else _solved(exact.t() @ exact, alpha, exact.t() @ right)
        )
        if solved is not None:
            weights = (exact.t() @ solved if dual else solved).to(features)
            return weights, middle - center @ weights
    raise SotError(
        f"The box regression cannot be fitted: the features of {len(x)} boxes reach {float(features.abs().max()):.3g}. "
        "The weights are damaged, or another network's. Load another snapshot, or set TRACK.LMT.BBREG.ENABLED False."
    )


def _solved(matrix: Tensor, alpha: float, right: Tensor) -> Tensor | None:
    """(matrix + alpha I)^-1 right, of a symmetric matrix without negative eigenvalues; None if rounding made some."""
    matrix.diagonal().add_(alpha)
    factor, failed = torch.linalg.cholesky_ex(matrix)
    return None if failed else torch.cholesky_solve(right, factor)


def corrections(boxes_xywh: Tensor, target_xywh: Tensor) -> Tensor:
    """(n, 4) what turns boxes into the target: shift of the center in box sizes, logarithm of the sizes' factors."""
    size = boxes_xywh[:, 2:]
    center = boxes_xywh[:, :2] + size / 2
    wanted = target_xywh[:2] + target_xywh[2:] / 2
    return torch.cat([(wanted - center) / size, torch.log(target_xywh[2:] / size)], dim=1)


def corrected(boxes_xywh: Tensor, corrections: Tensor) -> Tensor:
    """(n, 4) boxes after `corrections` (n, 4); the inverse of the function of that name."""
    size = boxes_xywh[:, 2:]
    center = boxes_xywh[:, :2] + size / 2 + corrections[:, :2] * size
    new_size = size * corrections[:, 2:].clamp(-10, 10).exp()
    return torch.cat([center - new_size / 2, new_size], dim=1)


class BoxRegressor:
    """Corrects boxes that lie near a target.

    Args:
        features: (n, ...) features of boxes around the target in the first frame.
        boxes_xywh: (n, 4) these boxes.
        target_xywh: (4,) the target.
        alpha: strength of the ridge.
    """

    def __init__(self, features: Tensor, boxes_xywh: Tensor, target_xywh: Tensor, alpha: float) -> None:
        targets = corrections(boxes_xywh, target_xywh).to(features)
        self.weights, self.intercept = fit_ridge(features.flatten(1), targets, alpha)

    def __call__(self, features: Tensor, boxes_xywh: Tensor) -> Tensor:
        """(n, 4) corrected boxes."""
        moves = features.flatten(1) @ self.weights + self.intercept
        return corrected(boxes_xywh, moves.to(boxes_xywh))
