"""Which model a snapshot of the catalog is for, and its weights as that model wants them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from pysot.config.experiments import list_experiments
from pysot.config.loading import load_config
from pysot.models.attention import ATTENTION_NETS
from pysot.models.attention.c3d import motion_trunk
from pysot.models.backbone import BACKBONES
from pysot.models.builder import build_model
from pysot.zoo.catalog import find_entry
from pysot.zoo.loading import load_weights, read_fitting, read_state_dict


def model_for(name: str) -> nn.Module | None:
    """The model that the snapshot `name` is for: a tracker's, that of an experiment of this name, or a backbone with
    fresh weights. Trackers are without storage, for comparisons only. None when no model here takes the snapshot.
    """
    entry = find_entry(name)
    config = name if name in list_experiments() else entry.configs[0] if entry is not None and entry.configs else ""
    with torch.device("meta"):
        if entry is not None and entry.form in MODELS_OF_FORMS:
            return MODELS_OF_FORMS[entry.form]()
        if config:
            return build_model(load_config(config))
    return BACKBONES[entry.backbone]() if entry is not None and entry.backbone else None


MODELS_OF_FORMS: Mapping[str, Callable[[], nn.Module]] = {
    "metasdnet": lambda: build_model(load_config("lmt_vggm_otb", ["HEAD.KWARGS.iou_branch", "False"])),
    "ddgan": lambda: ATTENTION_NETS["TANet"](),
    "c3d": motion_trunk,
}
"""The models of snapshots that no experiment is named after."""


def fitting_weights(file: Path, name: str) -> dict[str, Tensor]:
    """The weights in `file` under the names of the model that `name` is for, every one compared with it.

    A backbone's file keeps what it has beyond the backbone, a classifier say. Where no model here takes the weights,
    they are as the file has them, under our names.

    Raises `SnapshotError` when they cannot be read, or do not fit.
    """
    model = model_for(name)
    if model is None:
        return read_state_dict(file)
    entry = find_entry(name)
    if entry is not None and entry.backbone and not entry.configs:
        load_weights(model, file)
        return read_state_dict(file)
    return read_fitting(model, file)
