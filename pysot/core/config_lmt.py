"""The config groups of LMT: TRACK.LMT, META and ADV (specs/config.md sections 2.4 and 2.7)."""

from __future__ import annotations

from typing import Any

TRACK: dict[str, Any] = {
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
}
"""Beside the groups below. What each means is with the field of its name in `pysot.tracker.lmt_params.LmtParams`."""
IOU_GUIDE: dict[str, Any] = {"ENABLED": True, "THRESH": 0.5, "PENALTY": -5.0, "FALLBACK": True}
BBREG: dict[str, Any] = {"ENABLED": True, "NUM": 1000, "ALPHA": 1000.0, "OVERLAP": [0.6, 1.0], "SCALE": [1.0, 2.0]}

META: dict[str, Any] = {
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
"""How training sees a task, and the step inside it (`pysot.training.meta.MetaParams`, `pysot.datasets.tasks`)."""
ADV: dict[str, Any] = {
    "ENABLED": True,
    "MODE": "search",  # search, gnet, gradient, random
    "NUM_CELLS": 3,
    "PROB": 0.5,
    "WEIGHT": 0.5,
    "TEMPERATURE": 0.1,
    "WARMUP": 2000,  # updates before the first mask
    "INNER": False,
}
"""Adversarial features (`pysot.training.adversarial.AdversarialParams`)."""
