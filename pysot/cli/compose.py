"""`pysot compose`: which backbone works with which head, or why not; and the config of a backbone with a head."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from yacs.config import CfgNode

import pysot.training.recipes  # noqa: F401  (fills RECIPES)
from pysot.cli.command import EXIT_FINE
from pysot.config.loading import dump_changes, get_cfg, override_config
from pysot.core.errors import ConfigError
from pysot.models.backbone import BACKBONES
from pysot.models.builder import build_outline
from pysot.models.head import BAN_HEADS, BOX_POOLS, RPN_HEADS
from pysot.models.parts import make_part
from pysot.tracker.systems import TRACKERS
from pysot.training.recipes.base import RECIPES

LEVELS: tuple[list[Any], ...] = (
    [], [3], [2, 3], [0, 1, 2, 3], [0, 2, 3, 5],
    ["conv4_3"], ["conv3_3", "conv4_3"], ["conv1_2", "conv2_2", "conv3_3", "conv4_3"],
)  # fmt: skip
"""What is tried for BACKBONE.KWARGS.used_layers, one after the other; [] is the backbone's own choice."""
WAYS = tuple(itertools.product((False, True), repeat=2))
"""TARGET_AWARE.ENABLED and ATTENTION.ENABLED."""


def heads() -> dict[str, dict[str, Any]]:
    """What a config says to choose each head, by the head's name."""
    siamese = {"HEAD.TYPE": "RPN", "TRACK.TYPE": "SiamRPNTracker"}
    mask = {"RPN.TYPE": "DepthwiseRPN", "MASK.MASK": True, "REFINE.REFINE": True, "TRACK.TYPE": "SiamMaskTracker"}
    found: dict[str, dict[str, Any]] = {}
    found |= {name: {**siamese, "RPN.TYPE": name} for name in RPN_HEADS}
    found["SiamMask"] = {**siamese, **mask}
    found |= {name: {"HEAD.TYPE": "BAN", "TRACK.TYPE": "NanoTracker", "BAN.TYPE": name} for name in BAN_HEADS}
    found["IOUNET"] = {"HEAD.TYPE": "IOUNET", "TRACK.TYPE": "ATOMTracker"}
    found["DIMP"] = {"HEAD.TYPE": "DIMP", "TRACK.TYPE": "DiMPTracker"}
    for name in BOX_POOLS:
        found[f"LMT {name}"] = {"HEAD.TYPE": "LMT", "TRACK.TYPE": "LMTTracker", "HEAD.KWARGS.pool": name}
    found["TADT"] = {"HEAD.TYPE": "TADT", "TRACK.TYPE": "TADTTracker"}
    return found


def compose(backbone: str, head: str, opts: Mapping[str, Any] | None = None) -> CfgNode:
    """A config of a backbone and a head (a key of `heads`), with the levels and strides that fit, and `opts`.

    Raises `ConfigError`, that of the backbone's own levels, when no levels of `LEVELS` fit.
    """
    reason: ConfigError | None = None
    for levels in LEVELS:
        try:
            return _with_levels(backbone, head, levels, dict(opts or {}))
        except ConfigError as error:
            reason = reason or error
    assert reason is not None
    raise reason


def _with_levels(backbone: str, head: str, levels: Sequence[Any], opts: dict[str, Any]) -> CfgNode:
    keywords = {"used_layers": list(levels)} if levels else {}
    keywords |= {key.rpartition(".")[2]: value for key, value in opts.items() if key.startswith("BACKBONE.KWARGS.")}
    with torch.device("meta"):
        outline = make_part(BACKBONES, backbone, keywords)
    stride = outline.specs[-1].stride
    values: dict[str, Any] = {
        "BACKBONE.TYPE": backbone,
        "BACKBONE.TRAIN_LAYERS": list(outline.stages),
        "BACKBONE.TRAIN_EPOCH": 0,
        **{f"BACKBONE.KWARGS.{key}": value for key, value in keywords.items()},
        **heads()[head],
        **opts,
    }
    own = {"RPN": "ANCHOR.STRIDE", "BAN": "POINT.STRIDE", "TADT": "TRACK.TADT.STRIDE"}.get(values["HEAD.TYPE"])
    cfg = _config({**values, own: stride} if own else values)
    model: Any = build_outline(cfg).eval()
    TRACKERS[cfg.TRACK.TYPE].from_config(cfg, model)
    if cfg.HEAD.TYPE in ("RPN", "BAN"):
        model.response(cfg.TRACK.EXEMPLAR_SIZE, cfg.TRACK.INSTANCE_SIZE)
        side = model.response(cfg.TRAIN.EXEMPLAR_SIZE, cfg.TRAIN.SEARCH_SIZE).side
        cfg = override_config(cfg, ["TRAIN.OUTPUT_SIZE", side])
    return cfg


def _config(values: Mapping[str, Any]) -> CfgNode:
    return override_config(get_cfg(), [item for pair in values.items() for item in pair])


def verdict(backbone: str, head: str) -> str:
    """`works`, or the message of the refusal; where not every way of searching works, of the first that does not."""
    for selects, attends in WAYS:
        try:
            compose(backbone, head, {"TARGET_AWARE.ENABLED": selects, "ATTENTION.ENABLED": attends})
        except ConfigError as error:
            return str(error)
    return "works"


def matrix() -> dict[tuple[str, str], str]:
    """The `verdict` of every registered backbone with every head."""
    return {(backbone, head): verdict(backbone, head) for backbone in BACKBONES for head in heads()}


def as_markdown(verdicts: Mapping[tuple[str, str], str]) -> str:
    """A table of backbones and heads, with a number for each reason of a refusal, and below it the reasons."""
    reasons = list(dict.fromkeys(text for text in verdicts.values() if text != "works"))
    names, settings = list(dict.fromkeys(head for _, head in verdicts)), heads()
    titles = [name + ("" if settings[name]["HEAD.TYPE"] in RECIPES else " (tracked, not trained)") for name in names]
    lines = [f"| backbone | {' | '.join(titles)} |", "| --- " * (len(names) + 1) + "|"]
    for backbone in dict.fromkeys(backbone for backbone, _ in verdicts):
        texts = [verdicts[backbone, head] for head in names]
        cells = ["yes" if text == "works" else f"no ({reasons.index(text) + 1})" for text in texts]
        lines.append(f"| {backbone} | {' | '.join(cells)} |")
    works = sum(text == "works" for text in verdicts.values())
    ways = f"each with and without TARGET_AWARE and ATTENTION, {len(WAYS) * works} of {len(WAYS) * len(verdicts)}"
    lines += ["", f"{works} of {len(verdicts)} pairs work ({works / len(verdicts):.0%}), {ways}. Refused:", ""]
    return "\n".join(lines + [f"{number}. {text}" for number, text in enumerate(reasons, start=1)])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    parser.add_argument("backbone", nargs="?", help="print the config of this backbone with HEAD instead of the table")
    parser.add_argument("head", nargs="?", help="a column of the table")


def run(args: argparse.Namespace) -> int:
    """Prints the table of all registered backbones and heads, those of plug-ins too, or the config of one pair.

    Raises `ConfigError` for names that are not in the table, and for a pair that does not work.
    """
    if args.backbone is None:
        print(as_markdown(matrix()))
        return EXIT_FINE
    for name, known, what in ((args.backbone, list(BACKBONES), "backbone"), (args.head, list(heads()), "head")):
        if name not in known:
            raise ConfigError(f"The {what} '{name}' is not in the table. Use one of: {', '.join(known)}.")
    print(dump_changes(compose(args.backbone, args.head)), end="")
    return EXIT_FINE
