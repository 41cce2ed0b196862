"""`pysot list`: the experiments that come with the toolkit, and where the snapshot of each is."""

from __future__ import annotations

import argparse

from pysot.cli.command import EXIT_FINE
from pysot.config.experiments import experiments_dir, list_experiments
from pysot.config.loading import load_config
from pysot.core.errors import SnapshotError
from pysot.tracker.builder import snapshot_name
from pysot.zoo.catalog import find_entry
from pysot.zoo.locate import find_here, find_snapshot
from pysot.zoo.places import zoo_places

_AT_FIRST_USE = "not here; downloaded at first use"
_NONE = "no snapshot known by this name; give --snapshot FILE"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`: none."""


def run(args: argparse.Namespace) -> int:
    """Prints a line per experiment, its name and the snapshot's file or how to get one, then the places; returns 0."""
    names = list_experiments()
    width = max(map(len, names), default=0)
    for name in names:
        print(f"{name:{width}}  {snapshot_state(name)}")
    print(f"experiments: {experiments_dir()}")
    print(f"snapshots are looked for in: {', '.join(map(str, zoo_places()))}", flush=True)
    return EXIT_FINE


def found_snapshots() -> list[str]:
    """One line for each experiment whose snapshot is on this machine, usable or not."""
    states = {name: snapshot_state(name) for name in list_experiments()}
    return [f"{name}: {state}" for name, state in states.items() if state not in (_AT_FIRST_USE, _NONE)]


def snapshot_state(name: str) -> str:
    """The file of an experiment's snapshot; else whether it is damaged, can be downloaded, or is nowhere."""
    name = snapshot_name(load_config(name), name)
    try:
        return str(find_snapshot(name, download=False))
    except SnapshotError as error:
        entry = find_entry(name)
        if entry is not None and find_here(entry) is not None:
            return f"unusable: {error}"
        return _AT_FIRST_USE if entry is not None and entry.urls else _NONE
