"""Trackers of every family that share one model, each in a thread of its own: the boxes are those of one after the
other, to the last bit, and nothing is written on the model.
"""

from __future__ import annotations

import copy
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from pysot.config.loading import load_config
from pysot.models.attention import AttentionNet
from pysot.models.builder import build_model
from pysot.models.inference import prepare_for_inference
from pysot.models.layers.fused_conv import PACKED_AT
from pysot.tracker.base import Tracker
from pysot.tracker.builder import build_tracker
from pysot.tracker.global_search.attention import Attention
from pysot.tracker.global_search.proposals import MapReading
from pysot.tracker.global_search.proposers import AttentionProposer
from pysot.tracker.global_search.tracker import LocalGlobalTracker, PolicyParams
from tests.golden.recipe import fill_weights_by_hash
from tests.pysot.tracker.test_tracker_contract import SMALL

CPU = torch.device("cpu")
BOXES = [(60.0, 40.0, 30.0, 24.0), (20.0, 70.0, 24.0, 30.0), (90.0, 20.0, 40.0, 40.0)]
FAMILIES = SMALL | {
    "LMTTracker, features that are its own": (
        "lmt_vggm_otb",
        [
            *("META.ADAPT_BACKBONE", "True", "TRACK.LMT.BBREG.ENABLED", "False", "TRACK.LMT.N_POS_INIT", "4"),
            *("TRACK.LMT.N_NEG_INIT", "4", "TRACK.LMT.N_SAMPLES", "16", "TRACK.LMT.PATCH_SIDE", "128"),
        ],
    ),
    "LMTTracker, first frame as MDNet": (
        "lmt_tiny",
        ["TRACK.LMT.INIT", "mdnet", "TRACK.LMT.BBREG.NUM", "50", "HEAD.KWARGS.hidden", "32"],
    ),
    "SiamRPNTracker, chosen channels": ("tasiamrpn_tiny", []),
}
FEW = ("SiamMaskTracker", "LMTTracker, features that are its own")
"""They take long."""


def frames(count: int) -> list[NDArray[np.uint8]]:
    first = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    return [np.roll(first, 3 * number, axis=1) for number in range(count)]


def boxes_of(tracker: Tracker, box: tuple[float, ...], count: int) -> list[Any]:
    first, *rest = frames(count)
    tracker.init(first, box)
    return [tracker.track(frame).box for frame in rest]


def held_by(model: nn.Module) -> dict[tuple[str, ...], Any]:
    """Every object a model holds. Layouts that fused convolutions keep of their weights do not count."""
    held: dict[tuple[str, ...], Any] = {}
    for name, part in model.named_modules():
        for key, value in vars(part).items():
            if key not in ("_packed", "_uses"):
                entries = value.items() if isinstance(value, dict) else [("", value)]
                held |= {(name, key, str(entry)): each for entry, each in entries}
    return held


@pytest.fixture(autouse=True)
def hasty_threads() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


def check(make: Callable[[], Tracker], models: list[nn.Module], count: int) -> None:
    """`make` gives trackers that share `models`."""
    held, state = [held_by(model) for model in models], copy.deepcopy([model.state_dict() for model in models])
    with ThreadPoolExecutor(len(BOXES)) as pool:
        start = threading.Barrier(len(BOXES))

        def run(box: tuple[float, ...]) -> list[Any]:
            tracker = make()
            start.wait()
            return boxes_of(tracker, box, count)

        together = list(pool.map(run, BOXES))
    for model, objects, values in zip(models, held, state, strict=True):
        now = held_by(model)
        assert now.keys() == objects.keys() and all(now[key] is value for key, value in objects.items())
        assert all(torch.equal(value, values[name]) for name, value in model.state_dict().items())
    assert together == [boxes_of(make(), box, count) for box in BOXES]


@pytest.mark.parametrize("family", FAMILIES)
def test_trackers_in_threads_give_the_boxes_of_one_after_the_other(family: str) -> None:
    cfg = load_config(*FAMILIES[family])
    model = build_model(cfg)
    fill_weights_by_hash(model, 1e-4)
    prepare_for_inference(model, CPU)
    check(lambda: build_tracker(cfg, model), [model], 2 if family in FEW else PACKED_AT)


@pytest.mark.parametrize(
    ("experiment", "opts"),
    [
        ("tanet_tiny", []),
        (
            "tanet_tiny",
            [
                *("ATTENTION.TYPE", "TANet", "ATTENTION.INPUT_SIZE", "96", "ATTENTION.KWARGS.width", "0.05"),
                *("ATTENTION.KWARGS.bn_mode", "batch"),
            ],
        ),
    ],
)
def test_searches_all_over_the_frame_share_an_attention_network(experiment: str, opts: list[str]) -> None:
    cfg = load_config("siamrpn_tiny")
    model = build_model(cfg)
    net = AttentionNet.from_config(load_config(experiment, opts))
    for each in (model, net):
        fill_weights_by_hash(each, 1e-4)
    prepare_for_inference(model, CPU)
    net.eval().requires_grad_(False) if net.uses_batch_statistics else prepare_for_inference(net, CPU)

    def make() -> Tracker:
        proposer = AttentionProposer(Attention(net), MapReading(map_thr_abs=0.0))
        return LocalGlobalTracker(build_tracker(cfg, model), proposer, PolicyParams(fail_thr=1.0, redetect_thr=1.0))

    check(make, [model, net], PACKED_AT)
