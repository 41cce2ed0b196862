"""Every config key with its default value, in one tree (docs/config.md).

Keys and values are PySOT's; those that it does not have are marked "ours", and their defaults reproduce its behavior.
The meaning of a tracker's key is with the field of its name in the dataclass of its hyper-parameters, whose defaults
are these (`pysot.config.params`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yacs.config import CfgNode


class Open(dict[str, Any]):
    """A group that also takes keys of the user's own."""


def default_tree() -> CfgNode:
    """A new, writable tree holding all defaults."""
    return _node(DEFAULTS)


def _node(values: Mapping[str, Any]) -> CfgNode:
    # key by key: yacs' constructor would forget which inner groups accept new keys
    node = CfgNode(new_allowed=isinstance(values, Open))
    for key, value in values.items():
        node[key] = _node(value) if isinstance(value, Mapping) else list(value) if isinstance(value, list) else value
    return node


def _crop511(folder: str, annotation: str, frame_range: int, num_use: int) -> Open:
    """A training source of PySOT's form."""
    root = f"training_dataset/{folder}"
    return Open(ROOT=f"{root}/crop511", ANNO=f"{root}/{annotation}.json", FRAME_RANGE=frame_range, NUM_USE=num_use)


_TRAIN: dict[str, Any] = {
    "THR_HIGH": 0.6,
    "THR_LOW": 0.3,
    "NEG_NUM": 16,
    "POS_NUM": 16,
    "TOTAL_NUM": 64,
    "EXEMPLAR_SIZE": 127,
    "SEARCH_SIZE": 255,
    "BASE_SIZE": 8,
    "OUTPUT_SIZE": 25,
    "RESUME": "",
    "PRETRAINED": "",
    "LOG_DIR": "./logs",
    "SNAPSHOT_DIR": "./snapshot",
    "EPOCH": 20,
    "START_EPOCH": 0,
    "BATCH_SIZE": 32,
    "NUM_WORKERS": 1,
    "MOMENTUM": 0.9,
    "WEIGHT_DECAY": 0.0001,
    "CLS_WEIGHT": 1.0,
    "LOC_WEIGHT": 1.2,
    "MASK_WEIGHT": 1.0,
    "PRINT_FREQ": 20,
    "LOG_GRADS": False,
    "GRAD_CLIP": 10.0,
    "BASE_LR": 0.005,
    "LR": {"TYPE": "log", "KWARGS": Open()},
    "LR_WARMUP": {"WARMUP": True, "TYPE": "step", "EPOCH": 5, "KWARGS": Open()},
    # from here on ours
    "OPTIMIZER": "sgd",  # sgd, adam, adamw
    "GRAD_REDUCE": "sum",  # over processes: sum as PySOT, or avg
    "SYNC_BN": False,  # share batch-norm statistics between processes
    "SEED": 123456,
    "DEVICE": "auto",
    "AMP": False,
    "AMP_DTYPE": "bf16",  # bf16 or fp16
    "SAVE_INTERVAL": 500,  # iterations between writings of latest.pth
    "KEEP": 0,  # checkpoint_e*.pth files kept; 0 keeps all
    "HARD_NEGATIVES": 1.0,  # share of the background cells that count, the hardest
    "PARTS": "all",  # all, or refine: SiamMask's refinement stage alone
    "PARTS_FROM": Open(),  # snapshots that parts of the model (dotted names) start from
    "DISTILL": {"TEACHER": "", "LAYER": "layer3", "WEIGHT": 3.0},
    "VALIDATE": {"SEQUENCES": [], "INTERVAL": 1, "MAX_FRAMES": 0},
    # heads that learn from sets of frames: the overlap head of ATOM, and DiMP
    "NUM_TRAIN_FRAMES": 1,
    "NUM_TEST_FRAMES": 1,
    "CAUSAL": False,  # test frames come after train frames
    "SEARCH_AREA_SCALE": 5.0,
    "CROP_MODE": "replicate",  # replicate, shift, inside, inside_major
    "CENTER_JITTER": [0.0, 4.5],  # of train and of test frames
    "SCALE_JITTER": [0.0, 0.5],
    "BRIGHTNESS": 0.2,
    "BOXES_PER_FRAME": 16,
    "SIGMA_FACTORS": [0.01, 0.05, 0.1, 0.2, 0.3],
    "MIN_IOU": 0.1,
    "IOU_WEIGHT": 1.0,
    "BOX_LOSS": "iou",  # iou: squared error of overlaps; kl: density over boxes
    "CLF_LOSS": "hinge",  # DiMP: hinge; PrDiMP: kl
    "CLF_WEIGHTS": [100.0, 100.0, 400.0],  # of the last filter, the first, the mean of those between
    "HINGE_THR": 0.05,
    "LABEL_SIGMA": 0.25,  # standard deviation of the wanted scores, in target sizes
    "LR_GROUPS": Open(),  # learning rate of parts of the model, by dotted name; BASE_LR for the others
}

