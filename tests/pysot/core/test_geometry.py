"""Box conventions: every conversion has an inverse, and IoU is a similarity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from pysot.core import geometry as g

finite = st.floats(-1e4, 1e4, allow_nan=False)
side = st.floats(0.1, 1e3)
boxes_xywh = st.integers(1, 5).flatmap(
    lambda n: st.tuples(
        hnp.arrays(np.float64, (n, 2), elements=finite), hnp.arrays(np.float64, (n, 2), elements=side)
    ).map(lambda parts: np.concatenate(parts, axis=1))
)


@given(boxes_xywh)
def test_conversions_invert_each_other(boxes: NDArray[np.float64]) -> None:
    for there, back in (
        (g.xywh_to_xyxy, g.xyxy_to_xywh),
        (g.xywh_to_cxcywh, g.cxcywh_to_xywh),
    ):
        np.testing.assert_allclose(back(there(boxes)), boxes, atol=1e-8)
    np.testing.assert_allclose(g.xyxy_to_cxcywh(g.cxcywh_to_xyxy(boxes)), boxes, atol=1e-8)


def test_conventions_on_one_box() -> None:
    assert g.xywh_to_xyxy([10, 20, 30, 40]).tolist() == [10, 20, 40, 60]
    assert g.xywh_to_cxcywh([10, 20, 30, 40]).tolist() == [25, 40, 30, 40]


@given(boxes_xywh, boxes_xywh)
def test_iou_is_symmetric_bounded_and_one_with_itself(first: NDArray[np.float64], second: NDArray[np.float64]) -> None:
    a, b = g.xywh_to_xyxy(first)[:, None], g.xywh_to_xyxy(second)[None]
    iou = g.iou_xyxy(a, b)
    assert iou.shape == (len(first), len(second))
    assert ((iou >= 0) & (iou <= 1 + 1e-9)).all()
    np.testing.assert_allclose(iou, g.iou_xyxy(b, a))
    np.testing.assert_allclose(g.iou_xyxy(a, a), 1, atol=1e-6)


def test_iou_values() -> None:
    assert g.iou_xyxy([0, 0, 2, 2], [1, 0, 3, 2]) == pytest.approx(1 / 3)
    assert g.iou_xyxy([0, 0, 0, 0], [0, 0, 0, 0]) == 0


def test_wrong_shape_is_named() -> None:
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        g.xywh_to_xyxy([1, 2, 3])
