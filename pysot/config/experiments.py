"""Experiments by name: `experiments/<name>/config.yaml` in a checkout, or beside the installed package."""

from __future__ import annotations

from pathlib import Path

from pysot.core.errors import ConfigError
from pysot.core.registry import closest

CONFIG_FILE = "config.yaml"
_PACKAGE = Path(__file__).resolve().parents[1]


def experiments_dir() -> Path:
    """The folder that holds one folder per experiment."""
    in_checkout = _PACKAGE.parent / "experiments"
    return in_checkout if in_checkout.is_dir() else _PACKAGE / "experiments"


def list_experiments() -> list[str]:
    """Names of all experiments that come with the toolkit, sorted."""
    return sorted(path.parent.name for path in experiments_dir().glob(f"*/{CONFIG_FILE}"))


def find_config(name_or_path: str | Path) -> Path:
    """The config file meant by an experiment's name, a YAML file, or a folder holding `config.yaml`.

    Raises `ConfigError` when there is none; the message names the closest experiment.
    """
    path = Path(name_or_path)
    candidates = (path, path / CONFIG_FILE, experiments_dir() / str(name_or_path) / CONFIG_FILE)
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    names = list_experiments()
    raise ConfigError(
        f"Config '{name_or_path}' is neither a file nor an experiment.{closest(str(name_or_path), names)} "
        f"Experiments: {', '.join(names)}."
    )


def experiment_name(config: str | Path) -> str:
    """What an experiment is called: its folder for `.../<name>/config.yaml`, else the file's stem."""
    path = find_config(config)
    return path.resolve().parent.name if path.name == CONFIG_FILE else path.stem
