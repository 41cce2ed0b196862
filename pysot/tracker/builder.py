"""From a config and a model to a tracker. The only file under tracker/ that reads a cfg."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from torch import nn
from yacs.config import CfgNode

from pysot.core.config import load_config, override_config, validate_config
from pysot.core.errors import ConfigError
from pysot.core.experiments import experiment_name
from pysot.core.runtime import resolve_device
from pysot.models.builder import build_model
from pysot.models.inference import prepare_for_inference
from pysot.tracker import atom, nanotrack, siammask, siamrpn, siamrpn_lt
from pysot.tracker.base import TRACKERS, Tracker
from pysot.zoo.loading import load_snapshot
from pysot.zoo.locate import find_snapshot

DEFAULT_EXPERIMENT = "siamrpn_tiny"
__all__ = [
    "atom",
    "build_tracker",
    "load_tracker",
    "nanotrack",
    "params_from_config",
    "siammask",
    "siamrpn",
    "siamrpn_lt",
]


def build_tracker(cfg: CfgNode, model: nn.Module) -> Tracker:
    """The tracker `cfg.TRACK.TYPE` around `model`, which must be in eval mode and on its device already."""
    validate_config(cfg)
    tracker = TRACKERS[cfg.TRACK.TYPE]
    return tracker(model, params_from_config(cfg, tracker.params_type))


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
            `siamrpn_tiny`, whose weights come with the package.
        config: instead of `name`: an experiment, a YAML file, or a config from `load_config`.
        snapshot: a `.pth` or `.safetensors` file, or a zoo name; by default the one named like the experiment.
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
        if snapshot is None:
            raise ConfigError("load_tracker got a config object without a snapshot. Pass snapshot=PATH or a zoo name.")
        cfg = override_config(source, opts)
    else:
        cfg = load_config(source, opts)
        snapshot = snapshot or experiment_name(source)
    target = resolve_device(device)
    path = find_snapshot(snapshot)
    model = build_model(cfg)
    load_snapshot(model, path)
    return build_tracker(cfg, prepare_for_inference(model, target))
