"""Joint local and global search around any tracker: states, what is committed and learned, and re-acquisition."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pysot.config.loading import load_config
from pysot.config.params import params_from_config
from pysot.core.crop import Image
from pysot.core.errors import ConfigError, SnapshotError, SotError
from pysot.models.attention import AttentionNet
from pysot.models.builder import build_model
from pysot.models.inference import prepare_for_inference
from pysot.tracker.base import Candidate, SearchRegion, State, Tracker, TrackResult
from pysot.tracker.builder import build_tracker, load_tracker
from pysot.tracker.global_search.attention import Attention
from pysot.tracker.global_search.proposals import MapReading, Proposal
from pysot.tracker.global_search.proposers import AttentionProposer, MapFiles, MapProposer, Proposer, SlidingWindows
from pysot.tracker.global_search.tracker import LocalGlobalTracker, Mode, PolicyParams, joint_score
from pysot.zoo.loading import read_state_dict
from pysot.zoo.locate import find_snapshot
from tests.golden.recipe import fill_weights_by_hash
from tests.pysot.tracker.test_tracker_contract import BOX, FRAME, NEXT, SMALL, make
from toolkit.synthetic import longterm_scene

STRICT = PolicyParams(fail_thr=0.8, redetect_thr=0.88)


class Scripted(Tracker):
    """Scores what it is told to, here and elsewhere; remembers what was asked of it."""

    def __init__(self, here: Sequence[float], elsewhere: Sequence[float] = ()) -> None:
        self.model, self.params = None, None
        self.here, self.elsewhere = list(here), list(elsewhere)
        self.committed: list[tuple[Candidate, bool]] = []

    def _start(self, image: Image, box_xywh: tuple[float, float, float, float]) -> None:
        self.frame = 0
        self.move_to((box_xywh[0] + box_xywh[2] / 2, box_xywh[1] + box_xywh[3] / 2), box_xywh[2:])

    def search_region(self) -> SearchRegion:
        return SearchRegion(self.center_xy, self.size_wh, 255)

    def locate(self, image: Image, region: SearchRegion) -> Candidate:
        scores = self.here if region == self.search_region() else self.elsewhere
        score = scores[self.frame] if self.frame < len(scores) else 0.0
        return Candidate((*region.center_xy, *region.size_wh), score, region)

    def commit(self, image: Image, candidate: Candidate, learn: bool = True) -> TrackResult:
        self.committed.append((candidate, learn))
        self.frame += 1
        x, y, w, h = candidate.box_cxcywh
        self.move_to((x, y), (w, h))
        return TrackResult((x - w / 2, y - h / 2, w, h), candidate.score)


class Fixed(Proposer):
    """Always proposes the same places."""

    def __init__(self, *places: Proposal) -> None:
        self.places, self.asked = list(places), 0

    def propose(self, image: Image, size_wh: tuple[float, float]) -> list[Proposal]:
        self.asked += 1
        return self.places


ELSEWHERE = Proposal((130.0, 20.0))


def states(tracker: LocalGlobalTracker, count: int) -> str:
    """The mode that each frame leaves behind."""
    tracker.init(FRAME, BOX)
    letters = ""
    for _ in range(count):
        tracker.track(NEXT)
        letters += "L" if tracker.mode is Mode.LOCAL else "G"
    return letters


def test_hysteresis() -> None:
    base = Scripted([0.9, 0.5, 0.85, 0.9])
    assert states(LocalGlobalTracker(base, Fixed(), STRICT), 4) == "LGGL"
    base = Scripted([0.9, 0.5, 0.1, 0.1], [0, 0, 0.85, 0.9])
    assert states(LocalGlobalTracker(base, Fixed(ELSEWHERE), STRICT), 4) == "LGGL"


def test_patience_and_interval() -> None:
    proposer = Fixed(ELSEWHERE)
    policy = replace(STRICT, patience=2, interval=3)
    assert states(LocalGlobalTracker(Scripted([0.1] * 9), proposer, policy), 9) == "LGGGGGGGG"
    assert proposer.asked == 3  # of seven frames in which it was lost
    assert states(LocalGlobalTracker(Scripted([0.1, 0.9] * 3), proposer, policy), 6) == "LLLLLL"


def test_found_elsewhere_is_gone_to_with_the_last_good_size_and_without_learning() -> None:
    base = Scripted([0.9, 0.1, 0.1, 0.9, 0.9], [0, 0, 0.95])
    tracker = LocalGlobalTracker(base, Fixed(replace(ELSEWHERE, scale=1.5)), STRICT)
    tracker.init(FRAME, BOX)
    results = [tracker.track(NEXT) for _ in range(5)]
    x, y, w, h = results[2].box
    assert (x + w / 2, y + h / 2) == ELSEWHERE.center_xy and (w, h) == (BOX[2] * 1.5, BOX[3] * 1.5)
    assert [learns for _, learns in base.committed] == [True, True, False, False, True]
    assert base.committed[2][0].region.window_influence == STRICT.window_influence
    assert tracker.searched == 1


def test_without_places_everything_is_learned_as_ever() -> None:
    base = Scripted([0.9, 0.1, 0.5, 0.9, 0.9])
    assert states(LocalGlobalTracker(base, Fixed(), STRICT), 5) == "LGGLL"
    assert all(learns for _, learns in base.committed)


def test_learning_need_not_be_frozen() -> None:
    base = Scripted([0.9, 0.1, 0.1, 0.9], [0, 0, 0.95])
    states(LocalGlobalTracker(base, Fixed(ELSEWHERE), replace(STRICT, freeze_update=False)), 4)
    assert all(learns for _, learns in base.committed)


class Attentive(Fixed):
    """Attends to the left half of the frame only."""

    def attended(self, image: Image, box_cxcywh: tuple[float, float, float, float]) -> float:
        return 0.81 if box_cxcywh[0] < image.shape[1] / 2 else 0.0001


@pytest.mark.parametrize(("place", "believed"), [((20.0, 30.0), True), ((110.0, 30.0), False)])
def test_a_look_alike_that_is_not_attended_to_is_not_believed(place: tuple[float, float], believed: bool) -> None:
    for weight, wanted in ((0.0, True), (0.5, believed)):
        base = Scripted([0.9, 0.1, 0.2], [0, 0, 0.99])
        tracker = LocalGlobalTracker(base, Attentive(Proposal(place)), replace(STRICT, attention_weight=weight))
        tracker.init(FRAME, BOX)
        results = [tracker.track(NEXT) for _ in range(3)]
        assert (tracker.mode is Mode.LOCAL) is wanted
        assert results[1].score == 0.1  # a local frame: nothing is attended to
        if wanted:
            assert results[2].score == pytest.approx(0.99 * 0.81**weight)
    assert joint_score(0.5, 0.25, 0.5) == 0.25 and joint_score(0.5, 0, 1) == pytest.approx(0.0005)


def test_a_better_local_place_is_kept() -> None:
    for here, elsewhere, moved in ((0.95, 0.9, False), (0.5, 0.9, True), (0.5, 0.87, False), (0.89, 0.9, True)):
        base = Scripted([0.1, here], [0, elsewhere])
        tracker = LocalGlobalTracker(base, Fixed(ELSEWHERE), STRICT)
        tracker.init(FRAME, BOX)
        tracker.track(NEXT)
        tracker.track(NEXT)
        assert (tracker.search_region().center_xy == ELSEWHERE.center_xy) == moved
    base = Scripted([0.1, 0.89], [0, 0.9])
    tracker = LocalGlobalTracker(base, Fixed(ELSEWHERE), replace(STRICT, margin=0.05))
    assert states(tracker, 2) == "GL" and tracker.search_region().center_xy != ELSEWHERE.center_xy


def test_holding_commits_nothing_while_lost() -> None:
    base = Scripted([0.1, 0.5, 0.6], [0, 0.3, 0.3])
    tracker = LocalGlobalTracker(base, Fixed(ELSEWHERE), replace(STRICT, hold=True))
    tracker.init(FRAME, BOX)
    first, second = tracker.track(NEXT), tracker.track(NEXT)
    assert len(base.committed) == 1 and second.box == first.box
    assert second.state is State.LOST and second.score == 0.5


def test_a_tracker_that_gives_no_score_is_believed(caplog: pytest.LogCaptureFixture) -> None:
    base = Scripted([float("nan")] * 4, [float("nan")] * 4)
    tracker = LocalGlobalTracker(base, Fixed(ELSEWHERE), STRICT)
    with caplog.at_level(logging.WARNING):
        assert states(tracker, 4) == "LLLL"
    assert caplog.text.count("Scripted gives no score") == 1
    lost = Scripted([float("nan")] * 4, [float("nan")] * 4)
    lost.commit = lambda image, candidate, learn=True: replace(  # type: ignore[method-assign]
        Scripted.commit(lost, image, candidate), state=State.LOST
    )
    tracker = LocalGlobalTracker(lost, Fixed(ELSEWHERE), STRICT)
    assert states(tracker, 3) == "GGG" and tracker.search_region().center_xy != ELSEWHERE.center_xy


def test_thresholds_that_contradict_each_other() -> None:
    with pytest.raises(ConfigError, match=r"REDETECT_THR 0.5 is below FAIL_THR 0.8"):
        PolicyParams(fail_thr=0.8, redetect_thr=0.5)
    with pytest.raises(ConfigError, match="PATIENCE is 0"):
        PolicyParams(patience=0)
    with pytest.raises(SotError, match="before init"):
        LocalGlobalTracker(Scripted([]), Fixed(), STRICT).track(FRAME)


FAMILIES = {  # one small network per family of trackers
    **SMALL,
    "ATOMTracker": ("atom_tiny", []),
    "DiMPTracker": ("dimp_tiny", []),
    "LMTTracker": ("lmt_tiny", []),
}


@pytest.fixture(scope="module", params=FAMILIES)
def base(request: pytest.FixtureRequest) -> Tracker:
    """A tracker with made-up weights."""
    if request.param in SMALL:
        return make(request.param)
    name, opts = FAMILIES[request.param]
    cfg = load_config(name, opts)
    model = build_model(cfg)
    fill_weights_by_hash(model)
    return build_tracker(cfg, prepare_for_inference(model, torch.device("cpu")))


class Map(MapProposer):
    """The same map for every frame."""

    def __init__(self, attention: NDArray[np.float32]) -> None:
        super().__init__(MapReading())
        self.attention = attention

    def map_now(self, image: Image) -> NDArray[np.float32]:
        return self.attention


def test_nothing_proposed_or_nothing_lost_changes_nothing(base: Tracker) -> None:
    """Bit for bit: with a blank map, though every single frame counts as bad; and with scores that are always good."""
    expected = followed(base)
    blank = LocalGlobalTracker(base, Map(np.zeros((30, 30), np.float32)), PolicyParams(2.0, 2.0))
    assert followed(blank) == expected
    assert blank.mode is Mode.GLOBAL
    if all(state is not State.LOST for *_, state in expected):
        proposer = Fixed(ELSEWHERE)
        assert followed(LocalGlobalTracker(base, proposer, PolicyParams(0.0, 0.0))) == expected
        assert proposer.asked == 0


def followed(tracker: Tracker) -> list[tuple[object, ...]]:
    tracker.init(FRAME, BOX)
    results = [tracker.track(frame) for frame in (NEXT, FRAME)]
    return [(*result.box, result.score, result.state) for result in results]


def test_every_family_can_be_sent_elsewhere(base: Tracker) -> None:
    """Any score is believed, because the weights are made up: what was found at the proposed place is committed, the
    last known size was looked for, and nothing is learned.
    """
    tracker = LocalGlobalTracker(base, Fixed(Proposal((40.0, 80.0))), PolicyParams(0.0, 0.0, margin=-1.0))
    tracker.init(FRAME, BOX)
    tracker.mode, tracker.lost_frames = Mode.GLOBAL, 0
    with pytest.MonkeyPatch.context() as patch:
        learned: list[object] = []
        if hasattr(base, "_update"):
            patch.setattr(base, "_update", lambda *args, **kwargs: learned.append(args))
        known, commit, committed = base.search_region(), base.commit, []
        patch.setattr(
            base,
            "commit",
            lambda image, found, learn: (committed.append((found, learn)), commit(image, found, learn))[1],
        )
        result = tracker.track(NEXT)
    assert not learned and tracker.searched == 2
    ((found, learn),) = committed
    assert not learn
    assert found.region.center_xy == (40.0, 80.0) and found.region.size_wh == known.size_wh
    assert found.region.input_size == known.input_size and np.isfinite(result.box).all()


@pytest.fixture(scope="module")
def leaving() -> tuple[list[Image], NDArray[np.float64], NDArray[np.bool_]]:
    """A target that is gone, and then back at the other side of the frame: seen 6 times, absent 4, then seen."""
    scene = longterm_scene(5, "test_leave", "car", ("leave",), count=130)
    sequence = scene.sequence()
    frames, truth, visible = sequence.require_frames(), sequence.ground_truth, np.asarray(sequence.visible)
    gone = np.flatnonzero(~visible)
    area = np.nan_to_num(truth[:, 2:].prod(axis=1))
    whole = np.flatnonzero(visible & (area > 0.8 * np.median(area[visible])))
    chosen = [*whole[whole < gone[0]][-6:], *gone[:4], *whole[whole > gone[-1]][:5]]
    return [frames[int(index)] for index in chosen], truth[chosen], visible[chosen]


class Oracle(MapProposer):
    """The truth as a map."""

    def __init__(self, truth: NDArray[np.float64], image_hw: tuple[int, int]) -> None:
        super().__init__(MapReading())
        self.truth, self.image_hw = truth, image_hw

    def start(self, image: Image, box_xywh: tuple[float, float, float, float]) -> None:
        self.index = 0

    def see(self, image: Image) -> None:
        self.index += 1

    def map_now(self, image: Image) -> NDArray[np.float32]:
        attention = np.zeros(self.image_hw, np.float32)
        if np.isfinite(self.truth[self.index]).all():
            x, y, w, h = np.round(self.truth[self.index]).astype(int)
            attention[max(y, 0) : y + h, max(x, 0) : x + w] = 1.0
        return attention


REAL: dict[str, list[str]] = {  # own weights, and keys of the tracker to change
    "siamrpn_tiny": [],
    "siamrpn_tiny as LT": ["TRACK.TYPE", "SiamRPNLTTracker"],
    "nanotrack_v2": [],
    "atom_tiny": [],
    "dimp_tiny": [],
    "lmt_tiny": [],
}


@pytest.mark.parametrize("name", REAL)
def test_oracle_map_brings_every_family_back_within_three_frames(
    name: str,
    leaving: tuple[list[Image], NDArray[np.float64], NDArray[np.bool_]],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if name.startswith("nanotrack"):
        monkeypatch.setenv("PYSOT_ZOO", str(request.getfixturevalue("shared") / "data" / "weights"))
    experiment, opts = name.split()[0], REAL[name]
    policy = params_from_config(load_config(f"{experiment}_tanet"), PolicyParams)
    try:
        find_snapshot(experiment, download=False)
    except SotError:
        pytest.skip(f"{experiment} has no snapshot yet")
    frames, truth, visible = leaving
    tracker = LocalGlobalTracker(
        load_tracker(experiment, device="cpu", opts=opts), Oracle(truth, frames[0].shape[:2]), policy
    )
    tracker.init(frames[0], truth[0])
    overlaps = [overlap(tracker.track(frame).box, box) for frame, box in zip(frames[1:], truth[1:], strict=True)]
    distance = np.hypot(*(truth[5, :2] - truth[10, :2])) / np.sqrt(truth[5, 2:].prod())
    assert min(overlaps[:5]) > 0.5 and distance > 3 and not visible[6:10].any()
    assert max(overlaps[9:12]) > 0.5, np.round(overlaps, 2)


def overlap(box_xywh: Sequence[float], other_xywh: NDArray[np.float64]) -> float:
    """Intersection over union; 0 where there is no truth."""
    if not np.isfinite(other_xywh).all():
        return 0.0
    first, second = np.array(box_xywh), other_xywh
    low, high = np.maximum(first[:2], second[:2]), np.minimum(first[:2] + first[2:], second[:2] + second[2:])
    common = float((high - low).clip(min=0).prod())
    return common / float(first[2:].prod() + second[2:].prod() - common)


class Counting(AttentionNet):
    """A network that attends to where its clip is brightest; remembers what it was asked."""

    input_size, target_size, clip_len = 32, 16, 3

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.encoded, self.clips = 0, list[torch.Tensor]()

    def encode(self, target: torch.Tensor) -> tuple[torch.Tensor, ...]:
        self.encoded += 1
        return (target,)

    def attend(
        self, frame: torch.Tensor, remembered: tuple[torch.Tensor, ...], clip: torch.Tensor | None
    ) -> torch.Tensor:
        assert clip is not None
        self.clips.append(clip[0, :, 0, 0, 0])
        return frame[:, :1] / 255


def gray(level: int) -> Image:
    return np.full((40, 60, 3), level, np.uint8)


def test_the_network_runs_in_global_frames_only_and_sees_the_past_alone() -> None:
    net = Counting()
    tracker = LocalGlobalTracker(
        Scripted([0.9, 0.9, 0.1, 0.1, 0.1]), AttentionProposer(Attention(net), MapReading()), STRICT
    )
    tracker.init(gray(1), BOX_IN_GRAY)
    for level in range(2, 7):
        tracker.track(gray(level))
    assert net.encoded == 1
    assert [clip.tolist() for clip in net.clips] == [[3, 4, 5], [4, 5, 6]]


BOX_IN_GRAY = (10.0, 10.0, 20.0, 15.0)


def test_a_clip_that_is_not_full_yet_repeats_its_first_frame() -> None:
    net = Counting()
    proposer = AttentionProposer(Attention(net), MapReading())
    proposer.start(gray(7), BOX_IN_GRAY)
    proposer.propose(gray(7), (20, 15))
    proposer.see(gray(9))
    proposer.propose(gray(9), (20, 15))
    assert [clip.tolist() for clip in net.clips] == [[7, 7, 7], [7, 7, 9]]


def test_a_centered_clip_cannot_track() -> None:
    with pytest.raises(ConfigError, match="centered, which needs the next frame"):
        AttentionProposer(Attention(Counting(), "centered"), MapReading())


def write_map(folder: Path, index: int, levels: NDArray[np.uint8]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / f"{index:08d}.png"), levels)


def test_maps_from_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Missing, damaged and ill-shaped files are named once per video and count as blank."""
    spot = np.zeros((40, 60), np.uint8)
    spot[5:15, 40:50] = 200
    for index in (1, 2):
        write_map(tmp_path / "film", index, spot)
    write_map(tmp_path / "film", 4, np.zeros((20, 60), np.uint8))
    (tmp_path / "film" / "00000005.png").write_bytes(b"no picture")
    write_map(tmp_path / "film", 6, cv2.resize(spot, (30, 30)))
    proposer = MapFiles(tmp_path, MapReading(blur_sigma=0))
    proposer.at_frame("film", 0)
    proposer.start(gray(0), BOX_IN_GRAY)
    found = []
    with caplog.at_level(logging.WARNING):
        for index in range(1, 7):
            proposer.at_frame("film", index)
            proposer.see(gray(0))
            found.append(proposer.propose(gray(0), (10, 10)))
    assert [len(places) for places in found] == [1, 1, 0, 0, 0, 1]
    assert found[0][0].center_xy == pytest.approx((45, 10)) and found[-1][0].center_xy == pytest.approx(
        (45, 10), abs=1.5
    )
    assert caplog.text.count("attention map") == 1 and "film/00000003.png is missing" in caplog.text
    for index, message in ((4, "found 60x20 pixels"), (5, "cannot be read")):
        other = MapFiles(tmp_path, MapReading())
        other.at_frame("film", index)
        other.see(gray(0))
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert other.propose(gray(0), (10, 10)) == []
        assert message in caplog.text


