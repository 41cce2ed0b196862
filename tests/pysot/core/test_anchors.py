"""The box coders of anchors and of points: decoding takes back what encoding made."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pysot.core.anchors import (
    ResponseGrid,
    anchor_grid,
    anchor_sizes,
    decode_anchor_boxes,
    decode_point_boxes,
    encode_anchor_boxes,
    encode_point_boxes,
    point_grid,
)
from pysot.core.geometry import cxcywh_to_xyxy

SIDE = 5
ANCHORS = anchor_grid(anchor_sizes(8, (0.33, 1, 3), (8,)), ResponseGrid(SIDE, 8))
boxes = st.tuples(*[st.floats(-200, 200)] * 2, *[st.floats(1, 300)] * 2).map(np.array)


@given(boxes)
def test_anchors_give_back_the_box(box_cxcywh: np.ndarray) -> None:
    found = decode_anchor_boxes(encode_anchor_boxes(box_cxcywh, ANCHORS), ANCHORS)
    np.testing.assert_allclose(found, np.broadcast_to(box_cxcywh, found.shape), rtol=1e-4, atol=1e-3)


@given(boxes)
def test_points_give_back_the_box(box_cxcywh: np.ndarray) -> None:
    box_xyxy, points = np.asarray(cxcywh_to_xyxy(box_cxcywh)), point_grid(ResponseGrid(SIDE, 16))
    found = decode_point_boxes(encode_point_boxes(box_xyxy, points), points)
    np.testing.assert_allclose(found, np.broadcast_to(box_xyxy, found.shape), atol=1e-3)


def test_grids_of_any_shape_are_coded_alike() -> None:
    box, grid = np.array([3.0, -4.0, 50.0, 20.0]), ANCHORS.reshape(3, SIDE, SIDE, 4)
    deltas = encode_anchor_boxes(box, grid)
    assert deltas.shape == (4, 3, SIDE, SIDE)
    np.testing.assert_array_equal(deltas.reshape(4, -1), encode_anchor_boxes(box, ANCHORS))
    np.testing.assert_array_equal(
        decode_anchor_boxes(deltas, grid).reshape(-1, 4), decode_anchor_boxes(deltas.reshape(4, -1), ANCHORS)
    )


def test_a_box_without_area_stays_finite() -> None:
    assert np.isfinite(encode_anchor_boxes(np.array([0.0, 0.0, -1.0, 0.0]), ANCHORS)).all()
