"""Recorded outputs of the reference implementations; README.md says how they were made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent


def recorded(name: str) -> Any:
    """The content of a file of this folder: of `.json` as it stands, of `.npz` its arrays by name."""
    path = FOLDER / name
    if path.suffix == ".json":
        return json.loads(path.read_text())
    with np.load(path) as arrays:
        return dict(arrays)