def test_maps_without_a_video_name_are_counted(tmp_path: Path) -> None:
    for index in range(3):
        write_map(tmp_path, index, np.full((8, 8), 40 * index, np.uint8))
    proposer = MapFiles(tmp_path, MapReading())
    for _ in range(2):  # a tracker may be started again
        proposer.start(gray(0), BOX_IN_GRAY)
        proposer.see(gray(0))
        attention = proposer.map_now(gray(0))
        assert attention is not None and attention.max() == pytest.approx(40 / 255)
    with pytest.raises(ConfigError, match="nowhere is not a folder"):
        MapFiles(tmp_path / "nowhere", MapReading())


def test_windows_of_several_scales() -> None:
    windows = SlidingWindows(2.0, [1.0, 1.5])
    places = windows.propose(FRAME, (20.0, 20.0))
    assert {place.scale for place in places} == {1.0, 1.5} and len(places) == 3 * 4 + 2 * 3
    with pytest.raises(ConfigError, match="SPACING 0"):
        SlidingWindows(0.0)


def test_builder_wraps_what_the_config_says(tmp_path: Path) -> None:
    opts = ["ATTENTION.ENABLED", "True", "ATTENTION.PROPOSALS", "sliding", "ATTENTION.POLICY.SPACING", "3.0"]
    tracker = load_tracker("siamrpn_tiny", device="cpu", opts=opts)
    assert isinstance(tracker, LocalGlobalTracker) and isinstance(tracker.proposer, SlidingWindows)
    assert tracker.proposer.spacing == 3.0 and type(tracker.base).__name__ == "SiamRPNTracker"
    opts[3], opts[4:] = "maps", ["ATTENTION.MAP_DIR", str(tmp_path)]
    assert isinstance(load_tracker("siamrpn_tiny", device="cpu", opts=opts).proposer, MapFiles)  # type: ignore[attr-defined]
    opts[3] = "guess"
    with pytest.raises(ConfigError, match=r"no source of proposals .guess"):
        load_tracker("siamrpn_tiny", device="cpu", opts=opts)
    network = load_config("tanet_tiny")
    with pytest.raises(ConfigError, match="can be trained, not tracked"):
        build_tracker(network, build_model(network))
    with pytest.raises(ConfigError, match="SNAPSHOT is empty"):
        Attention.from_config(load_config("siamrpn_tiny", ["ATTENTION.SNAPSHOT", ""]), torch.device("cpu"))


