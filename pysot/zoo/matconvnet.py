"""Weights in MatConvNet's `.mat` files: VGG-M and VGG-16 for ImageNet
(http://www.vlfeat.org/matconvnet/pretrained).

A file holds `layers`, a cell array of structs; those of type `conv` have a name and either `weights`, a cell of filters
and biases, or the two as fields of their own, as older files do. Filters are (height, width, in, out), single
precision. MatConvNet correlates, as torch does, so that only the axes change their places.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pysot.core.errors import SnapshotError

_VGG16_STAGES = (2, 2, 3, 3, 3)
_OF_STAGE = re.compile(r"conv(\d)_(\d)")


def read_matconvnet(path: Path) -> dict[str, Tensor]:
    """The convolutions in `path`, under the names of our backbones.

    `conv1` to `conv5` of VGG-M keep their names; `conv1_1` ... of VGG-16 get torchvision's numbers, `features.0` ...
    Fully connected layers are convolutions here: `fc6.weight` is (4096, 512, 7, 7) in VGG-16.

    Raises `SnapshotError` when scipy is absent, or the file is not one of MatConvNet.
    """
    state = {}
    for layer in _layers(path):
        if _text(layer, "type") != "conv":
            continue
        name = _text(layer, "name")
        try:
            filters, biases = _weights(layer)
        except (ValueError, TypeError, IndexError, KeyError) as error:
            raise SnapshotError(
                f"{path}: layer '{name}' has no filters and biases as MatConvNet keeps them."
            ) from error
        key = _own_name(name)
        state[f"{key}.weight"] = torch.from_numpy(np.ascontiguousarray(filters.transpose(3, 2, 0, 1)))
        state[f"{key}.bias"] = torch.from_numpy(np.ascontiguousarray(biases))
    if not state:
        raise SnapshotError(f"{path} holds no convolutions. A MatConvNet network was expected.")
    return state


def _own_name(name: str) -> str:
    match = _OF_STAGE.fullmatch(name)
    if match is None:
        return name
    stage, index = int(match[1]), int(match[2])
    # Each stage is so many convolutions, each with a ReLU, and a pooling.
    return f"features.{sum(2 * count + 1 for count in _VGG16_STAGES[: stage - 1]) + 2 * (index - 1)}"


def _layers(path: Path) -> list[Any]:
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise SnapshotError(f"{path} is a MATLAB file, and reading it needs scipy: pip install scipy") from error
    try:
        content = loadmat(path, variable_names=["layers"])
    except Exception as error:  # a damaged file may break the parser in any way
        raise SnapshotError(
            f"{path} ({path.stat().st_size} bytes) cannot be read; it is probably truncated or not a MATLAB 5 file. "
            f"Get it again. ({type(error).__name__})"
        ) from error
    cells = content.get("layers")
    if not isinstance(cells, np.ndarray) or cells.dtype != object:
        raise SnapshotError(f"{path} holds no cell array `layers`. A MatConvNet network was expected.")
    return [cell.ravel()[0] for cell in cells.ravel() if isinstance(cell, np.ndarray) and cell.size == 1]


def _text(layer: Any, name: str) -> str:
    """A field of text of a layer; empty when it has none of this name."""
    if not isinstance(layer, np.void) or name not in (layer.dtype.names or ()):
        return ""
    value = np.asarray(layer[name]).ravel()
    return str(value[0]) if value.size else ""


def _weights(layer: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    if "weights" in layer.dtype.names:
        filters, biases = layer["weights"].ravel()[:2]
    else:
        filters, biases = layer["filters"], layer["biases"]
    if not all(isinstance(part, np.ndarray) and part.dtype == np.float32 for part in (filters, biases)):
        raise TypeError("single precision was expected")
    filters = filters.reshape(filters.shape + (1,) * (4 - filters.ndim))  # MATLAB drops trailing axes of one
    if filters.ndim != 4 or biases.size != filters.shape[3]:
        raise ValueError("filters (height, width, in, out) and as many biases were expected")
    return filters, biases.ravel()
