"""`tools/zoo.py score`: runs the snapshots that are here on the sequences of the board, and writes its data.

A run is kept as soon as it has ended, by the hashes of weights and config, the sequence and the seed, so that an
interrupted command goes on, and only what has changed is run again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm
from yacs.config import CfgNode

import pysot
from pysot.cli.command import EXIT_FINE, EXIT_NOTHING_DONE, EXIT_SOME_FAILED, print_error
from pysot.cli.tracker_options import Experiment, open_experiment
from pysot.cli.zoo.page import SCORES_FILE, write_page
from pysot.config.loading import override_config
from pysot.core.device import cpu_name
from pysot.core.errors import SotError
from pysot.models.builder import build_model
from pysot.tracker.base import TRACKERS
from pysot.tracker.builder import build_tracker
from pysot.zoo.catalog import CATALOG
from pysot.zoo.hashing import sha256_of
from pysot.zoo.locate import find_here, find_snapshot
from pysot.zoo.places import cache_dir
from toolkit.datasets import Benchmark, Sequence, load_benchmark
from toolkit.errors import DatasetError, ToolkitError
from toolkit.evaluation.ope import AT_20, RULES, OpeTruth
from toolkit.protocols.ope import run_ope
from toolkit.protocols.tracker import TrackerLike
from toolkit.report import to_console
from toolkit.report.scoreboard import (
    BENCHMARKS,
    REAL_TARGETS,
    RENDERED,
    BoardEntry,
    SequenceScore,
    board_table,
    merged,
    read_board,
    write_board,
)
from toolkit.results.writer import write_files
from toolkit.utils.opencv import quiet_opencv

DATA_VARIABLE = "PYSOT_DATA"
_OF_TRAINING = ("META_ARC", "CUDA", "TRAIN", "DATASET", "ADV")  # config keys that change no box
_FOLDERS = {"OTB100": "sequences_otb", "VOT2018": "sequences_vot"}  # beside the benchmark's own name

INTERRUPTED = "Interrupted. What has arrived or was measured is kept; the same command goes on with the rest."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="snapshots or experiments; default: all that are here")
    parser.add_argument("--data", type=Path, metavar="DIR", help=f"holds OTB100 and VOT2018; default: ${DATA_VARIABLE}")
    parser.add_argument("--benchmarks", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS), metavar="NAME")
    parser.add_argument("--sequences", nargs="+", metavar="NAME", help="only these; needs --out")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="runs of trackers that draw at random (3)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="torch threads (1, as in PySOT)")
    parser.add_argument("--no-speed", action="store_true", help="the machine is busy: scores without fps")
    parser.add_argument("--fresh", action="store_true", help="run again what has been kept")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the board's data; default: the one of MODEL_ZOO.md")


def run(args: argparse.Namespace) -> int:
    """0 when everything was measured, 1 when some runs failed, 2 when nothing could be run."""
    if args.sequences and args.out is None:
        raise SotError("--sequences measures a part of the board; say with --out FILE where to write it.")
    if args.seeds < 1 or args.threads < 1:
        raise SotError(f"--seeds is {args.seeds} and --threads is {args.threads}; both must be 1 or more.")
    torch.set_num_threads(args.threads)
    experiments = _open_experiments(args.names)
    benchmarks = [part for name in args.benchmarks if (part := _open_benchmark(name, args))]
    out = args.out or SCORES_FILE
    board, failures = read_board(out), 0
    with quiet_opencv():
        for name, experiment in experiments.items():
            entry, failed = _Bench(experiment, args).measure(benchmarks)
            failures += failed
            if entry.results:
                board[name] = merged(board.get(name), entry)
                write_board(out, board)
    if args.out is None:
        write_page()
    print(to_console(board_table(board)), end="")
    if not failures:
        return EXIT_FINE
    return EXIT_SOME_FAILED if any(board[name].results for name in experiments if name in board) else EXIT_NOTHING_DONE


def _open_experiments(names: list[str]) -> dict[str, Experiment]:
    """What to run, by name. Raises `SotError` when a name is unknown, or its weights are not here."""
    if not names:
        names = [entry.name for entry in CATALOG.values() if entry.is_tracker and find_here(entry) is not None]
    found = {}
    for name in names:
        entry = CATALOG.get(name)
        if entry is not None and not entry.is_tracker:
            raise SotError(f"'{name}' is no tracker by itself ({entry.note or entry.family}); it cannot be scored.")
        config = entry.configs[0] if entry is not None else name
        found[name] = open_experiment(config, entry.name if entry is not None else None, download=False)
    return found


def _open_benchmark(name: str, args: argparse.Namespace) -> Benchmark | None:
    """The board's sequences of a benchmark; None, and a line that says so, when they are not here."""
    root = args.data or (Path(os.environ[DATA_VARIABLE]) if DATA_VARIABLE in os.environ else None)
    if name == RENDERED:
        benchmark = load_benchmark(RENDERED)
    elif root is None:
        print_error("zoo score", f"{name} is left out: say with --data or ${DATA_VARIABLE} where it lies.")
        return None
    else:
        beside = root / _FOLDERS[name]
        try:
            benchmark = load_benchmark(name, beside if beside.is_dir() else root)
        except DatasetError as error:
            print_error("zoo score", f"{name} is left out: {error}")
            return None
    wanted = REAL_TARGETS.get(name, tuple(benchmark.names()))
    kept = tuple(s for s in benchmark if s.name in wanted and (not args.sequences or s.name in args.sequences))
    return replace(benchmark, sequences=kept) if kept else None


