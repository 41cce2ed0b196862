"""Config keys of attention over whole frames (specs/config.md section 2.6, specs/tanet.md): `ATTENTION`, its `POLICY`
and its `TRAIN`. Each is explained with the field of the same name in `pysot.tracker.local_global.PolicyParams` and in
`pysot.training.attention.AttentionLosses`.
"""

from __future__ import annotations

from typing import Any

ATTENTION: dict[str, Any] = {
    "ENABLED": False,  # follow the target locally and look for it everywhere when it is lost
    "PROPOSALS": "attention",  # attention; maps: those in MAP_DIR; sliding: windows all over the frame
    "TYPE": "TANet",  # TANet as released, or TANetTiny
    "SNAPSHOT": "",  # zoo name or file of the network's weights
    "MAP_DIR": "",  # maps made by tools/attention.py
    "INPUT_SIZE": 300,
    "CLIP_LEN": 3,
    "CLIP": "causal",  # causal, or centered as released: it sees the next frame
}
POLICY: dict[str, Any] = {
    "FAIL_THR": 0.8,
    "REDETECT_THR": 0.9,
    "MARGIN": 0.0,
    "ATTENTION_WEIGHT": 0.0,  # of the attention inside a box, in how sure a global frame is of it
    "PATIENCE": 1,
    "INTERVAL": 1,
    "NUM_PROPOSALS": 3,
    "MAP_THR_REL": 0.5,
    "MAP_THR_ABS": 0.2,
    "MIN_AREA": 9,
    "BLUR_SIGMA": 3.0,
    "EXTRA_SCALES": [1.0],
    "WINDOW_INFLUENCE": 0.001,
    "FREEZE_UPDATE": True,
    "HOLD": False,
    "SPACING": 2.0,
}
TRAIN: dict[str, Any] = {
    "ALPHA_APP": 0.1,
    "ALPHA_MOT": 0.2,
    "D_APP_EVERY": 5,
    "D_MOT_EVERY": 3,
    "D_APP": "released",  # released, compact
    "D_MOT": "released",
    "D_FACTOR": 1.0,  # learning rate of the discriminators, relative to TRAIN.BASE_LR
    "TARGET_MAP": "box",  # box, gaussian
    "SMOOTHING": 0.0,
    "POSITIVE_WEIGHT": 1.0,
    "GAP": 1,  # largest step between consecutive frames of a clip
    "ZOOM": 0.0,  # probability that only a part of the frames is shown
    "SMALLEST": 0.5,  # its least share of their sides
    "BRIGHTNESS": 0.0,
}