def test_attention_that_is_not_finite_is_named() -> None:
    attention = Attention.from_config(load_config("tanet_tiny"), torch.device("cpu"), "tanet_tiny")
    frame = np.zeros((60, 80, 3), np.uint8)
    attention.start(frame, (20, 20, 30, 30))
    with torch.inference_mode():
        for weight in attention.net.parameters():
            weight.fill_(float("nan"))
    with pytest.raises(SotError, match=r"attention logits of this frame are not finite.*CompactAttention"):
        attention.map_of([attention.shrink(frame)] * 3)


def test_own_snapshot_attends_to_the_target() -> None:
    """On a rendered scene it has not learned from: brighter inside than outside, and a place in the target proposed."""
    attention = Attention.from_config(load_config("tanet_tiny"), torch.device("cpu"), "tanet_tiny")
    assert read_state_dict(find_snapshot("tanet_tiny"))
    scene = longterm_scene(0, "jump_1", "ball", ("jump", "jump", "jump"))
    attention.start(scene.frame(0), tuple(scene.box(0)))
    inside, outside = [], []
    for index in range(20, 200, 30):
        found = attention.map_of([attention.shrink(scene.frame(number)) for number in (index - 2, index - 1, index)])
        x, y, w, h = scene.box(index) * np.tile([attention.net.input_size / 320, attention.net.input_size / 240], 2)
        mask = np.zeros(found.shape, bool)
        mask[round(y) : round(y + h), round(x) : round(x + w)] = True
        inside.append(found[mask].mean())
        outside.append(found[~mask].mean())
    assert np.mean(inside) > 5 * np.mean(outside)


