"""Box regression learned on the first frame: ridge regression from features to corrections (MDNet, CVPR 2016,
section 4; docs/systems/lmt.md, Box regression).
"""

from __future__ import annotations

import torch
from torch import Tensor


def fit_ridge(features: Tensor, targets: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Ridge regression with an intercept that is not penalized.

    Args:
        features: (n, d).
        targets: (n, m).
        alpha: weight of the squared norm of the coefficients.

    Returns:
        Coefficients (d, m) and intercept (m,). Solved in the dual, w = X'(XX' + alpha I)^-1 Y of centered data, where n
        is smaller than d, and in the primal otherwise.
    """
    center, middle = features.mean(dim=0), targets.mean(dim=0)
    x, y = features - center, targets - middle
    dual = len(x) < x.shape[1]
    weights = x.t() @ _solved(x @ x.t(), alpha, y) if dual else _solved(x.t() @ x, alpha, x.t() @ y)
    return weights, middle - center @ weights


def _solved(matrix: Tensor, alpha: float, right: Tensor) -> Tensor:
    """(matrix + alpha I)^-1 right, of a symmetric matrix without negative eigenvalues."""
    matrix.diagonal().add_(alpha)
    return torch.cholesky_solve(right, torch.linalg.cholesky(matrix))


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
