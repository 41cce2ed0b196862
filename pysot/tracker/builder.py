"""From a config and a model, or a name, to a tracker."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn
from yacs.config import CfgNode

from pysot.config.experiments import experiment_name
from pysot.config.loading import ensure_validated, load_config, override_config
from pysot.core.device import resolve_device
from pysot.core.errors import ConfigError
from pysot.models.builder import build_model
from pysot.models.inference import prepare_for_inference
from pysot.models.meta_arch import MODELS
from pysot.tracker.base import Tracker, trackers_of
from pysot.tracker.global_search.tracker import LocalGlobalTracker
from pysot.tracker.systems import TRACKERS
from pysot.zoo.loading import load_snapshot
from pysot.zoo.locate import find_snapshot

DEFAULT_EXPERIMENT = "atom_tiny"


def build_tracker(cfg: CfgNode, model: nn.Module) -> Tracker:
    """The tracker `cfg.TRACK.TYPE` around `model`, which must be in eval mode and on its device already; with a search
    all over the frame around it where ATTENTION.ENABLED is True.

    Raises `ConfigError` when no tracker can run models of this HEAD.TYPE.
    """
    ensure_validated(cfg)
    if not trackers_of(cfg.HEAD.TYPE):
        heads = sorted({head for name in TRACKERS for head in TRACKERS[name].heads})
        raise ConfigError(
            f"HEAD.TYPE {cfg.HEAD.TYPE} (config {cfg.META_ARC}) can be trained, not tracked: no tracker runs its "
            f"models. Trackers exist for {', '.join(heads)}. An attention network is used beside one of them "
            "(siamrpn_tiny_tanet), or makes its maps with tools/attention.py."
        )
    if not isinstance(model, MODELS[cfg.HEAD.TYPE]):  # type: ignore[arg-type]
        raise ConfigError(
            f"build_tracker got a {type(model).__name__}; HEAD.TYPE {cfg.HEAD.TYPE} needs a "
            f"{MODELS[cfg.HEAD.TYPE].__name__}. Make it with pysot.models.builder.build_model(cfg); a "
            "ModelBuilder of PySOT's API is run by pysot.tracker.tracker_builder.build_tracker(model)."
        )
    kind = LocalGlobalTracker if cfg.ATTENTION.ENABLED else TRACKERS[cfg.TRACK.TYPE]
    return kind.from_config(cfg, model)


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
    target = device_for(cfg, device)
    path = find_snapshot(snapshot)
    model = build_model(cfg)
    load_snapshot(model, path)
    return build_tracker(cfg, prepare_for_inference(model, target, cfg.MODEL.PRECISION))


def device_for(cfg: CfgNode, name: str) -> torch.device:
    """The device called `name`; with `auto`, the CPU where CUDA is False, else the best there is."""
    return resolve_device("cpu" if name == "auto" and not cfg.CUDA else name)