_DATASET = Open(
    TEMPLATE={"SHIFT": 4, "SCALE": 0.05, "BLUR": 0.0, "FLIP": 0.0, "COLOR": 1.0},
    SEARCH={"SHIFT": 64, "SCALE": 0.18, "BLUR": 0.0, "FLIP": 0.0, "COLOR": 1.0},
    NEG=0.2,
    GRAY=0.0,
    MIRROR=0.0,  # ours: probability that both views are mirrored
    NAMES=("VID", "COCO", "DET", "YOUTUBEBB"),
    VIDEOS_PER_EPOCH=600000,
    CACHE_MIB=0,  # ours: memory for decoded frames, all loader processes together
    VID=_crop511("vid", "train", 100, 100000),
    YOUTUBEBB=_crop511("yt_bb", "train", 3, -1),
    COCO=_crop511("coco", "train2017", 1, -1),
    DET=_crop511("det", "train", 1, -1),
)

_TARGET_AWARE = {
    "ENABLED": False,
    "TYPE": "TAFSelector",
    "LEVELS": [],  # numbers of feature maps; [] is all
    "SOLVER": "ridge",  # ridge, sgd, gradient
    "IMPORTANCE": "weight_sum",  # weight_sum, gradient_gap
    "SELECT": "topk_abs",  # topk_abs, topk, positive, topk_positive
    "TOPK": [],  # like LR and MOMENTUM: one entry per feature map, or one for all
    "KEEP_RATIO": -1.0,  # a share instead of TOPK
    "MIN_TOTAL": 0,
    "MODE": "mask",  # mask, index
    "ITERS": 300,
    "LR": [0.001],
    "MOMENTUM": [0.9],
    "WEIGHT_DECAY": 0.0001,
    "EARLY_STOP": 0.0001,
    "LR_AUTO": True,
    "RIDGE_LAMBDA": 0.1,
    "LABEL_SIGMA_FACTOR": 0.1,
    "LABEL_ALPHA": 0.2,
    "KERNEL_SHRINK": -1,
    "RANK_LOSS": False,
    "RANK_LEVEL": 0,
    "RANK_ITERS": 50,
    "REFIT_INTERVAL": 0,
    "REFIT_SCORE": 0.95,
    "SEED": 1234,
}

_ONLINE = {  # ATOM and DiMP, with ATOM's values; experiments/_base_/dimp.yaml has those of DiMP
    "IMAGE_SAMPLE_SIZE": 288,
    "SEARCH_AREA_SCALE": 5.0,
    "INTEGER_DIVISION": True,
    "MEMORY_SIZE": 250,
    "LEARNING_RATE": 0.01,
    "HN_LEARNING_RATE": 0.02,
    "INIT_MIN_WEIGHT": 0.25,
    "TRAIN_SKIPPING": 10,
    "WINDOW_OUTPUT": False,
    "HN_WITHOUT_WINDOW": False,
    "UPDATE_SCALE_WHEN_UNCERTAIN": True,
    "SEED": 0,
    # where the target is
    "NOT_FOUND_THR": 0.25,
    "DISTRACTOR_THR": 0.8,
    "HARD_NEGATIVE_THR": 0.5,
    "NEIGHBORHOOD_SCALE": 2.2,
    "DISPLACEMENT_SCALE": 0.8,
    "UNCERTAIN_THR": float("-inf"),
    "HARD_SAMPLE_THR": float("-inf"),
    # ATOM's classifier
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
    # DiMP's
    "BORDER_MODE": "replicate",
    "PATCH_MAX_SCALE_CHANGE": 1.5,
    "SCORE_PREPROCESS": "none",
    "TRAIN_SAMPLE_INTERVAL": 1,
    "NET_OPT_ITER": 10,
    "NET_OPT_UPDATE_ITER": 2,
    "NET_OPT_HN_ITER": 1,
    "LOW_SCORE_OPT_THR": float("-inf"),
    "NET_OPT_LOW_ITER": 1,
    "AUG": {
        "FLIP": True,
        "ROTATE": [5, -5, 10, -10, 20, -20, 30, -30, 45, -45, -60, 60],
        "BLUR": [2, 0.2, 0.2, 2, 3, 1, 1, 3, 2, 2],
        "SHIFT": [0.6, 0.6, -0.6, 0.6, 0.6, -0.6, -0.6, -0.6],
        "DROPOUT_NUM": 7,
        "DROPOUT_P": 0.2,
        "EXPANSION": 2.0,
        "RANDOM_SHIFT": 0.333333,
    },
    "BOX": {
        "K": 3,
        "NUM_RANDOM": 9,
        "JITTER_POS": 0.1,
        "JITTER_SZ": 0.5,
        "MAX_ASPECT": 6.0,
        "ITER": 5,
        "STEP": 1.0,
        "DECAY": 1.0,
        "SPACE": "default",
    },
}