@dataclass(frozen=True)
class _Run:
    """One run of one sequence, as it is kept."""

    success: float
    precision: float
    frames: int
    seconds: float
    timed: bool
    machine: str
    threads: int


class _Bench:
    """Runs one tracker; its model is built at the first run that is not kept."""

    def __init__(self, experiment: Experiment, args: argparse.Namespace) -> None:
        self.experiment, self.args = experiment, args
        self.machine = f"{cpu_name()}, {os.cpu_count()} cores, torch {torch.__version__}"
        self.snapshot = sha256_of(experiment.weights)
        self.config = config_hash(experiment.cfg)
        self.seed_key = seed_key(experiment.cfg)
        self.model: nn.Module | None = None

    def measure(self, benchmarks: list[Benchmark]) -> tuple[BoardEntry, int]:
        """What the tracker scores, and how many sequences failed."""
        results: dict[str, dict[str, SequenceScore]] = {}
        failed = 0
        jobs = [(benchmark.name, sequence) for benchmark in benchmarks for sequence in benchmark]
        for name, sequence in tqdm(jobs, desc=self.experiment.name, unit="sequence", disable=None, leave=False):
            try:
                scores = self._score(name, sequence)
            except (SotError, ToolkitError) as error:
                failed += 1
                print_error("zoo score", f"{self.experiment.name}, {sequence.name}: {error}")
            else:
                results.setdefault(name, {})[sequence.name] = scores
        entry = BoardEntry(
            snapshot=self.snapshot,
            config=self.config,
            experiment=self.experiment.config,
            parameters=sum(weight.numel() for weight in build_model(self.experiment.cfg).parameters()),
            size=self.experiment.weights.stat().st_size,
            machine=self.machine,
            threads=self.args.threads,
            date=date.today().isoformat(),
            command=f"python tools/zoo.py score --data DIR --threads {self.args.threads} --seeds {self.args.seeds}",
            results=results,
        )
        return entry, failed

    def _score(self, benchmark: str, sequence: Sequence) -> SequenceScore:
        """The scores of a sequence, one run per seed."""
        count = self.args.seeds if self.seed_key else 1
        runs = [self._run(benchmark, sequence, seed) for seed in range(count)]
        timed = all(self._is_timed(run) for run in runs)
        return SequenceScore(
            tuple(run.success for run in runs),
            tuple(run.precision for run in runs),
            runs[0].frames,
            tuple(run.seconds for run in runs) if timed else (),
        )

    def _run(self, benchmark: str, sequence: Sequence, seed: int) -> _Run:
        folder = cache_dir() / "scores" / f"{self.snapshot[:16]}-{self.config[:16]}" / benchmark
        path = folder / f"{sequence.name}-{seed}.json"
        if not self.args.fresh:
            with suppress(OSError, ValueError, TypeError):  # none is kept, or one of another form
                kept = _Run(**json.loads(path.read_text(encoding="utf-8")))
                if self.args.no_speed or self._is_timed(kept):
                    return kept
        result = run_ope(self._tracker(seed), sequence)
        curves = OpeTruth([sequence], RULES["pysot"]).score([result.boxes_xywh])
        run = _Run(
            success=float(curves.success.mean()),
            precision=float(curves.precision[0, AT_20]),
            frames=len(result.boxes_xywh) - 1,
            seconds=float(np.sum(result.seconds[1:])),
            timed=not self.args.no_speed,
            machine=self.machine,
            threads=self.args.threads,
        )
        write_files({path: json.dumps(asdict(run))})
        return run

    def _is_timed(self, run: _Run) -> bool:
        """Whether the run's speed is one of this machine with these threads."""
        return run.timed and run.machine == self.machine and run.threads == self.args.threads

    def _tracker(self, seed: int) -> TrackerLike:
        cfg: CfgNode = self.experiment.cfg
        if self.seed_key:
            cfg = override_config(cfg, [self.seed_key, str(seed)])
        if self.model is None:
            self.model = pysot.load_tracker(config=cfg, snapshot=self.experiment.weights, device="cpu").model
        return build_tracker(cfg, self.model)


def seed_key(cfg: CfgNode) -> str | None:
    """The config key of the seed that the tracker of `cfg` draws from; None when it draws nothing."""
    params = TRACKERS[cfg.TRACK.TYPE].params_type
    for field in fields(params):
        if field.name == "seed":
            key: str = field.metadata.get("key", f"{getattr(params, 'config_group', 'TRACK')}.SEED")
            return key
    return None


def config_hash(cfg: CfgNode) -> str:
    """sha256 of what tracking depends on in `cfg`: everything but training, and the weights of an attention network."""
    kept = {name: group for name, group in cfg.items() if name not in _OF_TRAINING}
    if cfg.ATTENTION.ENABLED and cfg.ATTENTION.SNAPSHOT:
        kept["attention"] = sha256_of(find_snapshot(cfg.ATTENTION.SNAPSHOT, download=False))
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
