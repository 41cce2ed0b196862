"""A window of the overlap head's maps holds exactly what boxes see of the whole maps."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pysot.models.head.iounet import IouNet, MapFunction
from pysot.online.map_window import MapWindow, WindowedMaps

SIZE = (9, 11)
HEAD = IouNet((4, 6), (5, 5), (3, 3), (4, 6)).eval().requires_grad_(False).double()
GENERATOR = torch.Generator().manual_seed(0)
FEATURES = [
    torch.randn(1, 4, 18, 22, dtype=torch.float64, generator=GENERATOR),
    torch.randn(1, 6, 9, 11, dtype=torch.float64, generator=GENERATOR),
]
MODULATION = HEAD.modulation(FEATURES, torch.tensor([[40.0, 40, 50, 40]], dtype=torch.float64))
WHOLE = MapWindow(0, 0, SIZE[1], SIZE[0], SIZE)
place = st.floats(-60, 220)
extent = st.floats(1, 150)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(place, place, extent, extent), min_size=1, max_size=4), st.floats(0, 0.5))
def test_overlaps_and_gradients_are_those_of_the_whole_maps(
    boxes: list[tuple[float, float, float, float]], slack: float
) -> None:
    boxes_xywh = torch.tensor(boxes, dtype=torch.float64)
    window = MapWindow.around(boxes_xywh, slack, SIZE)
    if not window.covers(boxes_xywh):  # boxes wholly outside the map
        return
    found = []
    for part in (window, WHOLE):
        maps = part.compute(HEAD.iou_features, HEAD.unpadded(), FEATURES)
        offset = torch.tensor([*part.offset_xy, 0, 0], dtype=torch.float64)
        variable = boxes_xywh.clone().requires_grad_()
        overlap = HEAD.predict_iou(MODULATION, maps, (variable - offset)[None])
        (gradient,) = torch.autograd.grad(overlap.sum(), variable)
        found.append((overlap.detach(), gradient))
    torch.testing.assert_close(found[0][0], found[1][0])
    torch.testing.assert_close(found[0][1], found[1][1])


@pytest.mark.parametrize(("x1", "wanted"), [(2, "unpadded"), (1, "padded"), (6, "unpadded"), (7, "padded")])
def test_only_windows_at_the_border_need_zeros_around(x1: int, wanted: str) -> None:
    window, used = MapWindow(x1, 3, x1 + 3, 5, SIZE), []

    def noted(name: str, convolve: MapFunction) -> MapFunction:
        return lambda parts: (used.append(name), convolve(parts))[1]

    with torch.no_grad():
        maps = window.compute(noted("padded", HEAD.iou_features), noted("unpadded", HEAD.unpadded()), FEATURES)
        for part, whole, factor in zip(maps, HEAD.iou_features(FEATURES), (2, 1), strict=True):
            expected = whole[:, :, 3 * factor : 5 * factor, x1 * factor : (x1 + 3) * factor]
            torch.testing.assert_close(part, expected)
    assert used == [wanted]


def test_a_window_is_as_small_as_its_boxes_allow() -> None:
    window = MapWindow.around(torch.tensor([[64.0, 48, 32, 32]]), 0, SIZE)
    assert (window.x1, window.y1, window.x2, window.y2) == (4, 3, 7, 6) and window.offset_xy == (64, 48)
    fine, coarse = window.compute(HEAD.iou_features, HEAD.unpadded(), FEATURES)
    assert fine.shape == (1, 5, 6, 6) and coarse.shape == (1, 5, 3, 3)


@pytest.mark.parametrize(
    ("box", "covered"),
    [
        ((64, 48, 32, 32), True),
        ((65, 50, 20, 20), True),
        ((63, 48, 32, 32), False),
        ((64, 47, 32, 32), False),
        ((64, 48, 33, 32), False),
        ((64, 48, 32, 33), False),
        ((float("nan"), 48, 32, 33), False),
    ],
)
def test_boxes_that_left_the_window_are_noticed(box: tuple[float, ...], covered: bool) -> None:
    window = MapWindow.around(torch.tensor([[64.0, 48, 32, 32]]), 0, SIZE)
    assert window.covers(torch.tensor([box])) is covered


def test_everything_is_covered_by_the_whole_map() -> None:
    assert WHOLE.covers(torch.tensor([[-500.0, -500, 2000, 2000]]))


def test_maps_are_computed_again_only_where_a_box_leaves() -> None:
    shapes: list[tuple[int, ...]] = []

    def noted(parts: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        fine, coarse = HEAD.iou_features(parts)
        shapes.append(tuple(fine.shape[2:]))
        return fine, coarse

    maps = WindowedMaps(noted, noted, [level.repeat(1, 1, 3, 3) for level in FEATURES], slack=0.25)
    box = torch.tensor([[200.0, 160, 32, 32]], dtype=torch.float64)
    _, inside = maps.seen_by(box)
    _, moved = maps.seen_by(box + torch.tensor([7.0, -7, 0, 0]))
    assert torch.equal(moved - inside, torch.tensor([[7.0, -7, 0, 0]]).double()) and len(shapes) == 1
    maps.seen_by(box + torch.tensor([64.0, 0, 0, 0]))
    assert len(shapes) == 2 and max(shapes[1]) < 24
    maps.seen_by(box * torch.nan)
    assert shapes[2] == (54, 66)  # the whole map