_LMT = {
    "FEATURES": "shared",  # shared or crops
    "PATCH_SIDE": 384,
    "N_SAMPLES": 256,
    "TRANS": 0.6,
    "SCALE": 1.05,
    "TRANS_EXPAND": 1.5,
    "TOPK": 5,
    "SUCCESS_THR": 0.0,
    "INIT": "meta",  # meta; for comparison mdnet or none
    "N_POS_INIT": 32,
    "N_NEG_INIT": 96,
    "OVERLAP_POS_INIT": [0.7, 1.0],
    "OVERLAP_NEG_INIT": [0.0, 0.5],
    "N_POS_UPDATE": 50,
    "N_NEG_UPDATE": 200,
    "OVERLAP_POS_UPDATE": [0.7, 1.0],
    "OVERLAP_NEG_UPDATE": [0.0, 0.3],
    "FRAMES_SHORT": 20,
    "FRAMES_LONG": 100,
    "LONG_INTERVAL": 10,
    "SHORT_INTERVAL": 1,
    "LR_UPDATE": 5e-5,
    "LAST_LAYER_MULT": 10.0,
    "ITER_UPDATE": 15,
    "BATCH_POS": 32,
    "BATCH_NEG": 96,
    "NEG_CAND": 1024,
    "GRAD_CLIP": 1000.0,
    "SEED": 0,
    "IOU_GUIDE": {"ENABLED": True, "THRESH": 0.5, "PENALTY": -5.0, "FALLBACK": True},
    "BBREG": {"ENABLED": True, "NUM": 1000, "ALPHA": 1000.0, "OVERLAP": [0.6, 1.0], "SCALE": [1.0, 2.0]},
}

_META = {  # how LMT's training sees a task, and the step inside it
    "INNER_STEPS": 1,
    "ALPHA_INIT": 1e-4,
    "LR_ALPHA": 1e-5,  # of the rates; the weights learn with TRAIN.BASE_LR
    "CLAMP_ALPHA": False,  # keep rates at 0 or above
    "FIRST_ORDER": False,
    "ADAPT_BACKBONE": False,  # the inner step changes the backbone, too
    "ADAPT_IOU": True,
    "IOU_WEIGHT": 1.0,
    "LABEL_SHUFFLE": 0.5,  # share of the tasks whose classes are swapped
    "FOCAL": False,  # samples weighted by 1 - probability of the right class
    "NUM_POS": 32,
    "NUM_NEG": 96,
    "NUM_IOU": 64,
    "IOU_BINS": 10,
    "MIN_SAMPLES": 11,  # a task with fewer positives or negatives is drawn again
    "OVERLAP_POS": [0.7, 1.0],
    "OVERLAP_NEG": [0.0, 0.5],
    "VAL_TASKS": 8,  # look-ahead tasks of each validation sequence
}

_ADV = {  # LMT's adversarial features
    "ENABLED": True,
    "MODE": "search",  # search, gnet, gradient, random
    "NUM_CELLS": 3,
    "PROB": 0.5,
    "WEIGHT": 0.5,
    "TEMPERATURE": 0.1,
    "WARMUP": 2000,  # updates before the first mask
    "INNER": False,
}

