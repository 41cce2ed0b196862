"""From a config and a model to a tracker. The only file under tracker/ that reads a cfg."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import nn
from yacs.config import CfgNode

from pysot.config.experiments import experiment_name
from pysot.config.loading import load_config, override_config, validate_config
from pysot.config.params import params_from_config
from pysot.core.device import device_of, resolve_device
from pysot.core.errors import ConfigError
from pysot.models.builder import build_model
from pysot.models.inference import prepare_for_inference
from pysot.tracker import atom, dimp, nanotrack, siammask, siamrpn, tadt
from pysot.tracker.base import TRACKERS, Tracker
from pysot.tracker.global_search.proposers import build_proposer
from pysot.tracker.global_search.tracker import LocalGlobalTracker, PolicyParams
from pysot.tracker.lmt import tracker as lmt
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
