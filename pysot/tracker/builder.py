"""From a config and a model to a tracker. The only file under tracker/ that reads a cfg."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import nn
from yacs.config import CfgNode

from pysot.core.config import load_config, override_config, validate_config
from pysot.core.errors import ConfigError
from pysot.core.experiments import experiment_name
from pysot.core.runtime import device_of, resolve_device
from pysot.models.builder import build_attention_net, build_model
from pysot.models.inference import prepare_for_inference
from pysot.tracker import atom, dimp, lmt, nanotrack, siammask, siamrpn, siamrpn_lt, tadt
from pysot.tracker.attention import Attention
from pysot.tracker.base import TRACKERS, Tracker
from pysot.tracker.local_global import LocalGlobalTracker, PolicyParams
from pysot.tracker.proposals import MapReading
from pysot.tracker.proposers import AttentionProposer, MapFiles, Proposer, SlidingWindows
from pysot.zoo.loading import load_snapshot
from pysot.zoo.locate import find_snapshot

DEFAULT_EXPERIMENT = "atom_tiny"
__all__ = [
    "atom",
    "build_tracker",
    "dimp",
    "lmt",
    "load_tracker",
    "nanotrack",
    "params_from_config",
    "siammask",
    "siamrpn",
    "siamrpn_lt",
    "snapshot_name",
    "tadt",
]


def build_tracker(cfg: CfgNode, model: nn.Module) -> Tracker:
    """The tracker `cfg.TRACK.TYPE` around `model`, which must be in eval mode and on its device already."""
    validate_config(cfg)
    if cfg.HEAD.TYPE == "ATTENTION":
        raise ConfigError(
            f"The config {cfg.META_ARC} is of an attention network, which tracks nothing by itself. Make its maps with "
            "tools/attention.py, or run a tracker with it, for one siamrpn_tiny_tanet."
        )
    kind = TRACKERS[cfg.TRACK.TYPE]
    tracker = kind(model, params_from_config(cfg, kind.params_type))
    if not cfg.ATTENTION.ENABLED:
        return tracker
    proposer = build_proposer(cfg, device_of(model))
    return LocalGlobalTracker(tracker, proposer, params_from_config(cfg, PolicyParams))


def build_proposer(cfg: CfgNode, device: torch.device) -> Proposer:
    """Who says where to look for a lost target: what ATTENTION.PROPOSALS names."""
    group = cfg.ATTENTION
    if group.PROPOSALS == "sliding":
        return SlidingWindows(group.POLICY.SPACING, group.POLICY.EXTRA_SCALES)
    reading = params_from_config(cfg, MapReading)
    if group.PROPOSALS == "maps":
        return MapFiles(Path(group.MAP_DIR), reading)
    if group.PROPOSALS != "attention":
        raise ConfigError(f"ATTENTION.PROPOSALS is '{group.PROPOSALS}'; expected attention, maps or sliding.")
    return AttentionProposer(load_attention(cfg, group.SNAPSHOT, device), reading)


def load_attention(cfg: CfgNode, snapshot: str | Path, device: torch.device) -> Attention:
    """The attention network that ATTENTION describes, with the weights of `snapshot` (zoo name or file), on `device`.

    Raises `ConfigError` and `SnapshotError` as `load_tracker` does.
    """
    if not snapshot:
        raise ConfigError("ATTENTION.SNAPSHOT is empty. Name the attention network's weights: tanet_tiny, or a file.")
    net = build_attention_net(cfg)
    load_snapshot(net, find_snapshot(snapshot))
    if net.uses_batch_statistics:
        net.eval().requires_grad_(False).to(device)
    else:
        prepare_for_inference(net, device)
    return Attention(net, cfg.ATTENTION.CLIP)


def params_from_config(cfg: CfgNode, params_type: type[Any], group: str = "TRACK") -> Any:
    """An instance of the dataclass `params_type`, each field read from `cfg`.

    Field `penalty_k` comes from `TRACK.PENALTY_K`; a field with the metadata `key` from that key. A class may name
    another group than TRACK as its `config_group`. A field with the metadata `group` is a dataclass itself, and is read
    from that group.
    """
    prefix = getattr(params_type, "config_group", group)
    values = {}
    for field in fields(params_type):
        if "group" in field.metadata:
            assert isinstance(field.default_factory, type)
            values[field.name] = params_from_config(cfg, field.default_factory, field.metadata["group"])
            continue
        node: Any = cfg
        for part in field.metadata.get("key", f"{prefix}.{field.name.upper()}").split("."):
            node = node[part]
        values[field.name] = tuple(node) if isinstance(node, list) else node
    return params_type(**values)


def snapshot_name(cfg: CfgNode, experiment: str | Path) -> str:
    """The zoo name of the weights that the config `cfg`, loaded from `experiment`, uses: its own name if it says no
    other.
    """
    return cfg.MODEL.SNAPSHOT or experiment_name(experiment)


def load_tracker(
    name: str | None = None,
    *,
    config: str | Path | CfgNode | None = None,
    snapshot: str | Path | None = None,
    device: str = "auto",
    opts: Sequence[str] = (),
) -> Tracker:
    """A tracker ready for `init`, with weights.

    Args:
        name: an experiment whose snapshot the zoo knows ("nanotrack_v2"). Without any argument, the project's own
            `atom_tiny`, whose weights come with the package.
        config: instead of `name`: an experiment, a YAML file, or a config from `load_config`.
        snapshot: a `.pth` or `.safetensors` file, or a zoo name; by default the one the config names as
            `MODEL.SNAPSHOT`, else the one named like the experiment.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        opts: KEY VALUE pairs that override config keys, flat.

    Raises:
        ConfigError, SnapshotError, DeviceError: what is wrong, and what to do next.

    Example::

        tracker = pysot.load_tracker("nanotrack_v2", device="cpu")
        tracker.init(frame, (x, y, w, h))
        box = tracker.track(next_frame).box
    """
    if name is not None and config is not None:
        raise ConfigError(f"load_tracker got both a name ('{name}') and a config. Give one of them.")
    source = config if config is not None else name or DEFAULT_EXPERIMENT
    if isinstance(source, CfgNode):
        snapshot = snapshot or source.MODEL.SNAPSHOT
        if not snapshot:
            raise ConfigError("load_tracker got a config object without a snapshot. Pass snapshot=PATH or a zoo name.")
        cfg = override_config(source, opts)
    else:
        cfg = load_config(source, opts)
        snapshot = snapshot or snapshot_name(cfg, source)
    target = resolve_device(device)
    path = find_snapshot(snapshot)
    model = build_model(cfg)
    load_snapshot(model, path)
    return build_tracker(cfg, prepare_for_inference(model, target, cfg.MODEL.PRECISION))