_ATTENTION = {
    "ENABLED": False,  # follow the target locally and look for it everywhere when it is lost
    "PROPOSALS": "attention",  # attention; maps: those in MAP_DIR; sliding: windows all over the frame
    "TYPE": "TANet",  # TANet as released, or TANetTiny
    "SNAPSHOT": "tanet_tiny",  # zoo name or file of the network's weights; an experiment's name describes the network
    "MAP_DIR": "",  # maps made by tools/attention.py
    "INPUT_SIZE": 300,
    "CLIP_LEN": 3,
    "CLIP": "causal",  # causal, or centered as released: it sees the next frame
    "KWARGS": Open(),
    "POLICY": {
        "FAIL_THR": -1.0,  # below 0: the tracker's own
        "REDETECT_THR": -1.0,
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
    },
    "TRAIN": {
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
        "D_APP_KWARGS": Open(),
        "D_MOT_KWARGS": Open(),
    },
}

DEFAULTS: dict[str, Any] = {
    "META_ARC": "siamrpn_r50_l234_dwxcorr",  # a free label; dispatch is by HEAD and TRACK
    "PLUGINS": [],  # ours: modules of other packages that register parts (pysot.config.plugins)
    "CUDA": True,  # False: the CPU, where a command does not name a device
    # ours: TYPE is auto or the family of HEAD.TYPE; SNAPSHOT the zoo name of the weights, by default the experiment's;
    # PRECISION, of most convolutions when tracking, is fp32, bf16 or fp16
    "MODEL": {"TYPE": "auto", "SNAPSHOT": "", "PRECISION": "fp32"},
    "TRAIN": _TRAIN,
    "DATASET": _DATASET,
    "BACKBONE": {
        "TYPE": "res50",
        "KWARGS": Open(),
        "PRETRAINED": "",
        "TRAIN_LAYERS": ["layer2", "layer3", "layer4"],
        "LAYERS_LR": 0.1,
        "TRAIN_EPOCH": 10,
    },
    "ADJUST": {"ADJUST": True, "TYPE": "AdjustAllLayer", "KWARGS": Open()},
    "HEAD": {"TYPE": "RPN", "KWARGS": Open()},  # ours: the architecture (pysot.models.meta_arch)
    "RPN": {"TYPE": "MultiRPN", "KWARGS": Open()},
    "BAN": {"BAN": False, "TYPE": "NanoHeadV2", "KWARGS": Open()},  # NanoTrack's anchor-free head
    "IOU": {"TYPE": "IouNet", "KWARGS": Open()},  # ATOM's overlap head
    "POINT": {"STRIDE": 16},  # NanoTrack's grid of points
    "MASK": {"MASK": False, "TYPE": "MaskCorr", "KWARGS": Open()},
    "REFINE": {"REFINE": False, "TYPE": "Refine"},
    "ANCHOR": {"STRIDE": 8, "RATIOS": [0.33, 0.5, 1, 2, 3], "SCALES": [8], "ANCHOR_NUM": 5},
    "TARGET_AWARE": _TARGET_AWARE,  # ours: channels chosen for the target
    "TRACK": {
        "TYPE": "SiamRPNTracker",
        "PENALTY_K": 0.04,
        "WINDOW_INFLUENCE": 0.44,
        "LR": 0.4,
        "EXEMPLAR_SIZE": 127,
        "INSTANCE_SIZE": 255,
        "BASE_SIZE": 8,
        "CONTEXT_AMOUNT": 0.5,
        "LOST_INSTANCE_SIZE": 831,
        "CONFIDENCE_LOW": 0.85,
        "CONFIDENCE_HIGH": 0.998,
        "MASK_THERSHOLD": 0.3,  # spelled as published
        "MASK_OUTPUT_SIZE": 127,
        "OUTPUT_SIZE": 16,  # NanoTrack: side of the response map
        "TADT": {
            "MIN_SIZE": 44.0,
            "MAX_SIZE": 59.0,
            "SEARCH_FACTOR": 3.0,
            "STRIDE": 4,
            "SCALE_CELLS": 2,
            "SCALE_WEIGHTS": [0.99, 1.0, 1.0055],
            "BALANCE_CHANNELS": 49,
        },
        "ONLINE": _ONLINE,
        "LMT": _LMT,
    },
    "META": _META,
    "ADV": _ADV,
    "ATTENTION": _ATTENTION,  # ours: search all over the frame
}
