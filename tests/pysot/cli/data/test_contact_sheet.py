"""Contact sheets: everything is where the numbers say, for anchor and for point labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pysot.cli.data.contact_sheet import MASK, NEGATIVE, OTHER, POSITIVE, TARGET, contact_sheet, draw_clip, draw_pair
from pysot.core.anchors import ResponseGrid

GRID = ResponseGrid(side=25, stride=8)
SEARCH_LEFT = 2 * 127 + 8  # where the search region begins in a tile


def make_sample(**changes: Any) -> dict[str, Any]:
    """A gray pair with the target at 100..150 x 80..140 and nothing to learn."""
    return {
        "template": torch.full((3, 127, 127), 90.0),
        "search": torch.full((3, 255, 255), 90.0),
        "box_xyxy": torch.tensor([100.0, 80.0, 150.0, 140.0]),
        "negative": torch.tensor(False),
        "label_cls": torch.full((5, 25, 25), -1),
        **changes,
    }


def search_of(tile: np.ndarray) -> np.ndarray:
    return tile[:510, SEARCH_LEFT : SEARCH_LEFT + 510]


def places(image: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """(N, 2) x, y of the pixels of exactly this color."""
    return np.argwhere((image == color).all(axis=2))[:, ::-1]


def test_the_box_is_where_it_should_be() -> None:
    search = search_of(draw_pair(make_sample(), "pair 0", GRID))
    found = places(search, TARGET)
    assert np.abs(found.min(axis=0) - (200, 160)).max() <= 1  # two pixels of the tile are one of the search region
    assert np.abs(found.max(axis=0) - (299, 279)).max() <= 1
    assert (search[220, 250] == 90).all()  # nothing is drawn inside


@given(
    x=st.floats(-400, 400), y=st.floats(-400, 400), width=st.floats(1, 1e6), height=st.floats(1, 1e6),
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_a_box_that_leaves_the_view_draws_no_error(x: float, y: float, width: float, height: float) -> None:
    sample = make_sample(box_xyxy=np.array([x, y, x + width, y + height]))
    assert draw_pair(sample, "", GRID).shape == (510, SEARCH_LEFT + 510, 3)


def test_a_negative_pair_has_a_color_of_its_own() -> None:
    search = search_of(draw_pair(make_sample(negative=torch.tensor(True)), "", GRID))
    assert len(places(search, OTHER)) > 0
    assert len(places(search, TARGET)) == 0


@pytest.mark.parametrize("anchors", [True, False])
def test_dots_lie_on_the_cells(anchors: bool) -> None:
    labels = torch.full((5, 25, 25) if anchors else (25, 25), -1)
    labels[..., 3, 7] = 1
    labels[..., 20, 12] = 0
    if anchors:
        labels[2, 3, 7] = 0  # another anchor of the cell is the target: so is the cell
    search = search_of(draw_pair(make_sample(label_cls=labels), "", GRID))
    target, background = (places(search, color).mean(axis=0) for color in (POSITIVE, NEGATIVE))
    middle, zoom = 127.5, 2
    assert np.abs(target - (middle + np.array([7 - 12, 3 - 12]) * 8) * zoom).max() <= 1
    assert np.abs(background - (middle + np.array([12 - 12, 20 - 12]) * 8) * zoom).max() <= 1


def test_the_mask_is_outlined_only_where_there_is_one() -> None:
    mask = np.zeros((255, 255), dtype=bool)
    mask[60:90, 30:70] = True
    outlined = places(search_of(draw_pair(make_sample(mask=mask), "", GRID)), MASK)
    assert np.abs(outlined.min(axis=0) - (60, 120)).max() <= 2
    assert np.abs(outlined.max(axis=0) - (139, 179)).max() <= 2
    without = draw_pair(make_sample(mask=mask, has_mask=torch.tensor(False)), "", GRID)
    assert len(places(search_of(without), MASK)) == 0


def test_unclipped_colors_do_not_wrap_around() -> None:
    wild = torch.full((3, 255, 255), 300.0)
    wild[0] = -20
    search = search_of(draw_pair(make_sample(search=wild), "", GRID))
    assert search[5, 5].tolist() == [0, 255, 255]


def test_the_caption_stays_below_the_template() -> None:
    words = "sample 3 of train: template /a/very/long/way/to/a_video_with_a_name/img/00000001.jpg, search /b/c/d/e.jpg"
    with_text, without = draw_pair(make_sample(), words, GRID), draw_pair(make_sample(), "", GRID)
    changed = np.argwhere((with_text != without).any(axis=2))
    assert len(changed) > 100
    assert changed[:, 0].min() >= 254 and changed[:, 1].max() < 254


@pytest.mark.parametrize(("count", "rows", "columns"), [(1, 1, 1), (3, 1, 3), (4, 2, 3), (16, 6, 3)])
def test_the_sheet_holds_every_tile_in_reading_order(count: int, rows: int, columns: int) -> None:
    tiles = [np.full((510, 772, 3), 100 + number, np.uint8) for number in range(count)]
    sheet = contact_sheet(tiles, title="title")
    head = sheet.shape[0] - rows * (510 + 24)
    assert sheet.shape[1] == columns * (772 + 24)
    assert 0 < head < 120
    for number in range(count):
        row, column = divmod(number, columns)
        assert (sheet[head + row * 534 + 255, column * 796 + 386] == 100 + number).all()


def test_a_narrow_sheet_keeps_its_whole_legend() -> None:
    tile = np.full((510, 772, 3), 100, np.uint8)
    header = contact_sheet([tile], title="title")[:-534]
    for color in (TARGET, OTHER, MASK, POSITIVE, NEGATIVE):
        assert len(places(header, color)) > 0


def test_no_tile_no_sheet() -> None:
    with pytest.raises(ValueError, match="at least one tile"):
        contact_sheet([])


def test_clip_shows_the_target_and_its_place_in_every_frame() -> None:
    boxes = np.array([[10.0, 12, 20, 16], [np.nan] * 4, [30, 30, 10, 10]])
    sample = {"target": np.full((3, 32, 32), 90), "frames": np.full((3, 3, 64, 64), 90), "boxes": boxes}
    sample = {key: value.astype(np.uint8) if key != "boxes" else value for key, value in sample.items()}
    sheet = draw_clip(sample, "a film")
    assert sheet.shape[1] == 4 * (64 + 8) and sheet.shape[0] > 64
    yellow = [(sheet[:64, 72 * place : 72 * place + 64] == TARGET).all(axis=-1).any() for place in range(4)]
    assert yellow == [False, True, False, True]