@pytest.mark.parametrize("name", ["siamrpn_tiny", "atom_tiny", "dimp_tiny", "lmt_tiny"])
def test_one_switch_searches_with_the_trackers_own_thresholds(name: str) -> None:
    tracker = load_tracker(name, opts=["ATTENTION.ENABLED", "True"], device="cpu")
    assert isinstance(tracker, LocalGlobalTracker) and isinstance(tracker.proposer, AttentionProposer)
    assert (tracker.params.fail_thr, tracker.params.redetect_thr) == (tracker.base.lost_below, tracker.base.found_from)
    tracker.init(FRAME, BOX)
    assert np.isfinite(tracker.track(NEXT).box).all()


def test_a_config_overrides_one_threshold_or_both() -> None:
    opts = ["ATTENTION.ENABLED", "True", "ATTENTION.POLICY.FAIL_THR", "0.95"]
    policy = load_tracker("siamrpn_tiny", opts=opts, device="cpu").params
    assert (policy.fail_thr, policy.redetect_thr) == (0.95, 0.95)


def test_the_weights_of_another_attention_network_are_refused() -> None:
    weights = find_snapshot("tanet_tiny")
    opts = ["ATTENTION.ENABLED", "True", "ATTENTION.TYPE", "TANet", "ATTENTION.SNAPSHOT", str(weights)]
    with pytest.raises(SnapshotError, match=r"model\.safetensors does not fit this model \(TANet\)"):
        load_tracker("siamrpn_tiny", opts=opts, device="cpu")
