"""Configs: PySOT files load unchanged, mistakes are named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from pysot.config.experiments import experiment_name, find_config, list_experiments
from pysot.config.loading import dump_config, get_cfg, load_config, override_config, validate_config
from pysot.config.params import defaults_of, params_from_config
from pysot.core.errors import ConfigError
from pysot.models.meta_arch import MODELS
from pysot.tracker.base import trackers_of
from pysot.tracker.global_search.proposals import MapReading
from pysot.tracker.global_search.tracker import PolicyParams
from pysot.tracker.systems import TRACKERS

PUBLISHED = [
    "siammask_r50_l3",
    "siamrpn_alex_dwxcorr",
    "siamrpn_alex_dwxcorr_16gpu",
    "siamrpn_alex_dwxcorr_otb",
    "siamrpn_mobilev2_l234_dwxcorr",
    "siamrpn_r50_l234_dwxcorr",
    "siamrpn_r50_l234_dwxcorr_16gpu",
    "siamrpn_r50_l234_dwxcorr_8gpu",
    "siamrpn_r50_l234_dwxcorr_lt",
    "siamrpn_r50_l234_dwxcorr_otb",
    "siamrpn_r50_l234_dwxcorr_otb_8gpu",
]

# PENALTY_K, WINDOW_INFLUENCE, LR, INSTANCE_SIZE, BASE_SIZE: docs/systems/siamrpn.md and nanotrack.md, Published values
TRACK_VALUES = {
    "siamrpn_alex_dwxcorr": (0.16, 0.40, 0.30, 287, 0),
    "siamrpn_alex_dwxcorr_otb": (0.16, 0.40, 0.30, 287, 0),
    "siamrpn_mobilev2_l234_dwxcorr": (0.04, 0.40, 0.50, 255, 8),
    "siamrpn_r50_l234_dwxcorr": (0.05, 0.42, 0.38, 255, 8),
    "siamrpn_r50_l234_dwxcorr_otb": (0.24, 0.50, 0.25, 255, 8),
    "siamrpn_r50_l234_dwxcorr_lt": (0.05, 0.28, 0.22, 255, 8),
    "siamrpn_r50_l234_dwxcorr_8gpu": (0.04, 0.44, 0.33, 255, 8),
    "siammask_r50_l3": (0.10, 0.41, 0.32, 255, 8),
    "nanotrack_v1": (0.148, 0.462, 0.390, 255, 7),
    "nanotrack_v2": (0.150, 0.490, 0.385, 255, 7),
    "nanotrack_v3": (0.138, 0.455, 0.348, 255, 7),
}

# A long-term experiment as PySOT users have it, with the three keys that no version reads.
PYSOT_LONG_TERM = """
META_ARC: "siamrpn_r50_l234_dwxcorr"
BACKBONE: {TYPE: "resnet50", KWARGS: {used_layers: [2, 3, 4]}, CHANNELS: [512, 1024, 2048]}
ADJUST:
  ADJUST: true
  TYPE: "AdjustAllLayer"
  ADJUST_CHANNEL: [128, 256, 512]
  KWARGS: {in_channels: [512, 1024, 2048], out_channels: [128, 256, 512]}
