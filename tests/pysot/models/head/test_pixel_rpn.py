"""The head that keeps the template's cells apart."""

from __future__ import annotations

import pytest
import torch

from pysot.models.head.pixel_rpn import PixelRPN


@pytest.fixture
def head() -> PixelRPN:
    torch.manual_seed(0)
    return PixelRPN(anchor_num=3, in_channels=16, hidden=8, depth=2, template_size=4).eval()


def test_response_map_is_as_large_as_the_search_map(head: PixelRPN) -> None:
    cls, loc = head([torch.rand(2, 16, 4, 4)], [torch.rand(2, 16, 11, 9)])
    assert cls.shape == (2, 6, 11, 9)
    assert loc.shape == (2, 12, 11, 9)


def test_a_batch_is_its_pairs(head: PixelRPN) -> None:
    template, search = torch.rand(3, 16, 4, 4), torch.rand(3, 16, 10, 10)
    whole = head([template], [search])
    for index in range(3):
        pair = head([template[index : index + 1]], [search[index : index + 1]])
        for batched, alone in zip(whole, pair, strict=True):
            torch.testing.assert_close(batched[index : index + 1], alone, atol=1e-5, rtol=1e-4)


def test_the_answer_moves_with_the_target(head: PixelRPN) -> None:
    template = torch.rand(1, 16, 4, 4)
    search = torch.zeros(1, 16, 20, 20)
    search[..., 6:10, 6:10] = template
    moved = search.roll((3, 5), dims=(2, 3))
    for here, there in zip(head([template], [search]), head([template], [moved]), strict=True):
        # away from the border, where padding is felt
        torch.testing.assert_close(here[..., 4:12, 4:12], there[..., 7:15, 9:17], atol=1e-5, rtol=1e-4)


def test_which_part_is_found_where_matters(head: PixelRPN) -> None:
    """The same template cells in another arrangement give another answer: the parts are not summed up."""
    template, search = torch.rand(1, 16, 4, 4), torch.rand(1, 16, 10, 10)
    first, second = (head([z], [search])[1] for z in (template, template.flip(-1)))
    assert (first - second).abs().max() > 1e-4
