"""Scores result folders: every tracker that can be read, and for each other one the reason why not."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from toolkit.datasets.sequence import Benchmark
from toolkit.errors import ProtocolError, ResultError
from toolkit.evaluation.base import SCORERS, Scorer
from toolkit.evaluation.bootstrap import confidence_interval
from toolkit.evaluation.records import EvaluationReport, TrackerScores
from toolkit.results.layout import find_trackers, open_tracker


def evaluate(
    benchmark: Benchmark,
    trackers: str | os.PathLike[str] | Mapping[str, str | os.PathLike[str]],
    *,
    prefix: str = "",
    protocol: str | None = None,
    rules: str = "pysot",
    experiment: str = "baseline",
    boxes: str = "xywh",
    ci: bool = False,
    workers: int = 1,
    progress: Callable[[str], None] | None = None,
) -> EvaluationReport:
    """Scores trackers on a benchmark::

        benchmark = load_benchmark("OTB100", "testing_dataset/OTB100")
        report = evaluate(benchmark, "results")
        print(report.trackers["siamrpn_r50"].scores["success"])

    Args:
        benchmark: the sequences to score; a tracker must have results for every one of them.
        trackers: a results folder in PySOT's layout (`results/<benchmark>/<tracker>/`), or tracker name -> the folder
            or archive (`.tar.gz`, `.zip`) with its result files.
        prefix: with a results folder, score only trackers whose name starts with this.
        protocol: one of `toolkit.evaluation.base.SCORERS` instead of the benchmark's.
        rules: of one-pass evaluation one of `toolkit.evaluation.ope.RULES` (`pysot`, `strict`, `lasot`); of VOT with
            restarts `pysot` or `vot-toolkit`.
        experiment: VOT with restarts only, the folder of the runs: `baseline` or `realtime`.
        boxes: runs of one pass only, the form of their boxes: `xywh`, `xyxy` (corners) or `cxcywh` (center).
        ci: also compute 95 % bootstrap intervals over sequences for every headline number.
        workers: trackers scored at the same time, in threads (the kernels run without the interpreter lock).
        progress: called with each tracker's name when it is done.

    Returns:
        The report, best tracker first. A tracker that cannot be read, or lacks sequences of the benchmark, is not in
        `trackers` but in `left_out`, with the reason.

    Raises:
        ResultError: no results folder, or no tracker in it.
        ProtocolError: unknown protocol or rules, or the benchmark's truth is not public.
    """
    chosen = protocol or next((key for key, kind in SCORERS.items() if benchmark.name in kind.benchmarks), None)
    chosen = _by_rules(chosen or benchmark.protocol, rules, benchmark.name)
    kind = SCORERS[chosen]
    given = {"rules": rules, "experiment": experiment, "boxes": boxes}
    if boxes != "xywh" and "boxes" not in kind.options:
        raise ProtocolError(f"{benchmark.name} is scored by {chosen}, whose files have one form.")
    scorer = kind(benchmark, **{name: given[name] for name in kind.options})
    if not isinstance(trackers, Mapping):
        paths = find_trackers(Path(trackers), benchmark.name, prefix, benchmark.names())
    elif trackers:
        paths = {name: Path(path) for name, path in trackers.items()}
    else:
        raise ResultError("No trackers to score: the mapping of names to result folders is empty.")

    def run(name: str) -> TrackerScores | str:
        outcome = _score(scorer, name, paths[name], ci)
        if progress is not None:
            progress(name)
        return outcome

    if workers > 1 and len(paths) > 1:
        with ThreadPoolExecutor(min(workers, len(paths))) as pool:
            outcomes = dict(zip(paths, pool.map(run, paths), strict=True))
    else:
        outcomes = {name: run(name) for name in paths}
    scored = [outcome for outcome in outcomes.values() if isinstance(outcome, TrackerScores)]
    scored.sort(key=lambda one: (-np.nan_to_num(one.scores[kind.headline], nan=-np.inf), one.name))
    return EvaluationReport(
        benchmark=benchmark.name,
        protocol=chosen,
        rules=scorer.rules if boxes == "xywh" else f"{scorer.rules}; boxes read as {boxes}",
        trackers={scores.name: scores for scores in scored},
        left_out={name: outcome for name, outcome in outcomes.items() if isinstance(outcome, str)},
        sequences=tuple(benchmark.names()),
        missing=benchmark.missing,
        axes=scorer.axes,
        windows=scorer.windows,
        attributes=scorer.groups,
    )


def _by_rules(protocol: str, rules: str, benchmark: str) -> str:
    """The scorer of `protocol`, or that which scores the same runs by the rules of its name."""
    if rules not in SCORERS or rules == protocol:
        return protocol
    if SCORERS[rules].rules_for != protocol:
        raise ProtocolError(
            f"The rules '{rules}' are for runs under '{SCORERS[rules].rules_for}'; {benchmark} is scored by "
            f"'{protocol}'. Leave out --rules, or choose the --protocol that was run."
        )
    return rules


def _score(scorer: Scorer, name: str, path: Path, ci: bool) -> TrackerScores | str:
    try:
        scores = scorer.score(open_tracker(path, name))
    except ResultError as error:
        return str(error)
    if ci:
        intervals = {key: confidence_interval(statistic) for key, statistic in scores.statistics.items()}
        scores = replace(scores, ci=intervals)
    return scores
