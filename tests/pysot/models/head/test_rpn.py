"""SiamRPN's first head has the published shapes."""

from __future__ import annotations

import torch

from pysot.models.head.rpn import UPChannelRPN


def test_up_channel_head_has_the_published_shapes() -> None:
    head = UPChannelRPN(anchor_num=5, feature_in=256)
    shapes = {name: list(value.shape) for name, value in head.state_dict().items()}
    assert shapes["template_cls_conv.weight"] == [2560, 256, 3, 3]
    assert shapes["template_loc_conv.weight"] == [5120, 256, 3, 3]
    assert shapes["loc_adjust.weight"] == [20, 20, 1, 1]
    cls, loc = head([torch.rand(2, 256, 6, 6)], [torch.rand(2, 256, 22, 22)])
    assert cls.shape == (2, 10, 17, 17) and loc.shape == (2, 20, 17, 17)