RPN: {TYPE: 'MultiRPN', WEIGHTED: True, KWARGS: {anchor_num: 5, in_channels: [128, 256, 512], weighted: true}}
TRACK: {TYPE: 'SiamRPNLTTracker', CONFIDENCE_LOW: 0.8}
"""


def write(folder: Path, text: str, name: str = "config.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_all_published_experiments_are_here() -> None:
    assert set(PUBLISHED) | {"nanotrack_v1", "nanotrack_v2", "nanotrack_v3"} <= set(list_experiments())


@pytest.mark.parametrize("name", list_experiments())
def test_experiment_loads_and_survives_a_round_trip(name: str, tmp_path: Path) -> None:
    cfg = load_config(name)
    assert cfg.is_frozen()
    assert load_config(write(tmp_path, dump_config(cfg))) == cfg


@pytest.mark.parametrize("name", TRACK_VALUES)
def test_tracking_values_are_the_published_ones(name: str) -> None:
    track = load_config(name).TRACK
    found = (track.PENALTY_K, track.WINDOW_INFLUENCE, track.LR, track.INSTANCE_SIZE, track.BASE_SIZE)
    assert found == TRACK_VALUES[name]


def test_long_term_file_with_legacy_keys_loads(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cfg = load_config(write(tmp_path, PYSOT_LONG_TERM))
    assert cfg.TRACK.CONFIDENCE_LOW == 0.8 and "CHANNELS" not in cfg.BACKBONE
    assert {"BACKBONE.CHANNELS", "ADJUST.ADJUST_CHANNEL", "RPN.WEIGHTED"} <= set(caplog.text.replace(":", " ").split())
    assert cfg.RPN == load_config("siamrpn_r50_l234_dwxcorr_lt").RPN


def test_unknown_key_names_the_closest_one(tmp_path: Path) -> None:
    path = write(tmp_path, "TRACK: {PENALTY: 0.1}")
    with pytest.raises(ConfigError, match=r"config\.yaml.*TRACK\.PENALTY\..*Did you mean 'TRACK\.PENALTY_K'"):
        load_config(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("TRACK: {LR: fast}", "TRACK.LR is a float.*'fast', a str"),
        ("TRAIN: {EPOCH: 2.5}", "TRAIN.EPOCH is a int.*2.5"),
        ("TRACK: {TYPE: 3}", "TRACK.TYPE is a str"),
        ("CUDA: 1", "CUDA is a bool"),
        ("TRACK: 5", "TRACK is a group of keys"),
        ("TRACK: {LR: [1", "not valid YAML"),
        ("- 1\n- 2", "holds a list"),
        ("TRACK: {TYPE: SiamMaskTracker}", "Set MASK.MASK and REFINE.REFINE True"),
        ("HEAD: {TYPE: DIMPLE}", "no architecture 'DIMPLE'. Did you mean 'DIMP'"),
        ("MODEL: {TYPE: cnn}", "MODEL.TYPE"),
        ("ANCHOR: {RATIOS: [1]}", "Anchors disagree"),
        ("ANCHOR: {RATIOS: [a, b, c, d, e]}", "ANCHOR.RATIOS is a list of numbers"),
        ("ANCHOR: {RATIOS: [0, 1, 1, 2, 3]}", "ANCHOR.RATIOS is .*above 0"),
        ("TRACK: {INSTANCE_SIZE: 0}", "TRACK.INSTANCE_SIZE is 0"),
        ("TRACK: {WINDOW_INFLUENCE: .nan}", "TRACK.WINDOW_INFLUENCE is nan"),
        ("BACKBONE: {KWARGS: {used_layers: [2, 3]}}\nADJUST: {KWARGS: {in_channels: [1, 2, 3]}}", "2 feature map"),
        ("_BASE_: nowhere.yaml", "'nowhere.yaml' is neither a file nor an experiment"),
        ("_BASE_: config.yaml", "forms a loop"),
    ],
)
def test_bad_file_is_explained(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(write(tmp_path, text))


def test_numbers_are_coerced_like_people_write_them(tmp_path: Path) -> None:
    text = "TRAIN: {BASE_LR: 1, MASK_WEIGHT: 36, EPOCH: 5.0, WEIGHT_DECAY: 1e-4}\nDATASET: {NAMES: [A]}"
    cfg = load_config(write(tmp_path, text))
    assert (cfg.TRAIN.BASE_LR, cfg.TRAIN.MASK_WEIGHT, cfg.TRAIN.EPOCH, cfg.TRAIN.WEIGHT_DECAY) == (1.0, 36.0, 5, 1e-4)
    assert isinstance(cfg.TRAIN.BASE_LR, float) and isinstance(cfg.TRAIN.EPOCH, int)
    assert cfg.DATASET.NAMES == ("A",)


def test_base_file_then_file_then_opts(tmp_path: Path) -> None:
    write(tmp_path, "TRACK: {LR: 0.1, PENALTY_K: 0.2}", "base.yaml")
    path = write(tmp_path, "_BASE_: base.yaml\nTRACK: {LR: 0.3}")
    cfg = load_config(path, ["TRACK.WINDOW_INFLUENCE", "0.5", "BACKBONE.KWARGS.width_mult", "0.25"])
    assert (cfg.TRACK.PENALTY_K, cfg.TRACK.LR, cfg.TRACK.WINDOW_INFLUENCE) == (0.2, 0.3, 0.5)
    assert cfg.BACKBONE.KWARGS.width_mult == 0.25


def test_user_data_set_may_be_added(tmp_path: Path) -> None:
    cfg = load_config(write(tmp_path, "DATASET: {MINE: {ROOT: a, ANNO: b.json, FRAME_RANGE: 5, NUM_USE: -1}}"))
    assert cfg.DATASET.MINE.FRAME_RANGE == 5


@pytest.mark.parametrize("opts", [["TRACK.LR"], ["TRACK.LRR", "1"], ["TRACK.LR", "["]])
def test_bad_opts(opts: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"--opts"):
        load_config("nanotrack_v2", opts)


def test_loaded_config_is_frozen_and_override_copies() -> None:
    cfg = load_config("nanotrack_v2")
    with pytest.raises(AttributeError):
        cfg.TRACK.LR = 0.5
    changed = override_config(cfg, ["TRACK.LR", "0.5"])
    assert changed.TRACK.LR == 0.5 and cfg.TRACK.LR == 0.385 and changed.is_frozen()


@pytest.mark.parametrize("head", [head for head in MODELS if trackers_of(head)])
@pytest.mark.parametrize("tracker", TRACKERS)
def test_only_allowed_pairs_of_head_and_tracker_pass(head: str, tracker: str) -> None:
    cfg = get_cfg()
    cfg.HEAD.TYPE, cfg.TRACK.TYPE = head, tracker
    cfg.MASK.MASK = cfg.REFINE.REFINE = tracker == "SiamMaskTracker" and head == "RPN"
    if head in TRACKERS[tracker].heads:
        validate_config(cfg)
    else:
        with pytest.raises(ConfigError, match="cannot work with"):
            validate_config(cfg)


@pytest.mark.parametrize("tracker", TRACKERS)
def test_every_default_is_stated_once(tracker: str) -> None:
    """The tree's defaults and those of a tracker's hyper-parameters are the same."""
    params_type = TRACKERS[tracker].params_type
    assert params_from_config(get_cfg(), params_type) == params_type()


def test_the_policy_of_the_global_search_has_the_trees_defaults() -> None:
    for params_type in (PolicyParams, MapReading):
        assert params_from_config(get_cfg(), params_type) == params_type()


def test_a_hyper_parameter_without_a_default_is_refused() -> None:
    @dataclass(frozen=True)
    class Params:
        memory: int

    with pytest.raises(ConfigError, match=r"Params\.memory has no default.*TRACK\.MEMORY"):
        list(defaults_of(Params))


def test_another_type_begins_without_the_keyword_arguments_of_its_base(tmp_path: Path) -> None:
    write(tmp_path, "BACKBONE: {TYPE: compact, KWARGS: {used_layers: [2, 3]}}\nADJUST: {ADJUST: false}", "base.yaml")
    path = write(tmp_path, "_BASE_: base.yaml\nBACKBONE: {TYPE: alexnet, KWARGS: {width_mult: 0.5}}")
    assert dict(load_config(path).BACKBONE.KWARGS) == {"width_mult": 0.5}
    path = write(tmp_path, "_BASE_: base.yaml\nBACKBONE: {TYPE: compact, KWARGS: {top_down: false}}")
    assert dict(load_config(path).BACKBONE.KWARGS) == {"used_layers": [2, 3], "top_down": False}
    opts = ["BACKBONE.KWARGS.width_mult", "0.25", "BACKBONE.TYPE", "alexnet"]
    assert dict(load_config(path, opts).BACKBONE.KWARGS) == {"width_mult": 0.25}


def test_a_key_that_changes_its_type_in_a_chain_is_named(tmp_path: Path) -> None:
    write(tmp_path, "TRACK: {LR: 0.3}", "base.yaml")
    path = write(tmp_path, "_BASE_: base.yaml\nTRACK: {LR: [0.3]}")
    with pytest.raises(ConfigError, match=r"config\.yaml: TRACK\.LR is a float.*got \[0\.3\]"):
        load_config(path)
    write(tmp_path, "BACKBONE: {KWARGS: {levels: {a: 1}}}", "base.yaml")
    path = write(tmp_path, "_BASE_: base.yaml\nBACKBONE: {KWARGS: {levels: 3}}")
    with pytest.raises(ConfigError, match=r"BACKBONE\.KWARGS\.levels is a group of keys; got 3"):
        load_config(path)


def test_keys_that_the_chosen_parts_do_not_read_are_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(
        tmp_path,
        "_BASE_: atom_tiny\nRPN: {TYPE: DepthwiseRPN, KWARGS: {a: 1}}\nTRACK: {WINDOW_INFLUENCE: 0.3, PENALTY_K: 0.04}",
    )
    load_config(path)
    (record,) = caplog.records
    assert "RPN.TYPE, RPN.KWARGS, TRACK.WINDOW_INFLUENCE. They" in record.getMessage()


@pytest.mark.parametrize("name", list_experiments())
def test_shipped_experiments_set_no_key_in_vain(name: str, caplog: pytest.LogCaptureFixture) -> None:
    load_config(name)
    assert not caplog.records


def test_default_tree_is_pysots() -> None:
    tree = yaml.safe_load(dump_config(get_cfg()))
    assert tree["TRAIN"]["BASE_LR"] == 0.005 and tree["TRACK"]["MASK_THERSHOLD"] == 0.3
    assert tree["DATASET"]["YOUTUBEBB"] == {
        "ROOT": "training_dataset/yt_bb/crop511",
        "ANNO": "training_dataset/yt_bb/train.json",
        "FRAME_RANGE": 3,
        "NUM_USE": -1,
    }
    assert tree["BACKBONE"]["TRAIN_LAYERS"] == ["layer2", "layer3", "layer4"]


def test_experiments_are_found_by_name_folder_and_file(tmp_path: Path) -> None:
    by_name = find_config("nanotrack_v2")
    assert find_config(by_name.parent) == by_name == find_config(str(by_name))
    assert experiment_name(by_name) == "nanotrack_v2"
    assert experiment_name(write(tmp_path, "", "mine.yaml")) == "mine"
    with pytest.raises(ConfigError, match="Did you mean 'nanotrack_v2'"):
        find_config("nanotrack_v22")


def test_an_empty_option_is_an_empty_text() -> None:
    cfg = load_config("nanotrack_v2", ["TRAIN.DISTILL.TEACHER", "", "BACKBONE.PRETRAINED", ""])
    assert cfg.TRAIN.DISTILL.TEACHER == cfg.BACKBONE.PRETRAINED == ""
