"""Defaults of `TRACK.ONLINE`, the trackers that learn while tracking (specs/config.md section 2.4): DiMP's values where
ATOM and DiMP differ.

The meaning of each key is with the field of the same name in `pysot.tracker.online.OnlineParams` and its parts, in
`pysot.tracker.atom.AtomParams` and in `pysot.tracker.dimp.DimpParams`.
"""

from __future__ import annotations

from typing import Any

COMMON: dict[str, Any] = {
    "IMAGE_SAMPLE_SIZE": 288,
    "SEARCH_AREA_SCALE": 5.0,
    "INTEGER_DIVISION": True,
    "MEMORY_SIZE": 50,
    "LEARNING_RATE": 0.01,
    "HN_LEARNING_RATE": 0.02,
    "INIT_MIN_WEIGHT": 0.25,
    "TRAIN_SKIPPING": 20,
    "WINDOW_OUTPUT": False,
    "HN_WITHOUT_WINDOW": False,
    "UPDATE_SCALE_WHEN_UNCERTAIN": True,
    "SEED": 0,
}

LOCALISATION: dict[str, Any] = {
    "NOT_FOUND_THR": 0.25,
    "DISTRACTOR_THR": 0.8,
    "HARD_NEGATIVE_THR": 0.5,
    "NEIGHBORHOOD_SCALE": 2.2,
    "DISPLACEMENT_SCALE": 0.8,
    "UNCERTAIN_THR": float("-inf"),
    "HARD_SAMPLE_THR": float("-inf"),
}

ATOM: dict[str, Any] = {
    "KERNEL_SIZE": 4,
    "COMPRESSED_DIM": 64,
    "FILTER_REG": 0.1,
    "PROJ_REG": 1e-4,
    "SIGMA_FACTOR": 0.25,
    "RESPONSE_ACT": "mlu",
    "RESPONSE_ACT_PARAM": 0.05,
    "INIT_CG_ITER": 60,
    "INIT_GN_ITER": 6,
    "CG_ITER": 5,
    "HN_CG_ITER": 5,
    "FLETCHER_REEVES": False,
    "CG_FORGETTING_RATE": -1.0,
}

DIMP: dict[str, Any] = {
    "BORDER_MODE": "replicate",
    "PATCH_MAX_SCALE_CHANGE": 1.5,
    "SCORE_PREPROCESS": "none",
    "TRAIN_SAMPLE_INTERVAL": 1,
    "NET_OPT_ITER": 10,
    "NET_OPT_UPDATE_ITER": 2,
    "NET_OPT_HN_ITER": 1,
    "LOW_SCORE_OPT_THR": float("-inf"),
    "NET_OPT_LOW_ITER": 1,
}

AUG: dict[str, Any] = {
    "FLIP": True,
    "ROTATE": [10, -10, 45, -45],
    "BLUR": [3, 1, 1, 3, 2, 2],
    "SHIFT": [0.6, 0.6, -0.6, 0.6, 0.6, -0.6, -0.6, -0.6],
    "DROPOUT_NUM": 2,
    "DROPOUT_P": 0.2,
    "EXPANSION": 2.0,
    "RANDOM_SHIFT": 0.333333,
}

BOX: dict[str, Any] = {
    "K": 3,
    "NUM_RANDOM": 9,
    "JITTER_POS": 0.1,
    "JITTER_SZ": 0.5,
    "MAX_ASPECT": 6.0,
    "ITER": 5,
    "STEP": 1.0,
    "DECAY": 1.0,
    "SPACE": "default",
}
