"""PySOT's helpers under PySOT's names, against recorded values and closed forms."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from pysot.core.config import cfg
from pysot.core.errors import SnapshotError, TrainingError
from pysot.utils import distributed
from pysot.utils.anchor import Anchors
from pysot.utils.average_meter import AverageMeter
from pysot.utils.bbox import (
    Center,
    Corner,
    IoU,
    center2corner,
    corner2center,
    cxy_wh_2_rect1,
    get_axis_aligned_bbox,
    get_min_max_bbox,
    rect1_2_cxy_wh,
    rect_2_cxy_wh,
)
from pysot.utils.log_helper import init_log, log_once, print_speed
from pysot.utils.lr_scheduler import build_lr_scheduler
from pysot.utils.misc import commit, describe
from pysot.utils.model_load import check_keys, load_pretrain, restore_from
from tests.golden import recorded


def test_corners_and_centers() -> None:
    assert corner2center(Corner(1, 2, 5, 10)) == Center(3, 6, 4, 8)
    assert isinstance(center2corner(Center(3, 6, 4, 8)), Corner)
    arrays = center2corner([np.array([3.0]), np.array([6.0]), np.array([4.0]), np.array([8.0])])
    assert [float(value) for array in arrays for value in array] == [1, 2, 5, 10]
    assert IoU((0, 0, 2, 2), (1, 1, 3, 3)) == pytest.approx(1 / 7)
    center, size = rect1_2_cxy_wh([11, 21, 4, 6])
    assert (*center, *size) == (12, 23, 4, 6)
    assert cxy_wh_2_rect1(center, size).tolist() == [11, 21, 4, 6]
    assert rect_2_cxy_wh([10, 20, 4, 6])[0].tolist() == [12, 23]


def test_boxes_of_regions() -> None:
    rectangle = np.array([0, 0, 0, 4, 6, 4, 6, 0])
    assert get_axis_aligned_bbox(rectangle) == (3, 2, 7, 5)
    assert get_min_max_bbox(rectangle) == (3, 2, 6, 4)
    assert get_axis_aligned_bbox(np.array([1, 2, 6, 4])) == get_min_max_bbox(np.array([1, 2, 6, 4])) == (4, 4, 6, 4)


@pytest.mark.parametrize("golden", recorded("pysot_units.json")["axis_aligned"])
def test_boxes_of_regions_are_pysots(golden: dict[str, list[float]]) -> None:
    region = np.array(golden["inp"])
    assert get_axis_aligned_bbox(region) == pytest.approx(golden["cxcywh"])
    assert get_min_max_bbox(region) == pytest.approx(golden["minmax"])


def test_anchors() -> None:
    anchors = Anchors(8, [0.5, 1], [8])
    assert anchors.anchors.tolist() == [[-44, -20, 44, 20], [-32, -32, 32, 32]]
    assert anchors.generate_all_anchors(127, 3)
    assert not anchors.generate_all_anchors(127, 3)
    corners, centers = anchors.all_anchors
    assert corners.shape == centers.shape == (4, 2, 3, 3)
    assert centers[:, 1, 2, 0].tolist() == [119, 135, 64, 64]
    assert corners[:, 1, 2, 0].tolist() == [87, 103, 151, 167]


def test_learning_rates_are_pysots() -> None:
    cfg.TRAIN.LR.KWARGS.update(start_lr=0.005, end_lr=0.0005)
    cfg.TRAIN.LR_WARMUP.KWARGS.update(start_lr=0.001, end_lr=0.005, step=1)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.005)
    schedule = build_lr_scheduler(optimizer, epochs=20)
    rates = []
    for epoch in range(20):
        schedule.step(epoch)
        rates.append(optimizer.param_groups[0]["lr"])
        assert schedule.get_cur_lr() == pytest.approx(rates[-1])
    assert rates[:2] == pytest.approx([0.001, 0.001 * 5**0.2])
    assert rates[5] == pytest.approx(0.005)
    assert rates[-1] == pytest.approx(0.0005)


def test_default_learning_rates_are_pysots() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.005)
    schedule = build_lr_scheduler(optimizer, epochs=20)
    for epoch, (rate,) in enumerate(recorded("pysot_units.json")["lr_default_20ep"]):
        schedule.step(epoch)
        assert optimizer.param_groups[0]["lr"] == pytest.approx(rate)


def test_meters() -> None:
    meter = AverageMeter(num=2)
    for value in (1.0, 2.0, 4.0):
        meter.update(loss=value)
    meter.update(batch=2, time=6.0)
    assert (meter.loss.val, meter.loss.avg, meter.time.avg, meter.nothing.avg) == (4, 3, 3, 0)
    assert f"{meter.loss}" == "loss: 4.000000 (3.000000)"
    assert repr(meter) == "loss: 4.000000 (3.000000) time: 3.000000 (3.000000) "


def test_weights_are_filled_in(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    other = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    torch.save(
        {"state_dict": {f"module.{key}": value for key, value in other.state_dict().items()}}, tmp_path / "a.pth"
    )
    assert load_pretrain(model, str(tmp_path / "a.pth")) is model
    assert torch.equal(model[1].weight, other[1].weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    saved = {"epoch": 7, "state_dict": other.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(saved, tmp_path / "checkpoint_e7.pth")
    assert restore_from(model, optimizer, str(tmp_path / "checkpoint_e7.pth"))[2] == 7
    with pytest.raises(SnapshotError, match="None of the weights"):
        check_keys(model, {"conv.weight": torch.zeros(1)})
    with pytest.raises(SnapshotError, match="no checkpoint"):
        restore_from(model, optimizer, str(tmp_path / "a.pth"))


def test_logs(caplog: pytest.LogCaptureFixture) -> None:
    logger = init_log("of_a_test")
    assert init_log("of_a_test") is logger
    assert len(logger.handlers) == 1
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            log_once("said once")
        print_speed(10, 30.0, 3000)
    assert [record.getMessage().count("said once") for record in caplog.records].count(1) == 1
    assert "ETA 1:00:55 (D:H:M)" in caplog.text


def test_descriptions() -> None:
    net = nn.Sequential(nn.Linear(1, 1).requires_grad_(False).eval())
    assert describe(net, "net") == "net\n   .0 (Linear)\n     - weight\n     - bias"
    assert "\033[31m0\033[0m" in describe(net.train())
    assert commit().startswith("commit : ")


def test_a_single_process(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TrainingError, match="dist_init"):
        distributed.get_rank()
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert distributed.dist_init() == (0, 1)
    module = distributed.DistModule(nn.Linear(1, 1))
    distributed.reduce_gradients(module)
    assert distributed.average_reduce(2.5) == 2.5
    assert module(torch.zeros(1, 1)).shape == (1, 1)
    assert set(module.state_dict()) == {"module.weight", "module.bias"}
