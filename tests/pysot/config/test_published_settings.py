"""Experiments hold the numbers of their authors' public settings, key by key."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pytest

from pysot.config.experiments import find_config
from pysot.config.loading import load_config

MANY_TURNS = [5, -5, 10, -10, 20, -20, 30, -30, 45, -45, -60, 60]
MANY_BLURS = [2, 0.2, 0.2, 2, 3, 1, 1, 3, 2, 2]

# (experiment, the authors' public file of settings, key -> value there); all of visionml/pytracking, 7eb9e74
PUBLISHED: list[tuple[str, str, dict[str, Any]]] = [
    (
        "prdimp_r18",
        "pytracking/parameter/dimp/prdimp18.py",
        {
            "TRACK.ONLINE.IMAGE_SAMPLE_SIZE": 288,
            "TRACK.ONLINE.SEARCH_AREA_SCALE": 5.0,
            "TRACK.ONLINE.BORDER_MODE": "replicate",
            "TRACK.ONLINE.SCORE_PREPROCESS": "softmax",
            "TRACK.ONLINE.NOT_FOUND_THR": 0.04,
            "TRACK.ONLINE.BOX.SPACE": "relative",
            "TRACK.ONLINE.BOX.ITER": 10,
            "TRACK.ONLINE.BOX.STEP": 0.0025,
        },
    ),
    (
        "prdimp_r18",
        "ltr/train_settings/dimp/prdimp18.py",
        {
            "TRAIN.SEARCH_SIZE": 288,
            "TRAIN.SEARCH_AREA_SCALE": 5.0,
            "TRAIN.CROP_MODE": "shift",
            "TRAIN.CENTER_JITTER": [3.0, 4.5],
            "TRAIN.SCALE_JITTER": [0.25, 0.5],
            "TRAIN.BATCH_SIZE": 26,
            "TRAIN.LR_GROUPS.bb_regressor": 0.001,
            "TRAIN.IOU_WEIGHT": 0.0025,
            "TRAIN.CLF_WEIGHTS": [0.25, 0.25, 1.0],
            "BACKBONE.PRETRAINED": "resnet18",
        },
    ),
    (
        "prdimp_r50",
        "pytracking/parameter/dimp/prdimp50.py",
        {
            "TRACK.ONLINE.IMAGE_SAMPLE_SIZE": 352,
            "TRACK.ONLINE.SEARCH_AREA_SCALE": 6.0,
            "TRACK.ONLINE.BORDER_MODE": "inside_major",
            "TRACK.ONLINE.PATCH_MAX_SCALE_CHANGE": 1.5,
        },
    ),
    (
        "prdimp_r50",
        "ltr/train_settings/dimp/prdimp50.py",
        {
            "TRAIN.SEARCH_SIZE": 288,
            "TRAIN.SEARCH_AREA_SCALE": 5.0,
            "TRAIN.CROP_MODE": "shift",
            "TRAIN.CENTER_JITTER": [3.0, 4.5],
            "TRAIN.BATCH_SIZE": 10,
            "TRAIN.EPOCH": 50,
            "TRAIN.LR_GROUPS.bb_regressor": 0.001,
            "BACKBONE.PRETRAINED": "resnet50",
        },
    ),
    (
        "prdimp_r50_vot18",
        "pytracking/parameter/dimp/prdimp50_vot18.py",
        {
            "TRACK.ONLINE.IMAGE_SAMPLE_SIZE": 224,
            "TRACK.ONLINE.SEARCH_AREA_SCALE": 4.0,
            "TRACK.ONLINE.MEMORY_SIZE": 250,
            "TRACK.ONLINE.TRAIN_SKIPPING": 1,
            "TRACK.ONLINE.NET_OPT_ITER": 25,
            "TRACK.ONLINE.SCORE_PREPROCESS": "none",
            "TRACK.ONLINE.NOT_FOUND_THR": 0.0,
            "TRACK.ONLINE.BORDER_MODE": "replicate",
            "TRACK.ONLINE.INIT_MIN_WEIGHT": 0.0,
            "TRACK.ONLINE.HN_WITHOUT_WINDOW": True,
            "TRACK.ONLINE.NET_OPT_UPDATE_ITER": 1,
            "TRACK.ONLINE.NET_OPT_HN_ITER": 1,
            "TRACK.ONLINE.DISPLACEMENT_SCALE": 0.7,
            "TRACK.ONLINE.DISTRACTOR_THR": 99999.0,
            "TRACK.ONLINE.HARD_NEGATIVE_THR": 999999.0,
            "TRACK.ONLINE.AUG.ROTATE": MANY_TURNS,
            "TRACK.ONLINE.AUG.BLUR": MANY_BLURS,
            "TRACK.ONLINE.AUG.DROPOUT_NUM": 7,
        },
    ),
    (
        "super_dimp",
        "ltr/train_settings/dimp/super_dimp.py",
        {
            "TRAIN.SEARCH_SIZE": 352,
            "TRAIN.SEARCH_AREA_SCALE": 6.0,
            "TRAIN.CROP_MODE": "inside_major",
            "TRAIN.CENTER_JITTER": [3.0, 5.5],
            "TRAIN.BATCH_SIZE": 20,
            "TRAIN.LR_GROUPS.bb_regressor": 0.001,
            "DATASET.VIDEOS_PER_EPOCH": 40000,
        },
    ),
    ("dimp_r50", "ltr/train_settings/dimp/dimp50.py", {"TRAIN.LR_GROUPS.bb_regressor": 0.0002}),
]


def _cases() -> list[Any]:
    return [
        pytest.param(name, source, key, value, id=f"{name}-{key}")
        for name, source, values in PUBLISHED
        for key, value in values.items()
    ]


@pytest.mark.parametrize(("name", "source", "key", "value"), _cases())
def test_the_experiment_holds_the_published_number(name: str, source: str, key: str, value: object) -> None:
    node: Any = load_config(find_config(name))
    found = reduce(lambda group, step: group[step], key.split("."), node)
    assert found == value, f"{key} of {name} is {found}; {source} has {value}"
